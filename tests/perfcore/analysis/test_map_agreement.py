"""Agreement of two maps, against scipy and counted voxels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from perfcore.analysis.map_agreement import lesion_agreement, map_agreement
from perfcore.errors import InputDataError
from perfcore.settings import Settings

RNG = np.random.default_rng(5)
OURS = RNG.gamma(2, 3, 4000).astype(np.float32)
THEIRS = (1.1 * OURS + RNG.normal(0.4, 1, 4000)).astype(np.float32)
NOWHERE = np.zeros(4000, bool)


def test_bias_limits_and_correlation() -> None:
    ours, theirs = OURS.copy(), THEIRS.copy()
    ours[:100], theirs[50:200] = np.nan, np.inf
    found = map_agreement(theirs, ours)
    a, b = THEIRS[200:].astype(float), OURS[200:].astype(float)
    assert found.n_voxels == 3800
    assert found.bias == pytest.approx((a - b).mean())
    low, high = stats.norm(found.bias, stats.tstd(a - b)).interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)
    assert found.r == pytest.approx(stats.pearsonr(a, b).statistic)
    turned = map_agreement(ours, theirs)
    assert (turned.bias, turned.low, turned.r) == pytest.approx((-found.bias, -found.high, found.r))


def test_equal_and_constant_maps() -> None:
    same = map_agreement(OURS, OURS)
    assert (same.bias, same.low, same.high) == (0, 0, 0)
    assert same.r == pytest.approx(1)
    assert map_agreement(np.full(4000, 3, np.float32), OURS).r is None
    with pytest.raises(InputDataError, match="no voxel in common"):
        map_agreement(np.full(4000, np.nan, np.float32), OURS)


def test_lesions_over_the_common_voxels() -> None:
    settings, theirs = Settings(tmax_threshold_s=6.0), THEIRS.copy()
    theirs[:1000] = np.nan
    found = lesion_agreement("tmax", theirs, OURS, reference=NOWHERE, settings=settings, voxel_ml=0.5)
    assert found is not None
    a, b = THEIRS[1000:] > 6, OURS[1000:] > 6
    assert (found.theirs_ml, found.ours_ml) == (0.5 * a.sum(), 0.5 * b.sum())
    assert found.dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
    core = lesion_agreement(
        "rcbf", OURS / 10, THEIRS / 10, reference=NOWHERE, settings=Settings(core_threshold=0.3), voxel_ml=1.0
    )
    assert core is not None
    assert (core.kind, core.theirs_ml, core.ours_ml) == ("core", (OURS < 3).sum(), (THEIRS / 10 < 0.3).sum())
    assert lesion_agreement("mtt", THEIRS, OURS, reference=NOWHERE, settings=settings, voxel_ml=1.0) is None


def test_core_of_a_cbf_map_does_not_depend_on_its_scale() -> None:
    healthy = OURS > 8
    options = {"reference": healthy, "settings": Settings(), "voxel_ml": 1.0}
    one = lesion_agreement("cbf", OURS, OURS, **options)
    other = lesion_agreement("cbf", 2.5 * OURS, OURS, **options)
    assert one is not None and other is not None
    assert 0 < one.ours_ml < 4000
    assert other.theirs_ml == one.ours_ml == one.theirs_ml
    with pytest.raises(InputDataError, match="no flow in healthy tissue"):
        lesion_agreement("cbf", np.zeros(4000, np.float32), OURS, **options)
