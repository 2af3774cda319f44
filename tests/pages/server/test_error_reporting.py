"""The log says where a fault was, and never its words, whoever reports it."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import sys
import threading
from collections.abc import Iterator

import pytest

from pages.server.error_reporting import discreet, told

SECRET = "Mustermann, Erika *1950"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged and goes to standard error while the words of exceptions are kept out."""
    out, before = io.StringIO(), logging.getLogRecordFactory()
    hooks = threading.excepthook, sys.unraisablehook
    handler = logging.StreamHandler(out)
    logging.getLogger().addHandler(handler)
    monkeypatch.setattr(sys, "stderr", out)
    discreet()
    yield out
    logging.setLogRecordFactory(before)
    threading.excepthook, sys.unraisablehook = hooks
    logging.getLogger().removeHandler(handler)


def fail(*_: object) -> None:
    raise KeyError(SECRET)


def by_exception() -> None:
    try:
        fail()
    except KeyError:
        logging.getLogger("somebody").exception("Exception in ASGI application\n")


def by_argument() -> None:
    try:
        fail()
    except KeyError as error:
        logging.getLogger("somebody").warning("It failed: %s", error)


def by_chain() -> None:
    try:
        try:
            fail()
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        logging.getLogger("somebody").error("Uncaught app execution", exc_info=error)


def by_group() -> None:
    try:
        try:
            fail()
        except KeyError as error:
            raise ExceptionGroup(SECRET, [error, ValueError(SECRET)]) from None
    except ExceptionGroup:
        logging.getLogger("somebody").exception("In a group")


def in_a_thread() -> None:
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()


def in_a_task() -> None:
    async def main() -> None:
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        asyncio.get_running_loop().call_soon(fail)

        async def forgotten() -> None:
            fail()

        asyncio.ensure_future(forgotten())  # noqa: RUF006 - nobody asks for its result
        await asyncio.sleep(0.01)

    asyncio.run(main())
    gc.collect()


def in_a_finalizer() -> None:
    class Gone:
        def __del__(self) -> None:
            fail()

    Gone()
    gc.collect()


@pytest.mark.parametrize(
    "report", [by_exception, by_argument, by_chain, by_group, in_a_thread, in_a_task, in_a_finalizer]
)
def test_a_fault_is_its_kind_and_its_place(log: io.StringIO, report: object) -> None:
    report()  # type: ignore[operator]
    said = log.getvalue()
    assert "KeyError" in said
    assert "test_log.py:" in said
    assert SECRET not in said
    assert "Mustermann" not in said


def test_other_lines_are_as_they_were(log: io.StringIO) -> None:
    logging.getLogger("somebody").warning("%d of %s", 3, "four")
    logging.getLogger("somebody").warning("%(n)d cases", {"n": 5})
    assert log.getvalue() == "3 of four\n5 cases\n"


def test_a_circle_of_exceptions_ends() -> None:
    one, two = ValueError("a"), ValueError("b")
    one.__context__, two.__context__ = two, one
    assert told(one).count("ValueError") == 4
