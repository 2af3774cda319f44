"""Load test with many users at once and soak test with many sessions in a row: ``python -m tests.load``.

Prints a line for each measurement and JSON at the end; exits with 1 where a goal is missed. ``--people 10 20 40``
measures several numbers of users, ``--hold 0`` omits the many who only have to hold, ``--pages 0`` the browser,
``--sessions 0`` the soak test.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from typing import Any

from tests.load import simulated_users, soak
from tests.support.app_server import server


def missed(found: dict[str, Any], goals: dict[str, float]) -> list[str]:
    """Names of the goals that were missed."""
    return [name for name, maximum in goals.items() if not found[name] <= maximum]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[30])
    parser.add_argument("--hold", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--pages", type=int, default=simulated_users.N_PAGES)
    parser.add_argument("--sessions", type=int, default=2000)
    options = parser.parse_args()
    results: dict[str, Any] = {
        "goals": {"class": simulated_users.GOALS, "hold": simulated_users.HOLD_GOALS, "soak": soak.GOALS},
        "class": [],
        "missed": [],
    }
    with tempfile.TemporaryDirectory() as cache:
        classes = [(n, options.pages, simulated_users.GOALS) for n in options.people]
        classes += [(options.hold, 0, simulated_users.HOLD_GOALS)] if options.hold else []
        for n_users, n_pages, goals in classes:
            with server(XDG_CACHE_HOME=cache) as url:
                found = asyncio.run(simulated_users.load(url, n_users, options.seconds, n_pages))
            results["class"].append(found)
            results["missed"] += [f"{n_users} people: {name}" for name in missed(found, goals)]
            print(
                f"{n_users} users: {found['rest_median_ms']} / {found['rest_p95_ms']} ms from the end of a drag "
                f"to its answer (median / 95th percentile), {found['cores_while_dragging']} cores while all drag, "
                f"{found['memory_mb']} MB, {found['errors']} errors, all open after {found['all_opened_s']} s",
                flush=True,
            )  # fmt: skip
        if options.sessions:
            with server(app="tests/load/instrumented_app.py", XDG_CACHE_HOME=cache) as url:
                results["soak"] = asyncio.run(soak.soak(url, options.sessions))
            results["missed"] += [f"soak: {name}" for name in missed(results["soak"], soak.GOALS)]
    print(json.dumps(results))
    return 1 if results["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
