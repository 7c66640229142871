import pytest

from shorty.web.places import NAMES, name_country, read_names, write_flag


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("NO", "Norway"),
        ("US", "United States"),
        ("GB", "United Kingdom"),
        ("KR", "South Korea"),
        ("XK", "Kosovo"),
        (None, "Unknown"),
        ("other", "Others"),
        ("QZ", "QZ"),
    ],
)
def test_countries_have_names(code: str | None, name: str) -> None:
    assert name_country(code) == name


def test_every_country_of_the_standard_has_a_name_of_its_own() -> None:
    codes = {*read_names(), *NAMES}
    assert len(read_names()) == 249
    assert len({name_country(code) for code in codes}) == len(codes)


@pytest.mark.parametrize(
    ("code", "flag"), [("NO", "🇳🇴"), (None, ""), ("other", ""), ("no", ""), ("N1", "")]
)
def test_a_flag_is_written_from_the_code(code: str | None, flag: str) -> None:
    assert write_flag(code) == flag
