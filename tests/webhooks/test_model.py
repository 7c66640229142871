import pytest

from shorty.webhooks.model import hide_path


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example/services/T0/B1/key", "https://hooks.example/…"),
        ("http://hooks.example:8080/?key", "http://hooks.example:8080/…"),
        ("https://ann:key@hooks.example/", "https://hooks.example/…"),
        ("https://hooks.example/", "https://hooks.example/"),
        ("https://[2001:db8::1]/key", "https://[2001:db8::1]/…"),
    ],
)
def test_only_the_host_of_a_url_is_shown(url: str, shown: str) -> None:
    assert hide_path(url) == shown
