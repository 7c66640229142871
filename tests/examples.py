"""How many examples hypothesis generates: the usual few, or many in a thorough run."""

from typing import Final

from hypothesis import settings

USUAL: Final = 50
MANY: Final = 20  # factor


def register_profiles() -> None:
    # The time of an example depends on the machine more than on the code.
    settings.register_profile("usual", deadline=None, max_examples=USUAL)
    settings.register_profile("thorough", deadline=None, max_examples=MANY * USUAL)
    settings.load_profile("usual")


def count_examples(usual: int) -> int:
    """For a test with its own number, which the thorough profile also raises."""
    profile = settings.default
    return usual if profile is None else usual * profile.max_examples // USUAL
