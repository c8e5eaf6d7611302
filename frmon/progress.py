"""How far something is that takes long, on stderr when that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tell = Callable[[str, float, float], None]
"""What is done, so much, of so much."""


@contextmanager
def progressing() -> Iterator[Tell]:
    """A bar as long as the block lasts; a new one for each thing that is done."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown: dict[str, TaskID] = {}

        def tell(what: str, done: float, of: float) -> None:
            for other in [name for name in shown if name != what]:
                bar.remove_task(shown.pop(other))
            if what not in shown:
                shown[what] = bar.add_task(what)
            bar.update(shown[what], completed=done, total=of)

        yield tell
