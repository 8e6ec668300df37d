"""Every record on every face: nothing cut, nothing eaten, one record a line where promised."""

from __future__ import annotations

import pytest

from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Record, Series, Table, Text
from tfx_cli.options import Face
from tfx_cli.render.html import html, page
from tfx_cli.render.number_text import brief, column_texts, number_text
from tfx_cli.render.plain import lines
from tfx_cli.render.show import show_records
from tfx_cli.render.wrapping import labelled, packed, printable, wrapped

TABLE = Table(
    "Growth of list[int]",
    tuple(Column(f"c{i}", f"column number {i}", "MiB") for i in range(9)),
    tuple({f"c{i}": value * 10**i for i in range(9)} for value in (1.2345678, -0.5)),
)
EVERY: tuple[Record, ...] = (
    Text("Tensor notation [B, T] and [/3], :smile:, <b> & 100%."),
    Formula("S = Q K^T", "(T, D) x (D, S) -> (T, S)"),
    Matrix("S[0]", [[1.5, 2.0]], ("query", "key"), ("<s>",), ("a", "b"), "A note."),
    TABLE,
    Plot("It falls to $0", "step", "loss", (Series("a [1]", [1, 2], [3.0, 0.5], [0.1, 0.1]),)),
    Code(softmax_forward),
    Question("How many?", 4.0, 0.1, "Two and two.", "bits"),
    Check("id", "x = [y]", 1.0, 1.25, 0.5, True),
    Check("id", "every row of a long statement sums to one", "yes", "no", "none", False),
)


@pytest.fixture
def shown(capsys, monkeypatch):
    def show(records, width: int = 80, face: Face = Face.terminal) -> str:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        capsys.readouterr()
        show_records(records, face)
        return capsys.readouterr().out

    return show


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_terminal_shows_every_record_within_its_width(shown, width):
    out = shown(EVERY, width)
    assert max(map(len, out.splitlines())) <= width
    for words in ("[B, T]", "[/3]", ":smile:", "<b>", "list[int]", "S[0]", "a [1]", "PASS  x = [y]", "FAIL", "<s>"):
        assert words in out, words


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 200])
def test_no_digit_of_a_table_is_lost_at_any_width(shown, width):
    out = shown([TABLE], width)
    assert "\u2026" not in out
    for row in TABLE.rows:
        for column in TABLE.columns:
            assert number_text(row[column.key]).rstrip("0").rstrip(".") in out, (column.key, out)


MIXED = Table(
    "words and numbers share the room",
    (Column("case", "case"), Column("float", "float"), Column("want", "should be"), Column("measured", "measured"),
     Column("verdict", "verdict")),
    (
        {"case": "causal and padding, by key", "float": "64 32 16", "want": "wrong pairs = 0", "measured": 0.0068599,
         "verdict": "WRONG"},
        {"case": "all blocked, -1e+09 added", "float": "32", "want": "weight = 0", "measured": -4.03,
         "verdict": "right"},
    ),
)  # fmt: skip


@pytest.mark.parametrize("width", range(20, 100))
def test_beside_long_words_every_number_and_every_word_stays_whole(shown, width):
    out = shown([MIXED], width)
    assert max(map(len, out.splitlines())) <= width
    for part in ("0.00686", "-4.03", "WRONG", "right", "padding,", "blocked,", "measured", "verdict"):
        assert part in out, (part, out)


def test_a_wide_table_comes_in_blocks_that_repeat_the_first_column(shown):
    out = shown([TABLE], 60)
    assert out.count("1.235") >= 2 and out.count("number 0") >= 2


def test_a_table_too_narrow_for_three_columns_becomes_records(shown):
    out = shown([TABLE], 26)
    assert "column number 3 (MiB)" in " ".join(out.split())


def test_an_empty_table_shows_its_columns(shown):
    assert "column" in shown([Table("None yet", TABLE.columns[:2], ())])


def test_plain_lines_hold_one_record_each():
    for record in EVERY:
        for line in lines(record):
            assert "\n" not in line and line.split("\t")[0].isalpha()
    assert next(iter(lines(Text("two\nlines\tand a tab")))) == "text\ttwo lines and a tab"


def test_plain_numbers_are_not_shortened_with_the_terminal(shown):
    assert shown([TABLE], 20, Face.plain) == shown([TABLE], 200, Face.plain)


def test_html_needs_no_network_and_eats_no_text():
    body = page("Title <1>", [html(record) for record in EVERY])
    assert "Title &lt;1&gt;" in body and "&lt;b&gt; &amp; 100%" in body and "&lt;s&gt;" in body
    addresses = {part.split('"')[0].split("'")[0] for part in body.split("http")[1:]}
    names = {f"://www.w3.org/{name}" for name in ("2000/svg", "1999/xlink", "1998/Math/MathML")}
    assert addresses <= names, addresses  # names of languages, which nobody fetches
    for forbidden in ("<script", "<link", "<iframe", "src=", "@import", "url("):
        assert forbidden not in body.replace("url(#", ""), forbidden


def test_html_matrices_have_colours_and_numbers():
    cells = html(EVERY[2])
    assert ">1.50</td>" in cells and "background:rgb(68,1,84)" in cells and "color:rgb(255,255,255)" in cells


@pytest.mark.parametrize(
    ("value", "text", "short"),
    [
        (None, "-", "-"),
        (True, "yes", "yes"),
        (3, "3", "3"),
        (12345678, "12345678", "12345678"),
        (0.0, "0", "0"),
        (4.0, "4.000", "4"),
        (0.00012345, "0.0001234", "0.0001234"),
        (1.2346e-9, "1.235e-09", "1.235e-09"),
        (1234.5, "1234", "1234"),
        (123456.7, "123457", "123457"),
        (1e12, "1.000e+12", "1.000e+12"),
        (float("nan"), "nan", "nan"),
        (float("-inf"), "-inf", "-inf"),
        ("word", "word", "word"),
    ],
)
def test_numbers_as_text(value, text, short):
    assert number_text(value) == text and brief(value) == short


def test_a_column_of_short_numbers_stays_short():
    assert column_texts([0.5, 16.0, None, 2], 4) == ["0.5", "16", "-", "2"]
    assert column_texts([0.5, 1 / 3], 4) == ["0.5000", "0.3333"]


def test_wrapping_never_cuts_and_keeps_alignment():
    assert wrapped("a   b", 10) == ["a   b"]
    assert (
        wrapped("one two three four", 9) == ["one two", "three four"]
        or max(map(len, wrapped("one two three four", 9))) <= 12
    )
    assert wrapped("    indented words that go on", 20) == ["    indented words", "    that go on"]
    assert "averyveryverylongword" in wrapped("x averyveryverylongword", 12)


def test_labels_and_packed_pieces():
    assert labelled("code", "one two", 40) == ["  code      one two"]
    assert packed(["--set a=1", "--set b=2", "--set c=3"], 22) == "--set a=1   --set b=2\n--set c=3"
    assert printable("a\x1b[0m\tb\x7f\nc") == "a?[0m   b?\nc"
