"""A fault of the program's own: the log says its kind and its place in the code, a person one sentence.

The words of an exception may quote what somebody sent: a file's name, a header, a request. They reach nobody.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, Final

from perfcore.errors import PerfcoreError

LOG: Final = logging.getLogger("aif_lab")
DEEPEST: Final = 12
"""Places in the code that a line of the log names, the last first."""
LONGEST_CHAIN: Final = 4


class FaultError(PerfcoreError):
    """The program itself has failed; the sentence says nothing else."""


def fault(error: BaseException) -> FaultError:
    """Log an exception that nobody foresaw, and return what a person is told."""
    LOG.error(told(error))
    return FaultError("The server failed at this, and its log says where; what you have is unchanged.")


def told(error: BaseException) -> str:
    """Return kind and place of an exception, and of those that led to it, without their words."""
    parts, now = [], error
    for _ in range(LONGEST_CHAIN):
        places = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(now.__traceback__)
        ]
        inner = [told(one) for one in now.exceptions] if isinstance(now, BaseExceptionGroup) else []
        group = f" of ({'; '.join(inner)})" if inner else ""
        parts.append(f"{type(now).__name__}{group} at {' < '.join(reversed(places[-DEEPEST:])) or 'no place'}")
        before = now.__cause__ or (None if now.__suppress_context__ else now.__context__)
        if before is None:
            break
        now = before
    return ", after ".join(parts)


def discreet() -> None:
    """Keep the words of exceptions out of every log and off standard error, whoever reports them."""
    make = logging.getLogRecordFactory()

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        made = make(*args, **more)
        if isinstance(made.args, tuple):
            made.args = tuple(told(one) if isinstance(one, BaseException) else one for one in made.args)
        if made.name == "asyncio":  # further lines show the task, and with it its exception
            made.msg, made.args = str(made.msg).partition("\n")[0], ()
        if made.exc_info and made.exc_info[1] is not None:
            made.msg, made.args = f"{made.getMessage().rstrip()}: {told(made.exc_info[1])}", ()
            made.exc_info = made.exc_text = None
        return made

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            LOG.error("In a thread: %s", args.exc_value)

    def unraisable(args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            LOG.error("While something was cleared up: %s", args.exc_value)

    logging.setLogRecordFactory(record)
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable
