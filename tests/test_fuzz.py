"""Fuzz tests of all external input: only PerfcoreError is raised, and memory is bounded.

Each reader is also fuzzed beside its other tests; here the input goes on to the prepared case, the live session
and the snapshots.
"""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import math
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pages.library.catalog import CatalogEntry, LoadedCase, forget, open_case
from pages.live.compute.case import LiveCase
from pages.live.handlers.requests import answer_request
from pages.live.handlers.streams import STREAMS
from pages.live.server import wire
from pages.live.server.connection import _Connection
from pages.live.server.messages import case_frame, probe_frame, slice_frame
from pages.live.server.rerun_transport import answer
from pages.live.server.session import LiveSession, Workspace, open_session
from pages.live.server.workspace_edit import WorkspaceEdit
from pages.session import setting_ranges, share_link
from perfcore.errors import InputDataError, PerfcoreError
from perfcore.io.aif_csv import read_aif_csv
from perfcore.io.dicom.reader import read_dicom
from perfcore.io.nifti.on_grid import read_on_grid
from perfcore.io.nifti.reader import read_series
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries
from perfcore.units import MAX_ABS_VALUE
from tests.support import dicom_export
from tests.support.synthetic_head import draw_head

MAX_MEMORY = 48 << 20
HEAD = draw_head(n=32, n_slices=2, n_time=28, noise=1.0)
SERIES = replace(HEAD.series, lesion=HEAD.lesion)


def fuzz(n: int) -> Any:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=n, deadline=None, derandomize=True, suppress_health_check=quiet)


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MAX_MEMORY
    finally:
        tracemalloc.stop()


def one_sentence(error: PerfcoreError) -> None:
    text = str(error)
    assert text.endswith(".")
    assert "\n" not in text
    assert len(text) < 500


# Files


def nifti() -> bytes:
    image = nib.Nifti1Image(np.rint(HEAD.series.data[::4, ::4, :1]).astype(np.int16), HEAD.series.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["pixdim"][4] = 1.0
    return image.to_bytes()


NIFTI = nifti()
VOLUME = nib.Nifti1Image(SERIES.data[::2, ..., 5], SERIES.affine @ np.diag([2.0, 1, 1, 1])).to_bytes()
DICOM = [content for _, content in dicom_export.images(dicom_export.bolus(12, 1, side=8))]
CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6)


def changed(content: bytes, changes: list[tuple[int, bytes]], within: int | None = None) -> bytes:
    own = bytearray(content)
    for place, value in changes:
        at = place % (within or len(own))
        own[at : at + len(value)] = value
    return bytes(own)


@fuzz(250)
@given(CHANGES, st.sampled_from(["plain", "header", "gzip", "in gzip"]), st.booleans())
def test_fuzzed_nifti_is_read_or_refused(changes: list[tuple[int, bytes]], kind: str, as_mask: bool) -> None:
    within = 352 if kind in ("header", "in gzip") else None
    content = gzip.compress(NIFTI, 1) if kind == "gzip" else changed(NIFTI, changes, within)
    content = {"gzip": lambda: changed(content, changes), "in gzip": lambda: gzip.compress(content, 1)}.get(
        kind, lambda: content
    )()
    with little_memory():
        try:
            found = read_series(NIFTI if as_mask else content, mask=content if as_mask else None)
        except InputDataError as error:
            one_sentence(error)
        else:
            assert np.abs(found.data).max() <= MAX_ABS_VALUE


@fuzz(150)
@given(CHANGES, st.sampled_from(["header", "plain", "gzip"]), st.sampled_from([None, 0.0]))
def test_fuzzed_map_of_another_package_is_read_or_refused(
    changes: list[tuple[int, bytes]], kind: str, empty: float | None
) -> None:
    content = changed(VOLUME, changes, 352 if kind == "header" else None)
    with little_memory():
        try:
            found, _ = read_on_grid(
                gzip.compress(content, 1) if kind == "gzip" else content,
                SERIES.grid,
                SERIES.affine,
                "map",
                empty=empty,
            )
        except InputDataError as error:
            one_sentence(error)
        else:
            assert found.shape == SERIES.grid
            assert np.isfinite(found).any()


