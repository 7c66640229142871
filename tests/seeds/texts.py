"""Reads the two documents that the APIs follow: their fields, examples and answers.

`link.txt` is from the links API's, `short-link.txt` from the short-link API's, word for word.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent
EXAMPLES: Final = ("curl", "fetch", "axios", "php", "python")  # in the document's order

# In the documents' tables a name and its type may be written without a space.
_SHORT_LINK_FIELD: Final = re.compile(r"^(\w+?) ?(?:string|boolean)(?: Required)?$", re.MULTILINE)
_LINK_FIELD: Final = re.compile(
    r"^(\w+?)(?:string|boolean|number|[A-Z0-9_]+ \|).*body(?:required|optional)$", re.MULTILINE
)
_MESSAGE: Final = re.compile(r"message: ['`](.+)['`]")


def read_text(name: str) -> str:
    return (FOLDER / name).read_text("utf-8")


def list_link_fields() -> list[str]:
    return _LINK_FIELD.findall(read_text("link.txt"))


def list_short_link_fields() -> list[str]:
    return _SHORT_LINK_FIELD.findall(read_text("short-link.txt"))


def read_examples() -> dict[str, str]:
    """The code of each example by its language or client."""
    text = read_text("short-link.txt").partition("\nRESPONSE\n")[0]
    _, *examples = re.split(r"^(?:API )?REQUEST$", text, flags=re.MULTILINE)
    return dict(zip(EXAMPLES, examples, strict=True))


def read_answer() -> dict[str, Any]:
    text = read_text("short-link.txt").partition("\nRESPONSE\n")[2]
    return json.JSONDecoder().raw_decode(text.strip())[0]


def list_messages() -> set[str]:
    """The document's error messages for reached limits."""
    return set(_MESSAGE.findall(read_text("short-link.txt")))
