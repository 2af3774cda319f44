"""What a full lecture hall and a week without restart do: ``python -m tests.load`` (`make bench-load`).

Prints a line for each measurement, and JSON last; exits with 1 where a figure is missed. ``--people 10 20 40``
tries several classes, ``--pages 0`` leaves the browser out, ``--sessions 0`` the soak.
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
    """Name the figures that were not reached."""
    return [name for name, most in goals.items() if not found[name] <= most]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[30])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--pages", type=int, default=simulated_users.N_PAGES)
    parser.add_argument("--sessions", type=int, default=2000)
    asked = parser.parse_args()
    told: dict[str, Any] = {
        "goals": {"crowd": simulated_users.GOALS, "soak": soak.GOALS},
        "crowd": [],
        "missed": [],
    }
    with tempfile.TemporaryDirectory() as cache:
        for people in asked.people:
            with server(XDG_CACHE_HOME=cache) as url:
                found = asyncio.run(simulated_users.load(url, people, asked.seconds, asked.pages))
            told["crowd"].append(found)
            told["missed"] += [f"{people} people: {name}" for name in missed(found, simulated_users.GOALS)]
            print(
                f"{people} people: {found['median_ms']} / {found['p95_ms']} ms from edit to answer (median / 95th "
                f"percentile), slowest over fastest {found['slowest_over_fastest']}, {found['memory_mb']} MB, "
                f"{found['errors']} errors, all open after {found['all_opened_s']} s", flush=True,
            )  # fmt: skip
        if asked.sessions:
            with server(app="tests/load/instrumented_app.py", XDG_CACHE_HOME=cache) as url:
                told["soak"] = asyncio.run(soak.soak(url, asked.sessions))
            told["missed"] += [f"soak: {name}" for name in missed(told["soak"], soak.GOALS)]
    print(json.dumps(told))
    return 1 if told["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
