"""The picture of the README shows what tfx shows: the words on it are drawn again and compared."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import pytest

from tests.screens.comparing import difference
from tfx_cli.make_picture import picture_of, screen_of

FOLDER = Path(__file__).parent
MAKEFILE = (FOLDER.parents[1] / "Makefile").read_text(encoding="utf-8")


def words(svg: str) -> str:
    """The texts of an SVG, each on a line of its own."""
    return "\n".join(html.unescape(text).replace("\xa0", " ").strip() for text in re.findall(r">([^<>]+)</text>", svg))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_picture_is_that_of_today(monkeypatch, tmp_path):
    monkeypatch.setenv("TFX_HOME", str(tmp_path))
    (command,) = re.findall(r"make_picture tests/docs/screen\.svg (.*)", MAKEFILE)
    today = picture_of(f"tfx {command}", screen_of(command.split()))
    kept = (FOLDER / "screen.svg").read_text(encoding="utf-8")
    found = difference(words(kept), words(today))
    assert not found, f"{found}\nDraw it again: make picture"
    assert "http://www.w3.org" in kept and kept.count("http") == 2, "no font or picture of another place"


def test_a_picture_holds_every_line_and_its_colours():
    svg = picture_of("tfx x", "\x1b[1mBold\x1b[0m plain\n\x1b[48;5;22m 0.93\x1b[0m\n")
    assert "Bold" in words(svg) and "0.93" in words(svg) and "tfx x" in words(svg) and "@font-face" not in svg


def test_a_command_that_fails_draws_nothing():
    with pytest.raises(OSError, match="exit code 2"):
        screen_of(["explain", "no-such-topic"])
