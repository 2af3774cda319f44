"""Errors of a command: one line on standard error and an exit status, whatever is raised."""

from __future__ import annotations

import pytest
import typer

from perfcore.errors import InputDataError
from perfcore.runtime.cli_errors import OneLineErrorGroup


def status_of(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    app = typer.Typer(cls=OneLineErrorGroup, add_completion=False)

    @app.callback()
    def group() -> None:
        """Group."""

    @app.command()
    def work() -> None:
        raise error

    with pytest.raises(SystemExit) as stop:
        app(["work"])
    return stop.value.code, capsys.readouterr().err


def test_a_missing_extra_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = status_of(ModuleNotFoundError("No module named 'monai'", name="monai.losses"), capsys)
    assert (status, text.count("\n")) == (2, 1)
    assert 'needs monai: pip install "aif-lab[' in text


def test_another_missing_module_is_an_internal_error() -> None:
    app = typer.Typer(cls=OneLineErrorGroup, add_completion=False)

    @app.callback()
    def group() -> None:
        """Group."""

    @app.command()
    def work() -> None:
        raise ModuleNotFoundError("No module named 'nothing'", name="nothing")

    with pytest.raises(ModuleNotFoundError, match="nothing"):
        app(["work"])


def test_bad_input_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    status, text = status_of(InputDataError("No case."), capsys)
    assert (status, text.count("\n")) == (2, 1)
    assert "No case." in text


def test_an_aborted_command_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(typer.Abort(), capsys)[0] == 1
