"""Shows on stderr how far a transfer has come."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shorty.transfer.tally import Transfer


@contextmanager
def show_progress(what: str) -> Generator[Callable[[Transfer], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def show(told: Transfer) -> None:
            links = f"{what}: {told.created + told.there:,} links"
            clicks = f", {told.clicks:,} clicks" if told.clicks else ""
            progress.update(
                task, completed=told.done, total=told.total or None, description=links + clicks
            )

        yield show
