"""Share links: a link is read back exactly; an invalid one is refused in one sentence."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pages.session import setting_ranges, share_link
from pages.session.share_link import PARAM_NAMES, SavedView, pack_curve, read_params, unpack_curve, write_params
from perfcore.errors import InputDataError
from perfcore.map_info import MAPS
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import PRESETS, Settings

CURVES = st.lists(st.floats(-1e4, 1e4, width=32), min_size=2, max_size=200).filter(lambda v: max(v) > 0)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz-0123456789 äλ#&=?%/", max_size=30)


@st.composite
def views(draw: st.DrawFn) -> SavedView:
    kind = draw(st.sampled_from(list(REGULARIZATIONS)))
    values = {name: draw(st.floats(span.low, span.high)) for name, span in setting_ranges.SLIDER_RANGES.items()}
    span = REGULARIZATIONS[kind].slider
    chosen = Settings(
        regularization=kind,
        lambda_rel=draw(st.floats(span.low, span.high)),
        deconvolution=draw(st.sampled_from(["circulant", "causal"])),
        reference=draw(st.sampled_from(["contralateral", "brain"])),
        tmax_reference=draw(st.sampled_from(["absolute", "healthy"])),
        **values,
    )
    curve = draw(st.none() | CURVES)
    return SavedView(
        case=draw(WORDS),
        preset=draw(st.sampled_from(list(PRESETS))),
        settings=chosen,
        start=draw(WORDS),
        curve=None if curve is None else np.array(curve, np.float64),
        map=draw(st.sampled_from(["", *MAPS])),
        slice_index=draw(st.none() | st.integers(0, 300)),
        montage=draw(st.none() | st.booleans()),
    )


@settings(max_examples=200, derandomize=True, deadline=None)
@given(views())
def test_a_view_survives_the_query_parameters(view: SavedView) -> None:
    back = read_params(dict(parse_qsl(urlencode(write_params(view)))))
    for name in ("case", "preset", "settings", "start", "map", "slice_index", "montage"):
        assert getattr(back, name) == getattr(view, name), name
    if view.curve is None:
        assert back.curve is None
    else:
        np.testing.assert_array_equal(back.curve, view.curve)


def test_query_parameters_have_option_names_and_omit_defaults() -> None:
    view = SavedView("demo-noisy", "vendor", Settings.preset("vendor", deconvolution="causal", lambda_rel=0.12))
    assert urlencode(write_params(view)) == "case=demo-noisy&preset=vendor&deconvolution=causal&lambda-rel=0.12"
    assert write_params(SavedView()) == {}


def test_a_curve_of_sixty_points_takes_at_most_400_characters() -> None:
    curve = np.random.default_rng(1).normal(40, 80, 60).astype(np.float32).astype(float)
    packed = pack_curve(curve)
    assert len(packed) <= 400
    assert urlencode({"curve": packed}) == f"curve={packed}", "nothing in it needs escaping"
    np.testing.assert_array_equal(unpack_curve(packed), curve)


def packed(values: list[float], dtype: str = "<f4") -> str:
    return "1." + base64.urlsafe_b64encode(np.array(values, dtype).tobytes()).decode().rstrip("=")


HOSTILE = {
    "huge curve": ({"curve": "1." + "A" * 1_000_000}, "more than 1000 points"),
    "huge word": ({"case": "x" * 100_000}, "at most 80 are read"),
    "huge number": ({"lambda-rel": "9" * 79}, "must lie between"),
    "nan setting": ({"lambda-rel": "nan"}, "must lie between"),
    "infinite setting": ({"tmax-threshold": "-inf"}, "must lie between"),
    "beyond the slider": ({"tmax-threshold": "20"}, "between 2 and 14 here"),
    "word for a number": ({"core-threshold": "low"}, "is not a number"),
    "unknown choice": ({"deconvolution": "magic"}, "must be one of circulant, causal"),
    "unknown preset": ({"preset": "best"}, "none of paper, vendor"),
    "unknown map": ({"map": "constructor"}, "Its map is none of"),
    "unknown layout": ({"layout": "spiral"}, "neither one nor all"),
    "slice of nothing": ({"slice": "0"}, "not a number from 1"),
    "half a slice": ({"slice": "2.5"}, "not a number from 1"),
    "infinite slice": ({"slice": "inf"}, "not a number from 1"),
    "nan in the curve": ({"curve": packed([1, np.nan, 2])}, "not finite"),
    "infinity in the curve": ({"curve": packed([1, np.inf])}, "not finite"),
    "no bolus": ({"curve": packed([0, 0, 0])}, "no positive bolus"),
    "negative": ({"curve": packed([-1, -2, -3])}, "no positive bolus"),
    "one point": ({"curve": packed([1])}, "damaged"),
    "odd bytes": ({"curve": packed([1, 2, 3], "i1")}, "damaged"),
    "not base64": ({"curve": "1.äöü"}, "damaged"),
    "other alphabet": ({"curve": "1.++++////"}, "damaged"),
    "empty curve": ({"curve": "1."}, "damaged"),
    "another version": ({"curve": "2.AAAA"}, "another version"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_link_gives_one_error(name: str) -> None:
    params, part = HOSTILE[name]
    with pytest.raises(InputDataError, match=part) as caught:
        read_params(params)
    text = str(caught.value)
    assert text.startswith("This link cannot be used: ")
    assert text.count("\n") == 0
    assert len(text) < 300


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.dictionaries(st.sampled_from([*PARAM_NAMES, "other"]), st.text(max_size=120), max_size=6))
def test_any_parameters_give_a_view_or_one_error(params: dict[str, str]) -> None:
    try:
        view = read_params(params)
    except InputDataError as error:
        assert str(error).startswith("This link cannot be used: ")
    else:
        setting_ranges.check_slider_ranges(view.settings)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=90))
def test_any_packed_bytes_give_a_finite_curve_or_one_error(raw: bytes) -> None:
    text = share_link.VERSION + base64.urlsafe_b64encode(raw).decode().rstrip("=")
    try:
        curve = unpack_curve(text)
    except InputDataError:
        return
    assert np.isfinite(curve).all()
    assert curve.max() > 0
    np.testing.assert_array_equal(np.frombuffer(raw, "<f4"), curve)


def test_other_query_parameters_are_ignored() -> None:
    assert read_params({"embed": "true", "utm_source": "x" * 500}).settings == Settings()
