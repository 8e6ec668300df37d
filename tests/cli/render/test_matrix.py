"""Matrices: facts, number formats, colours, and drawings that lose no digit at any width."""

from __future__ import annotations

import io
import itertools
import math

import matplotlib
import numpy as np
import pytest

from tfx.records import Matrix
from tfx_cli.render.colors import contrast, luminance, readable_on, viridis
from tfx_cli.render.matrix_text import Grid, cell_format, pooled, short_label

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


def test_the_summary_says_shape_range_and_where_the_largest_is():
    grid = Grid.of(Matrix("S", [[0.5, -1.0], [2.25, -math.inf]], ("query", "key"), ("a", "b"), ("x", "y")))
    assert grid.summary() == "2 x 2   range -1 .. 2.25   largest: b, x   blocked: 1"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((0, 3)), "0 x 3, no finite value"),
        ([[math.nan]], "no finite value"),
        ([[math.nan, 1.0]], "not finite: 1"),
        (np.eye(3, dtype=bool), "yes (1): 3 of 9"),
        (np.arange(4.0), "1 x 4   range 0 .. 3   largest: 3"),
        ([[7, 7]], "1 x 2   range 7 .. 7"),
    ],
)
def test_odd_matrices_have_a_summary_and_a_drawing(values, words):
    record = Matrix("M", values, ("row", "column"))
    assert words in Grid.of(record).summary()
    assert words in drawn(record, 80) and words in drawn(record, 80, "256")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("color", [None, "256", "truecolor"])
def test_every_number_is_whole_at_every_width(scores, width, color):
    import re

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
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", drawn(scores, 80, "truecolor")) == drawn(scores, 80)


def big() -> Matrix:
    return Matrix("big", np.add.outer(np.arange(40.0), np.arange(50.0)), ("query", "key"))


def test_a_large_matrix_is_half_blocks_in_colour_and_shades_without():
    colored, plain, ascii_only = drawn(big(), 80, "256"), drawn(big(), 80), drawn(big(), 80, None, "ascii")
    assert "\u2580" in colored and colored.count("\n") < plain.count("\n")
    assert "\u2588" in plain and "\u2580" not in plain
    assert ascii_only.isascii() and "@" in ascii_only
    for out in (colored, plain, ascii_only):
        assert "40 x 50" in out and "range 0 .. 88" in out and "largest: 39, 49" in out


@pytest.mark.parametrize("width", [30, 80])
def test_a_matrix_wider_than_the_terminal_is_averaged_and_says_so(width):
    out = drawn(Matrix("huge", np.random.default_rng(0).normal(size=(100, 300)), ("query", "key")), width)
    assert "each place is the mean of 2 x" in out.replace("\n  ", " ")
    assert max(map(len, out.splitlines())) <= width


def test_pooling_takes_means_of_what_is_finite():
    means, high, wide = pooled([[1.0, 3.0, -math.inf], [5.0, 7.0, -math.inf]], 1, 2)
    assert (high, wide) == (2, 2) and means == [[4.0, -math.inf]]


@pytest.mark.parametrize(("label", "room", "short"), [("animal", 6, "animal"), ("animal", 4, "ani."), (" ", 3, '""')])
def test_labels_that_are_cut_say_so(label, room, short):
    assert short_label(label, room) == short


def test_viridis_is_that_of_matplotlib():
    table = np.array(matplotlib.colormaps["viridis"].colors) * 255
    ours = np.array([viridis(index / 255) for index in range(256)])
    assert np.abs(ours - table).max() <= 3


def test_text_on_every_colour_is_readable_and_light_grows_with_the_value():
    colors = [viridis(index / 64) for index in range(65)]
    assert all(contrast(readable_on(color), color) >= 4.5 for color in colors)
    assert all(luminance(low) < luminance(high) for low, high in itertools.pairwise(colors))
    assert viridis(-1) == viridis(0) and viridis(2) == viridis(1)


def test_a_tall_and_narrow_matrix_is_shown_as_numbers():
    values = np.random.default_rng(0).normal(size=(21, 6))
    text = drawn(Matrix("X", values, ("token", "coordinate")), 80)
    assert all(f"{value:.3f}" in text for value in values.ravel())
