"""The lessons, in the order in which they are taught."""

from typing import Final

from pages.teaching.lesson import Lesson
from pages.teaching.lessons.artery import AMPLITUDE, DELAY, TAIL, WIDTH
from pages.teaching.lessons.method import GRADIENT, LAMBDA, THRESHOLDS, TMAX
from pages.teaching.lessons.scan import DISTAL, SMOOTHING, TRUNCATED, VEIN

LESSONS: Final[dict[str, Lesson]] = {
    lesson.id: lesson
    for lesson in (
        AMPLITUDE, DELAY, WIDTH, TAIL, TRUNCATED, DISTAL, VEIN, LAMBDA, SMOOTHING, THRESHOLDS, TMAX, GRADIENT,
    )
}  # fmt: skip
"""By id."""
