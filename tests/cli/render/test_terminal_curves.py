"""Curves in the terminal: the whole drawing, told apart without colour, in ASCII, at every width."""

from __future__ import annotations

import io
import math

import pytest

from tests.cli.terminal.test_console import Stream
from tfx.records import Plot, Series
from tfx_cli.options import Face
from tfx_cli.render import terminal_curves
from tfx_cli.render.plain import lines as plain_lines
from tfx_cli.render.show import show_records
from tfx_cli.render.terminal_curves import WIDE, curve_lines, is_drawn

UTF8, ASCII = Stream(encoding="utf-8"), Stream(encoding="ascii")

SQUARES = Plot(
    "Measured points lie on the law",
    "n",
    "area",
    (
        Series("measured", [0, 1, 2, 3], [0.0, 1.0, 4.0, 9.0]),
        Series("law", [0, 1, 2, 3], [0.0, 1.0, 4.0, 9.0], kind="line"),
        Series("flat", [0, 3], [9.0, 9.0], kind="line"),
    ),
)

ASCII_SQUARES = """\
area
  9 |==============================-=o
    |                           ---
    |                        ----
4.5 |                     o---
    |                -----
    |            -----
  0 |o----------o
    +---------------------------------
     0               n               3"""

DOTTED_SQUARES = """\
area
  9 |------------------------------⣀-o
    |                           ⢀⠔⠊
    |                        ⢀⠤⠊⠁
4.5 |                     o⠤⠊⠁
    |                ⢀⡠⠤⠒⠉
    |            ⣀⠤⠒⠊⠁
  0 |o⣀⠤⠤⠤⠤⠒⠒⠒⠊⠉o
    +---------------------------------
     0               n               3"""


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch):
    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def drawn(plot: Plot, columns: int = 38, stream: io.StringIO = ASCII) -> list[str]:
    return curve_lines(plot, columns, stream)


def test_the_whole_drawing_in_ascii():
    assert "\n".join(drawn(SQUARES)) == ASCII_SQUARES


def test_the_whole_drawing_in_dots_has_one_curve_in_dots():
    assert "\n".join(drawn(SQUARES, stream=UTF8)) == DOTTED_SQUARES


def test_a_dumb_terminal_gets_ascii_whatever_its_encoding(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert "\n".join(drawn(SQUARES, stream=UTF8)) == ASCII_SQUARES


def test_the_highest_and_the_lowest_value_stand_in_the_corners_of_the_frame():
    rows = drawn(Plot("t", "x", "y", (Series("s", [-1, 5], [2.0, -2.0]),)))
    assert rows[1].endswith("2 |o") and rows[7].startswith("-2 |") and rows[7].endswith("o")
    assert len(rows[7]) == len(rows[8]) and rows[9].split() == ["-1", "x", "5"]


def test_logarithmic_axes_are_straight_for_powers_and_say_so():
    powers = Plot("t", "d", "time", (Series("s", [1, 10, 100], [1.0, 100.0, 1e4]),), log_x=True, log_y=True)
    rows = drawn(powers, 40)
    assert rows[0] == "time, log scale" and "d, log scale" in rows[-1]
    assert rows[-1].split()[0] == "1" and rows[-1].split()[-1] == "100"
    assert [row.split("|")[0].strip() for row in rows[1:8]] == ["10000", "", "", "100", "", "", "1"]
    places = [row.split("|")[1].index("o") for row in (rows[1], rows[4], rows[7])]
    assert places[0] - places[1] in (places[1] - places[2], places[1] - places[2] + 1), "equal steps"


def test_what_no_logarithm_has_and_what_is_not_finite_is_left_out():
    gaps = Series("s", [0, 1, 2, 3], [0.0, math.nan, math.inf, 5.0])
    for log, count in ((True, 1), (False, 2)):
        assert "".join(drawn(Plot("t", "x", "y", (gaps,), log_y=log))[1:8]).count("o") == count
    nothing = Plot("t", "x", "y", (Series("s", [1], [math.nan]),))
    assert drawn(nothing) == [] and not is_drawn(nothing)


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-7])
def test_a_single_point_stands_in_the_middle(value):
    rows = drawn(Plot("t", "x", "y", (Series("s", [4], [value]),)))
    assert [("o" in row) for row in rows].index(True) == 4


