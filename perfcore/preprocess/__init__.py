"""Preprocessing of a perfusion series: realignment, baseline, brain mask, smoothing.

The results do not depend on an arterial input function, so one prepared case serves all of them.
"""

from perfcore.preprocess.prepared import Prepared, prepare

__all__ = ["Prepared", "prepare"]
