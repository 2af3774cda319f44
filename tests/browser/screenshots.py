"""Pictures of the running app: ``python -m tests.browser.screenshots [FOLDER]``; the README's come from here."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.browser.server import browser, drag, open_lab, server, settled


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with server() as url, browser() as one:
        for theme in ("dark", "light"):
            for width, height in ((1280, 800), (1920, 1080)):
                page = one.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                open_lab(page, url)
                drag(page, 15, -40)
                settled(page)
                page.mouse.move(2, 2)
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"lab-{theme}-{width}.png")
                page.locator('[data-layout="all"]').click()
                page.locator('[data-map="tmax"]').click()
                settled(page)
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"montage-{theme}-{width}.png")
                page.get_by_role("link", name="Cases").click()
                page.wait_for_selector('[data-testid="cine"][data-status="ready"]')
                page.get_by_role("radio", name="Vessels").click()
                page.locator('[data-control="frame"]').fill("13")
                page.wait_for_timeout(4000)
                page.screenshot(path=folder / f"cases-{theme}-{width}.png")
                page.get_by_test_id("cine").evaluate("node => node.scrollIntoView({ block: 'end' })")
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"player-{theme}-{width}.png")
                page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/screenshots"))
