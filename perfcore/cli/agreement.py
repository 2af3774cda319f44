"""Command ``agreement``: volumes of two packages on the same cases."""

# ruff: noqa: PLC0415

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from perfcore.cli.app import app

AGREEMENT_FILES: Final = ("agreement.json", "bland_altman.png")


@app.command(name="agreement")
def agreement_command(
    ours: Annotated[
        Path,
        typer.Argument(metavar="OURS.csv", help="With the columns case, core_ml and hypoperfused_ml: cases.csv."),
    ],
    theirs: Annotated[Path, typer.Argument(metavar="THEIRS.csv", help="The same of another package.")],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for agreement.json and the picture.")],
) -> None:
    """Compare the volumes of two packages: ICC(2,1), limits of agreement, Cohen's kappa of the target mismatch."""
    from perfcore.evaluation.agreement import compare_volumes, paired_volumes
    from perfcore.evaluation.agreement_chart import bland_altman_png
    from perfcore.evaluation.volume_table import read_volume_table
    from perfcore.io.atomic_write import check_out_dir, to_json_values, write_all

    check_out_dir(out, AGREEMENT_FILES)
    tables = read_volume_table(ours, "OURS"), read_volume_table(theirs, "THEIRS")
    found = compare_volumes(*tables)
    text = json.dumps(to_json_values(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    picture = bland_altman_png(paired_volumes(*tables), found)
    write_all(out, zip(AGREEMENT_FILES, (text.encode(), picture), strict=True), AGREEMENT_FILES)
    _print(found)


def _print(found: dict[str, Any]) -> None:
    from perfcore.evaluation.volume_table import VOLUMES
    from perfcore.metric_info import METRICS

    typer.echo(f"{found['n_cases']} cases in both.")
    for what, key in (("only in OURS", "only_ours"), ("only in THEIRS", "only_theirs"),
                      ("without volumes in one", "without_volumes")):  # fmt: skip
        if found[key]:
            typer.echo(f"Note: {len(found[key])} {what}: {', '.join(found[key])}.")
    for name in VOLUMES:
        about = found[name]
        parts = (
            f"ICC(2,1) {_estimate(about['icc_2_1'], 2)}", f"bias {_estimate(about['bias'], 1)} ml",
            f"limits of agreement {about['lower_limit']['value']:.1f} to {about['upper_limit']['value']:.1f} ml",
        )  # fmt: skip
        typer.echo(f"{METRICS[name].name}: {', '.join(parts)}.")
    typer.echo(f"Target mismatch: Cohen's kappa {_estimate(found['target_mismatch']['kappa'], 2)}.")


def _estimate(about: dict[str, float | None], digits: int) -> str:
    if about["value"] is None:
        return "not defined"
    interval = "" if about["low"] is None else f" ({about['low']:.{digits}f} to {about['high']:.{digits}f})"
    return f"{about['value']:.{digits}f}{interval}"
