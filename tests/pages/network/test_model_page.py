"""The Model and How it works pages: texts, figures and formulas agree with the code."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

from pages.comparison import charts
from pages.comparison.map_images import SCALE, Slice
from pages.library.catalog import demonstrations, open_case
from pages.network import panels
from pages.network.architecture import drawing, layers, n_parameters
from pages.ui import documents
from pages.ui.documents import code_blocks, read_sections, resolve
from perfcore.aif.network import inference, weights
from perfcore.aif.network.models import make_network
from perfcore.aif.network.weights import load_network
from perfcore.aif.select import SELECTORS
from perfcore.aif.sources import source_colour
from perfcore.settings import Settings
from perfcore.training.recipes import LAB_NETWORKS
from tests.pages.test_pages import ROOT, run
from tests.support.user_session import live_of, user_of


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Untrained networks installed as if shipped: tests compare what the page shows, not its quality."""
    import hashlib

    entries = {}
    for seed, kind in enumerate(LAB_NETWORKS):
        torch.manual_seed(seed)
        content = save(make_network(kind).state_dict())
        (tmp_path / f"cnn-{kind}.safetensors").write_bytes(content)
        entries[f"cnn-{kind}"] = {
            "file": f"cnn-{kind}.safetensors", "sha256": hashlib.sha256(content).hexdigest(), "network": kind,
            "loss": "core+tmax", "n_cases": 94, "data": "python -m perfcore phantom --cases 94 --seed 20260",
            "command": "python -m perfcore train", "commit": "abc1234",
            "evaluated": {"dice": 0.712 + seed / 100, "auc": 0.98},
        }  # fmt: skip
    manifest = {"best": "cnn-weighting", "networks": entries, "seen": []}
    (tmp_path / "MANIFEST.json").write_text(json.dumps(manifest))
    card = "# Card\n\n<!-- table -->\nSee [the report](evaluation/report.html), 0.5 mm."
    (tmp_path / "README.md").write_text(card)
    real = weights.MODELS
    for module in list(sys.modules.values()):
        if getattr(module, "MODELS", None) == real:
            monkeypatch.setattr(module, "MODELS", tmp_path)
    for function in (weights.read_manifest, weights.network_names):
        monkeypatch.setattr(function, "__defaults__", (tmp_path,))
    monkeypatch.setattr(load_network, "__defaults__", ("cnn", tmp_path))
    return tmp_path


def page() -> AppTest:
    return run("pages/model.py")


# --- the networks ----------------------------------------------------------------------------------------------


def test_without_weights_the_page_explains_and_draws_the_networks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for function in (weights.read_manifest, weights.network_names):
        monkeypatch.setattr(function, "__defaults__", (tmp_path,))
    app = page()
    assert [i.value for i in app.main.info] == [panels.NO_WEIGHTS]
    assert len([one for one in app.main.get("bidi_component") if "drawing" in one.proto.component_name]) == 2
    for kind in LAB_NETWORKS:
        assert any(f"{n_parameters(kind):,} weights" in m.value for m in app.main.markdown)


@pytest.mark.parametrize("kind", list(LAB_NETWORKS))
def test_architecture_drawing_matches_the_network(kind: str) -> None:
    net = make_network(kind)
    own = {name: module for name, module in net.named_modules() if list(module.parameters(recurse=False))}
    counts = {
        name: sum(p.numel() for p in module.parameters())
        for name, module in own.items()
        if name and not name.startswith("weighting.")
    }
    if kind == "regression":  # one box
        counts["weighting"] = n_parameters("weighting")
    else:
        counts["vessel"] = 4
    drawn = {layer.name: layer for layer in layers(kind) if layer.n_parameters}
    assert {name: layer.n_parameters for name, layer in drawn.items()} == counts
    assert sum(layer.n_parameters for layer in drawn.values()) == n_parameters(kind)
    assert n_parameters(kind) == sum(p.numel() for p in net.parameters())
    picture = drawing(kind, "dark")
    for layer in layers(kind):
        assert " × ".join(map(str, layer.shape)) in picture
    assert picture != drawing(kind, "light")
    before = torch.random.get_rng_state()
    layers.__wrapped__(kind)
    assert torch.equal(before, torch.random.get_rng_state()), "drawing one leaves the global random state"


