"""The two files of a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from perfcore.errors import InputDataError

if TYPE_CHECKING:
    from perfcore.pipeline import Analysis

HTML_FILE: Final = "report.html"
PDF_FILE: Final = "report.pdf"
REPORT_FILES: Final = (HTML_FILE, PDF_FILE)


def check_report_packages() -> None:
    """Raise `InputDataError` where the package that draws the report is missing."""
    if find_spec("matplotlib") is None:
        raise InputDataError('The report needs matplotlib; install it with pip install "aif-lab[report]".')


def report_files(
    analysis: Analysis, summary: Mapping[str, Any], made: date | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of the HTML and the PDF of a report.

    Parameters
    ----------
    analysis
        Analysis of one case.
    summary
        Its ``summary.json``: every figure of the report is one of its values.
    made
        Date of the computation; default: today. The same date and analysis give the same bytes.

    Raises
    ------
    InputDataError
        A package is missing.
    """
    check_report_packages()
    # Imported when a report is made: matplotlib takes half a second.
    from perfcore.report.content import make_content  # noqa: PLC0415
    from perfcore.report.page_html import make_html  # noqa: PLC0415
    from perfcore.report.page_pdf import make_pdf  # noqa: PLC0415
    from perfcore.report.page_plan import plan_page  # noqa: PLC0415
    from perfcore.report.pictures import make_pictures  # noqa: PLC0415

    content = make_content(analysis, summary, made or date.today())
    pictures = make_pictures(analysis)
    plan = plan_page(content, pictures)
    yield HTML_FILE, make_html(content, pictures, plan).encode()
    yield PDF_FILE, make_pdf(content, pictures, plan)
