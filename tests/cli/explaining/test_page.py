"""`--lesson`: one page to read, from its top, in a terminal a screenful at a time."""

from __future__ import annotations

import sys

import pytest

from tests.cli.explaining.walked import COURSE, LESSON, MUTE, walking
from tests.lessons.made_up import made_up_course

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (24, 40)])
def test_a_page_is_read_from_its_top_and_a_block_keeps_its_heads(tmp_path, rows, columns):
    with walking(tmp_path, "counting", "--lesson", "--set", "size=30", rows=rows, columns=columns) as terminal:
        pages = [terminal.screen(b"")]
        while "-- more: Enter" in pages[-1][-1]:
            pages.append(terminal.screen(b"\r"))
        assert pages[0][:3] == ["How to count", "", "Words first"] and pages[-1][-1].startswith("  Enter ends")
        tall = [page for page in pages if any(line.startswith("  row") for line in page)]
        assert len(tall) > 1, "the matrix is cut"
        for page in tall:
            start = next(i for i, line in enumerate(page) if line.startswith("  row"))
            assert page[start - 1].split() == ["left", "mid", "right"]
        rows_shown = [line.split() for page in tall for line in page if line.startswith("  row")]
        names = [row[0] for row in rows_shown if len(row) == 4]
        assert names == [f"row{i + 1}" for i in range(30)]
        assert any("predict   Twice the size?" in line for page in pages for line in page), "and nothing is asked"
        terminal.press(b"\r", b"")
        assert terminal.exit_code() == 0


def test_a_page_starts_where_from_says(tmp_path):
    with walking(tmp_path, "counting", "--lesson", "--set", "size=30", "--from", "much") as terminal:
        assert terminal.screen(b"")[:3] == ["How to count", "", "Only when there is much"]
        terminal.press(b"q", b"")
        assert terminal.exit_code() == 0


@pytest.mark.parametrize("face", [[], ["--plain"]])
def test_a_pipe_gets_the_whole_page_and_heads_once(tfx, tmp_path, face):
    with made_up_course(tmp_path / "c", COURSE, {"numbers/counting": LESSON, "numbers/mute": MUTE}):
        out = tfx("explain", "counting", "--lesson", "--set", "size=30", *face).out
        assert out.count("mid") == 1 and out.count("row30") == 2 and "more: Enter" not in out
        from_there = tfx("explain", "counting", "--lesson", "--from", "4", *face).out
        assert "Rows, and more rows" in from_there and "Words first" not in from_there
