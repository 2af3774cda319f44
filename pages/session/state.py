"""State of one user: one typed object in Streamlit's session state, under one key.

Widgets keep their own keys (`pages.session.widget_keys`); all other state of a user is a field of `UserState`.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from pages.classroom.lecturer.class_state import ClassState
from pages.library.catalog import CatalogEntry, forget
from pages.live.server.session import COMPUTE, LiveSession, open_session
from pages.session import widget_keys
from pages.session.pending_upload import LostUpload, PendingUpload, SubmittedFile
from pages.session.share_link import SavedView
from pages.session.snapshots import SnapshotStore
from pages.teaching.progress import Challenge, LessonProgress
from perfcore.settings import PRESETS, Settings
from perfcore.types import Aif, DoubleArray

if TYPE_CHECKING:  # these modules import pandas, which only their own pages need
    from pages.comparison.columns import ComparisonCache
    from pages.comparison.evaluation_results import EvaluationResults
    from pages.comparison.evaluation_runner import EvaluationRun
    from pages.comparison.foreign_maps import ForeignMap
    from pages.network.panels import NetworkResult

STATE_KEY: Final = "user_state"


@dataclass
class CaseSelection:
    """Selected case.

    Attributes
    ----------
    key
        Key of the catalog entry; an empty or unknown key selects the first case.
    cohort_cases
        Cases of the evaluation cohort that this user has opened.
    """

    key: str = ""
    cohort_cases: list[CatalogEntry] = field(default_factory=list)


@dataclass
class SettingsSelection:
    """Settings of the sidebar, with the preset that they are named by."""

    preset: str = "paper"
    values: Settings = PRESETS["paper"]

    def apply(self, preset: str, values: Settings) -> None:
        """Replace preset and settings."""
        self.preset, self.values = preset, values


@dataclass
class AifSelection:
    """Start AIFs of the user's cases.

    Attributes
    ----------
    methods
        By case name: method of the AIF that edits start from; absent for the default.
    own
        By case name and method: AIFs that belong to this user alone, from files, lessons and challenges.
    """

    methods: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, Aif]] = field(default_factory=dict)

    def own_of(self, case: str) -> dict[str, Aif]:
        """Return the user's own AIFs of a case, by method."""
        return self.own.setdefault(case, {})


@dataclass
class Uploads:
    """Uploaded cases, which exist in this session only.

    Attributes
    ----------
    entries
        The uploads, in the order in which they were added.
    last_number
        Number of the last upload; numbers are used once.
    n_submitted
        How often the form was submitted; part of the file widgets' keys, so that a submission empties them.
    problems
        Sentences about files that could not be opened, shown at the next run.
    submitted
        Files that were submitted and are not read yet; a run that is interrupted leaves them to the next.
    is_first_opened
        Whether the first valid file of the last submission was selected.
    pending, last_pending
        Uploads of several series, which wait for a choice, and the number of the last of them.
    checksums
        Checksum of each upload's voxels, by key.
    lost
        The upload that was open when the page was loaded again, or None.
    """

    entries: list[CatalogEntry] = field(default_factory=list)
    last_number: int = 0
    n_submitted: int = 0
    problems: list[str] = field(default_factory=list)
    submitted: list[SubmittedFile] = field(default_factory=list)
    is_first_opened: bool = False
    pending: list[PendingUpload] = field(default_factory=list)
    last_pending: int = 0
    checksums: dict[str, str] = field(default_factory=dict)
    lost: LostUpload | None = None


@dataclass
class LinkedView:
    """View and curve from a link or a restored snapshot, which the browser applies once.

    Attributes
    ----------
    is_link_read
        Whether the query parameters of the first request were read.
    last_number
        Number of the last view; the browser applies each number once.
    view
        The last view, or None.
    morph
        Handles of the whole curve by id, where the curve in the browser is to morph into that of the view and the
        handles to follow (none of them: another curve); None: it is replaced.
    """

    is_link_read: bool = False
    last_number: int = 0
    view: SavedView | None = None
    morph: dict[str, float | None] | None = None

    def show(self, view: SavedView, morph: dict[str, float | None] | None = None) -> None:
        """Have the browser apply a view, once."""
        self.last_number += 1
        self.view, self.morph = view, morph


@dataclass
class Notices:
    """Sentence that the live component shows once.

    It is sent with every run of the page until the next one replaces it: a newer run can interrupt the one that
    sends it. The browser shows each number once.
    """

    last_number: int = 0
    text: str = ""

    def add(self, text: str) -> None:
        """Show a sentence at the next run; it replaces one that has not been shown."""
        self.last_number += 1
        self.text = text

    @property
    def message(self) -> dict[str, Any] | None:
        """The last sentence with its number, or None before the first."""
        return {"id": self.last_number, "text": self.text} if self.text else None


@dataclass
class LibraryTable:
    """State of the library table.

    Attributes
    ----------
    rows, number
        Case keys of the rows with ``n_refused``; number in the table's widget key, which changes with the rows.
    n_refused
        How often a case was selected that cannot be opened; each needs a table without that selection.
    problem
        Why the last selected case cannot be opened.
    is_changed
        Whether the selection has changed the current case, so that the whole page must run again.
    """

    rows: tuple[tuple[str, ...], int] | None = None
    number: int = 0
    n_refused: int = 0
    problem: str = ""
    is_changed: bool = False


@dataclass
class ViewBeforeLesson:
    """Case, settings and start AIFs before a lesson, restored when the user leaves it."""

    case: str
    preset: str
    settings: Settings
    methods: dict[str, str]


