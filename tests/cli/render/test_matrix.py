"""Matrices: facts, number formats, colours, and drawings that lose no digit at any width."""

from __future__ import annotations

import io
import itertools
import math
import re

import matplotlib
import numpy as np
import pytest

from tfx.records import Matrix
from tfx_cli.render.colors import Scale, blue_red, contrast, luminance, readable_on, viridis
from tfx_cli.render.labels import fitted_labels, legend, short_label
from tfx_cli.render.matrix_text import Grid, cell_format, pooled

WORDS = ("the", "animal", "did", "not", "cross", "the", "street", "because", "it", "was", "too", "tired")


def drawn(record: Matrix, width: int, color: str | None = None, encoding: str = "utf-8") -> str:
    """The matrix as a terminal of that width and colour shows it."""
    from rich.console import Console
    from rich.segment import Segment, Segments

    from tfx_cli.render.terminal_matrix import matrix_lines

    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding)
    console = Console(file=stream, width=width, force_terminal=bool(color), color_system=color, legacy_windows=False)
    for line in matrix_lines(record, console):
        console.print(Segments([*line, Segment.line()]), end="", soft_wrap=True)
    stream.flush()
    return buffer.getvalue().decode(encoding)


@pytest.fixture
def scores():
    return Matrix("S", np.random.default_rng(0).normal(size=(12, 12)), ("query", "key"), WORDS, WORDS, "Look.")


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([[0.123456, 0.5]], ["0.12", "0.50"]),
        ([[1.0, -2.5]], ["1.00", "-2.50"]),
        ([[12.34, 0.001]], ["12.3", "0.0"]),
        ([[1234.5, 1.0]], ["1234", "1"]),
        ([[3.0, -4.0]], ["3", "-4"]),
        ([[True, False]], ["1", "0"]),
        ([[1.5, -math.inf]], ["1.50", "-inf"]),
        ([[1.5, 0.0]], ["1.50", "0"]),
        ([[math.nan, 0.5]], ["nan", "0.50"]),
        ([[-0.0001, 5.5]], ["0.00", "5.50"]),
        ([[2.5e-7, 1e-8]], ["2.50", "0.10"]),
        ([[3e12, 1.5]], ["3.00", "0.00"]),
        ([[0.0, 0.0]], ["0", "0"]),
    ],
)
def test_cells_of_one_matrix_share_a_format(values, texts):
    form = cell_format(values)
    assert [form.text(value) for value in values[0]] == texts


def test_very_small_numbers_get_a_common_power_of_ten():
    assert cell_format([[2.5e-7]]).exponent == -7
    assert "all numbers times 1e-7" in drawn(Matrix("d", [[2.5e-7, 1e-8]], ("r", "c")), 80)


def test_the_caption_says_shape_range_and_where_the_largest_is():
    grid = Grid.of(Matrix("S", [[0.5, -1.0], [2.25, -math.inf]], ("query", "key"), ("a", "b"), ("x", "y")))
    assert grid.caption() == "2 x 2   range -1 .. 2.25   largest by size: b, x (2.25)   blocked: 1"


def test_the_largest_is_the_largest_by_size():
    grid = Grid.of(Matrix("dS", [[0.5, -1.0], [0.25, -0.125]], ("query", "key"), ("a", "b"), ("x", "y")))
    assert grid.caption() == "2 x 2   range -1 .. 0.5   largest by size: a, y (-1)"
    shares = Grid.of(Matrix("P", [[0.25, 0.75]], ("query", "key"), ("a",), ("x", "y")))
    assert shares.caption() == "1 x 2   range 0.25 .. 0.75   largest: y (0.75)"


def test_a_common_factor_holds_for_cells_range_and_the_largest():
    values = [[2.1e-4, -8.12e-4], [1e-5, 0.0]]
    record = Matrix("dS", values, ("query", "key"), ("it", "was"), ("did", "animal"))
    assert drawn(record, 80).splitlines() == [
        "  dS   rows: query, columns: key",
        "  all numbers times 1e-4",
        "         did animal",
        "  it   2.100 -8.120",
        "  was  0.100      0",
        "  2 x 2   range -8.12 .. 2.1 (times 1e-4)   largest by size: it, animal (-8.12)",
    ]


