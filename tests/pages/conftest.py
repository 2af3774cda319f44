from __future__ import annotations

import pytest
from streamlit.runtime.pages_manager import PagesManager


@pytest.fixture(autouse=True)
def navigation_not_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest takes a folder named pages for Streamlit's old navigation at every run but the first."""
    build = PagesManager.__init__

    def init(self: PagesManager, *args: object, **kwargs: object) -> None:
        build(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init)
