"""Files as other products write them."""

# ruff: noqa: E501 - lines are theirs

YOURLS_TABLE = """\
keyword,url,title,timestamp,ip,clicks
ozh,https://ozh.org/,"Ozh, RICHARD","2013-02-05 18:15:20",127.0.0.1,12
"""

YOURLS_PLUGIN_TABLE = "source,target,hits\r\n/ozh/,https://ozh.org/,12\r\n"

YOURLS_STATS = """\
{"links":{"link_1":{"shorturl":"http:\\/\\/localhost:8000\\/y\\/ozh","url":"https:\\/\\/ozh.org\\/",
"title":"Ozh, RICHARD","timestamp":"2013-02-05 18:15:20","ip":"127.0.0.1","clicks":"12"}},
"stats":{"total_links":"1","total_clicks":"12"},"statusCode":200,"message":"success"}"""

YOURLS_LIST = """\
{"result":[{"keyword":"ozh","url":"https://ozh.org/","title":"Ozh, RICHARD",
"timestamp":"2013-02-05 18:15:20","ip":"127.0.0.1","clicks":"12"}]}"""

MYSQLDUMP = r"""-- MySQL dump 10.13  Distrib 5.7.20, for Linux (x86_64)
/*!40101 SET NAMES utf8 */;
INSERT INTO `yourls_options` VALUES (1,'version','1.7'),(2,'INSERT INTO `yourls_url` VALUES (','x');
DROP TABLE IF EXISTS `yourls_log`;
CREATE TABLE `yourls_log` (
  `click_id` int(11) NOT NULL AUTO_INCREMENT,
  `shorturl` varchar(200) NOT NULL
) ENGINE=InnoDB;
LOCK TABLES `yourls_log` WRITE;
INSERT INTO `yourls_log` VALUES (1,'2013-02-06 08:00:00','ozh','https://www.t.co/x?y','Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/62.0.3202.97 Safari/537.36','192.0.2.7','US'),(2,'2013-02-06 09:00:00','ozh','direct','Googlebot/2.1 (+http://www.google.com/bot.html)','192.0.2.8',''),(3,'2013-02-06 10:00:00','gone','direct','x','192.0.2.9','FR');
UNLOCK TABLES;
INSERT INTO `yourls_url` VALUES ('ozh','https://ozh.org/','Ozh, RICHARD','2013-02-05 18:15:20','127.0.0.1',12),('it-s','https://example.com/?a=1&b=\'x\'','It\'s; (\"so\"),\n<ok>',NULL,'::1',0);
"""

PHPMYADMIN = r"""-- phpMyAdmin SQL Dump
SET time_zone = "+00:00";

INSERT INTO `short_url` (`url`, `keyword`, `title`, `timestamp`, `clicks`, `ip`) VALUES
('https://ozh.org/', 'ozh', 'Ozh, RICHARD', '2013-02-05 18:15:20', 12, '127.0.0.1'),
(0x68747470733a2f2f6578616d706c652e636f6d2f3f613d3126623d277827, 'it-s', 'It''s; ("so"),
<ok>', NULL, 0, _utf8'::1');

INSERT INTO `short_log` (`click_id`, `click_time`, `shorturl`, `referrer`, `user_agent`, `ip_address`, `country_code`) VALUES
(1, '2013-02-06 08:00:00', 'ozh', 'direct', 'Googlebot/2.1', '', 'us');
"""

KUTT = """\
{"total":3,"limit":10,"skip":0,"data":[
{"address":"kutt","banned":false,"created_at":"2024-03-01T10:00:00.000Z","description":"A note",
"domain":null,"expire_in":"2030-01-01T00:00:00.000Z","id":"b5ab4a1c-0000-4000-8000-000000000000",
"link":"https://kutt.example/kutt","password":false,"target":"https://example.com/kutt",
"updated_at":"2024-03-02T10:00:00.000Z","visit_count":7},
{"address":"secret","banned":false,"created_at":"2024-03-01T10:00:00.000Z","description":null,
"domain":"localhost:8000","expire_in":null,"link":{"link":"x/secret","url":"https://x/secret"},
"password":true,"target":"https://example.com/secret","updated_at":"2024-03-01T10:00:00.000Z",
"visit_count":0},
{"address":"bad","banned":true,"created_at":"2024-03-01T10:00:00.000Z","password":false,
"target":"https://example.com/bad","visit_count":1}]}"""

