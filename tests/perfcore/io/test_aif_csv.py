"""Tests of AIF files: accepted and refused content, interpolation, writing."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from perfcore.errors import InputDataError, OutputError
from perfcore.io.aif_csv import MAX_CSV_BYTES, aif_csv_text, read_aif_csv, write_aif_csv
from perfcore.types import Aif

TIME = np.arange(20) * 1.5
VALUE = 100 * np.exp(-(((TIME - 9) / 4) ** 2))


def csv(time: object = TIME, value: object = VALUE, *, head: str = "time_s,value", end: str = "\n") -> bytes:
    rows = [f"{t},{v}" for t, v in zip(time, value, strict=True)]  # type: ignore[call-overload]
    return (end.join([head, *rows]) + end).encode()


ACCEPTED = {
    "plain": csv(),
    "byte-order mark": b"\xef\xbb\xbf" + csv(),
    "crlf": csv(end="\r\n"),
    "cr": csv(end="\r"),
    "mark and crlf": b"\xef\xbb\xbf" + csv(end="\r\n"),
    "no newline at the end": csv().rstrip(),
    "blank lines": csv(end="\n\n") + b"\n,,\n  \n",
    "further columns": b"voxel,value,note,time_s\n"
    + "\n".join(f"3,{v},größe,{t}" for t, v in zip(TIME, VALUE, strict=True)).encode(),
    "quoted": b'"time_s","value"\n' + "\n".join(f'"{t}","{v}"' for t, v in zip(TIME, VALUE, strict=True)).encode(),
    "spaces, capitals": csv(head=" Time_s , VALUE "),
    "rounded times": csv([f"{t:.3f}" for t in TIME + 0.001]),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_valid_csv_variants_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / "Kurve 1.csv"
    path.write_bytes(ACCEPTED[name])
    for source in (ACCEPTED[name], path):
        aif = read_aif_csv(source, TIME)
        np.testing.assert_array_equal(aif.time_s, TIME)
        np.testing.assert_allclose(aif.value, VALUE, rtol=1e-12)
        assert (aif.source_id, aif.voxels, aif.quality) == ("file", (), ())


def with_value(at: int, value: object) -> bytes:
    return csv(value=[*VALUE[:at], value, *VALUE[at + 1 :]])


def with_time(at: int, time: object) -> bytes:
    return csv(time=[*TIME[:at], time, *TIME[at + 1 :]])


REFUSED = {
    "empty": (b"", "empty file"),
    "blank": (b"\n\n", "lacks the columns time_s and value"),
    "no header": (csv(head="0,0"), "lacks the columns"),
    "no time": (csv(head="t,value"), "lacks the columns"),
    "no value": (csv(head="time_s,hu"), "lacks the columns"),
    "a column twice": (csv(head="value,value"), "expected each once"),
    "header alone": (b"time_s,value\n", "has 0 rows"),
    "one row": (b"time_s,value\n0,1\n", "has 1 rows"),
    "nan": (with_value(3, "nan"), "NaN or infinity in value 4"),
    "infinity": (with_value(3, "inf"), "NaN or infinity in value 4"),
    "too large": (with_value(3, "1e999"), "NaN or infinity in value 4"),
    "beyond float32": (with_value(3, "1e39"), "holds 1e+39 in value 4"),
    "far beyond any enhancement": (with_value(3, "-2e12"), "holds -2e+12 in value 4"),
    "time nan": (with_time(19, "nan"), "NaN or infinity in time 20"),
    "time infinite": (with_time(19, "inf"), "NaN or infinity in time 20"),
    "negative time": (with_time(0, -1.5), "negative time (-1.5 s)"),
    "times twice": (with_time(4, TIME[3]), "do not increase strictly (row 5"),
    "times back": (with_time(4, 0.5), "do not increase strictly (row 5"),
    "words": (with_value(2, "high"), "no number in column value of row 3"),
    "nothing": (with_value(2, ""), "no number in column value of row 3"),
    "a short row": (csv() + b"33\n", "no number in column value of row 21"),
    "decimal commas": (csv(time=[f"{t:g}".replace(".", ",") for t in TIME]), "Row 2 of the AIF file has 3 cells"),
    "all zero": (csv(value=0 * VALUE), "no positive bolus"),
    "all negative": (csv(value=-1 - VALUE), "no positive bolus"),
    "constant": (csv(value=0 * VALUE + 7), "no positive bolus"),
    "bolus behind the series": (
        csv([*TIME, 40, 50], [*(0 * VALUE), 90, 20]),
        "no positive bolus during the series",
    ),
    "begins late": (csv(TIME + 2), "covers 2 to 30.5 s; expected all of the series, 0 to 28.5 s"),
    "ends early": (csv(TIME[:15], VALUE[:15]), "covers 0 to 21 s; expected all of the series"),
    "binary": (b"time_s,value\n\xff\xfe\x00\x01", "not a text table"),
    "utf-16": (csv().decode().encode("utf-16"), "not a text table"),
    "zeros": (csv() + b"\0", "not a text table"),
    "gzip": (gzip.compress(csv()), "not a text table"),
    "too many bytes": (csv() + b"\n" * MAX_CSV_BYTES, "larger than 4 MB"),
    "a field without end": (b'time_s,value\n"' + b"1" * 200_000, "not a text table"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_content_is_refused(name: str) -> None:
    content, part = REFUSED[name]
    with pytest.raises(InputDataError) as caught:
        read_aif_csv(content, TIME)
    assert part in str(caught.value)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_bad_paths_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, part in [("", "folder"), ("none.csv", "does not exist"), ("pipe", "pipe")]:
        with pytest.raises(InputDataError, match=f"AIF file.*{part}"):
            read_aif_csv(tmp_path / name, TIME)


def test_other_times_are_interpolated_linearly_with_a_note() -> None:
    fine = np.arange(0, 60, 0.1)
    aif = read_aif_csv(csv(fine, 3 * fine), TIME)
    np.testing.assert_allclose(aif.value, 3 * TIME, atol=1e-9)
    np.testing.assert_array_equal(aif.time_s, TIME)
    assert len(aif.quality) == 1
    assert "interpolated linearly" in aif.quality[0].sentence
    shifted = read_aif_csv(csv([0, *(TIME + 0.75)], [0, *VALUE]), TIME)
    assert shifted.value[1] == pytest.approx((VALUE[0] + VALUE[1]) / 2)


def test_csv_text_format() -> None:
    text = aif_csv_text(Aif(np.array([0.0, 0.1 * 3]), np.array([1.0, -2.5])))
    assert text == "time_s,value\n0,1\n0.3,-2.5\n"


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, 20, elements=st.floats(-1000, 1000, width=32)))
def test_written_files_round_trip(value: np.ndarray) -> None:
    value = value.copy()
    value[7] = 2000.0
    aif = Aif(TIME, value)
    again = read_aif_csv(aif_csv_text(aif).encode(), TIME)
    np.testing.assert_array_equal(again.value.astype(np.float32), value)
    assert again.quality == ()


def test_written_file_equals_csv_text_and_write_error_raises(tmp_path: Path) -> None:
    write_aif_csv(Aif(TIME, VALUE), tmp_path / "aif.csv")
    assert (tmp_path / "aif.csv").read_bytes() == aif_csv_text(Aif(TIME, VALUE)).encode()
    with pytest.raises(OutputError, match="cannot be written"):
        write_aif_csv(Aif(TIME, VALUE), tmp_path / "none" / "aif.csv")


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode("utf-8", "surrogatepass"))))
def test_random_bytes_are_read_or_refused(content: bytes) -> None:
    for text in (content, b"time_s,value\n" + content, csv() + content):
        try:
            aif = read_aif_csv(text, TIME)
        except InputDataError as error:
            assert "\n" not in str(error)
        else:
            assert aif.value.shape == TIME.shape
