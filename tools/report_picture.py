"""A picture of the one-page report: ``python -m tools.report_picture [FILE]``; the README's comes from here."""

from __future__ import annotations

import io
import sys
from datetime import date
from pathlib import Path

import matplotlib as mpl
from PIL import Image

from perfcore.phantom.cases import make_demonstration
from perfcore.pipeline import analyse
from perfcore.report.content import make_content
from perfcore.report.page_pdf import draw_page
from perfcore.report.page_plan import plan_page
from perfcore.report.pictures import make_pictures
from perfcore.results import summarize

CASE, MADE, DPI = "m1-occlusion", date(2026, 11, 27), 125


def main(file: Path) -> None:
    analysis = analyse(make_demonstration(CASE).series, device="cpu")
    content = make_content(analysis, summarize(analysis, options={"preset": "paper"}), MADE)
    pictures = make_pictures(analysis)
    sheet = draw_page(content, pictures, plan_page(content, pictures))
    page = io.BytesIO()
    with mpl.rc_context({"text.hinting": "none"}):
        sheet.figure.savefig(page, format="png", dpi=DPI)
    Image.open(page).convert("RGB").save(file, quality=85, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/report.webp"))