def test_rows_of_zeros_are_counted_and_not_printed():
    values = np.zeros((12, 3))
    values[8] = [1.5, -0.5, 0.0]
    record = Matrix("dO", values, ("token", "coordinate"), WORDS)
    assert drawn(record, 80).splitlines() == [
        "  dO   rows: token, columns: coordinate",
        "          1      2      3",
        "  it  1.500 -0.500      0",
        "  11 rows are zero: the, animal, did, not, cross, the, street, because, was, ...",
        "  12 x 3   range -0.5 .. 1.5   largest by size: it, 1 (1.5)",
    ]
    assert "11 rows are zero: the, animal, did, ..." in drawn(record, 44)
    assert Grid.of(record).zero_words().endswith("because, was, too, tired")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[0.0, 0.0], [0.0, 0.0]], "all 2 rows are zero"),
        ([[0.0, 0.0], [0.0, 1.0]], "1 row is zero: 1"),
        ([[0.0, math.nan], [0.0, 1.0]], ""),
        ([[0.0, 0.0]], ""),
        ([[False, False], [True, False]], ""),
    ],
)
def test_only_numbers_are_counted_as_zero_and_a_vector_is_shown(values, words):
    record = Matrix("M", values, ("row", "column"))
    assert Grid.of(record).zero_words() == words
    assert words in drawn(record, 80) and ("zero" in drawn(record, 80)) == bool(words)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((0, 3)), "0 x 3, no finite value"),
        ([[math.nan]], "no finite value"),
        ([[math.nan, 1.0]], "not finite: 1"),
        (np.eye(3, dtype=bool), "yes (1): 3 of 9"),
        (np.arange(4.0), "1 x 4   range 0 .. 3   largest: 4 (3)"),
        ([[7, 7]], "1 x 2   range 7 .. 7"),
    ],
)
def test_odd_matrices_have_a_summary_and_a_drawing(values, words):
    record = Matrix("M", values, ("row", "column"))
    assert words in Grid.of(record).caption()
    assert words in drawn(record, 80) and words in drawn(record, 80, "256")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("color", [None, "256", "truecolor"])
def test_every_number_is_whole_at_every_width(scores, width, color):
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn(scores, width, color))
    numbers = re.findall(r"(?<![\w.])-?\d+\.\d+", plain[: plain.index("12 x 12")])
    assert len(numbers) == 144
    expected = sorted(np.asarray(scores.values).ravel())
    assert np.allclose(sorted(map(float, numbers)), expected, atol=0.051)
    assert max(map(len, plain.splitlines())) <= width
    assert "\u2026" not in plain and "..." not in plain.replace(" .. ", "")


def test_twelve_scores_of_a_sentence_stay_in_one_piece_at_80_columns(scores):
    record = Matrix("S", np.asarray(scores.values) * 9, ("query", "key"), WORDS, WORDS)
    lines = drawn(record, 80).splitlines()
    assert len(lines) == 15, "heading, labels, 12 rows, summary"
    assert any("becau." in line for line in lines)


def test_axes_and_labels_are_named(scores):
    out = drawn(scores, 100)
    assert "rows: query, columns: key" in out and "because" in out and "Look." in out


def test_colour_adds_to_the_numbers_and_never_replaces_them(scores):
    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn(scores, 80, "truecolor")) == drawn(scores, 80)


def sentence(count: int) -> tuple[str, ...]:
    """Different words of three to nine letters."""
    return tuple(f"word{chr(97 + i % 26)}{'x' * (i % 4)}{i // 26 or ''}" for i in range(count))


def numbered_matrix(rows: int, columns: int) -> Matrix:
    values = np.random.default_rng(1).normal(size=(rows, columns)).round(2) * 2
    return Matrix("S", values, ("query", "key"), sentence(rows), sentence(columns))


