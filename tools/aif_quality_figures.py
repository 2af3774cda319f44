"""How the AIF quality rule does: ``python -m tools.aif_quality_figures`` prints rates, and JSON last.

Each curve is judged as the Lab judges it, with the vein that the default selector finds and the Tmax of its maps.
``true`` is the undiluted curve of the feeding artery: what is not good of it is a false alarm, except where the
scan itself ends too early. The others are what the rule is to find. One scan of each patient counts, its first.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

import torch
from scipy.stats import binomtest

from perfcore.aif.edits import CurveEdit, edit_curve
from perfcore.aif.quality import aif_quality, assess
from perfcore.aif.select import select
from perfcore.errors import PerfcoreError
from perfcore.phantom.cases import PhantomCase, make_case
from perfcore.phantom.cohort import patient_of
from perfcore.pipeline import find_curve, flow, negative_tmax, tile
from perfcore.preprocess import Prepared, prepare
from perfcore.settings import Settings
from perfcore.types import Aif

NETWORKS: Final = ("cnn-regression", "cnn-weighting")
STOPPED_S: Final = 4.0
"""After the peak, the end of the truncated curve."""


def edited_curves(aif: Aif) -> Iterator[tuple[str, Aif]]:
    """Yield the true curve and what is made of it."""
    dt_s = aif.dt_s
    edits = {
        "true": CurveEdit(),
        "3 s late": CurveEdit(shift_s=3.0),
        "beyond the clot": CurveEdit(shift_s=3.2, dispersion_s=1.8),
        "half as high": CurveEdit(amplitude=0.5),
        "truncated": CurveEdit(cut_s=aif.peak_time_s + STOPPED_S),
        "no tail": CurveEdit(tail=0.0),
    }
    for name, edit in edits.items():
        yield name, Aif(aif.time_s, edit_curve(aif.value, dt_s, edit), source_id=name)


def curves_of(
    made: PhantomCase, prepared: Prepared, found: Aif | None, vof: Aif | None
) -> Iterator[tuple[str, Aif]]:
    """Yield every curve that is judged."""
    yield from edited_curves(made.truth.aif)
    yield "true vein", made.truth.vof
    if vof is not None:
        yield "vein as found", vof
    if found is not None:
        yield "straka", found
    for network in NETWORKS:
        try:
            yield network, find_curve(prepared, network).corrected()
        except PerfcoreError:
            continue


def one_case(job: tuple[int, int]) -> dict[str, Any] | None:
    """Return the verdict and the codes of each curve of a case; None of a case that is refused."""
    torch.set_num_threads(1)
    made, settings = make_case(*job), Settings()
    try:
        prepared = prepare(made.series, settings)
    except PerfcoreError:
        return None
    tiles = tile(prepared)
    try:
        chosen = select(prepared)
        found, vof = chosen.corrected(), chosen.vof
    except PerfcoreError:
        found, vof = None, None
    row: dict[str, Any] = {"complete": "truncated" not in made.description["confounders"], "curves": {}}
    for name, aif in curves_of(made, prepared, found, vof):
        share = negative_tmax(flow(prepared, tiles, aif, settings).tmax.numpy(), settings)
        quality = aif_quality(prepared, aif, vof, share)
        verdict = assess(quality.measures).verdict  # of the curve itself, whatever its series
        row["curves"][name] = verdict, [flag.code for flag in quality.flags]
    return row


def rate(hits: int, n: int) -> dict[str, Any]:
    """Return a share with its Wilson interval."""
    low, high = binomtest(hits, n).proportion_ci(method="wilson")
    return {"n": n, "hits": hits, "rate": hits / n, "interval": [float(low), float(high)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2027)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    first = {patient_of(index, given.seed)[0]: index for index in range(given.cases, 0, -1)}
    jobs = [(given.seed, index) for index in sorted(first.values())]
    with ProcessPoolExecutor(given.workers) as pool:
        rows = [row for row in pool.map(one_case, jobs) if row is not None]
    complete = [row for row in rows if row["complete"]]
    table: dict[str, Any] = {}
    for name in dict.fromkeys(name for row in rows for name in row["curves"]):
        verdicts = [row["curves"][name] for row in complete if name in row["curves"]]
        codes = [code for _, found in verdicts for code in found]
        table[name] = {
            "red": rate(sum(v == "bad" for v, _ in verdicts), len(verdicts)),
            "amber or red": rate(sum(v != "good" for v, _ in verdicts), len(verdicts)),
            "codes": {code: codes.count(code) for code in dict.fromkeys(codes)},
        }
    short = [row["curves"]["true"][0] for row in rows if not row["complete"]]
    if short:
        table["true, of a truncated scan"] = {
            "red": rate(sum(v == "bad" for v in short), len(short)),
            "amber or red": rate(sum(v != "good" for v in short), len(short)),
        }
    for name, row in table.items():
        shown = (
            f"{kind} {100 * row[kind]['rate']:.0f} % ({100 * row[kind]['interval'][0]:.0f} to "
            f"{100 * row[kind]['interval'][1]:.0f}, n {row[kind]['n']})"
            for kind in ("red", "amber or red")
        )
        print(f"{name:<26}", "  ".join(shown))
    print(json.dumps({"seed": given.seed, "n_patients": len(rows), "rates": table}))


if __name__ == "__main__":
    main()
