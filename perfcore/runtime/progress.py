"""Progress bars on the terminal for operations that take longer than two seconds."""

# ruff: noqa: PLC0415

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

BAR_DELAY_S: Final = 2.0
"""A bar is shown once the operation has taken this long."""


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar if standard error is a terminal and the operation takes over two seconds.

    Parameters
    ----------
    label
        Description shown beside the bar.

    Yields
    ------
    Callable
        Call it with the number of items done and their total; until the first call the bar is indeterminate.
    """
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(label, total=None)
    timer = threading.Timer(BAR_DELAY_S, bar.start)
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
    """Show one progress bar per step of a longer operation.

    Yields
    ------
    Callable
        Call it with the label of the current step, the number of items done and their total.
    """
    current: tuple[str, Any, Callable[[int, int], None]] | None = None

    def advance(label: str, done: int, total: int) -> None:
        nonlocal current
        if current is None or current[0] != label:
            close()
            bar = progress(label)
            current = (label, bar, bar.__enter__())
        current[2](done, total)

    def close() -> None:
        nonlocal current
        if current is not None:
            current[1].__exit__(None, None, None)
            current = None

    try:
        yield advance
    finally:
        close()