@pytest.mark.parametrize(
    ("columns", "width", "blocks"), [(20, 120, 1), (12, 80, 1), (21, 80, 2), (32, 80, 3), (21, 40, 4)]
)
@pytest.mark.parametrize("color", [None, "256"])
def test_numbers_as_long_as_the_width_allows_in_blocks_that_repeat_the_row_labels(columns, width, blocks, color):
    record = Matrix("P", np.full((columns, columns), 0.25), ("query", "key"), sentence(columns), sentence(columns))
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn(record, width, color))
    assert len(plain.splitlines()) == 1 + blocks * (columns + 1) + 1, plain
    assert plain.count("0.25") - plain.count("range 0.25") - plain.count(".. 0.25") == columns * columns
    assert max(map(len, plain.splitlines())) <= width


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("color", [None, "256", "truecolor"])
@pytest.mark.parametrize("size", [13, 21, 32, 33, 50, 64])
def test_every_row_and_every_column_has_a_label_at_any_size(size, width, color):
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn(numbered_matrix(size, size), width, color))
    lines = plain.splitlines()
    assert max(map(len, lines)) <= width
    if "rows and columns: 1 worda" in plain:
        names = " ".join(lines).partition("rows and columns: ")[2]
        names = " ".join(names.split())
        assert names.startswith(", ".join(f"{i + 1} {word}" for i, word in enumerate(sentence(size))) + f" {size} x")
        assert re.match(r" +1 +(6|11) ", lines[1]) and re.match(r" +1 ", lines[2])
    else:
        heads = [label for line in lines if line.startswith("     ") for label in line.split()]
        rows = [line.split()[0] for line in lines[2 : 2 + size]]
        assert len(heads) == len(set(heads)) == len(rows) == len(set(rows)) == size, (heads, rows)


def big() -> Matrix:
    return Matrix("big", np.add.outer(np.arange(40.0), np.arange(50.0)), ("query", "key"))


def test_a_large_matrix_is_half_blocks_in_colour_and_shades_without():
    colored, plain, ascii_only = drawn(big(), 80, "256"), drawn(big(), 80), drawn(big(), 80, None, "ascii")
    assert "\u2580" in colored and colored.count("\n") < plain.count("\n")
    assert "\u2588" in plain and "\u2580" not in plain
    assert ascii_only.isascii() and "@" in ascii_only
    for out in (colored, plain, ascii_only):
        assert "40 x 50" in out and "range 0 .. 88" in out and "largest: 40, 50 (88)" in out
    assert "dark 0, bright 88" in colored and "' ' is 0, '@' is 88" in ascii_only


def test_a_picture_of_signed_numbers_says_what_blue_and_red_are():
    record = Matrix("dP", np.linspace(-2, 1, 1600).reshape(40, 40), ("query", "key"))
    assert "blue -2, white 0, red 2" in drawn(record, 80, "256")
    assert "' ' is -2, '@' is 1" in drawn(record, 80, None, "ascii")


@pytest.mark.parametrize("width", [30, 80])
def test_a_matrix_wider_than_the_terminal_is_averaged_and_says_so(width):
    out = drawn(Matrix("huge", np.random.default_rng(0).normal(size=(100, 300)), ("query", "key")), width)
    assert "each place is the mean of 2 x" in out.replace("\n  ", " ")
    assert max(map(len, out.splitlines())) <= width


def test_pooling_takes_means_of_what_is_finite():
    means, high, wide = pooled([[1.0, 3.0, -math.inf], [5.0, 7.0, -math.inf]], 1, 2)
    assert (high, wide) == (2, 2) and means == [[4.0, -math.inf]]


@pytest.mark.parametrize(
    ("label", "room", "short"),
    [("animal", 6, "animal"), ("animal", 4, "ani."), (" ", 3, '""'), ("\u4f60\u597d\u5417", 4, "\u4f60."),
     ("\u4f60\u597d", 4, "\u4f60\u597d"), ("\u200d", 6, "U+200D"), ("a\x1b[0m", 6, "a?[0m")],
)  # fmt: skip
def test_labels_are_cut_in_cells_and_say_so(label, room, short):
    assert short_label(label, room) == short


def test_labels_that_would_be_cut_to_the_same_are_numbered():
    assert fitted_labels(("animal", "animated", "the", "the"), 4) == ["an.1", "an.2", "the", "the"]
    assert fitted_labels(("animal", "animated"), 8) == ["animal", "animated"]
    many = [f"animal{i}" for i in range(120)]
    assert len(set(fitted_labels(many, 3))) == 120 and max(map(len, fitted_labels(many, 3))) == 3