SHLINK_TABLE = """\
"createdAt","domain","shortCode","shortUrl","longUrl","title","tags","visits"
"2024-01-02T03:04:05+01:00","go.example","shl","https://go.example/shl","https://example.com/s","T","a|b c","42"
"""

SHLINK = """\
{"shortUrls":{"data":[
{"shortCode":"shl","shortUrl":"https://s.example/shl","longUrl":"https://example.com/s",
"deviceLongUrls":{"android":null},"dateCreated":"2024-01-02T03:04:05+01:00",
"visitsSummary":{"total":42,"nonBots":40,"bots":2},"tags":["a","b c"],
"meta":{"validSince":"2029-12-31T00:00:00+00:00","validUntil":"2030-01-01T00:00:00+00:00","maxVisits":100},
"domain":null,"title":"T","crawlable":false,"forwardQuery":true},
{"shortCode":"old","longUrl":"https://example.com/o","dateCreated":"2020-01-02T03:04:05+00:00",
"visitsCount":3,"tags":[],"meta":{},"domain":"localhost:8000"},
{"shortCode":"two/parts","longUrl":"https://example.com/p","dateCreated":"2024-01-02T03:04:05+00:00"}
],"pagination":{"currentPage":1,"pagesCount":1}}}"""

BITLY_TABLE = """\
Title,Long URL,Bitlink,Created At,Tags,Total Engagements
Spring,https://example.com/spring,https://bit.ly/3abcDEF,2024-04-01 12:00:00,"mail, shop","1,024"
Own,https://example.com/own,localhost:8000/own,2024-04-02,,5
"""

BITLY = """\
{"links":[
{"created_at":"2024-04-01T12:00:00+0000","id":"bit.ly/3abcDEF","link":"https://bit.ly/3abcDEF",
"custom_bitlinks":["https://bit.ly/spring"],"long_url":"https://example.com/spring",
"title":"Spring","archived":false,"tags":["mail","shop"],"deeplinks":[],"references":{}},
{"created_at":"2024-04-02T00:00:00+0000","id":"bit.ly/4xyz","link":"https://bit.ly/4xyz",
"custom_bitlinks":["https://localhost:8000/own","https://go.example/own"],
"long_url":"https://example.com/own","archived":true,"tags":[]}],
"pagination":{"next":"","size":50,"page":1,"total":2}}"""

DUB_TABLE = """\
"Short link","Destination URL",Title,Tags,"Created at",Clicks,Archived
https://dub.sh/sale,https://example.com/sale,Sale,"mail, shop",2024-04-01T12:00:00.000Z,9,true
"""

DUB = """\
[{"id":"link_1","domain":"dub.sh","key":"sale","url":"https://example.com/sale?utm_source=mail",
"archived":true,"expiresAt":"2030-01-01T00:00:00.000Z","expiredUrl":null,"password":null,
"proxy":false,"title":"Sale","description":"Its own","image":"https://example.com/own.png",
"rewrite":false,"doIndex":false,"ios":null,"android":null,"geo":null,"publicStats":false,
"tags":[{"id":"tag_1","name":"mail","color":"red"},{"id":"tag_2","name":"shop","color":"blue"}],
"comments":"For Bob","shortLink":"https://dub.sh/sale","utm_source":"mail","utm_medium":null,
"testVariants":null,"testStartedAt":null,"testCompletedAt":null,"clicks":9,
"lastClicked":"2024-05-01T00:00:00.000Z","createdAt":"2024-04-01T12:00:00.000Z",
"updatedAt":"2024-04-02T12:00:00.000Z"},
{"id":"link_2","domain":"go.example","key":"card","url":"https://example.com/card",
"password":"open sesame","proxy":true,"title":null,"description":"A card",
"image":"https://example.com/card.png","rewrite":true,"tags":null,"comments":"For Ann",
"clicks":0,"lastClicked":null,"createdAt":"2024-04-03T12:00:00.000Z"}]"""
