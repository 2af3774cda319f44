"""The export of the page: names no folder, opens with the edited curve, refuses what the engine lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pages.library.catalog import demonstrations
from pages.one_file.about import Words
from pages.session.page_export import build_page
from perfcore.errors import InputDataError
from perfcore.settings import Settings
from tests.pages.session.test_export import export
from tests.support.one_file import PageReader
from tests.support.wire_frames import read


@pytest.mark.parametrize(
    ("key", "owner", "said"),
    [
        ("demo-m1-occlusion", "", "Phantom: Erika"),
        ("folder-Erika", "", "A case of the server's folder, without its name"),
        ("upload-1", "token", "An uploaded series, without a name"),
    ],
)
def test_page_opens_with_the_edited_curve_and_names_no_folder(key: str, owner: str, said: str) -> None:
    one = export(demonstrations()[0], Settings())
    assert one.edited is not None
    named = replace(one, entry=replace(one.entry, key=key, title="Erika", owner=owner))
    reader = PageReader(build_page(named, Words()))
    header, arrays = read(reader.frames()["case"])
    np.testing.assert_array_equal(arrays["start"], one.edited.astype(np.float32))
    assert header["aifVoxels"] == []
    assert reader.page["about"][0] == {"label": "Case", "value": said}
    assert (b"Erika" in reader.everything()) == said.startswith("Phantom")
    config, _ = read(reader.frames()["config"])
    assert [one["id"] for one in config["sources"]][:2] == ["edited", "straka"]


def test_settings_without_an_engine_are_refused() -> None:
    one = export(demonstrations()[0], Settings())
    other = replace(one, state=replace(one.state, settings=Settings(regularization="oscillation")))
    with pytest.raises(InputDataError, match="oscillation index"):
        build_page(other, Words())