@fuzz(100)
@given(CHANGES, st.sampled_from(["files", "one file", "archive", "table"]))
def test_fuzzed_dicom_is_read_or_refused(changes: list[tuple[int, bytes]], kind: str) -> None:
    contents = list(DICOM)
    if kind == "files":
        contents = [changed(one, changes, 1100) for one in contents]
    elif kind == "one file":
        contents[4] = changed(contents[4], changes)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, one in enumerate(contents):
            archive.writestr(str(i), one)
    content = out.getvalue()
    if kind == "archive":
        content = changed(content, changes)
    elif kind == "table":
        content = content[:-600] + changed(content[-600:], changes)
    with little_memory():
        try:
            read_dicom(content)
        except InputDataError as error:
            one_sentence(error)


VALUES = st.sampled_from([0.0, 1e-30, 1e-6, 1.0, -100.0, -1024.0, 1e5, -1e10, MAX_ABS_VALUE, -MAX_ABS_VALUE])


@st.composite
def odd_series(draw: st.DrawFn) -> PerfusionSeries:
    """Draw an unusual series that the readers accept: constant, tiny, huge, thin or coarse."""
    data, affine, dt_s = HEAD.series.data.astype(np.float64), HEAD.series.affine.copy(), 1.0
    kind = draw(st.sampled_from(["values", "spikes", "late", "thin", "flat", "voxels", "step"]))
    if kind == "values":
        data = data * draw(VALUES) + draw(VALUES)
    elif kind == "spikes":
        for _ in range(draw(st.integers(1, 4))):
            data[draw(st.integers(0, 31)), draw(st.integers(0, 31)), 0, draw(st.integers(0, 19))] = draw(VALUES)
    elif kind == "late":
        data[draw(st.integers(0, 31)) :, :, :, draw(st.integers(1, 19)) :] = draw(VALUES)
    elif kind == "thin":
        x, y, z, t = (draw(st.integers(low, high)) for low, high in ((1, 32), (1, 32), (1, 2), (10, 20)))
        data = data[:x, :y, :z, :t]
    elif kind == "flat":
        data = np.full(data.shape, draw(VALUES))
    elif kind == "voxels":
        affine[:3, :3] *= draw(st.sampled_from([0.05, 10.0, 100.0]))
    else:
        dt_s = draw(st.sampled_from([0.02, 5.0, 60.0]))
    data.flat[0] = data.flat[0] + 1  # it changes in time
    data = np.ascontiguousarray(data.clip(-MAX_ABS_VALUE, MAX_ABS_VALUE), np.float32)
    units = draw(st.sampled_from(["hu", "concentration", "dsc"]))
    mask = np.ones(data.shape[:3], bool) if draw(st.booleans()) else None
    return PerfusionSeries(data, affine, dt_s, units=units, mask=mask)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # metrics of random values may be infinite
@fuzz(80)
@given(odd_series())
@example(PerfusionSeries(HEAD.series.data[:1], HEAD.series.affine, 1.0))
@example(PerfusionSeries(HEAD.series.data, np.diag([0.05, 0.05, 0.05, 1.0]), 1.0, mask=HEAD.brain))
def test_any_valid_series_opens_in_the_lab_or_is_refused(series: PerfusionSeries) -> None:
    try:
        case = open_case(CatalogEntry("upload-1", "x", "", lambda: LoadedCase(series), "fuzz"), Settings())
        session = open_session()
        state = session.configure(case, Settings(), next(iter(case.sources.values())))
        case_frame(session, state)
        slice_frame(WorkspaceEdit(state, wire.Edit(state.epoch, 1, True, False, 0, state.start.value)))
        wire.pack("numbers", dict(case.numbers(case.volume_flow(state.start.value, Settings()), Settings())))
    except PerfcoreError as error:
        assert "\n" not in str(error)
    finally:
        forget("fuzz")


NUMBERS = st.one_of(
    st.floats().map(repr), st.integers(-(10**30), 10**30).map(str),
    st.sampled_from(["", " ", "1e400", "-0", "0x1", "1_0", "1,5", "٣", "nan(1)", '"1', "'1'", "1" * 5000]),
)  # fmt: skip
ROWS = st.lists(st.lists(NUMBERS, max_size=4), max_size=24)


