"""Links that were closed at their old home are closed here, and the import says why."""

from contextlib import closing
from pathlib import Path

import pytest

from shorty.links.model import Link
from shorty.transfer.files import PIECE_BYTES, OpenFile
from shorty.transfer.hashes import find_password, is_hashed_secret
from shorty.transfer.model import SourceName
from shorty.transfer.states import is_no, is_nothing, judge_word
from shorty.transfer.terms import parse_limit
from shorty.transfer.yourls import find_passwords
from tests.support import NOW
from tests.transfer.making import House, get_only, import_text

URL = "https://example.com/"


async def import_one(house: House, source: SourceName, text: str) -> tuple[Link, dict[str, int]]:
    told = await import_text(house, source, text)
    assert (told.state, told.created, told.failed) == ("done", 1, 0)
    return await get_only(house), {str(reason): n for reason, n in told.switched_off.items()}


@pytest.mark.parametrize(
    ("columns", "cells", "reason"),
    [
        ("banned", "true", "banned"),
        ("is_disabled", "1", "disabled"),
        ("Disabled", "disabled", "disabled"),
        ("link_status", "disabled", "disabled"),
        ("status", "paused", "paused"),
        ("status", "suspended", "disabled"),
        ("state", "Password protected", "password"),
        ("status", "quarantine zone", "unknown state"),
        ("enabled", "0", "disabled"),
        ("is_active", "no", "disabled"),
        ("is_published", "false", "draft"),
        ("archived", "yes", "archived"),
        ("visibility", "private", "private"),
        ("is_public", "no", "private"),
        ("end", "some day", "end"),
        ("blocked_at", "2024-01-01", "blocked"),
        ("deleted_at", "2024-01-01 10:00:00", "deleted"),
        ("has_secret,max_usages", "true,", "password"),
        ("secret_key", "k3y", "password"),
        ("password", "****", "password"),
        ("max_clicks", "0", "limit"),
        ("max_usages", "0", "limit"),
        ("max_clicks", "some", "limit"),
        ("remaining_clicks", "0", "used up"),
        ("status", "scheduled", "start"),
        ("valid_since,expires_at", "2099-01-02,2099-01-01", "start"),
        ("starts_at", "some day", "start"),
        ("expires", "some day", "end"),
        ("ios", "shop://open", "rules"),
        ("geo", "true", "rules"),
        ("geo", '"{""Germany"": ""https://example.de/""}"', "rules"),
        ("redirect_rules", "[{}]x", "rules"),
        ("allowed_countries", "DE", "rules"),
    ],
)
async def test_a_row_that_was_closed_comes_in_switched_off(
    house: House, columns: str, cells: str, reason: str
) -> None:
    link, switched_off = await import_one(house, "csv", f"url,slug,{columns}\n{URL},a,{cells}\n")
    assert (link.is_active, switched_off) == (False, {reason: 1})


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("banned", "false"),
        ("is_disabled", "0"),
        ("blocked", "unblocked"),
        ("deleted_at", "NULL"),
        ("deleted_at", "0000-00-00 00:00:00"),
        ("status", "301"),
        ("visibility", "public"),
        ("is_public", "true"),
        ("status", "active"),
        ("status", "OK"),
        ("is_active", "1"),
        ("has_secret,max_usages", "false,5"),
        ("has_password,password", "true,open sesame"),
        ("max_clicks", ""),
        ("max_clicks", "-1"),
        ("max_clicks", "unlimited"),
        ("valid_since", "2001-01-01"),
        ("geo", "{}"),
        ("ios", "17"),
    ],
)
async def test_a_row_that_was_open_stays_open(house: House, columns: str, cells: str) -> None:
    link, switched_off = await import_one(house, "csv", f"url,slug,{columns}\n{URL},a,{cells}\n")
    assert (link.is_active, switched_off) == (True, {})


