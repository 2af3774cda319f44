"""From a live case to the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pages.library.catalog import demonstrations, open_case
from pages.live.compute.case import LiveCase
from pages.one_file.about import Words
from pages.one_file.data import checksum, data_blocks
from pages.one_file.document import make_document
from pages.teaching.lesson_results import LessonResults
from pages.teaching.lessons import LESSONS
from perfcore.errors import PerfcoreError
from perfcore.quality_flags import sentences
from perfcore.settings import Settings
from perfcore.types import Aif

PAGE_FILE: Final = "aif-lab.html"


def make_page(
    case: LiveCase, settings: Settings, start: Aif, words: Words, *, described: str, others: Iterable[Aif] = ()
) -> bytes:
    """Return the Lab of a case as one HTML file.

    Parameters
    ----------
    case
        The prepared case.
    settings
        Settings of the maps; those of the preparation are the case's.
    start
        The AIF that the page opens with.
    words
        Title, text and lesson.
    described
        Whose brain it is, in a few words that name no person and no file.
    others
        Further AIFs to choose from.

    Raises
    ------
    PerfcoreError
        The browser's engine does not have these settings, or the start AIF gives no maps.
    """
    blocks = data_blocks(case, settings, start, list(others))
    flags = sentences(case.flags(start, settings))
    page = words.page(described, settings, checksum(blocks), flags, _results(words.lesson))
    return make_document(page, blocks)


def offered_aifs(case: LiveCase) -> Iterable[Aif]:
    """Compute the AIFs of every source of a case, one by one; those that find none are left out."""
    for method in case.offered.methods:
        try:
            yield case.offered.get(method)
        except PerfcoreError:
            continue


def _results(lesson: str | None) -> LessonResults | None:
    """Return the results of a lesson on its own case."""
    if lesson is None:
        return None
    found = LESSONS[lesson]
    entry = next(one for one in demonstrations() if one.key == found.case)
    return LessonResults(found, open_case(entry, found.own_settings))
