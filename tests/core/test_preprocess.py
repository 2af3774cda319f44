"""A first look at preparing a case; the parts have their own files."""

import numpy as np
import pytest

from perfcore.errors import InputDataError
from perfcore.preprocess import prepare
from perfcore.settings import Settings
from perfcore.types import PerfusionSeries


def test_a_series_of_air_has_an_empty_brain_mask() -> None:
    data = np.full((32, 32, 2, 20), -1000.0, np.float32)
    data[..., 10:] += 1
    with pytest.raises(InputDataError, match="The brain mask is empty"):
        prepare(PerfusionSeries(data, np.eye(4), 1.0), Settings())