@pytest.mark.parametrize(
    ("source", "text", "reason"),
    [
        ("kutt", '{"data":[{"address":"a","target":"URL","banned":true}]}', "banned"),
        ("kutt", '{"data":[{"address":"a","target":"URL","password":true}]}', "password"),
        ("kutt", '{"data":[{"address":"a","target":"URL","expire_in":"soon"}]}', "end"),
        ("shlink", '[{"shortCode":"a","longUrl":"URL","meta":{"maxVisits":0}}]', "limit"),
        ("shlink", '[{"shortCode":"a","longUrl":"URL","hasRedirectRules":true}]', "rules"),
        (
            "shlink",
            '[{"shortCode":"a","longUrl":"URL","deviceLongUrls":{"ios":"https://evil.example/"}}]',
            "rules",
        ),
        (
            "shlink",
            (
                '[{"shortCode":"a","longUrl":"URL","redirectRules":[{"longUrl":"https://x.example/"'
                ',"conditions":[{"type":"moon","matchValue":"full"}]}]}]'
            ),
            "rules",
        ),
        ("dub", '[{"key":"a","url":"URL","android":"market://details?id=a"}]', "rules"),
        ("dub", '[{"key":"a","url":"mailto:a@b.example","ios":"https://x.example/"}]', "rules"),
        ("dub", '[{"key":"a","url":"URL","testCompletedAt":"soon"}]', "rules"),
        ("dub", '[{"key":"a","url":"URL","disabledAt":"2026-01-01T00:00:00Z"}]', "disabled"),
        ("bitly", '[{"link":"bit.ly/a","long_url":"URL","deeplinks":[{"os":"ios"}]}]', "rules"),
        ("kutt", "address,target,banned\na,URL,true\n", "banned"),
        ("kutt", "address,target,password\na,URL,$2a$12$abcdefghijklmnopqrstuu\n", "password"),
        ("yourls", '{"result":[{"keyword":"a","url":"URL","disabled":"1"}]}', "disabled"),
        ("yourls", "keyword,url,status\na,URL,inactive\n", "disabled"),
        ("yourls", "source,target,hits,expires\n/a/,URL,1,soon\n", "end"),
        (
            "yourls",
            "INSERT INTO `yourls_url` (keyword, url, is_active) VALUES ('a', 'URL', 0);",
            "disabled",
        ),
        ("bitly", '[{"link":"bit.ly/a","long_url":"URL","is_deleted":true}]', "deleted"),
    ],
)
async def test_an_entry_that_was_closed_comes_in_switched_off(
    house: House, source: SourceName, text: str, reason: str
) -> None:
    link, switched_off = await import_one(house, source, text.replace("URL", URL))
    assert (link.is_active, switched_off) == (False, {reason: 1})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("csv", f"url,slug,valid_since\n{URL},a,2099-01-01\n"),
        ("csv", f"url,slug,status,starts_at\n{URL},a,scheduled,2099-01-01\n"),
        ("csv", f"url,slug,valid_since,expires_at\n{URL},a,2099-01-01,2099-01-02\n"),
        (
            "shlink",
            f'[{{"shortCode":"a","longUrl":"{URL}","meta":{{"validSince":"2099-01-01T00:00:00Z"}}}}]',
        ),
    ],
)
async def test_what_starts_later_starts_then(house: House, source: SourceName, text: str) -> None:
    link, switched_off = await import_one(house, source, text)
    assert (link.is_active, link.valid_since, switched_off) == (True, 4_070_908_800_000, {})


async def test_what_ended_before_its_start_is_expired(house: House) -> None:
    link, switched_off = await import_one(
        house, "csv", f"url,slug,valid_since,expires_at\n{URL},a,2099-01-01,2020-01-01\n"
    )
    assert (link.is_active, link.valid_since, link.expires_at) == (True, None, 1_577_836_800_000)
    assert switched_off == {}


