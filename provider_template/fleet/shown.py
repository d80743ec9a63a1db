"""How far a look at the fleet is, on a terminal: a line for each repository under way, the total and the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from provider_template.fleet.status import Progress
from provider_template.template import printable


@contextmanager
def shown() -> Iterator[Progress]:
    """Shows it on standard error until the block ends, and takes it away then."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        total = bars.add_task("Repositories", total=None)
        under_way: dict[str, TaskID] = {}
        lock = Lock()

        def begin(count: int) -> None:
            bars.update(total, total=count)

        def start(name: str) -> None:
            with lock:
                under_way[name] = bars.add_task(escape(f"  {printable(name)}"), total=1)

        def end(name: str) -> None:
            with lock:
                bars.remove_task(under_way.pop(name))
            bars.advance(total)

        yield Progress(begin, start, end)
