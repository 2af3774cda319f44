"""Background tasks that run as long as the server: demonstration cases, removal of expired sessions and rooms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import streamlit as st

from pages.classroom.registry import ROOMS
from pages.library.catalog import warm_up
from pages.server.streamlit_internals import drop_expired_sessions

SWEEP_INTERVAL_S: Final = 30.0


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Create the demonstration cases in the background, and drop expired sessions with their uploads."""
    warm_up()
    sweeper = asyncio.create_task(_sweep())
    yield
    sweeper.cancel()


async def _sweep() -> None:
    while True:
        await asyncio.sleep(SWEEP_INTERVAL_S)
        drop_expired_sessions()
        ROOMS.sweep()