OURS = (
    '{"kind":"export","format":2,"exportedAt":1}\n{"kind":"link","id":"1","url":"URL",'
    '"domain":"go.example","slug":"a","createdAt":1,"updatedAt":1}\n'
)
LINKS: list[tuple[SourceName, str]] = [
    ("csv", "url,slug\nURL,a\n"),
    ("kutt", '{"data":[{"address":"a","target":"URL"}]}'),
    ("shlink", '{"shortUrls":{"data":[{"shortCode":"a","longUrl":"URL"}]}}'),
    ("bitly", '{"links":[{"link":"bit.ly/a","long_url":"URL"}]}'),
    ("dub", '[{"key":"a","url":"URL"}]'),
    ("yourls", '{"result":[{"keyword":"a","url":"URL"}]}'),
    ("yourls", "source,target,hits\n/a/,URL,1\n"),
    ("yourls", "INSERT INTO `yourls_url` (keyword, url) VALUES ('a', 'URL');"),
    ("shorty", OURS),
]


@pytest.mark.parametrize(("source", "text"), LINKS)
@pytest.mark.parametrize(
    ("url", "link_type", "stored"),
    [
        ("mailto:ana@example.com", "MAILTO", "mailto:ana@example.com"),
        ("TEL:+1 201 555 0123", "TEL", "tel:+12015550123"),
        ("sms:+12015550123?body=Hi", "SMS", "sms:+12015550123?body=Hi"),
    ],
)
async def test_mail_and_phone_links_come_in_as_such(
    house: House, source: SourceName, text: str, url: str, link_type: str, stored: str
) -> None:
    link, _ = await import_one(house, source, text.replace("URL", url))
    assert (link.link_type, link.url, link.slug) == (link_type, stored, "a")


OPTIONS = (
    "INSERT INTO `yourls_options` VALUES (1,'version','1.9'),(2,'matthew_pwprotection','KEPT');\n"
)
DUMPED = "INSERT INTO `yourls_url` (keyword, url) VALUES ('a', 'https://example.com/');\n"


def write_dump(kept: str, place: str = "before") -> str:
    options = OPTIONS.replace("KEPT", kept)
    return options + DUMPED if place == "before" else DUMPED + options


@pytest.mark.parametrize("place", ["before", "behind"])
async def test_a_plugin_of_yourls_keeps_its_passwords(house: House, place: str) -> None:
    text = write_dump('{"b":"other","a":"open sesame"}', place)
    link, switched_off = await import_one(house, "yourls", text)
    assert (link.password_hash is not None, link.is_active, switched_off) == (True, True, {})


async def test_a_hash_of_a_plugin_of_yourls_is_no_password(house: House) -> None:
    link, switched_off = await import_one(house, "yourls", write_dump('{"a":"' + "5f" * 20 + '"}'))
    assert (link.password_hash is not None, link.is_active, switched_off) == (
        False,
        False,
        {"password": 1},
    )


@pytest.mark.parametrize("kept", ["null", "[]", "", '{"b":"other"}', '["0"]'])
async def test_a_link_without_a_password_of_the_plugin_is_open(house: House, kept: str) -> None:
    link, _ = await import_one(house, "yourls", write_dump(kept))
    assert (link.password_hash is not None, link.is_active) == (False, True)


@pytest.mark.parametrize("kept", ['{"a":', '{"a":["x"]}', '"a"'])
async def test_passwords_of_the_plugin_that_cannot_be_read_stop_the_import(
    house: House, kept: str
) -> None:
    told = await import_text(house, "yourls", write_dump(kept))
    assert (told.state, told.created) == ("failed", 0)


@pytest.mark.parametrize("ahead", range(60, 110, 7))
def test_passwords_of_the_plugin_are_found_across_pieces_and_by_numbers(
    tmp_path: Path, ahead: int
) -> None:
    path = tmp_path / "yourls.sql"
    path.write_text("-- " + "x" * (PIECE_BYTES - ahead) + "\n" + write_dump('["zero","one"]'))
    with closing(OpenFile(path)) as file:
        assert find_passwords(file) == {"0": "zero", "1": "one"}


