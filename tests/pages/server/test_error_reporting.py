"""The log names type and code location of an exception, never its message."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from pages.server.error_reporting import MAX_CAUSES, describe_exception, hide_exception_messages

SECRET = "Mustermann, Erika *1950"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Log records and standard error while exception messages are hidden."""
    out, before = io.StringIO(), logging.getLogRecordFactory()
    hooks = threading.excepthook, sys.unraisablehook
    handler = logging.StreamHandler(out)
    logging.getLogger().addHandler(handler)
    monkeypatch.setattr(sys, "stderr", out)
    hide_exception_messages()
    yield out
    logging.setLogRecordFactory(before)
    threading.excepthook, sys.unraisablehook = hooks
    logging.getLogger().removeHandler(handler)


def fail(*_: object) -> None:
    raise KeyError(SECRET)


def by_logger_exception() -> None:
    try:
        fail()
    except KeyError:
        logging.getLogger("library").exception("Exception in ASGI application\n")


def by_log_argument() -> None:
    try:
        fail()
    except KeyError as error:
        logging.getLogger("library").warning("It failed: %s", error)


def by_exception_chain() -> None:
    try:
        try:
            fail()
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        logging.getLogger("library").error("Uncaught app execution", exc_info=error)


def by_exception_group() -> None:
    try:
        try:
            fail()
        except KeyError as error:
            raise ExceptionGroup(SECRET, [error, ValueError(SECRET)]) from None
    except ExceptionGroup:
        logging.getLogger("library").exception("In a group")


def in_thread() -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def in_asyncio_task() -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        asyncio.get_running_loop().call_soon(fail)

        async def forgotten() -> None:
            fail()

        asyncio.ensure_future(forgotten())  # noqa: RUF006 - its result is never retrieved
        await asyncio.sleep(0.01)

    asyncio.run(main())
    gc.collect()


def in_finalizer() -> None:
    class Gone:
        def __del__(self) -> None:
            fail()

    Gone()
    gc.collect()


@pytest.mark.parametrize(
    "report",
    [
        by_logger_exception, by_log_argument, by_exception_chain, by_exception_group, in_thread, in_asyncio_task,
        in_finalizer,
    ],
)  # fmt: skip
def test_log_has_type_and_location_but_no_message(log: io.StringIO, report: Callable[[], None]) -> None:
    report()
    logged = log.getvalue()
    assert "KeyError" in logged
    assert "test_error_reporting.py:" in logged
    assert SECRET not in logged
    assert "Mustermann" not in logged


def test_other_log_records_are_unchanged(log: io.StringIO) -> None:
    logging.getLogger("library").warning("%d of %s", 3, "four")
    logging.getLogger("library").warning("%(n)d cases", {"n": 5})
    assert log.getvalue() == "3 of four\n5 cases\n"


def test_cyclic_exception_chain_ends() -> None:
    one, two = ValueError("a"), ValueError("b")
    one.__context__, two.__context__ = two, one
    assert describe_exception(one).count("ValueError") == MAX_CAUSES == 4