def test_curves_that_lie_on_each_other_take_turns_and_points_stand_on_lines():
    twins = tuple(Series(name, [0, 1], [1, 1], kind="line") for name in ("a", "b"))
    (row,) = [line for line in drawn(Plot("t", "x", "y", twins)) if "-=" in line]
    assert set(row.split("|")[1]) == {"-", "="} and row.split("|")[1].startswith("-=-=-=")
    (row,) = [line for line in drawn(Plot("t", "x", "y", (Series("p", [0, 1], [1, 1]), *twins))) if "o=" in line]
    assert row.split("|")[1].startswith("o=-=-=") and row.endswith("o")
    (row,) = [line for line in drawn(Plot("t", "x", "y", twins), stream=UTF8)[:-2] if "-" in line]
    assert row.split("|")[1].startswith("\u2812-" * 3) or row.split("|")[1].startswith("\u2824-" * 3), row


def test_ten_curves_have_ten_marks():
    many = Plot("t", "x", "y", tuple(Series(str(i), [0, 1], [i, i], kind="line") for i in range(10)))
    for stream in (ASCII, UTF8):
        assert len(set(terminal_curves.marks_of(many, stream))) == 10
    points = Plot("t", "x", "y", tuple(Series(str(i), [0], [i]) for i in range(10)))
    assert len(set(terminal_curves.marks_of(points, UTF8))) == 10


def test_no_more_than_one_curve_is_in_dots_and_it_is_the_longest():
    long = Series("long", range(100), range(100))
    plot = Plot("t", "x", "y", (Series("short", [0, 1], [0, 1], kind="line"), long, Series("points", [0], [1])))
    assert terminal_curves.marks_of(plot, UTF8) == ["-", "⠒", "o"]
    assert terminal_curves.marks_of(plot, ASCII) == ["-", "o", "x"]


FAR = Plot("t", "a long name of an axis", "y", (Series("s", [1e-9, 1e9], [-1e300, 1e300]),))


@pytest.mark.parametrize(("plot", "narrowest"), [(SQUARES, 18), (FAR, 26)])
@pytest.mark.parametrize("stream", [ASCII, UTF8])
def test_it_fits_every_width_and_is_about_ten_lines_tall(plot, narrowest, stream):
    for columns in range(narrowest, 90):
        rows = curve_lines(plot, columns, stream)
        assert max(map(len, rows)) <= columns
        assert len(rows) == 10 or (plot is FAR and columns < 60 and len(rows) <= 13), columns
        assert all(row.isascii() for row in rows) or stream is UTF8


def test_a_name_without_room_between_the_ends_stands_under_them():
    rows = curve_lines(Plot("t", "gradient step", "loss", (Series("s", [0, 1000], [0, 1]),)), 20, ASCII)
    assert rows[-2].split() == ["0", "1000"] and rows[-1].strip() == "gradient step"


def shown(plot: Plot, capsys, face: Face = Face.terminal) -> str:
    capsys.readouterr()
    show_records([plot], face)
    return capsys.readouterr().out


def test_the_words_stay_and_name_the_mark_of_each_curve(capsys, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    out = shown(SQUARES, capsys).splitlines()
    assert out[0] == "  picture: Measured points lie on the law"
    assert out[1:-3] == ["  " + line for line in drawn(SQUARES, 78)]
    assert out[-3:] == [
        "  o measured: 0 at n = 0 to 9.00 at n = 3",
        "  - law: 0 at n = 0 to 9.00 at n = 3",
        "  = flat: 9.00 throughout",
    ]


def test_where_nobody_sits_and_there_is_little_room_there_are_words_alone(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(WIDE - 1))
    words = [
        "  picture: Measured points lie on the law",
        "    measured: 0 at n = 0 to 9.00 at n = 3",
        "    law: 0 at n = 0 to 9.00 at n = 3",
        "    flat: 9.00 throughout",
    ]
    assert shown(SQUARES, capsys).splitlines() == words
    monkeypatch.setattr(terminal_curves, "interactive", lambda: True)
    monkeypatch.setenv("COLUMNS", "40")
    out = shown(SQUARES, capsys).splitlines()
    assert ["  " + line for line in curve_lines(SQUARES, 38, UTF8)] == out[2:12] and max(map(len, out)) <= 40


def test_the_plain_face_has_points_and_no_drawing(capsys):
    assert shown(SQUARES, capsys, Face.plain).splitlines() == list(plain_lines(SQUARES))
