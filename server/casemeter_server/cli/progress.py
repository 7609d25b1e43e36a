"""A bar on the screen for what takes long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID

from casemeter_grouper.pack.progress import watched


@contextmanager
def progress_shown() -> Iterator[None]:
    """Show how far the building of packs within the block comes; nothing where nobody would see it."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, total: int) -> None:
            step = what.partition(":")[0]
            if step not in tasks:
                tasks[step] = bar.add_task(step)
            bar.update(tasks[step], description=what, completed=done, total=total)

        with watched(tell):
            yield
