"""Sizes of screens, and what does not fit on one: read from the page, its components' shadow roots included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from playwright.sync_api import CDPSession, Page

from tests.support.app_server import eventually

SIZES: Final = {390: (390, 844), 820: (820, 1180), 1024: (1024, 768), 1280: (1280, 720), 1920: (1920, 1080)}
"""Width and height by width: phone, tablet upright, projector, laptop, large screen."""
MIN_TARGET: Final = 44
"""Least width and height of a target for fingers, CSS pixels."""

_ALL: Final = """const all = (root) => [...root.querySelectorAll('*')].flatMap(
    (node) => node.shadowRoot ? [node, ...all(node.shadowRoot)] : [node]);
  const seen = (node) => node.checkVisibility({ visibilityProperty: true });
  const name = (node) => [node.tagName, node.dataset.testid ?? node.dataset.action ?? node.className,
    (node.ariaLabel ?? node.title ?? '').slice(0, 40) || node.textContent.slice(0, 30)].join(' ');"""

_SIDEWAYS: Final = """() => { const main = document.querySelector('.stMain');
  return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth); }"""

# A control of Streamlit is as large as the box that passes the press on. Links in running text may be smaller.
_SMALL: Final = (
    "(least) => {"
    + _ALL
    + """
  const controls = 'button, select, input, summary, a[href], [role=tab], [role=radio], [role=checkbox]';
  const box = (node) =>
    (node.matches('input') && node.closest('label, [role=group]') || node).getBoundingClientRect();
  return all(document).filter((node) => node.matches(controls) && seen(node)
      && !node.matches('input[type=file], p a, li a, td a, [data-testid=stSkipToContent]')
      && !(node.matches('input[type=range]') && node.closest('[data-testid=stSlider]')))
    .map((node) => [node, box(node)])
    .filter(([, b]) => b.right > 0 && b.width > 1 && (b.width < least - 0.5 || b.height < least - 0.5))
    .map(([node, b]) => `${name(node)}: ${Math.round(b.width)} × ${Math.round(b.height)}`); }"""
)

_CROWDED: Final = (
    "() => {"
    + _ALL
    + """
  const lab = all(document).find((node) => node.dataset?.testid === 'lab');
  const kinds = 'button, select, input:not([type=file]), label, output, h3, svg.editor, .number, .decision';
  const found = [], controls = [...lab.querySelectorAll('.panels section *')]
    .filter((node) => node.matches(kinds) && seen(node) && !node.closest('label > *, .stage'));
  for (const node of controls) {
    const b = node.getBoundingClientRect(), section = node.closest('section').getBoundingClientRect();
    if (!(b.left >= section.left - 1 && b.right <= section.right + 1 && b.top >= section.top - 1
        && b.bottom <= section.bottom + 1)) found.push(`${name(node)} leaves its section`);
    for (const other of controls) {
      if (other === node || node.contains(other) || other.contains(node)) continue;
      const o = other.getBoundingClientRect();
      const w = Math.min(b.right, o.right) - Math.max(b.left, o.left);
      const h = Math.min(b.bottom, o.bottom) - Math.max(b.top, o.top);
      if (w > 1 && h > 1) found.push(`${name(node)} lies on ${name(other)}`);
    }
  }
  return found; }"""
)


def scrolls_sideways(page: Page) -> int:
    """CSS pixels by which the page is wider than its window; 0 where it does not scroll horizontally."""
    return int(page.evaluate(_SIDEWAYS))


def small_targets(page: Page) -> list[str]:
    """Controls that are smaller than a finger needs, with their sizes."""
    return list(page.evaluate(_SMALL, MIN_TARGET))


def crowded(page: Page) -> list[str]:
    """Controls of the Lab that leave their section or lie on each other."""
    return list(page.evaluate(_CROWDED))


def wait_none(page: Page, find: Callable[[Page], object]) -> None:
    """Wait until nothing is found, e.g. by `crowded`: a page is laid out some time after its size has changed."""

    def check() -> None:
        found = find(page)
        assert not found, f"{page.viewport_size}: {found}"

    eventually(check)


def swipe(
    session: CDPSession, start: tuple[float, float], by: tuple[float, float], *, lift: bool = True, steps: int = 8
) -> None:
    """Move one finger by a distance in CSS pixels; without ``lift`` it stays on the screen."""
    (x, y), (dx, dy) = start, by
    _touch(session, "touchStart", (x, y))
    for i in range(1, steps + 1):
        _touch(session, "touchMove", (x + dx * i / steps, y + dy * i / steps))
    if lift:
        lift_finger(session)


def lift_finger(session: CDPSession) -> None:
    _touch(session, "touchEnd")


def _touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})
