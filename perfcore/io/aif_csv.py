"""Reading and writing arterial input functions as CSV: columns ``time_s,value`` (seconds, enhancement)."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

import numpy as np

from perfcore.errors import InputDataError, OutputError
from perfcore.io.byte_source import open_source
from perfcore.quality_flags import Flag, make_flag
from perfcore.types import Aif, DoubleArray
from perfcore.units import MAX_ABS_VALUE

CSV_COLUMNS: Final = ("time_s", "value")
MAX_CSV_BYTES: Final = 4 << 20
_TIME_TOLERANCE: Final = 0.01
"""Times that differ by less than this fraction of a frame are equal; a CSV rounds them."""
_WHAT: Final = "AIF file"


def read_aif_csv(source: Path | bytes, time_s: DoubleArray) -> Aif:
    """Read an arterial input function and resample it to the frames of a series.

    Parameters
    ----------
    source
        A path, or the content of an upload: CSV text with at least the columns ``time_s`` and ``value``, with or
        without a byte-order mark.
    time_s
        Shape ``(n_time,)``: times of the frames of the series in seconds, increasing.

    Returns
    -------
    Aif
        On ``time_s``, source ``"file"``; interpolated linearly, with a note in ``quality``, if the file has other
        times.

    Raises
    ------
    InputDataError
        The file is not such a table, holds NaN, infinity, negative or not strictly increasing times, has no
        positive bolus, or does not cover the series.
    """
    time, value = _columns(_text(source))
    _check_times(time)
    if not np.isfinite(value).all():
        row = int(np.flatnonzero(~np.isfinite(value))[0]) + 1
        raise InputDataError(
            f"The AIF holds NaN or infinity in value {row}; expected finite enhancement, so correct the file."
        )
    if np.abs(value).max() > MAX_ABS_VALUE:
        row = int(np.abs(value).argmax()) + 1
        raise InputDataError(
            f"The AIF holds {value[row - 1]:.3g} in value {row}; expected enhancement within ±{MAX_ABS_VALUE:g}, "
            "so correct the file."
        )
    step = float(time_s[1] - time_s[0])
    tolerance = _TIME_TOLERANCE * step
    if time[0] > time_s[0] + tolerance or time[-1] < time_s[-1] - tolerance:
        raise InputDataError(
            f"The AIF covers {time[0]:g} to {time[-1]:g} s; expected all of the series, {time_s[0]:g} to "
            f"{time_s[-1]:g} s, so give a curve over the whole scan."
        )
    quality: tuple[Flag, ...] = ()
    if time.shape != time_s.shape or np.abs(time - time_s).max() > tolerance:
        value = np.interp(time_s, time, value)
        sentence = "The AIF has another time grid than the series and was interpolated linearly."
        quality = (make_flag("aif_interpolated", sentence),)
    if value.max() <= 0 or value.max() == value.min():
        raise InputDataError(
            f"The AIF has no positive bolus during the series: its largest value is {value.max():g}; "
            "expected enhancement above 0 that rises and falls, so give the enhancement of an artery."
        )
    return Aif(time_s=np.asarray(time_s, np.float64), value=value, source_id="file", quality=quality)


def aif_csv_text(aif: Aif) -> str:
    """Return an AIF as CSV text with the columns ``time_s,value``."""
    rows = (f"{time:.9g},{value:.9g}\n" for time, value in zip(aif.time_s, aif.value, strict=True))
    return ",".join(CSV_COLUMNS) + "\n" + "".join(rows)


def write_aif_csv(aif: Aif, path: Path) -> None:
    """Write an AIF as CSV.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    try:
        path.write_text(aif_csv_text(aif), encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(
            f"The curve cannot be written ({error.strerror}); give a folder that can be written."
        ) from error


def _text(source: Path | bytes) -> str:
    with open_source(source, _WHAT) as stream:
        content = stream.read(MAX_CSV_BYTES + 1) if not stream.gzipped else b"\0"
    if len(content) > MAX_CSV_BYTES:
        raise InputDataError(
            f"The {_WHAT} is larger than {MAX_CSV_BYTES >> 20} MB; expected a table of a few hundred rows."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_a_table() from error
    if "\0" in text:
        raise _not_a_table()
    return text


def _not_a_table() -> InputDataError:
    return InputDataError(
        f"The {_WHAT} is not a text table in UTF-8; give a CSV with the columns {' and '.join(CSV_COLUMNS)}."
    )


def _columns(text: str) -> tuple[DoubleArray, DoubleArray]:
    """Return times and values; every row must hold a number in both columns."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _not_a_table() from error
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    if any(names.count(name) != 1 for name in CSV_COLUMNS):
        raise InputDataError(
            f"The {_WHAT} lacks the columns {' and '.join(CSV_COLUMNS)}; expected each once in its first row, "
            "separated by commas, so give such a CSV."
        )
    for number, row in enumerate(rows[1:], start=1):
        if any(cell.strip() for cell in row[len(names) :]):
            raise InputDataError(
                f"Row {number} of the {_WHAT} has {len(row)} cells, its first row {len(names)}; expected as many, "
                "with decimal points, so correct the file."
            )
    columns = []
    for name in CSV_COLUMNS:
        at = names.index(name)
        column = []
        for number, row in enumerate(rows[1:], start=1):
            try:
                column.append(float(row[at]))
            except (IndexError, ValueError) as error:
                raise InputDataError(
                    f"The AIF has no number in column {name} of row {number}; correct the file."
                ) from error
        columns.append(np.array(column, np.float64))
    if columns[0].size < 2:
        raise InputDataError(f"The AIF has {columns[0].size} rows; expected one for every frame of the series.")
    return columns[0], columns[1]


def _check_times(time: DoubleArray) -> None:
    if not np.isfinite(time).all():
        row = int(np.flatnonzero(~np.isfinite(time))[0]) + 1
        raise InputDataError(f"The AIF holds NaN or infinity in time {row}; expected seconds, so correct it.")
    if time.min() < 0:
        raise InputDataError(
            f"The AIF has a negative time ({time.min():g} s); expected times from 0 at the first frame."
        )
    if not (np.diff(time) > 0).all():
        row = int(np.flatnonzero(np.diff(time) <= 0)[0]) + 2
        raise InputDataError(
            f"The times of the AIF do not increase strictly (row {row}: {time[row - 1]:g} s after "
            f"{time[row - 2]:g} s); sort them and remove doubles."
        )
