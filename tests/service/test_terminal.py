"""How commands speak."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from features.errors import FeaturesError
from models.errors import ModelsError
from service.errors import NotFoundError
from service.terminal import plain, told


@pytest.mark.parametrize("error", [NotFoundError("no such thing"), FeaturesError("no such thing"), ModelsError("no such thing")])
def test_our_errors_are_one_line(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, told():
        raise error
    assert caught.value.exit_code == 1
    assert capsys.readouterr().err == "error: no such thing\n"


def test_a_file_that_cannot_be_had_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), told():
        tmp_path.write_bytes(b"")
    assert capsys.readouterr().err == f"error: {tmp_path}: Is a directory\n"


def test_others_are_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), told():
        _ = 1 / 0


def test_a_strangers_text_cannot_move_the_cursor() -> None:
    assert plain("a\x1b[2J\rb\u202ec ü") == "a?[2J?b?c ü"
