"""What a page without a server can compute; light to import, so that a command refuses its options at once."""

from __future__ import annotations

from typing import Final

from perfcore.errors import InputDataError
from perfcore.settings import Settings

MAX_FRAMES: Final = 800
"""Of a series; the kernel holds at most 1,024 rows of k(t), of which some lie before the AIF."""


def check_engine(settings: Settings, n_time: int = 0) -> None:
    """Check that a page without a server can compute the maps.

    Raises
    ------
    InputDataError
        The browser's engine does not have the deconvolution, or the series is too long for it.
    """
    if settings.regularization == "oscillation":
        raise InputDataError(
            "A page without a server has no limit of the oscillation index; choose Tikhonov or the truncated SVD "
            "(--regularization tikhonov)."
        )
    if settings.regularization != "tikhonov" and settings.deconvolution != "circulant":
        raise InputDataError(
            "A page without a server has the truncated SVD in its delay-invariant form alone; choose Tikhonov "
            "(--regularization tikhonov) or the delay-invariant form (--deconvolution circulant)."
        )
    if n_time > MAX_FRAMES:
        raise InputDataError(
            f"The series has {n_time} frames; a page without a server holds at most {MAX_FRAMES}: cut the series."
        )
