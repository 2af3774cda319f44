"""What the file says: the author's title and text, a lesson, and what the file itself is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pages.teaching.lesson import Lesson, fill
from pages.teaching.lessons import LESSONS
from perfcore.errors import ArgumentError, InputDataError
from perfcore.regularization import REGULARIZATIONS
from perfcore.settings import CHOICES, Settings
from perfcore.version import VERSION

MAX_TITLE_CHARS: Final = 120
MAX_TEXT_CHARS: Final = 20_000
NOTICE: Final = "Research and teaching, not for clinical use."
OWN_CASE: Final = (
    "These numbers are those of the lesson's own phantom, and yours differ where this is another case."
)
DEFAULT_TITLE: Final = "Perfusion maps under your hand"
_MARKS: Final = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*|`(.+?)`", re.DOTALL)


@dataclass(frozen=True)
class Words:
    """What an author adds to the file.

    Attributes
    ----------
    title
        One line; empty for a default one.
    text
        Plain text; blank lines divide its paragraphs.
    lesson
        Id of a lesson, or None.
    """

    title: str = ""
    text: str = ""
    lesson: str | None = None

    def __post_init__(self) -> None:
        if len(self.title) > MAX_TITLE_CHARS:
            raise InputDataError(
                f"The title has {len(self.title)} characters; shorten it to at most {MAX_TITLE_CHARS}."
            )
        if len(self.text) > MAX_TEXT_CHARS:
            raise InputDataError(
                f"The text has {len(self.text)} characters; shorten it to at most {MAX_TEXT_CHARS}."
            )
        if self.lesson is not None and self.lesson not in LESSONS:
            raise ArgumentError(f"lesson must be one of {', '.join(LESSONS)}; got {self.lesson!r}.")

    def page(
        self, case: str, settings: Settings, checksum: str, flags: Sequence[str] = (), results: Any = None
    ) -> dict[str, Any]:
        """Return the content of the page beside the Lab; its fields are those of ``PageInfo`` in ``types.d.ts``.

        Parameters
        ----------
        case
            Whose brain it is, in a few words.
        settings
            Settings of the maps.
        checksum
            SHA-256 of the data.
        flags
            Sentences about the quality of the series and of the start AIF.
        results
            Results of the lesson by name, a mapping; None without a lesson.
        """
        about = {"Case": case, **settings_in_words(settings)}
        if flags:
            about["Quality"] = " ".join(flags)
        return {
            "title": " ".join(self.title.split()) or DEFAULT_TITLE,
            "text": self.text,
            "lesson": None if self.lesson is None else lesson_steps(LESSONS[self.lesson], results),
            "notice": NOTICE,
            "version": VERSION,
            "checksum": checksum,
            "about": [{"label": label, "value": value} for label, value in about.items()],
        }


def settings_in_words(settings: Settings) -> dict[str, str]:
    """Return the settings by their labels."""
    of_choice = {name: CHOICES[name][str(getattr(settings, name))] for name in CHOICES}
    strength = f"{REGULARIZATIONS[settings.regularization].label}, {settings.lam:g}"
    return {
        "Deconvolution": f"{of_choice['deconvolution']}, {of_choice['discretization']}",
        "Regularisation": strength,
        "Smoothing": f"{settings.spatial_sigma_mm:g} mm, {settings.temporal_sigma_s:g} s",
        "Motion correction": of_choice["motion"],
        "Healthy reference": of_choice["reference"],
        "Thresholds": f"core: rCBF below {settings.core_threshold:g}; hypoperfused: Tmax above "
        f"{settings.tmax_threshold_s:g} s on {of_choice['tmax_reference']}",
    }


def lesson_steps(lesson: Lesson, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lesson as steps of plain paragraphs; its numbers are those of its own case."""
    steps = {
        "What it is about": (lesson.intro,),
        "First, a guess": (lesson.question.text,),
        "Try it": (lesson.task,),
        "What happens": (lesson.outcome, OWN_CASE),
        "Why": (lesson.why,),
        "To read on": tuple(f"{one.title} ({one.link})" for one in lesson.reading),
    }
    return {
        "title": lesson.title,
        "steps": [
            {"heading": heading, "paragraphs": [one for text in texts for one in _plain(fill(text, results))]}
            for heading, texts in steps.items()
        ],
    }


def _plain(text: str) -> list[str]:
    """Return the paragraphs of a Markdown text without its marks; its lines are joined."""
    bare = _MARKS.sub(lambda match: match[1] or match[2] or match[3], text)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", bare) if part.strip()]
