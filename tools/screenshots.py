"""Pictures of every page on every screen, dark and light: ``python -m tools.screenshots [FOLDER [SCENE …]]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.support.app_server import browser, drawn, isolated_page, server
from tests.support.page_scenes import ANIMATIONS_END, SCENES, at_rest
from tests.support.screens import SIZES

# Each scene is opened once for fingers and once for a mouse; the other widths are the same page, resized.
DEVICES: Final[dict[tuple[int, ...], dict[str, Any]]] = {
    (390, 820, 1024): {"has_touch": True, "is_mobile": True},
    (1280, 1920): {},
}


def main(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with server() as url, browser() as one:
        for name in names:
            for widths, device in DEVICES.items():
                first, height = SIZES[widths[0]]
                size = {"width": first, "height": height}
                with isolated_page(one, one_map=False, viewport=size, **device) as page:
                    SCENES[name](page, url)
                    for width in widths:
                        page.set_viewport_size({"width": width, "height": SIZES[width][1]})
                        for theme in ("dark", "light"):
                            page.emulate_media(color_scheme=theme)
                            at_rest(page)
                            page.evaluate(ANIMATIONS_END)
                            drawn(page)
                            page.screenshot(path=folder / f"{name}-{theme}-{width}.png")
            print(name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/screenshots"), sys.argv[2:] or list(SCENES))
