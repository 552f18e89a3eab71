"""One JSON object a line, whatever an alert says."""

from __future__ import annotations

import json
import logging

import pytest

from service import logs


def test_no_text_forges_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger().handlers[:]
    try:
        logs.set_up()
        logging.getLogger("x").warning("said %s", 'a\n{"level": "INFO"}\x1b[31m\u202e')
    finally:
        logging.getLogger().handlers[:] = before
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].isascii()
    assert "\x1b" not in lines[0]
    assert json.loads(lines[0])["level"] == "WARNING"
