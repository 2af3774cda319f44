from __future__ import annotations

import numpy as np
import pytest

from perfcore.aif.edits import HANDLES
from perfcore.aif.variants import VARIANTS, variant_curve

DT_S = 1.5
TIME = DT_S * np.arange(40)
START = 200 * np.exp(-0.5 * ((TIME - 18) / 4) ** 2) + 30 / (1 + np.exp(18 - TIME))
VOF = 180 * np.exp(-0.5 * ((TIME - 26) / 5) ** 2)
BY_ID = {info.id: info for info in VARIANTS}


def curve(name: str) -> np.ndarray:
    found = variant_curve(BY_ID[name], START, DT_S, VOF)
    assert found is not None
    return found


def test_vein_is_the_vof_and_none_where_none_is_known() -> None:
    np.testing.assert_array_equal(curve("vein"), VOF)
    assert variant_curve(BY_ID["vein"], START, DT_S, None) is None


def test_half_as_high_and_late() -> None:
    np.testing.assert_allclose(curve("half"), START / 2)
    np.testing.assert_allclose(curve("late")[2:], START[:-2])  # 3 s are two steps


def test_no_tail_keeps_the_peak_and_ends_at_zero() -> None:
    assert curve("no_tail").max() == START.max()
    assert abs(curve("no_tail")[-1]) < 1e-9 < START[-1]


def test_stopped_early_is_zero_from_6_s_after_the_peak() -> None:
    peak_s = TIME[np.argmax(START)]
    kept = peak_s + 6 >= TIME
    np.testing.assert_array_equal(curve("stopped"), np.where(kept, START, 0))


def test_beyond_the_clot_is_lower_later_and_wider() -> None:
    distal = curve("distal")
    centre = [float((TIME * c).sum() / c.sum()) for c in (START, distal)]
    assert distal.max() < 0.6 * START.max()
    assert TIME[np.argmax(distal)] >= TIME[np.argmax(START)] + 3
    assert centre[1] > centre[0]


@pytest.mark.parametrize("info", VARIANTS, ids=lambda info: info.id)
def test_every_variant_has_the_length_of_the_start_and_a_hint(info) -> None:
    assert curve(info.id).shape == START.shape
    assert info.effect in {*HANDLES, "vein"}
    assert info.label
    assert info.help