def test_wide_characters_keep_the_columns_in_line():
    from rich.cells import cell_len

    record = Matrix("S", np.eye(3) + 0.5, ("query", "key"), ("\u4f60\u597d", "a", "e\u0301"), ("\u4f60", "b", "c"))
    lines = drawn(record, 80).splitlines()
    assert len({cell_len(line) for line in lines[1:5]}) == 1, lines


def test_a_legend_names_the_numbers_unless_they_are_the_names():
    assert legend(("the", "animal", "did")) == ["1 the", "2 animal", "3 did"]
    assert legend(("1", "2")) == []


@pytest.mark.parametrize(
    ("low", "high", "colormap"),
    [(-1, 2, "RdBu_r"), (-2, 0, "RdBu_r"), (0, 1, "viridis"), (0.2, 0.9, "viridis"), (-3, -1, "viridis"),
     (-1e-17, 1, "viridis"), (0, 0, "viridis")],
)  # fmt: skip
def test_signed_numbers_get_the_diverging_colours_and_shares_the_growing_ones(low, high, colormap):
    assert Scale.of(low, high).colormap == colormap


def test_zero_is_white_and_equal_sizes_are_equally_far_from_it():
    scale = Scale.of(-1, 4)
    assert scale.color(0.0) == (247, 247, 247) and scale.color(4) == blue_red(1)
    assert scale.part(-1) == pytest.approx(1 - scale.part(1)) and scale.color(math.nan) is None


def test_a_matrix_of_both_signs_is_blue_and_red_on_screen_page_and_plot():
    from tfx_cli.render.html import html
    from tfx_cli.render.plots import picture_of_matrices
    from tfx_cli.render.terminal_matrix import number_style

    number_style.cache_clear()  # Rich writes a style in the colours for which it was first used
    signed = Matrix("dS", [[-1.0, 0.5], [0.25, 1.0]], ("query", "key"))
    shares = Matrix("P", [[0.0, 0.5], [0.25, 1.0]], ("query", "key"))
    screen = drawn(signed, 80, "truecolor")
    assert "48;2;5;48;97m" in screen and "48;2;103;0;31m" in screen
    assert "rgb(5,48,97)" in html(signed) and "rgb(68,1,84)" in html(shares)
    assert "48;2;68;1;84m" in drawn(shares, 80, "truecolor")
    assert picture_of_matrices("t", [signed], ".png") != picture_of_matrices("t", [shares], ".png")


def test_the_page_counts_rows_of_zeros_and_plain_keeps_them():
    from tfx_cli.render.html import html
    from tfx_cli.render.plain import lines

    record = Matrix("dO", [[0.0, 0.0], [1.0, -2.0], [0.0, 0.0]], ("token", "coordinate"), ("a", "b", "c"))
    assert "2 rows are zero: a, c" in html(record) and html(record).count("scope='row'") == 1
    assert "largest by size: b, 2 (-2)" in html(record)
    assert [line.split("\t")[0] for line in lines(record)] == ["matrix", "columns", "row", "row", "row"]


def test_viridis_is_that_of_matplotlib():
    table = np.array(matplotlib.colormaps["viridis"].colors) * 255
    ours = np.array([viridis(index / 255) for index in range(256)])
    assert np.abs(ours - table).max() <= 3


def test_blue_and_red_are_those_of_matplotlib():
    table = np.array([matplotlib.colormaps["RdBu_r"](index)[:3] for index in range(256)]) * 255
    ours = np.array([blue_red(index / 255) for index in range(256)])
    assert np.abs(ours - table).max() <= 1
    assert all(contrast(readable_on(blue_red(i / 64)), blue_red(i / 64)) >= 4.5 for i in range(65))


def test_text_on_every_colour_is_readable_and_light_grows_with_the_value():
    colors = [viridis(index / 64) for index in range(65)]
    assert all(contrast(readable_on(color), color) >= 4.5 for color in colors)
    assert all(luminance(low) < luminance(high) for low, high in itertools.pairwise(colors))
    assert viridis(-1) == viridis(0) and viridis(2) == viridis(1)


def test_a_tall_and_narrow_matrix_is_shown_as_numbers():
    values = np.random.default_rng(0).normal(size=(21, 6))
    text = drawn(Matrix("X", values, ("token", "coordinate")), 80)
    assert all(f"{value:.3f}" in text for value in values.ravel())
