"""What is to be said of a link beside its address: whether it works, and what stands before it."""

from typing import Literal, NamedTuple

from shorty.links.model import Link


class State(NamedTuple):
    text: str
    kind: Literal["", "good", "warn", "alarm", "accent"] = ""


def list_states(link: Link, now: int) -> list[State]:
    """First whether it works, then what is special about it."""
    states = [tell_state(link, now)]
    if link.password_hash is not None and link.is_password_asked:
        states.append(State("Password"))
    if link.cloaked:
        states.append(State("Cloaked"))
    if link.is_link_in_bio:
        states.append(State("Bio page"))
    if link.is_public:
        states.append(State("Public"))
    return states


def tell_state(link: Link, now: int) -> State:
    """As the redirect decides, in its order."""
    if not link.is_active:
        return State("Off", "warn")
    if link.expires_at is not None and link.expires_at <= now:
        return State("Expired", "warn")
    if link.max_clicks is not None and link.click_count >= link.max_clicks:
        return State("Used up", "warn")
    if link.is_admin_blocked:
        return State("Blocked", "alarm")
    return State("Works", "good")
