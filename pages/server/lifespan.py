"""What runs beside the server for as long as it runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from streamlit.runtime import Runtime

from pages.library.catalog import warm_up

SWEEP_EVERY_S: Final = 30.0


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Make the demonstration cases in the background, and let go of people who have left."""
    warm_up()
    sweeper = asyncio.create_task(_sweep())
    yield
    sweeper.cancel()


async def _sweep() -> None:
    while True:
        await asyncio.sleep(SWEEP_EVERY_S)
        forget_the_gone()


def forget_the_gone() -> None:
    """Drop sessions whose person left more than two minutes ago, with their uploads.

    Streamlit keeps a session that long for a reconnection, but looks for expired ones only when the next person
    leaves: the last upload of the day would stay in memory over night.
    """
    stored = Runtime.instance()._session_mgr._session_storage._cache  # type: ignore[attr-defined]
    before = dict(stored._data)
    stored.expire()
    gone = [info for key, info in before.items() if key not in stored._data]
    for info in gone:
        info.session.session_state.clear()  # Streamlit's own loop still holds the last one that it has served
    if gone:
        del before, gone, info
        gc.collect()  # a session holds itself in cycles