@dataclass(frozen=True, eq=False)
class OwnAttempt:
    """Settings and curve of a user in a lesson before *Do it for me*; the curve is None for the start curve."""

    settings: Settings
    curve: DoubleArray | None


@dataclass
class LessonState:
    """Lessons and the challenge.

    Attributes
    ----------
    is_here
        Whether the last run has drawn the lessons page.
    selected
        Id of the selected lesson, ``challenge``, or None for the list.
    opened
        The lesson whose case and settings are in use; None outside the lessons page.
    step
        Step of the selected lesson; empty for the first.
    before
        The case and settings before the lesson.
    own_curve
        Case and method of the lesson's own start AIF.
    progress
        Predictions and scores.
    is_restored
        Whether the browser has sent the progress that it keeps.
    challenge
        The current challenge.
    moved
        Ids of the lessons whose slider was moved: its first position is no prediction.
    shown
        Ids of the lessons that a lecture has led beyond the prediction.
    before_solution
        What *Do it for me* has replaced when it carried out the task of the selected lesson; None before.
    """

    is_here: bool = False
    selected: str | None = None
    opened: str | None = None
    step: str = ""
    before: ViewBeforeLesson | None = None
    own_curve: tuple[str, str] | None = None
    progress: LessonProgress = field(default_factory=LessonProgress)
    is_restored: bool = False
    challenge: Challenge | None = None
    moved: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    before_solution: OwnAttempt | None = None

    @property
    def is_solved(self) -> bool:
        """Whether *Do it for me* has carried out the task of the selected lesson."""
        return self.before_solution is not None

    def is_open(self, lesson: str | None) -> bool:
        """Return whether the steps after the prediction are open: it is recorded, or a lecture has shown them."""
        return lesson in self.progress.attempts or lesson in self.shown


@dataclass
class LectureState:
    """Lecture mode.

    Attributes
    ----------
    is_on
        Whether pages are shown in large type, without header and sidebar.
    scale
        By how much type is larger, from the size of the window; 1 outside lecture mode.
    link
        The link whose QR code was asked for last, or empty.
    """

    is_on: bool = False
    scale: float = 1.0
    link: str = ""


@dataclass
class ComparisonState:
    """State of the Compare page.

    Attributes
    ----------
    view
        Id of the selected view.
    opens_lab
        Whether a point of a chart was selected, so that the page switches to the Lab.
    keys
        By case key: keys of the compared AIFs.
    cache
        Columns computed from this user's own AIFs and cases.
    foreign
        By case key: maps of another package that the user has uploaded.
    n_foreign_added, foreign_problem
        How often a map was added, which empties the file widget, and why the last one cannot be read.
    evaluated_keys
        Cases that were chosen for an evaluation.
    run, problem, evaluations
        The evaluation under way, why the last one failed, and finished evaluations, the latest first.
    """

    view: str = "case"
    opens_lab: bool = False
    keys: dict[str, list[str]] = field(default_factory=dict)
    cache: ComparisonCache | None = None
    foreign: dict[str, list[ForeignMap]] = field(default_factory=dict)
    n_foreign_added: int = 0
    foreign_problem: str = ""
    evaluated_keys: list[str] = field(default_factory=list)
    run: EvaluationRun | None = None
    problem: str = ""
    evaluations: list[EvaluationResults] = field(default_factory=list)


@dataclass(eq=False)
class UserState:
    """State of one user.

    Only Streamlit's session state refers to it: when it is collected, the user has left, and the live session
    and the prepared private cases are closed (`live_session`).
    """

    case: CaseSelection = field(default_factory=CaseSelection)
    settings: SettingsSelection = field(default_factory=SettingsSelection)
    aif: AifSelection = field(default_factory=AifSelection)
    uploads: Uploads = field(default_factory=Uploads)
    snapshots: SnapshotStore = field(default_factory=SnapshotStore)
    linked: LinkedView = field(default_factory=LinkedView)
    notices: Notices = field(default_factory=Notices)
    library: LibraryTable = field(default_factory=LibraryTable)
    lesson: LessonState = field(default_factory=LessonState)
    lecture: LectureState = field(default_factory=LectureState)
    comparison: ComparisonState = field(default_factory=ComparisonState)
    classroom: ClassState = field(default_factory=ClassState)
    network_results: dict[str, NetworkResult] = field(default_factory=dict)
    live: LiveSession | None = None


def user_state() -> UserState:
    """Return the state of the current user, made at first use."""
    if STATE_KEY not in st.session_state:
        st.session_state[STATE_KEY] = UserState()
    found: UserState = st.session_state[STATE_KEY]
    return found


def live_session() -> LiveSession:
    """Return the live session of the current user, made at first use."""
    user = user_state()
    if user.live is None:
        user.live = open_session()
        user.live.class_curves = user.classroom.curves
        # An open socket refers to the live session, so the user's state is watched instead. The work is handed
        # to a worker: the garbage collector's thread must not wait for locks.
        weakref.finalize(user, COMPUTE.submit, _end_session, user.live).atexit = False
    return user.live


def _end_session(session: LiveSession) -> None:
    """Close a session's sockets, and drop the cases that were prepared for it alone."""
    session.end()
    forget(session.token)


def settings() -> Settings:
    """Return the settings of the sidebar."""
    return user_state().settings.values


def notify(text: str) -> None:
    """Show a sentence in the live component at its next run."""
    user_state().notices.add(text)


def component_value(name: str) -> Any:
    """Return the last value of the live component under a name; None if another page was drawn since."""
    return st.session_state.get(widget_keys.LIVE_COMPONENT, {}).get(name)
