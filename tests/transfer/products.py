"""What other products call the columns of their tables, an example row of each, and its link.

Headings are those of exports, import templates and database tables, as the products' manuals and
sources have them.
"""

from typing import Any, NamedTuple

URL = "https://example.com/sale?a=1"


class Product(NamedTuple):
    """`expected` are the fields of the link beside its destination; `clicks` its count."""

    name: str
    heading: str
    row: str
    slug: str
    domain: str = ""
    clicks: int = 0
    closed: tuple[str, ...] = ()
    expected: dict[str, Any] = {}  # noqa: RUF012 - only read


PRODUCTS = [
    Product(
        *("Bitly", "Title,Long URL,Bitlink,Created At,Tags,Total Engagements"),
        *(f'Sale,{URL},https://bit.ly/sale,2024-04-01 12:00:00,"mail, shop","1,024"', "sale"),
        *("bit.ly", 1024),
        expected={"title": "Sale", "tag_names": ("mail", "shop")},
    ),
    Product("Bitly, import", "long_url,custom_back-half,title,tags", f"{URL},sale,T,a|b", "sale"),
    Product(
        *("Rebrandly", "Domain,Slashtag,Destination,Title,Clicks"),
        *(f"go.example,sale,{URL},Sale,142", "sale", "go.example", 142),
        expected={"title": "Sale"},
    ),
    Product(
        *("Rebrandly, API", "id,createdAt,shortUrl,domain,slashtag,destination"),
        *(f"abc123,2024-01-15T10:30:00.000Z,go.example/sale,go.example,sale,{URL}", "sale"),
        "go.example",
    ),
    Product(
        *("Short.io", "Original URL,Short URL,Path,Title,Created at,Clicks,Tags"),
        *(f"{URL},https://go.example/sale,sale,T,2024-01-15T10:30:00.000Z,7,a", "sale"),
        *("go.example", 7),
        expected={"title": "T", "tag_names": ("a",)},
    ),
    Product("Short.io, import", "originalURL,path,title", f"{URL},sale,T", "sale"),
    Product(
        *("TinyURL", "Domain,Alias,TinyURL,Long URL,Created At,Clicks"),
        *(f"tinyurl.com,sale,https://tinyurl.com/sale,{URL},2024-01-15,3", "sale"),
        *("tinyurl.com", 3),
    ),
    Product(
        *("T2M", "Short URL,Long URL,Title,Clicks,Created Date"),
        *(f'https://t2m.io/sale,{URL},T,5,"Jan 5, 2024 at 3:04 PM"', "sale", "t2m.io", 5),
        expected={"title": "T"},
    ),
    Product(
        *(
            "Dub",
            '"Short link","Destination URL",Title,Description,Tags,"Created at",Clicks,Archived',
        ),
        *(f'https://go.example/sale,{URL},T,D,"a, b",2024-01-15T10:30:00.000Z,9,true', "sale"),
        *("go.example", 9),
        expected={"title": "T", "description": "D", "tag_names": ("a", "b")},
    ),
    Product(
        "Dub, table", "domain,key,url,clicks", f"go.example,sale,{URL},2", "sale", "go.example", 2
    ),
    Product(
        *(
            "Kutt",
            "id,address,banned,created_at,description,domain_id,expire_in,password,target,visit_count",
        ),
        *(f"1,sale,f,2024-03-01 10:00:00+00,Note,,,,{URL},7", "sale", "", 7),
        expected={"title": "Note", "description": None},
    ),
    Product(
        *("Kutt, banned", "address,target,banned", f"sale,{URL},t", "sale", "", 0, ("banned",)),
    ),
    Product(
        *("Shlink web client", "createdAt,domain,shortCode,shortUrl,longUrl,title,tags,visits"),
        *(f"2025-10-09T05:26:23+00:00,go.example,a/b,https://go.example/a/b,{URL},T,a|b,4", "a/b"),
        *("go.example", 4),
        expected={"title": "T", "tag_names": ("a", "b")},
    ),
    Product(
        *("Shlink, table", "id,original_url,short_code,date_created,max_visits,valid_until"),
        *(f"1,{URL},v1.2,2024-01-15 10:30:00,NULL,NULL", "v1.2"),
    ),
    Product(
        *("YOURLS", "keyword,url,title,timestamp,ip,clicks"),
        *(f"sale,{URL},T,2013-02-05 18:15:20,127.0.0.1,12", "sale", "", 12),
        expected={"title": "T"},
    ),
    Product("YOURLS, Import Export", "source,target,hits", f"/sale/,{URL},12", "sale", "", 12),
    Product(
        *(
            "Polr",
            "id,short_url,long_url,ip,creator,clicks,secret_key,is_disabled,is_custom,is_api",
        ),
        *(f"1,sale,{URL},127.0.0.1,ann,3,,0,1,0", "sale", "", 3),
    ),
    Product(
        *("Polr, closed", "short_url,long_url,secret_key,is_disabled", f"sale,{URL},k3y,1", "sale"),
        closed=("disabled", "password"),
    ),
    Product("chhoto-url", "shortlink,longlink,hits", f"sale,{URL},2", "sale", "", 2),
    Product(
        *("chhoto-url, table", "id,short_url,long_url,hits,expiry_time"),
        *(f"1,sale,{URL},2,0", "sale", "", 2),
    ),
    Product(
        *("tiny.cc", '"url";"short_id";"note"', f'"{URL}";"37s";"Funny stuff"', "37s"),
        expected={"title": "Funny stuff"},
    ),
    Product(
        "tiny.cc, short URLs", '"url";"short_url"', f'"{URL}";"custom.com/37r"', "37r", "custom.com"
    ),
    Product(
        *("Pretty Links", "url,slug,name,redirect_type,param_forwarding,link_status,created_at"),
        *(f"{URL},go/sale,T,307,on,enabled,2024-01-15 10:30:00", "go/sale"),
        expected={"title": "T", "status": 307, "forward_parameters": True},
    ),
    Product(
        *("Pretty Links, disabled", "url,slug,link_status", f"{URL},sale,disabled", "sale"),
        closed=("disabled",),
    ),
    Product(
        *(
            "BetterLinks",
            "ID,link_author,link_date,link_date_gmt,link_title,link_slug,link_note,link_status,redirect_type,target_url,short_url",
        ),
        *(
            f"1,1,2024-01-15 11:30:00,2024-01-15 10:30:00,T,sale,N,publish,307,{URL},go/sale",
            "go/sale",
        ),
        expected={"title": "T", "status": 307},
    ),
    Product(
        *("Redirection", "source,target,regex,code,type,hits,title,status"),
        *(f'"/sale","{URL}",0,301,"url",8,"T","active"', "sale", "", 8),
        expected={"title": "T", "status": 301},
    ),
    Product(
        *("Yoast SEO", "Origin,Target,Type,Format", f'"/sale","{URL}","308","plain"', "sale"),
        expected={"status": 308},
    ),
    Product(
        *("Firebase Dynamic Links", "Link name,Short link,Deep link URL,Created,Clicks"),
        *(f"T,https://x.page.link/m9Mm,{URL},2023-01-02,6", "m9Mm", "x.page.link", 6),
        expected={"title": "T"},
    ),
    Product(
        "Cuttly",
        "Short link;Original link;Title;Clicks;Date",
        f"https://cutt.ly/sale;{URL};T;4;2024-01-05",
        "sale",
        "cutt.ly",
        4,
    ),
    Product("Sink", "slug,url,comment,createdAt,expiration", f"sale,{URL},N,1704448800,0", "sale"),
    Product("Switchy", "link,slug", f"{URL},sale", "sale"),
    Product(
        "Replug",
        "Link URL,Short Link,Total Clicks",
        f"{URL},https://replug.link/sale,5",
        "sale",
        "replug.link",
        5,
    ),
    Product(
        *("JotURL", "short_url,destination_url,alias,notes,tags,visits"),
        *(f"https://jo.my/sale,{URL},sale,N,a,11", "sale", "jo.my", 11),
    ),
    Product("Lstu", "short,url,counter,created_at", f"sale,{URL},10,1704448800", "sale", "", 10),
    Product(
        "Urlr",
        "url;code;domain;label;password;tags",
        f"{URL};sale;go.example;T;;a",
        "sale",
        "go.example",
    ),
    Product(
        *("Linksnap", "id,url,slug,shortUrl,clicks,tags,status,createdAt"),
        *(f"lnk_1,{URL},sale,https://go.example/sale,142,[],active,2026-01-15T10:00:00Z", "sale"),
        *("go.example", 142),
    ),
    Product(
        "Google Sheets",
        "Long URL,Short URL",
        f"{URL},https://go.example/sale",
        "sale",
        "go.example",
    ),
    Product(
        *("Slash", "name,link,title", f"/sale,{URL},T", "sale"),
        expected={"title": "T"},
    ),
    Product(
        *("OneTimeLink", "shortcode,original_url,has_secret,max_usages", f"sale,{URL},1,0", "sale"),
        closed=("password", "limit"),
    ),
]
