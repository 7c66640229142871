"""Which reader reads which source."""

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from shorty.transfer.bitly import read_bitly
from shorty.transfer.csv_file import read_csv
from shorty.transfer.files import OpenFile
from shorty.transfer.kutt import read_kutt
from shorty.transfer.model import Item, SourceName
from shorty.transfer.shlink import read_shlink
from shorty.transfer.shorty_file import read_shorty
from shorty.transfer.yourls import read_yourls

Reader: TypeAlias = Callable[[OpenFile], Iterator[Item]]

READERS: Final[dict[SourceName, Reader]] = {
    "csv": read_csv,
    "shorty": read_shorty,
    "yourls": read_yourls,
    "kutt": read_kutt,
    "shlink": read_shlink,
    "bitly": read_bitly,
}
