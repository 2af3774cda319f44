"""Progress bars on a terminal, for work that takes longer than people wait without asking."""

# ruff: noqa: PLC0415

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

PATIENCE_S: Final = 2.0
"""Work that takes longer shows a bar."""


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal once the work takes over two seconds.

    Parameters
    ----------
    what
        The work, for people.

    Yields
    ------
    Callable
        To be called with what is done and the total; without a call the bar only moves.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=None)
    timer = threading.Timer(PATIENCE_S, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        timer.cancel()
        timer.join()
        if bar.live.is_started:
            bar.stop()


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Show work of several steps as one progress bar after another: call with a step's name, done and total."""
    now: tuple[str, Any, Callable[[int, int], None]] | None = None

    def move(what: str, done: int, total: int) -> None:
        nonlocal now
        if now is None or now[0] != what:
            leave()
            bar = progress(what)
            now = (what, bar, bar.__enter__())
        now[2](done, total)

    def leave() -> None:
        nonlocal now
        if now is not None:
            now[1].__exit__(None, None, None)
            now = None

    try:
        yield move
    finally:
        leave()
