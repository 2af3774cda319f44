"""Wire format: packed messages are read back exactly; malformed ones give one error."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.live.server import wire
from perfcore.errors import InputDataError
from tests.support.wire_frames import read


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.float32])
def test_byte_planes_are_read_back_exactly(dtype: type) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(0, 256, (7, 11 * np.dtype(dtype).itemsize), np.uint8).view(dtype)
    header, arrays = read(wire.pack("static", {}, {"a": wire.BytePlanes(values), "b": np.zeros(1, np.float32)}))
    assert header["arrays"]["a"][0] == f"{np.dtype(dtype).name} planes"
    assert arrays["a"].tobytes() == values.tobytes()


def test_arrays_of_every_type_are_read_back_aligned() -> None:
    sent = {
        "a": np.arange(5, dtype=np.uint8),
        "b": np.array([[1.5, np.nan]], np.float32),
        "c": np.arange(3, dtype=np.int16),
        "d": np.zeros(0, np.uint32),
    }
    header, arrays = read(wire.pack("slice", {"seq": 7, "text": "λ"}, sent))
    assert (header["kind"], header["seq"], header["text"]) == ("slice", 7, "λ")
    for name, array in sent.items():
        np.testing.assert_array_equal(arrays[name], array.ravel())


def test_an_edit_is_read_as_it_was_sent() -> None:
    curve = np.array([0.0, 1.5, -2.25], np.float32)
    edit = wire.unpack_edit(struct.pack("<4I", 3, 41, wire.FLAG_REST, 5) + curve.tobytes())
    assert (edit.epoch, edit.sequence, edit.at_rest, edit.all_slices, edit.slice_index) == (3, 41, True, False, 5)
    np.testing.assert_array_equal(edit.curve, curve.astype(float))


def test_an_edit_may_end_with_a_threshold_of_the_core() -> None:
    values = np.array([0.0, 1.5, -2.25, 0.412], np.float32)
    edit = wire.unpack_edit(struct.pack("<4I", 3, 41, wire.FLAG_THRESHOLD, 5) + values.tobytes())
    np.testing.assert_array_equal(edit.curve, values[:3].astype(float))
    assert edit.core_threshold == 0.412
    plain = wire.unpack_edit(struct.pack("<4I", 3, 41, 0, 5) + values.tobytes())
    assert (plain.curve.size, plain.core_threshold) == (4, None)


@pytest.mark.parametrize(
    ("message", "part"),
    [
        (b"", "at least two points"),
        (b"\0" * 20, "at least two points"),
        (b"\0" * 27, "at least two points"),
        (b"\0" * (wire.MAX_MESSAGE_BYTES + 4), "at most"),
        (struct.pack("<4I", 1, 1, 0, 0) + np.array([1, np.nan], np.float32).tobytes(), "not finite"),
        (struct.pack("<4I", 1, 1, 0, 0) + np.array([1, np.inf], np.float32).tobytes(), "not finite"),
        (struct.pack("<4I", 1, 1, 0, 0) + b"\0\0\x80\x3f\0\0\x81\x7f", "not finite"),
        (struct.pack("<4I", 1, 1, 0, 0) + np.array([1, 1e30], np.float32).tobytes(), "out of range"),
    ],
)
def test_a_malformed_edit_is_refused(message: bytes, part: str) -> None:
    with pytest.raises(InputDataError, match=part):
        wire.unpack_edit(message)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_an_edit_or_one_error(message: bytes) -> None:
    try:
        edit = wire.unpack_edit(message)
    except InputDataError:
        return
    assert np.isfinite(edit.curve).all()
