"""Tests of Settings: differences from a preset reproduce the settings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import PRESETS, Settings

ANY = st.builds(
    Settings,
    deconvolution=st.sampled_from(["circulant", "causal"]),
    discretization=st.sampled_from(["volterra", "rectangular"]),
    regularization=st.sampled_from(list(REGULARIZATIONS)),
    lambda_rel=st.one_of(
        st.sampled_from([None, *(info.default_lambda for info in REGULARIZATIONS.values())]), st.floats(1e-4, 1.0)
    ),
    spatial_sigma_mm=st.floats(0, 20),
    reference=st.sampled_from(["contralateral", "brain"]),
    core_threshold=st.floats(0.01, 1.0),
    tmax_reference=st.sampled_from(["absolute", "healthy"]),
)


@examples(max_examples=200, derandomize=True, deadline=None)
@given(ANY, st.sampled_from(list(PRESETS)))
def test_differences_reproduce_the_settings(settings: Settings, preset: str) -> None:
    assert Settings.preset(preset, **settings.differences(preset)) == settings


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_no_differences_from_itself(name: str) -> None:
    assert Settings.preset(name).differences(name) == {}


def test_differences_name_only_changed_settings() -> None:
    changed = Settings.preset("paper", regularization="tsvd", tmax_threshold_s=8)
    assert changed.differences("paper") == {"regularization": "tsvd", "tmax_threshold_s": 8.0}
    assert changed.differences("vendor") == {
        "core_threshold": 0.38, "tmax_threshold_s": 8.0, "spatial_sigma_mm": 2.5, "temporal_sigma_s": 1.5,
    }  # fmt: skip