@fuzz(200)
@given(ROWS, st.sampled_from(["", "\ufeff"]), st.sampled_from(["\n", "\r\n", "\r"]), st.booleans())
def test_fuzzed_aif_csv_is_read_or_refused(rows: list[list[str]], mark: str, end: str, whole: bool) -> None:
    grid = np.arange(20.0)
    if whole:
        rows = [[f"{t}", row[0] if row else "1"] for t, row in zip(grid, [*rows, *[["1"]] * 20], strict=False)]
    text = mark + end.join(["time_s,value", *(",".join(row) for row in rows)])
    with little_memory():
        try:
            aif = read_aif_csv(text.encode(), grid)
        except InputDataError as error:
            one_sentence(error)
        else:
            assert np.isfinite(aif.value.astype(np.float32)).all()


# Text: JSON, links, requests


ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 40), st.integers(-(2**70), 2**70), st.just(10**400), st.floats(),
    st.text(max_size=6), st.sampled_from(["truth", "painted", "core", "healthy", "voxels", "selectors"]),
)  # fmt: skip
JSON = st.recursive(
    ODD,
    lambda own: st.lists(own, max_size=5) | st.dictionaries(st.text(max_size=4), own, max_size=4),
    max_leaves=10,
)
DEEP = [
    "[" * 100_000, '{"a":' * 50_000, '{"type":' + "[" * 7000 + "]" * 7000 + "}", "1" * 5000, "NaN", '"\\ud800"',
]  # fmt: skip


@pytest.mark.parametrize("text", DEEP)
@pytest.mark.parametrize("field", [None, "RepetitionTime", "VolumeTiming", "FrameTimesStart"])
def test_fuzzed_json_sidecar_is_read_or_refused(text: str, field: str | None) -> None:
    own = text if field is None else f'{{"{field}": {text}}}'
    try:
        series = read_series(NIFTI, sidecar=own.encode())
    except InputDataError as error:
        one_sentence(error)
    else:
        assert series.time_source == "header"


@fuzz(300)
@given(st.dictionaries(st.sampled_from(share_link.PARAM_NAMES), st.text(max_size=90) | NUMBERS, max_size=6))
def test_fuzzed_share_links_are_read_or_refused(params: dict[str, str]) -> None:
    with little_memory():
        try:
            scene = share_link.read_params(params)
        except InputDataError as error:
            one_sentence(error)
        else:
            setting_ranges.check_slider_ranges(scene.settings)


@fuzz(300)
@given(st.text("ABCdefg0123456789-_=.+/ ä\0", max_size=120) | st.binary(max_size=60).map(lambda raw: raw.hex()))
def test_fuzzed_packed_curves_are_read_or_refused(text: str) -> None:
    for packed in (text, share_link.VERSION + text):
        try:
            curve = share_link.unpack_curve(packed)
        except InputDataError as error:
            one_sentence(error)
        else:
            assert np.isfinite(curve).all()


@pytest.fixture(scope="module")
def case() -> LiveCase:
    return open_case(CatalogEntry("folder-fuzz", "x", "", lambda: LoadedCase(SERIES)), Settings())


@pytest.fixture(scope="module")
def session(case: LiveCase) -> LiveSession:
    live = open_session()
    live.configure(case, Settings(), next(iter(case.sources.values())))
    return live


