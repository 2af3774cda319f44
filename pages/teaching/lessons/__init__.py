"""The lessons, in the order in which they are taught: every `Lesson` of this package's modules."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from pages.teaching.lesson import Lesson


def find_lessons() -> dict[str, Lesson]:
    """Return the lessons of this package by id, in their order.

    Raises
    ------
    ValueError
        Two lessons have one id.
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Lesson)]
    lessons = {lesson.id: lesson for lesson in sorted(found, key=lambda lesson: (lesson.order, lesson.id))}
    if len(lessons) < len(found):
        raise ValueError("Two lessons have one id.")
    return lessons


LESSONS: Final = find_lessons()
"""By id."""
