"""Load test with many users at once and soak test with many sessions in a row: ``python -m tests.load``.

Prints a line for each measurement and JSON at the end; exits with 1 where a goal is missed. ``--people 10 20 40``
measures several numbers of users, ``--pages 0`` omits the browser, ``--sessions 0`` the soak test.
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
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pages", type=int, default=simulated_users.N_PAGES)
    parser.add_argument("--sessions", type=int, default=2000)
    options = parser.parse_args()
    results: dict[str, Any] = {
        "goals": {"crowd": simulated_users.GOALS, "soak": soak.GOALS},
        "crowd": [],
        "missed": [],
    }
    with tempfile.TemporaryDirectory() as cache:
        for n_users in options.people:
            with server(XDG_CACHE_HOME=cache) as url:
                found = asyncio.run(simulated_users.load(url, n_users, options.seconds, options.pages))
            results["crowd"].append(found)
            results["missed"] += [f"{n_users} people: {name}" for name in missed(found, simulated_users.GOALS)]
            print(
                f"{n_users} users: {found['median_ms']} / {found['p95_ms']} ms from edit to answer (median / 95th "
                f"percentile), slowest over fastest {found['slowest_over_fastest']}, {found['memory_mb']} MB, "
                f"{found['errors']} errors, all open after {found['all_opened_s']} s", flush=True,
            )  # fmt: skip
        if options.sessions:
            with server(app="tests/load/instrumented_app.py", XDG_CACHE_HOME=cache) as url:
                results["soak"] = asyncio.run(soak.soak(url, options.sessions))
            results["missed"] += [f"soak: {name}" for name in missed(results["soak"], soak.GOALS)]
    print(json.dumps(results))
    return 1 if results["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