@pytest.mark.parametrize("source", ["kutt", "csv"])
async def test_kutts_notes_are_not_shown_to_visitors(house: House, source: SourceName) -> None:
    text = f"address,target,description\na,{URL},For Bob only\n"
    link, _ = await import_one(house, source, text)
    assert (link.title, link.description) == ("For Bob only", None)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("kutt", '{"data":[{"address":"a","target":"URL","created_at":"one day"}]}'),
        ("shlink", '[{"shortCode":"a","longUrl":"URL","dateCreated":"one day"}]'),
        ("bitly", '[{"link":"bit.ly/a","long_url":"URL","created_at":"one day"}]'),
        ("yourls", '[{"keyword":"a","url":"URL","timestamp":"one day"}]'),
    ],
)
async def test_a_date_that_cannot_be_read_is_a_remark(
    house: House, source: SourceName, text: str
) -> None:
    told = await import_text(house, source, text.replace("URL", URL))
    assert (told.created, told.remarks, told.is_clean) == (1, {"dates": 1}, False)
    assert (await get_only(house)).created_at == NOW


async def test_what_had_expired_is_expired(house: House) -> None:
    link, switched_off = await import_one(
        house, "csv", f"url,slug,expired,expires_at\n{URL},a,true,2020-01-01\n"
    )
    assert (link.is_active, link.expires_at, switched_off) == (True, 1_577_836_800_000, {})


async def test_what_had_expired_some_time_ago_expires_now(house: House) -> None:
    told = await import_text(house, "csv", f"url,slug,status\n{URL},a,expired\n")
    assert ((await get_only(house)).expires_at, told.remarks) == (NOW, {"dates": 1})


async def test_what_was_used_up_is_used_up(house: House) -> None:
    link, switched_off = await import_one(
        house, "csv", f"url,slug,clicks,max_clicks,remaining_clicks\n{URL},a,7,7,0\n"
    )
    assert (link.is_active, link.max_clicks, link.clicks, switched_off) == (True, 7, 7, {})


async def test_a_limit_that_bots_used_up_stays_used_up(house: House) -> None:
    """Shlink counts them, shorty does not."""
    text = (
        '[{"shortCode":"a","longUrl":"https://example.com/","meta":{"maxVisits":10},'
        '"visitsSummary":{"total":10,"bots":4}}]'
    )
    told = await import_text(house, "shlink", text)
    link = await get_only(house)
    assert (link.is_active, link.clicks, link.max_clicks) == (True, 6, 6)
    assert told.remarks == {"limits": 1}
    assert not told.is_clean


@pytest.mark.parametrize(
    ("fields", "reason"),
    [('"passwordHash":"$2y$10$abcdefgh"', "password"), ('"maxClicks":0', "limit")],
)
async def test_a_link_of_our_own_format_is_not_opened_either(
    house: House, fields: str, reason: str
) -> None:
    text = OURS.replace("URL", URL).replace('"createdAt"', f'{fields},"createdAt"')
    link, switched_off = await import_one(house, "shorty", text)
    assert (link.is_active, link.password_hash, link.max_clicks) == (False, None, None)
    assert switched_off == {reason: 1}


async def test_our_own_inactive_link_needs_no_remark(house: House) -> None:
    text = OURS.replace("URL", URL).replace('"createdAt"', '"isActive":false,"createdAt"')
    told = await import_text(house, "shorty", text)
    assert (told.is_clean, told.problems, told.switched_off) == (True, (), {})
    assert not (await get_only(house)).is_active


async def test_each_reason_is_told_at_once(house: House) -> None:
    told = await import_text(
        house, "csv", f"url,slug,banned,password\n{URL},a,1,{'5f4dcc3b5aa765d61d8327deb882cf99'}\n"
    )
    assert [(each.about, each.message) for each in told.problems] == [
        (
            "switched off",
            (
                "came in switched off: it was banned, and its password could not be imported; set "
                "one before you activate it"
            ),
        )
    ]
    assert (told.flawed, told.switched_off) == (1, {"banned": 1})


