"""How many examples hypothesis makes up: the usual few, or many where a run is to find more."""

from typing import Final

from hypothesis import settings

USUAL: Final = 50
MANY: Final = 20  # times as many


def register_profiles() -> None:
    # How long an example takes says more of the machine than of the code.
    settings.register_profile("usual", deadline=None, max_examples=USUAL)
    settings.register_profile("thorough", deadline=None, max_examples=MANY * USUAL)
    settings.load_profile("usual")


def count_examples(usual: int) -> int:
    """For a test with a number of its own: with the thorough profile that is higher too."""
    profile = settings.default
    return usual if profile is None else usual * profile.max_examples // USUAL
