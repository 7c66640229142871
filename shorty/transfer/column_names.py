"""What other products call the columns of their tables. `tests/transfer/products.py` has examples.

Names are folded by `tables.fold_column`.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from shorty.transfer.lines import COLUMNS
from shorty.transfer.states import END_FIELDS, KNOWN_FIELDS
from shorty.transfer.tables import fold_column

# The surest first: a row's cell is that of the first of these columns that is not empty.
NAMES: Final = {
    "destination": (
        *("destination", "destinationurl", "longurl", "originalurl", "targeturl", "target"),
        *("redirecturl", "fullurl", "longlink", "originallink", "linkurl", "destinationlink"),
        *(
            "deeplinkurl",
            "redirectto",
            "forwardto",
            "desturl",
            "finalurl",
            "longaddress",
            "urloriginal",
        ),
    ),
    "slug": (
        *("slug", "shortcode", "keyword", "customslug", "backhalf", "custombackhalf", "shortid"),
        *("slashtag", "alias", "customalias", "shorturlcode", "linkslug", "urlslug", "shortslug"),
        *("shortkey", "shortname", "shortpath", "shorthash", "urlkey", "urlcode", "linkkey"),
        *("linkcode", "linkalias", "urlalias", "customname", "customending", "customkeyword"),
    ),
    "short url": (
        *("shorturl", "shortlink", "bitlink", "shortenedurl", "shortenedlink", "short"),
        *("shortened", "tinyurl", "tinylink", "rebrandlink", "brandedlink", "brandedurl"),
        *("prettylink", "prettyurl", "vanityurl", "customurl", "customlink", "secureshorturl"),
        *("shortaddress", "shortdynamiclink"),
    ),
    "domain": (
        *("domain", "brandeddomain", "host", "hostname", "customdomain", "domainname"),
        *("domainfullname", "shortdomain", "domainhostname"),
    ),
    # Notes are for the link's owner, as titles are; a description is shown in previews.
    "title": (
        *("title", "label", "titlelabel", "linktitle", "linkname", "pagetitle", "note", "notes"),
        *("comment", "comments", "linknote", "memo"),
    ),
    "description": ("description", "metadescription", "ogdescription", "previewdescription"),
    "tags": ("tags", "tag", "labels", "tagnames", "taglist", "categories", "category"),
    "created": (
        *("createdat", "created", "createddate", "datecreated", "creationdate", "timestamp"),
        *("createdon", "createdtime", "creationtime", "createtime", "dateadded", "addedat"),
        *("linkdategmt", "linkdate", "createdatgmt", "createdatutc", "dateofcreation", "date"),
    ),
    "updated": (
        *("updatedat", "updated", "modifiedat", "lastmodified", "modified", "updatedon"),
        *("lastupdated", "lastupdatedat", "linkmodifiedgmt", "linkmodified", "datemodified"),
    ),
    "expires": END_FIELDS,
    "clicks": (
        *("clickcount", "clicks", "visits", "visitcount", "totalclicks", "hits", "engagements"),
        *("totalengagements", "clicksalltime", "count", "counter", "clickscount", "totalhits"),
        *("totalvisits", "hitcount", "linkclicks", "numclicks", "views", "viewcount"),
    ),
    "scans": ("scans", "qrscans"),
    "bio clicks": ("bioclicks",),
    "redirect": (
        *("redirecttype", "redirectcode", "redirectstatus", "redirectstatuscode", "statuscode"),
        *("httpstatus", "httpcode", "httpstatuscode", "responsecode"),
    ),
}
# The other fields of a link have columns of their names in our table; other products call some so.
_SYNONYMS: Final = {
    "forwardparameters": (
        *("forwardquery", "paramforwarding", "forwardparams", "queryforwarding"),
        *("passparameters", "forwardqueryparams"),
    ),
    "cloaked": ("cloak", "cloaking"),
    "image": ("ogimage", "previewimage"),
    "gtmcontainerid": ("gtmid", "gtmcontainer"),
    "hidereferrer": ("hidereferer", "noreferrer"),
    "isstarred": ("starred", "favorite", "favourite"),
}
OTHERS: Final = {
    folded: (folded, *_SYNONYMS.get(folded, ()))
    for folded in map(fold_column, COLUMNS)
    if folded not in {"url", "redirect", *KNOWN_FIELDS}
    if not any(folded in names for names in NAMES.values())
}
IGNORED: Final = frozenset(
    {
        *("id", "ip", "uuid", "guid", "userid", "linkid", "createdby", "creator", "iscustom"),
        *("isapi", "longurlhash", "linkorder", "linkauthor", "nofollow", "sponsored", "trackme"),
        *(
            "type",
            "format",
            "path",
            "domainid",
            "leads",
            "sales",
            "saleamount",
            "cid",
            "paramstruct",
        ),
    }
)


class Nature(StrEnum):
    """What all the cells of a column may be."""

    STATUS = "statuses of HTTP"
    FLAG = "yes or no"
    URL = "URLs"
    SHORT_URL = "short links"
    PATH = "paths"
    WORD = "words or paths"
    ANY = "anything"


class Meaning(NamedTuple):
    """A column is of this field if its cells are of this nature."""

    nature: Nature
    field: str


NOTHING: Final = ""
_STATUS: Final = Meaning(Nature.STATUS, "redirect")
_FLAG: Final = Meaning(Nature.FLAG, NOTHING)
_SHORT: Final = Meaning(Nature.SHORT_URL, "short url")
_PATH: Final = Meaning(Nature.PATH, "slug")
_WORD: Final = Meaning(Nature.WORD, "slug")
_DESTINATION: Final = Meaning(Nature.URL, "destination")
_ANY_DESTINATION: Final = Meaning(Nature.ANY, "destination")
_NAMELESS: Final = (_STATUS, _FLAG, _SHORT, _WORD)
# Names with two meanings and more, the surest name first. The first meaning counts that the cells
# have and that no surer column has taken.
DOUBTFUL: Final[dict[str, tuple[Meaning, ...]]] = {
    "url": (_ANY_DESTINATION, _SHORT, _WORD),
    "original": (_ANY_DESTINATION,),
    "long": (_ANY_DESTINATION,),
    "deeplink": (_DESTINATION,),
    "website": (_DESTINATION,),
    "href": (_DESTINATION,),
    "redirect": (_STATUS, _FLAG, _DESTINATION, Meaning(Nature.ANY, "redirect")),
    "link": (
        *(_DESTINATION, Meaning(Nature.SHORT_URL, "destination")),
        *(_SHORT, _WORD, _ANY_DESTINATION),
    ),
    "address": (_DESTINATION, _SHORT, _WORD),
    "key": _NAMELESS,
    "code": _NAMELESS,
    "path": _NAMELESS,
    "source": (_DESTINATION, _SHORT, _WORD),
    "origin": (_DESTINATION, _SHORT, _PATH),
    "name": (_SHORT, _PATH, Meaning(Nature.ANY, "title")),
    "status": (_STATUS,),
    "type": (_STATUS,),
}

# As a person names them: `--column "slug=short id"`, in any spelling of fold_column.
FIELD_NAMES: Final = (
    *("destination", "slug", "short url", "domain", "title", "description", "tags", "created"),
    *("updated", "starts", "expires", "clicks", "max clicks", "redirect", "active", "password"),
    "ignore",
)
