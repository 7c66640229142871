import pytest

from shorty.clicks.geo import find_country


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
    assert find_country(address) == country
