"""From a perfusion series to what a deconvolution needs: enhancement, masks, smoothed curves.

Nothing here depends on an input function, so a prepared case is shared by all of them.
"""

from perfcore.preprocess.prepared import Prepared, prepare

__all__ = ["Prepared", "prepare"]
