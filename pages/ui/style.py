"""Style rules that Streamlit has no setting for."""

from typing import Final, Literal

import streamlit as st

from pages.server.first_paint import NARROW_COOKIE

_WIDTH: Final = 240  # of the sidebar, CSS pixels
# \\3c and \\3e are < and >, with which st.html would drop the style sheet.
_CSS = """<style>
/* A point of the components' type, larger in lecture mode; registered, so that canvases read it in pixels. */
@property --pt { syntax: "\\3c length\\3e "; inherits: true; initial-value: 1px; }
/* The bar of the app (pages/ui/lecture.py), in the header. */
.st-key-app_bar_place { position: fixed; z-index: 999992; top: 0.65rem; right: 0.9rem; width: auto !important; }
[data-testid="stToolbar"] { padding-right: 6.6rem !important; }
/* A red with enough contrast to white text in both themes; the components use it too. */
:root { --aif-fill: #d0363c; }
.stMainBlockContainer { padding: 3.75rem 1.2rem 0.5rem; max-width: none; }
[data-testid="stSidebarUserContent"] { padding-top: 0; }
[data-testid="stVerticalBlock"] { gap: 0.6rem; }
/* In a row with buttons a heading's own margins would move it off the middle. */
[data-testid="stHorizontalBlock"] [data-testid="stHeading"] :is(h2, h3, [data-testid="stMarkdownContainer"]) {
  padding: 0; margin: 0 !important; }
[data-testid^="stBaseButton-primary"]:enabled {
  background: var(--aif-fill) !important; border-color: transparent !important; }
[data-testid^="stBaseButton-primary"]:hover:enabled { filter: brightness(0.88); }
[data-testid^="stBaseButton-primary"]:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
[data-testid="stMultiSelectTagsContainer"] [data-tag] { background: var(--aif-fill) !important; }
/* The contrast of Streamlit's captions, charts and code is below 4.5 to 1 on white. */
[data-testid="stCaptionContainer"] { opacity: 0.76 !important; }
.js-plotly-plot :is(.xtick text, .ytick text, .xtitle, .ytitle, .bartext, .annotation-text) {
  fill: currentColor !important; fill-opacity: 0.8; }
.stCode .token.string { color: light-dark(#0a6b2b, #21c354) !important; }
.stCode .token:is(.keyword, .function, .class-name, .boolean, .number) {
  color: light-dark(#1259a8, #60b4ff) !important; }
.stCode .token:is(.operator, .punctuation, .comment, .decorator) {
  color: light-dark(#5a5f69, #a3a8b4) !important; }
</style>"""


def sidebar_at_arrival() -> Literal["collapsed"] | int:
    """Return the sidebar's initial state: closed if the window was narrow at the page's load, else its width."""
    return "collapsed" if st.context.cookies.get(NARROW_COOKIE) == "1" else _WIDTH


def page_style() -> None:
    """Add the style rules; the content uses the whole window, so that the Lab fits without scrolling."""
    st.html(_CSS)
