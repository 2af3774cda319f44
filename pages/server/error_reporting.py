"""Error reporting: the log gets an exception's type and code location, the user one sentence.

An exception's message may quote user data (a file's name, a header, a request); it is neither logged nor sent.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, Final

from perfcore.errors import PerfcoreError

LOG: Final = logging.getLogger("aif_lab")
MAX_FRAMES: Final = 12
"""Code locations in one line of the log, the innermost first."""
MAX_CAUSES: Final = 4
"""Exceptions of one chain that a line of the log describes."""


class InternalError(PerfcoreError):
    """An unexpected exception of the program; its message has no detail."""


def report_error(error: BaseException) -> InternalError:
    """Log an unexpected exception, and return the error to show to the user."""
    LOG.error(describe_exception(error))
    return InternalError("Internal error on the server; details are in its log. Your data are unchanged.")


def describe_exception(error: BaseException) -> str:
    """Return type and code location of an exception and of its causes, without their messages."""
    parts, current = [], error
    for _ in range(MAX_CAUSES):
        frames = [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}"
            for frame, line in traceback.walk_tb(current.__traceback__)
        ]
        members = []
        if isinstance(current, BaseExceptionGroup):
            members = [describe_exception(member) for member in current.exceptions]
        group = f" of ({'; '.join(members)})" if members else ""
        where = " < ".join(reversed(frames[-MAX_FRAMES:])) or "unknown location"
        parts.append(f"{type(current).__name__}{group} at {where}")
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        if cause is None:
            break
        current = cause
    return ", after ".join(parts)


def hide_exception_messages() -> None:
    """Replace exceptions in all log records and on standard error by their description without messages."""
    make_record = logging.getLogRecordFactory()

    def record_factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        if isinstance(record.args, tuple):
            record.args = tuple(
                describe_exception(arg) if isinstance(arg, BaseException) else arg for arg in record.args
            )
        if record.name == "asyncio":  # further lines show the task, and with it its exception
            record.msg, record.args = str(record.msg).partition("\n")[0], ()
        if record.exc_info and record.exc_info[1] is not None:
            message = record.getMessage().rstrip()
            record.msg, record.args = f"{message}: {describe_exception(record.exc_info[1])}", ()
            record.exc_info = record.exc_text = None
        return record

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            LOG.error("Exception in a thread: %s", args.exc_value)

    def in_finalizer(args: sys.UnraisableHookArgs) -> None:
        if args.exc_value is not None:
            LOG.error("Exception in a finalizer: %s", args.exc_value)

    logging.setLogRecordFactory(record_factory)
    threading.excepthook = in_thread
    sys.unraisablehook = in_finalizer
