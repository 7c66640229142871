"""What is wrong with a form, by its fields' names, to stand beside them."""

from shorty.errors import InvalidFieldsError, ShortyError


def read_faults(error: ShortyError, field: str) -> dict[str, str]:
    """`field` is the one that an error is about that names none."""
    if isinstance(error, InvalidFieldsError):
        return error.fields
    return {field: error.message.rstrip(".")}
