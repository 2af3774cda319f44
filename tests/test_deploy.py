"""The files of deploy/, tested without a container engine or systemd: image contents and commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests import ROOT
from tests.support.app_server import free_port

DEPLOY = ROOT / "deploy"
PAGES = ("cases", "class_page", "compare", "finetune", "howitworks", "lab", "lessons", "model")
EVERY_PAGE = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=90).run()
assert not app.exception, app.exception
for page in {pages!r}:
    app.switch_page(f"pages/{{page}}.py").run()
    assert not app.exception, (page, app.exception)
    assert not app.error, (page, app.error)
print("all", flush=True)
"""


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the container file, continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def command(kind: str) -> list[str]:
    (value,) = [value for name, value in instructions() if name == kind]
    words: list[str] = json.loads(value[value.index("[") :])
    return words


def copied() -> list[str]:
    return [word for name, value in instructions() if name == "COPY" for word in value.split()[:-1]]


def environment() -> dict[str, str]:
    words = [word for name, value in instructions() if name == "ENV" for word in shlex.split(value)]
    return dict(word.split("=", 1) for word in words)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files of the image, without those excluded by the ignore file."""
    folder = tmp_path_factory.mktemp("image")
    for name in copied():
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(source, folder / name)
    return folder


def test_copied_files_exist_and_pass_dockerignore() -> None:
    lines = (DEPLOY / "Containerfile.dockerignore").read_text().split("\n")
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied())
    assert all((ROOT / name).exists() for name in copied())
    for secret in ("data", ".git", "out", "tests", ".venv"):
        assert not any(fnmatch(secret, name) for name in copied())


def test_image_runs_as_non_root_with_cpu_torch() -> None:
    found = instructions()
    users = [value for name, value in found if name == "USER"]
    assert users == ["10001"]
    assert found.index(("USER", "10001")) < [name for name, _ in found].index("CMD")
    assert ("ARG", "TORCH_INDEX=https://download.pytorch.org/whl/cpu") in found
    runs = [value for name, value in found if name == "RUN"]
    assert any('--extra-index-url "$TORCH_INDEX" -r requirements.txt' in value for value in runs)


def test_every_page_runs_in_the_image(image: Path) -> None:
    script = EVERY_PAGE.format(pages=PAGES)
    assert {path.stem for path in (ROOT / "pages").glob("[a-z]*.py")} == set(PAGES)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=image, capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "PYTHONPATH": str(image), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.endswith("all\n")


@pytest.fixture(scope="module")
def port(image: Path) -> Iterator[int]:
    """Run the command of the image on a free local port; yields the port."""
    here = free_port()
    words = {"streamlit": f"{sys.executable} -m streamlit", "0.0.0.0": "127.0.0.1", "8501": str(here)}
    run = [part for word in command("CMD") for part in words.get(word, word).split(" ")]
    own = {name: value for name, value in environment().items() if name not in ("HOME", "XDG_CACHE_HOME")}
    process = subprocess.Popen(
        run, cwd=image, env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield here
    finally:
        process.kill()
        process.wait(10)


def healthy(port: int) -> bool:
    check = [word.replace("8501", str(port)) for word in command("HEALTHCHECK")]
    check[0] = sys.executable
    return subprocess.run(check, capture_output=True, timeout=30, check=False).returncode == 0


def test_health_check_detects_running_server(port: int) -> None:
    end = time.monotonic() + 60  # the start period
    while not healthy(port):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert not healthy(free_port())


def test_systemd_unit_and_image_have_the_same_command() -> None:
    (line,) = [line for line in (DEPLOY / "aif-lab@.service").read_text().splitlines() if "ExecStart=" in line]
    words = shlex.split(line.partition("=")[2])
    assert Path(words[0]).name == command("CMD")[0]
    there = {"127.0.0.1": "0.0.0.0", "%i": "8501"}
    assert [there.get(word, word) for word in words[1:]] == command("CMD")[1:]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_unit_is_valid(tmp_path: Path) -> None:
    unit = (DEPLOY / "aif-lab@.service").read_text()
    place = tmp_path / "opt"
    binary = place / ".venv" / "bin" / "streamlit"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    (tmp_path / "aif-lab@.service").write_text(unit.replace("/opt/aif-lab", str(place)))
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / "aif-lab@8501.service")],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (verified.returncode, verified.stderr) == (0, "")


def test_readme_commands_match_the_deploy_files() -> None:
    text = (DEPLOY / "README.md").read_text()
    container = (DEPLOY / "Containerfile").read_text()
    for line in re.findall(r"^podman .+$", text, re.MULTILINE):
        assert f"#   {line}\n" in container
    for name in re.findall(r"deploy/([\w@.-]*\w)", text):
        assert (DEPLOY / name).exists(), name
    for name in re.findall(r"\]\(([\w@.-]+)\)", text):
        assert (DEPLOY / name).exists(), name
