"""Version of the package, also that of the distribution."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