@pytest.mark.usefixtures("models")
def test_the_metrics_are_those_of_the_manifest() -> None:
    app = page()
    shown = app.dataframe[0].value.set_index("Metric")
    assert list(shown) == ["Network, regression", "Network, weighting (best)"]
    assert shown.loc["Core Dice", "Network, regression"] == "0.712"
    assert set(shown.loc["Correlation with the true AIF"]) == {"–"}, "unknown values are empty"
    assert any("SHA-256" in block.value for block in app.main.code)
    assert any(m.value == "### Card\n\nSee the report, 0.5 mm." for m in app.main.markdown)
    assert "The figures of the training seeds are not installed." in [c.value for c in app.main.caption]


@pytest.mark.usefixtures("models")
def test_the_first_view_is_the_networks_aif_and_where_it_looked() -> None:
    app = page()
    found = user_of(app).network_results["cnn-weighting"]
    case = live_of(app).workspace.case
    assert found.case_key == case.key
    expected = inference.predict_aif(case.prepared, load_network("cnn-weighting"))
    np.testing.assert_array_equal(found.aif.value, expected.aif.value)
    assert found.weights.sum() == pytest.approx(1, abs=1e-3)
    (text,) = [m.value for m in app.main.markdown if "Computed in " in m.value]
    assert text == f"{expected.why} Computed in {found.seconds:.2f} s."
    best = int(found.weights.sum((0, 1)).argmax())
    assert app.slider(key=f"model_slice_{case.name}").value == best + 1
    app.segmented_control(key="model_network").set_value("cnn-regression").run()
    other = user_of(app).network_results["cnn-regression"]
    assert other.weights.sum() == pytest.approx(1, abs=1e-3), "the weights of its weighted mean"
    app.sidebar.selectbox[0].set_value("demo-small-core").run()
    app.switch_page("pages/model.py").run()
    assert {one.case_key for one in user_of(app).network_results.values()} == {live_of(app).workspace.case.key}


def test_a_networks_curve_opens_in_the_lab() -> None:
    app = page()
    app.button(key="model_to_lab").click().run()
    assert not app.exception
    assert live_of(app).workspace.start.source_id == weights.network_names()[0]


def test_the_loss_is_drawn_from_the_log_that_ships() -> None:
    for name in weights.network_names():
        log = pd.read_csv(weights.MODELS / weights.learning_file(name))
        (line,) = charts.learning(log, name).data
        np.testing.assert_array_equal(line.y, log["train_loss"])
        assert line.line.color == source_colour(name)
    folds = pd.concat([log.assign(part="fold_1", held_out_loss=0.5), log])
    names = [line.name for line in charts.learning(folds, name).data]
    assert names == ["fold 1, training", "fold 1, held out", "all cases, training"]


@pytest.mark.usefixtures("models")
def test_damaged_weights_give_one_warning(models: Path) -> None:
    (models / "cnn-weighting.safetensors").write_bytes(b"something else")
    app = page()
    assert not app.exception
    assert [w.value for w in app.main.warning] == [
        "The weights of cnn-weighting do not match the manifest (SHA-256); install the models again."
    ]


