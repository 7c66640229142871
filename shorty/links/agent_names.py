"""Owns how analytics spell the devices, systems and browsers that conditions usually name.

By their folded spelling. Devices are these alone; systems and browsers are as many as there are
programs in the world, so that another name is taken as it is.
"""

from collections.abc import Mapping
from typing import Final


def _fold(*names: str) -> Mapping[str, str]:
    return {name.casefold(): name for name in names}


DEVICES: Final = _fold("desktop", "mobile", "tablet", "other")
SYSTEMS: Final = _fold(
    *("Android", "BlackBerry OS", "Chrome OS", "Debian", "Fedora", "FreeBSD", "iOS", "KaiOS"),
    *("Linux", "macOS", "OpenBSD", "Red Hat", "Solaris", "Tizen", "tvOS", "Ubuntu", "watchOS"),
    *("WebOS", "Windows", "Windows Phone"),
)
BROWSERS: Final = _fold(
    *("Amazon Silk", "Android Browser", "Brave", "Chrome", "Chrome WebView", "Chromium"),
    *("DuckDuckGo", "Ecosia", "Edge", "Epiphany", "Facebook", "Firefox", "Firefox Focus"),
    *("Instagram", "Internet Explorer", "Konqueror", "LinkedIn", "MiuiBrowser", "Opera"),
    *("Opera Mini", "Pinterest", "QQ Browser", "Safari", "Safari WebView", "Samsung Internet"),
    *("Snapchat", "TikTok", "UC Browser", "Vivaldi", "WeChat", "Yandex Browser"),
)
