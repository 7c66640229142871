"""Owns the report of a transfer: a table of everything that is not simply there now."""

from typing import BinaryIO, Final

from shorty.transfer.csv_cells import write_cell, write_rows
from shorty.transfer.progress import Problem

HEADING: Final = ("result", "place", "link", "message")


class Report:
    """Written as problems come, so that none has to be kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(write_rows([HEADING]))

    def add(self, problem: Problem) -> None:
        cells = (problem.sort, problem.place, problem.subject, problem.message)
        self._file.write(write_rows([map(write_cell, cells)]))