@pytest.mark.parametrize(
    "text",
    [
        "$2y$10$abcdefghijklmnopqrstuuO2kT3ZqYJm1l5hVv1uVv1uVv1uVv1u",
        "$2b$12$abcdefghijklmnopqrstuuO2kT3ZqYJm1l5hVv1uVv1uVv1uVv1u",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$argon2i$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g",
        "$P$BnQ0VJ3aVbWzH1Xx1Xx1Xx1Xx1Xx1X1",
        "$H$9abcdefgh1234567890abcdefghijkl",
        "$S$D" + "a" * 51,
        "$1$salt$qJH7.N4xYta3aEG/dfqo/0",
        "$5$salt$hash",
        "$6$rounds=5000$salt$hash",
        "$y$j9T$salt$hash",
        "$apr1$salt$hash",
        "$pbkdf2-sha256$29000$salt$hash",
        "$scrypt$ln=16,r=8,p=1$salt$hash",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "b" * 128,
        "0x5f4dcc3b5aa765d61d8327deb882cf99",
        "5f4dcc3b5aa765d61d8327deb882cf99:salt",
        "sha1$salt$5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        "sha256:5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
        "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
        "pbkdf2_sha256$260000$salt$aGFzaA=",
        "pbkdf2:sha256:260000$salt$abcdef",
        "scrypt:32768:8:1$salt$abcdef",
        "{SSHA}aGFzaGhhc2hoYXNoaGFzaA==",
        "X03MO1qnZdYdgyfeuILPmQ==",
        "XohImNooBHFR0OVvjcYpJ3NgPQ1qq73WKhHvch0VQtg=",
        "eyJpdiI6IkZ3PT0iLCJ2YWx1ZSI6ImFiYyJ9",
    ],
)
def test_a_hash_is_no_password(text: str) -> None:
    assert is_hashed_secret(text)
    assert find_password(text) == (None, True)


@pytest.mark.parametrize(
    "text",
    [
        *("open sesame", "$ecret$123", "my$pass$word", "a1:b$c", "{abc}def", "12345", "secret"),
        *("correct horse battery staple", "deadbeef", "P@$$w0rd", "2y", "*", "xxx", "b" * 31),
        "correct-horse-battery-staple-22==",
    ],
)
def test_a_password_is_no_hash(text: str) -> None:
    assert find_password(text) == (text, False)


async def test_a_hash_of_elsewhere_closes_a_link(house: House) -> None:
    link, switched_off = await import_one(
        house, "csv", f"url,slug,password\n{URL},a,$2y$10$abcdefghijklmnopqrstuuO2kT3Zq\n"
    )
    assert (link.is_active, link.password_hash, switched_off) == (False, None, {"password": 1})


async def test_a_usable_password_protects_a_link(house: House) -> None:
    link, switched_off = await import_one(
        house, "csv", f"url,slug,password,has_password\n{URL},a,open sesame,true\n"
    )
    assert (link.is_active, bool(link.password_hash), switched_off) == (True, True, {})


def test_words_of_states_are_judged() -> None:
    for word in ("active", "Live", "OK", "301", "302", "permanent_301", "200", "true", "published"):
        assert judge_word(word) is None, word
    for word, reason in (
        ("Banned", "banned"),
        ("on hold", "paused"),
        ("In review", "draft"),
        ("limit_reached", "used up"),
        ("404", "deleted"),
        ("false", "disabled"),
        ("who knows", "unknown state"),
    ):
        assert judge_word(word) == reason, word


def test_signs_for_nothing_are_nothing() -> None:
    assert all(map(is_nothing, (None, "", " NULL ", "\\N", "-", [], {}, {"a": None}, [""])))
    assert not any(map(is_nothing, (0, False, "0", "x", [0], {"a": "b"})))
    assert all(map(is_no, (None, False, 0, "0", "No", "off", "not banned", "unblocked")))
    assert not any(map(is_no, (True, 1, "1", "yes", "maybe", "disabled", {"a": 1})))


def test_limits_are_read() -> None:
    for text, most in (("1,000", 1000), ("50.0", 50), ("0", 0), ("", None), ("∞", None)):
        assert parse_limit(text) == most
    for text in ("ten", "-5", "1e3", "1" * 13):
        with pytest.raises(ValueError, match="is not a whole number"):
            parse_limit(text)
