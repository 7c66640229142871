from pathlib import Path

import pytest

from shorty.clicks.geo import LOOK_INTERVAL_MS, GeoDatabase, read_record
from tests.clicks.mmdb import write_mmdb


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("8.8.8.8", "US"),
        ("::ffff:8.8.8.8", "US"),
        ("2001:4860:4860::8888", "US"),
        ("193.0.6.139", "NL"),
        ("127.0.0.1", ""),
        ("10.1.2.3", ""),
        ("::1", ""),
        ("", ""),
        ("not an address", ""),
        ("8.8.8.8:80", ""),
    ],
)
def test_the_country_of_an_address(address: str, country: str) -> None:
    assert GeoDatabase().find_place(address, 0) == (country, "", "")


PORTLAND = {
    "country": {"iso_code": "US"},
    "subdivisions": [{"iso_code": "OR"}, {"iso_code": "051"}],
    "city": {"names": {"en": "Portland"}},
}
BONN = {"country": {"iso_code": "DE"}, "city": {"names": {"en": "Bonn"}}}


def test_the_operators_file_knows_cities(tmp_path: Path) -> None:
    file = tmp_path / "places.mmdb"
    write_mmdb(file, {"1.2.3.0/24": PORTLAND, "5.6.0.0/16": {"country": {"iso_code": "FR"}}})
    places = GeoDatabase(file)
    assert places.find_place("1.2.3.4", 0) == ("US", "Portland", "US-OR")
    assert places.find_place("::ffff:1.2.3.4", 0) == ("US", "Portland", "US-OR")
    assert places.find_place("5.6.7.8", 0) == ("FR", "", "")
    for unknown in ("9.9.9.9", "", "nonsense", "1.2.3.4:80"):
        assert places.find_place(unknown, 0) == ("", "", "")


def test_the_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "places.mmdb"
    write_mmdb(file, {"1.2.3.0/24": PORTLAND})
    places = GeoDatabase(file)
    assert places.find_place("1.2.3.4", 0).city == "Portland"
    write_mmdb(file, {"1.2.0.0/16": BONN})
    assert places.find_place("1.2.3.4", LOOK_INTERVAL_MS - 1).city == "Portland"
    assert places.find_place("1.2.3.4", LOOK_INTERVAL_MS).city == "Bonn"
    file.write_bytes(b"torn")
    assert places.find_place("1.2.3.4", 2 * LOOK_INTERVAL_MS).city == "Bonn"
    file.unlink()
    assert places.find_place("1.2.3.4", 3 * LOOK_INTERVAL_MS).city == "Bonn"


def test_without_a_file_the_packages_data_knows_the_country(tmp_path: Path) -> None:
    for places in (GeoDatabase(), GeoDatabase(tmp_path / "not there")):
        assert places.find_place("8.8.8.8", 0) == ("US", "", "")


@pytest.mark.parametrize(
    ("record", "region"),
    [
        ({"country": {"iso_code": "gb"}, "subdivisions": [{"iso_code": "eng"}]}, "GB-ENG"),
        ({"country": {"iso_code": "DE"}, "subdivisions": [{"names": {"en": "Bavaria"}}]}, ""),
        ({"country": {"iso_code": "DE"}, "subdivisions": []}, ""),
        ({"country": {"iso_code": "DE"}, "subdivisions": {"0": "BY"}}, ""),
        ({"country": {"iso_code": "DE"}, "subdivisions": ["BY"]}, ""),
        ({"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "a region"}]}, ""),
        ({"subdivisions": [{"iso_code": "BY"}]}, ""),
    ],
)
def test_a_region_is_named_with_its_country(record: dict[str, object], region: str) -> None:
    assert read_record(record).region == region
