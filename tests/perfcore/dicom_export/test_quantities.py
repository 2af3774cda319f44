"""Storage of maps as 16-bit numbers, and their codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.sr._cid_dict import cid_concepts
from pydicom.sr.codedict import codes

from perfcore.dicom_export.quantities import LAST, NO_VALUE, QUANTITIES, Quantity
from perfcore.map_info import MAPS, computed_maps


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
@given(at=st.floats(0, 1))
def test_values_return_within_half_a_step(quantity: Quantity, at: float) -> None:
    value = np.array([quantity.low + at * (quantity.high - quantity.low)], np.float32)
    (stored,) = quantity.stored(value, np.array([True]))
    assert 1 <= stored <= LAST
    rounding = np.spacing(np.abs(value))[0]  # of float32
    assert abs(quantity.step * stored + quantity.intercept - value[0]) <= quantity.step / 2 + rounding


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
def test_ends_and_missing_values(quantity: Quantity) -> None:
    values = np.array([-1e9, 1e9, np.nan, np.inf, 1.0, 1.0], np.float32)
    mask = np.array([True, True, True, True, True, False])
    stored = quantity.stored(values, mask)
    assert stored.dtype == np.uint16
    assert stored[:4].tolist() == [1, LAST, NO_VALUE, NO_VALUE]
    assert stored[4] > NO_VALUE
    assert stored[5] == NO_VALUE


@pytest.mark.parametrize("name", QUANTITIES)
def test_steps_are_finer_than_what_is_shown(name: str) -> None:
    quantity, info = QUANTITIES[name], MAPS[name]
    assert quantity.step / 2 < 0.5 * 10.0**-info.digits
    assert quantity.low <= info.window[0]
    assert info.window[1] <= quantity.high / 10


def test_maps_and_codes_are_known() -> None:
    """Codes are those of CID 4108, which also gives the units."""
    assert set(QUANTITIES) == set(computed_maps()) - {"core_probability"}
    context_group = [getattr(codes.DCM, keyword) for keyword in cid_concepts[4108]["DCM"]]
    assert all(quantity.code in context_group for quantity in QUANTITIES.values())
    assert {name: quantity.unit.value for name, quantity in QUANTITIES.items()} == {
        "rcbf": "{ratio}", "cbf": "ml/(100.g)/min", "cbv": "ml/(100.g)", "mtt": "s", "tmax": "s", "ttp": "s",
    }  # fmt: skip
