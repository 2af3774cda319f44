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
[data-testid="stToolbar"] { padding-right: 10rem !important; }
/* A red with enough contrast to white text in both themes; the components use it too. */
:root { --aif-fill: #d0363c; }
[data-testid="stSidebarUserContent"] { padding-top: 0; }
/* In a row with buttons a heading's own margins would move it off the middle. */
[data-testid="stHorizontalBlock"] [data-testid="stHeading"] :is(h2, h3, [data-testid="stMarkdownContainer"]) {
  padding: 0; margin: 0 !important; }
:is([data-testid^="stBaseButton-primary"], [data-testid="stPopoverButton"][kind="primary"]):enabled {
  color: #fff; background: var(--aif-fill) !important; border-color: transparent !important; }
:is([data-testid^="stBaseButton-primary"], [data-testid="stPopoverButton"][kind="primary"]):hover:enabled {
  filter: brightness(0.88); }
:is([data-testid^="stBaseButton-primary"], [data-testid="stPopoverButton"][kind="primary"]):focus-visible {
  outline: 2px solid currentColor; outline-offset: 2px; }
/* The contrast of Streamlit's captions, charts and code is below 4.5 to 1 on white. */
[data-testid="stCaptionContainer"] { opacity: 0.76 !important; }
.js-plotly-plot :is(.xtick text, .ytick text, .xtitle, .ytitle, .bartext, .annotation-text) {
  fill: currentColor !important; fill-opacity: 0.8; }
.stCode .token.string { color: light-dark(#0a6b2b, #21c354) !important; }
.stCode .token:is(.keyword, .function, .class-name, .boolean, .number) {
  color: light-dark(#1259a8, #60b4ff) !important; }
.stCode .token:is(.operator, .punctuation, .comment, .decorator) {
  color: light-dark(#5a5f69, #a3a8b4) !important; }
/* One look for controls, one meaning for each colour: the rule is at the head of live/frontend/styles/lab.css. */
:root { --track: light-dark(#f2f4f7, #171b24); --chosen: light-dark(#33373e, #cfd1d5);
  --on-chosen: light-dark(#fff, #0e1117); }
[data-testid="stMultiSelectTagsContainer"] [data-tag] {
  background: color-mix(in srgb, currentColor 15%, transparent) !important; color: inherit !important; }
[data-testid="stButtonGroup"] [role="radiogroup"], [data-testid="stTabs"] [role="tablist"] {
  gap: 2px; padding: 2px; border: 0; border-radius: 8px; background: var(--track);
  width: fit-content; max-width: 100%;
  box-shadow: none; }
[data-testid="stTabs"] [role="tablist"]::after, [data-testid="stTab"] > [data-rac] { display: none; }
[data-testid="stTab"] { flex: none; height: 2rem; }
button[data-variant="segmented_control"], [data-testid="stTab"] {
  margin: 0; padding: 0 0.75rem; border: 0; border-radius: 6px !important; background: none;
  color: inherit; cursor: pointer; }
button[data-variant="pills"] { color: inherit; border-radius: 999px; }
:is([data-variant="segmented_control"], [data-variant="pills"], [data-testid="stTab"]):hover:not([data-selected]) {
  color: inherit; background: color-mix(in srgb, currentColor 14%, transparent); }
:is([data-variant="segmented_control"], [data-variant="pills"], [data-testid="stTab"])[data-selected],
[class*="st-key-step_"] [data-testid^="stBaseButton-primary"]:enabled {
  color: var(--on-chosen) !important; background: var(--chosen) !important; border-color: transparent; }
</style>"""


def sidebar_at_arrival() -> Literal["collapsed"] | int:
    """Return the sidebar's initial state: closed if the window was narrow at the page's load, else its width."""
    return "collapsed" if st.context.cookies.get(NARROW_COOKIE) == "1" else _WIDTH


def page_style() -> None:
    """Add the style rules; the content uses the whole window, so that the Lab fits without scrolling."""
    st.html(_CSS)
