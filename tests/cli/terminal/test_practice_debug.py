"""A puzzle on a real pseudo-terminal, 40 columns wide: begun, asked, mended, judged."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.pseudo_terminal import STYLING, Terminal, command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


def shown(home: Path, words: str, until: bytes, code: int = 0) -> str:
    """What a command writes on a terminal that is 40 columns wide, without styling."""
    with Terminal(home, command(words), columns=40, TERM="dumb") as terminal:
        seen = STYLING.sub("", terminal.press(b"", until).decode()).replace("\r", "")
        assert terminal.exit_code() == code
    lines = seen.split("\n")
    assert all(len(line) <= 40 or "practice" in line for line in lines), lines
    return seen


def test_a_puzzle_from_its_start_to_its_mending(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown(tmp_path, "practice debug start positions-5 --way symptoms", b"hint positions-5")
    path = Path("tfx-practice/debug/positions-5.py")
    source = path.read_text()
    assert "np.arange(heads) / heads" in source, "slopes are counted from 0"
    asked = shown(tmp_path, "practice debug ask samples", b"before it.")
    assert "bias 1 back, head 1 -1 bias 5 back, head 1 -5" in " ".join(asked.split())
    assert "head 1 of 4 loses 1/4 with each token back" in " ".join(asked.split())
    assert "Not yet (differs): alibi[0" in shown(tmp_path, "practice debug check", b"hint positions-5", 1)
    path.write_text(source.replace("np.arange(heads) / heads", "(1 + np.arange(heads)) / heads"))
    assert "Right: on all " in shown(tmp_path, "practice debug check", b"practice debug start")
