"""Which reader reads which source, and the words for them."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from shorty.transfer.csv_file import read_csv
from shorty.transfer.files import OpenFile
from shorty.transfer.model import Item, SourceName
from shorty.transfer.shorty_file import read_shorty

Reader: TypeAlias = Callable[[OpenFile], Iterator[Item]]

READERS: Final[dict[SourceName, Reader]] = {
    "csv": read_csv,
    "shorty": read_shorty,
}