CURVE = HEAD.aif.astype(np.float32).tolist()
CURVES = st.one_of(
    st.just(CURVE), st.lists(st.floats(-1e5, 1e5, width=32), min_size=20, max_size=20),
    st.lists(st.sampled_from([0, 1e-30, 1e5, -1e5, 1.0]), min_size=20, max_size=20), JSON,
)  # fmt: skip
COORDINATES = st.floats(-90, 90) | st.sampled_from([1e5, -1e5, 1e308, 5e-324, 10**400, math.nan, math.inf, "7"])
POLYGONS = st.lists(st.lists(COORDINATES, min_size=2, max_size=2), min_size=3, max_size=12)
VOXELS = st.lists(st.integers(-3, 40), min_size=3, max_size=3) | JSON
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "curve": CURVES,
    "voxel": VOXELS,
    "voxels": st.lists(VOXELS, max_size=4) | JSON,
    "slice": st.integers(0, 2) | JSON,
    "runs": st.lists(st.lists(st.integers(-5, 400), min_size=2, max_size=2), max_size=4) | JSON,
    "vertices": POLYGONS | JSON,
    "viewport": st.fixed_dictionaries({"slice": JSON, "all": JSON}) | JSON,
    "quantity": st.sampled_from(["core_ml", "soft_dice", "rcbf", "tmax"]) | JSON,
    "region": st.sampled_from(["core", "hypoperfused", "healthy", "painted"]) | JSON,
    "target": st.sampled_from(["truth", "painted"]) | JSON,
    "direction": st.sampled_from(["amplitude", "shift", "width", "dispersion", "tail", "noise"]) | JSON,
    "way": st.sampled_from(["voxels", "selectors"]) | JSON,
    "form": st.sampled_from(["free", "softplus", "gamma-variate"]) | JSON,
    "act": st.sampled_from(["start", "run", "pause", "step", "seen", "stop"]) | JSON,
    **dict.fromkeys(
        ("run", "fresh", "held_out", "network", "loss", "optimizer", "rate", "curvature", "with_tmax",
         "asked", "learn_threshold", "steps", "have", "number", "epoch", "seq", "flags", "request"), JSON
    ),
}  # fmt: skip
STREAMED = ("curve", "form", "quantity", "direction", "way")
KINDS = st.sampled_from(["probe", "fit", "voxels", "target", "region", "case", "snapshot", "stream"])
REQUESTS = st.one_of(
    JSON,
    st.fixed_dictionaries({"type": KINDS | JSON}, optional=FIELDS),
    st.fixed_dictionaries(
        {"type": st.just("region"), "slice": FIELDS["slice"], "vertices": FIELDS["vertices"], "number": st.just(1)}
    ),
    st.fixed_dictionaries(
        {"type": st.just("stream"), "of": st.sampled_from(list(STREAMS)), "act": st.just("start"),
         "run": st.just(1), **{name: FIELDS[name] for name in STREAMED}},
        optional={name: of for name, of in FIELDS.items() if name not in {*STREAMED, "act", "run"}},
    ),
)  # fmt: skip


def state_of(session: LiveSession) -> Workspace:
    assert session.workspace is not None
    return session.workspace


def exchange(session: LiveSession, text: str) -> None:
    """Send a request; compute two frames of each stream that it starts."""
    state, sent = state_of(session), []

    async def send(frame: bytes) -> None:
        sent.append(frame)

    async def converse() -> None:
        one = _Connection(None, session)  # type: ignore[arg-type]
        one.send = one.streams._send = send  # type: ignore[method-assign]
        try:
            await one.request(text)
        except PerfcoreError as error:
            assert type(error).__name__ != "InternalError", error
        if one.probe is not None:
            with_errors(lambda: probe_frame(state, state.start.value, one.probe))  # type: ignore[arg-type]
        for of, stream in one.streams._open.items():
            for _ in range(2):
                header, arrays = with_errors(lambda own=stream: next(own.frames, None)) or ({}, {})
                wire.pack(of, {"run": stream.run, **header}, arrays)

    asyncio.run(converse())


def with_errors(work: Any) -> Any:
    try:
        return work()
    except PerfcoreError:
        return None


@fuzz(250)
@given(REQUESTS)
def test_fuzzed_requests_are_answered(session: LiveSession, asked: Any) -> None:
    try:
        text = json.dumps(asked)
    except ValueError:  # more digits than Python writes
        return
    exchange(session, text)
    state = state_of(session)
    with_errors(lambda: answer_request(session, state, asked))
    assert isinstance(answer(session, state, {"request": asked}), bytes)
    assert isinstance(answer(session, state, asked), bytes), "by the rerun transport too"


@pytest.mark.parametrize(
    "text", [*DEEP, "", "\0", "{}", "[]", '{"type": NaN}', '{"type": "probe", "voxel": "abc"}']
)
def test_deeply_nested_requests_are_answered(session: LiveSession, text: str) -> None:
    with little_memory():
        exchange(session, text)


@fuzz(200)
@given(st.binary(max_size=120), st.integers(0, 7), st.integers(0, 2**32 - 1), st.booleans())
def test_fuzzed_edits_are_computed_or_refused(
    session: LiveSession, raw: bytes, flags: int, z: int, whole: bool
) -> None:
    state = state_of(session)
    curve = (raw * 80)[:80].ljust(80, b"\0") if whole else raw
    for message in (raw, struct.pack("<4I", state.epoch, 1, flags, z) + curve):
        try:
            edit = wire.unpack_edit(message)
            slice_frame(WorkspaceEdit(state, edit))
        except PerfcoreError as error:
            one_sentence(error)
