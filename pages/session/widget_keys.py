"""Keys of the widgets whose values are read or set outside the function that draws them."""

from __future__ import annotations

from typing import Final

LIVE_COMPONENT: Final = "lab"
CASE: Final = "picked_case"
PRESET: Final = "preset"
LIBRARY_FLAGS: Final = "library_words"
COMPARE_VIEW: Final = "compare_view"
COHORT_METHODS: Final = "cohort_methods"
EVALUATED_CASES: Final = "evaluate_cases"
APP_BAR: Final = "app_bar"
CHALLENGE_NUMBER: Final = "challenge_number"
KEPT_PROGRESS: Final = "kept_progress"


def setting(name: str) -> str:
    """Return the key of the sidebar widget of a field of `perfcore.settings.Settings`."""
    return f"set_{name}"


def compared_aifs(case: str) -> str:
    """Return the key of the choice of AIFs that are compared on a case."""
    return f"compare_columns_{case}"


def library_table(number: int) -> str:
    """Return the key of the library table; a new number makes a new table, without the old selection."""
    return f"library_{number}"


def prediction(lesson_id: str) -> str:
    """Return the key of the input of a lesson's prediction."""
    return f"answer_{lesson_id}"
