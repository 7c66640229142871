"""Asks before an action that a form names a question for, where no script has asked it already.

The question is shown only to somebody who sent one of our own forms: the token is checked before.
"""

from typing import Final
from urllib.parse import quote

import can_ada

from shorty.web.form_tokens import TOKEN
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import read_way_back
from shorty.webcore.answers import Answer

QUESTION: Final = "confirm_question"
SURE: Final = "confirmed"


def ask_first(request: WebRequest) -> Answer | None:
    """None where the form has no question, or its answer."""
    typed = request.typed
    if not typed.read(QUESTION) or typed.is_checked(SURE):
        return None
    title, more = split_question(typed.read(QUESTION))
    return render(
        request,
        "confirm.html",
        title=title,
        more=more,
        target=quote(request.scope["path"]),
        fields=[
            (name, text)
            for name, texts in typed.fields.items()
            if name not in {TOKEN, QUESTION}
            for text in texts
        ],
        sure=SURE,
        back=read_way_back(_find_former_page(request)),
    )


def split_question(text: str) -> tuple[str, str]:
    """The question and what is said beside it. `confirm.js` does the same."""
    head, mark, more = text.rpartition("? ")
    if text.endswith("?") or not mark:
        return text, ""
    return f"{head}?", more


def _find_former_page(request: WebRequest) -> str:
    """The path of the page with the form; browsers name it, since it is of this origin."""
    try:
        url = can_ada.parse(request.find_header(b"referer") or "")
    except (ValueError, TypeError):  # TypeError: lone surrogates
        return ""
    return f"{url.pathname}{url.search}"
