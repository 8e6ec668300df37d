"""Text that commands a terminal, turns its direction or takes two cells: harmless and in line on every face."""

from __future__ import annotations

import json
import re
import xml.dom.minidom

import pytest

from tests.cli.running import run
from tfx_cli.terminal.cells import cells
from tfx_cli.terminal.printable import on_one_line, printable

ESC, BEL, BACK, SHIFT, CSI = "\x1b[31mred", "a\x07b", "ca\x08t", "ca\x0et", "\x9b2J"
BIDI, ISOLATED = "abc\u202edef", "\u2066abc\u2069"
ODD = [ESC, BEL, BACK, SHIFT, CSI, BIDI, ISOLATED, "\x1b]0;title\x07", "a\u2028b", "\ud800"]
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")
STYLING = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("text", ODD)
def test_printable_leaves_nothing_raw(text):
    assert not RAW.search(printable(text)) and "?" in printable(text)
    assert printable("the 猫\tsat\na\u200d\u0301") == "the 猫   sat\na\u200d\u0301"
    assert on_one_line("a\nb\tc") == "a?b   c"


@pytest.mark.parametrize(
    ("text", "face"),
    [(ESC, ["--plain"]), (BACK, ["--color", "always"]), (CSI, ["--color", "always"]), (BIDI, ["--plain"])],
)
def test_a_text_commands_no_terminal(text, face, tmp_path):
    for words in (
        ["explain", "attention", "--text", f"the {text} sat"],
        ["generate", "--max-new", "1", "--prompt", text],
    ):
        ran = run(*words, *face, home=tmp_path)
        assert ran.code in (0, 1), ran
        assert not RAW.search(STYLING.sub("", ran.out)), words
        assert "\x1b[31mred" not in ran.out and not RAW.search(ran.err)


@pytest.mark.parametrize(
    "words",
    [
        [ESC],
        ["explain", ESC],
        ["explain", "softmax", "--set", f"{CSI}={BEL}"],
        ["experiment", "scaling", "--plot", f"{BEL}.txt"],
        ["quiz", "--answers", f"no{CSI}where"],
        ["systems", BIDI],
        ["train", "copy", "--resume", "--out", f"{ESC}.npz"],
        ["generate", f"--{BACK}"],
    ],
)
def test_a_message_commands_no_terminal(words, tmp_path):
    ran = run(*words, home=tmp_path)
    assert ran.code in (2, 3) and "should not happen" not in ran.err
    assert not RAW.search(ran.err + ran.out) and ("?" in ran.err or "\\x08" in ran.err)


def test_a_name_of_a_file_stays_one_record(tmp_path):
    ran = run("explain", "scaling", "--plain", "--step", "1", "--html", "a\nb\x07.html", home=tmp_path)
    assert ran.out.splitlines()[-1] == "saved\ta?b?.html" and (tmp_path / "a\nb\x07.html").exists()


def test_saved_pages_and_pictures_are_well_formed(tmp_path):
    text = f"the {ESC} {BEL} {BIDI} \ufffe $x$ <b> & sat"
    ran = run(
        "explain", "attention", "--text", text, "--plain", "--step", "2", "--html", "t.html", "--plot", "t.svg",
        home=tmp_path,
    )  # fmt: skip
    assert ran.code == 0 and ran.err == "", ran
    xml.dom.minidom.parse(str(tmp_path / "t.svg"))
    for name in ("t.svg", "t.html"):
        assert not RAW.search((tmp_path / name).read_text(encoding="utf-8")), name


def test_json_says_what_was_typed(tmp_path):
    ran = run("explain", "attention", "--text", f"the {ESC} sat", "--json", home=tmp_path)
    assert ran.out.isascii() and json.loads(ran.out)["text"] == f"the {ESC} sat"


@pytest.mark.parametrize("text", ["the cat sat down", "猫 は マット 上", "the 猫 sat 座った"])
def test_wide_characters_leave_the_columns_where_they_are(text, tmp_path):
    lines = run("explain", "attention", "--text", text, "--step", "scores", home=tmp_path).out.splitlines()
    start = next(index for index, line in enumerate(lines) if "rows: " in line)
    rows = [line.rstrip() for line in lines[start + 1 :]]
    rows = rows[: next(index for index, line in enumerate(rows) if index and len(re.findall(r"\d\.\d", line)) < 5)]
    assert len(rows) >= 5 and len({cells(row) for row in rows}) == 1, rows


def test_a_picture_says_in_one_line_what_its_font_lacks(tmp_path):
    words = ["explain", "attention", "--text", "猫 は マット 上", "--step", "scores", "--plain"]
    ran = run(*words, "--plot", "p.png", home=tmp_path)
    assert ran.code == 0 and ran.err.count("\n") == 1
    assert ran.err.startswith("the font of the picture lacks ") and "猫" in ran.err and ".svg has them" in ran.err
    assert run(*words, "--plot", "p.svg", home=tmp_path).err == ""