def test_the_overlay_is_bright_where_the_weights_are() -> None:
    case = open_case(demonstrations()[0], Settings())
    looked = np.zeros(case.prepared.grid, np.float32)
    voxel = np.unravel_index(case.prepared.index[len(case.prepared.index) // 2], case.prepared.grid)
    looked[voxel] = 1.0
    z = int(voxel[2])
    with_it, without = (
        np.asarray(Image.open(io.BytesIO(panels.overlay(case, volume, z)))).astype(int)
        for volume in (looked, np.zeros_like(looked))
    )
    changed = (with_it != without).any(-1)
    assert changed.sum() == SCALE**2, "one voxel"
    here = Slice.of(case, z)
    mark = np.ascontiguousarray(case.layout.apply(looked[:, :, z]))[here.box] > 0
    np.testing.assert_array_equal(changed, mark.repeat(SCALE, 0).repeat(SCALE, 1))
    assert with_it[changed].min() > 150, "and it is the brightest colour of the scale"


# --- documents -------------------------------------------------------------------------------------------------

MATHEMATICS = [s for s in read_sections("how-it-works.md") if s.text.startswith("## ")]


def test_every_formula_names_existing_functions() -> None:
    assert len(MATHEMATICS) == 6
    for section in MATHEMATICS:
        assert "$$" in section.text
        assert section.functions, section.text[:40]
        assert "Functions:" not in section.text
        for name, file in section.functions:
            assert Path(inspect.getsourcefile(resolve(name))).resolve() == (ROOT / file).resolve(), name
            assert resolve(name).__doc__, f"{name} has no docstring"
    text = (documents.DOCS / "how-it-works.md").read_text()
    written = set(re.findall(r"perfcore(?:\.\w+)+", text))
    assert written == {name for section in MATHEMATICS for name, _ in section.functions}, "each name is a link"
    assert re.findall(r"(?m)^\$\$.+", text) == [], "display formulas have their own lines"


def test_numbers_in_the_formulas_equal_the_code() -> None:
    from perfcore.losses import TMAX_SLOPE_S
    from perfcore.maps import CORE_SLOPE
    from perfcore.units import CBF_PER_K, CBV_PER_RATIO, SECONDS_PER_MINUTE

    text = (documents.DOCS / "how-it-works.md").read_text()
    settings, k_h, rho = Settings(), 0.55 / 0.75, 1.04
    assert r"k_H = 0.55/0.75" in text
    assert r"\rho = 1.04" in text
    assert pytest.approx(6000 * k_h / rho) == CBF_PER_K
    assert pytest.approx(100 * k_h / rho) == CBV_PER_RATIO
    assert SECONDS_PER_MINUTE == 60
    assert rf"\frac{{{settings.core_threshold:g}-\mathrm{{rCBF}}}}{{{CORE_SLOPE:g}}}" in text
    assert rf"\frac{{T_{{max}}^{{soft}}-{settings.tmax_threshold_s:g}\,\mathrm{{s}}}}{{{TMAX_SLOPE_S:g}\," in text


def test_the_page_shows_the_formulas_and_the_code() -> None:
    app = run("pages/howitworks.py")
    assert len(app.main.expander) == len(MATHEMATICS)
    shown = "\n".join(block.value for block in app.main.code)
    for section in MATHEMATICS:
        for name, _ in section.functions:
            kind = "class" if inspect.isclass(resolve(name)) else "def"
            assert f"{kind} {name.split('.')[-1]}" in shown
    app.segmented_control(key="how_document").set_value("quickstart.md").run()
    assert not app.exception
    assert any("analyse(case.series)" in m.value for m in app.main.markdown)


def test_the_quick_start_runs(tmp_path: Path) -> None:
    blocks = code_blocks("quickstart.md")
    assert len(blocks) == 5
    script = tmp_path / "quickstart.py"
    script.write_text("\n".join(blocks))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = done.stdout.splitlines()
    assert output[0].startswith("core ")
    assert [line.split()[0] for line in output if " peak " in line] == list(SELECTORS)
    summary = json.loads((tmp_path / "evaluation" / "summary.json").read_text())
    means = {method: about["dice"]["mean"] for method, about in summary["methods"].items()}
    assert output[-1] == str(means)
