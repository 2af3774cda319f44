"""Pictures of the app, the README's among them: ``python -m tools.screenshots [FOLDER [SCENE …]]``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.app_server import browser, server
from tests.support.page_scenes import SCENES

SIZES: Final = ((1280, 800), (1920, 1080))


def main(folder: Path, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with server() as url, browser() as one:
        for theme in ("dark", "light"):
            for width, height in SIZES:
                for name in names:
                    context = one.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
                    page = context.new_page()
                    try:
                        SCENES[name](page, url)
                        page.wait_for_timeout(400)  # what Streamlit and plotly still move
                    finally:
                        page.screenshot(path=folder / f"{name}-{theme}-{width}.png")
                        context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "out/screenshots"), sys.argv[2:] or list(SCENES))
