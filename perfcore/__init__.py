"""CT perfusion maps through a differentiable deconvolution: the public interface of the library.

Names are imported at their first use, so that ``import perfcore`` takes no time. :func:`analyse` computes all maps
of a case:

>>> from perfcore import Settings, analyse, make_demonstration
>>> case = make_demonstration("m1-occlusion")
>>> result = analyse(case.series, settings=Settings(core_threshold=0.30))
>>> result.maps.cbf.shape == case.series.grid
True
>>> result.numbers.core_ml < analyse(case.series).numbers.core_ml
True

A case of one's own comes from :func:`load_series`, a measured arterial input function from :func:`read_aif_csv`;
:func:`write_results` writes the maps as NIfTI files. Errors of the input are a :class:`PerfcoreError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from perfcore.errors import PerfcoreError as PerfcoreError
    from perfcore.io.aif_csv import read_aif_csv as read_aif_csv
    from perfcore.io.load import load_series as load_series
    from perfcore.maps import PerfusionMaps as PerfusionMaps
    from perfcore.phantom.cases import make_demonstration as make_demonstration
    from perfcore.pipeline import Analysis as Analysis
    from perfcore.pipeline import analyse as analyse
    from perfcore.preprocess import Prepared as Prepared
    from perfcore.preprocess import prepare as prepare
    from perfcore.results import write_results as write_results
    from perfcore.settings import Settings as Settings
    from perfcore.types import Aif as Aif
    from perfcore.types import PerfusionSeries as PerfusionSeries

_MODULES: Final = {
    "Aif": "perfcore.types",
    "Analysis": "perfcore.pipeline",
    "PerfcoreError": "perfcore.errors",
    "PerfusionMaps": "perfcore.maps",
    "PerfusionSeries": "perfcore.types",
    "Prepared": "perfcore.preprocess",
    "Settings": "perfcore.settings",
    "analyse": "perfcore.pipeline",
    "load_series": "perfcore.io.load",
    "make_demonstration": "perfcore.phantom.cases",
    "prepare": "perfcore.preprocess",
    "read_aif_csv": "perfcore.io.aif_csv",
    "write_results": "perfcore.results",
}

__all__ = [
    "Aif",
    "Analysis",
    "PerfcoreError",
    "PerfusionMaps",
    "PerfusionSeries",
    "Prepared",
    "Settings",
    "analyse",
    "load_series",
    "make_demonstration",
    "prepare",
    "read_aif_csv",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'perfcore' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
