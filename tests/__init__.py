"""The test suite: mirrors perfcore/ and pages/, with e2e/ for the browser and load/ for many users."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
