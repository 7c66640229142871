"""Builds cached links for tests of what visitors get, naming only what matters."""

from typing import Any

from shorty.links.lookup import CachedLink

NOW = 1_800_000_000_000
DESTINATION = "https://example.com/secret-plan?a=1&b=2#top"


def make_link(**only_what_matters: Any) -> CachedLink:
    plain: dict[str, Any] = {
        "id": 7,
        "workspace_id": 1,
        "slug": "sale",
        "link_type": "URL",
        "url": DESTINATION,
        "status": 302,
        "title": None,
        "description": None,
        "image": None,
        "cloaked": False,
        "forward_parameters": False,
        "block_bots": False,
        "is_active": True,
        "is_blocked": False,
        "password_hash": None,
        "valid_since": None,
        "expires_at": None,
        "max_clicks": None,
        "utm": None,
        "meta_pixel_id": None,
        "google_tag_id": None,
        "is_link_in_bio": False,
        "button_label": None,
        "is_public": False,
        "created_at": NOW,
        "is_plain": False,
    }
    return CachedLink(**(plain | only_what_matters))
