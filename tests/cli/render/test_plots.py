"""Pictures: the same bytes every time, labels as written, and a backend that cannot be broken from outside."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest

from tests.cli.running import environment
from tfx.records import Matrix, Plot, Series
from tfx_cli.render.plots import STYLES, draw_plot, new_figure, picture_of_matrices, picture_of_plots

PLOT = Plot(
    "Variance grows like d_k, at $0 cost",
    "d_k",
    "Var(q.k)",
    (
        Series("theory", [1, 2, 4], [1, 2, 4], kind="line"),
        Series("measured", [1, 2, 4], [1.1, 1.9, 4.2], [0.1, 0.2, 0.3]),
    ),
    log_x=True,
    log_y=True,
)
MATRIX = Matrix(
    "weights", np.array([[0.5, -math.inf], [0.25, 0.75]]), ("query", "key"), ("a", "b"), ("x", "y"), "Note."
)


@pytest.mark.parametrize(("ending", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_the_same_plot_gives_the_same_bytes(ending, start):
    first = picture_of_plots([PLOT], ending)
    assert first == picture_of_plots([PLOT], ending) and first.startswith(start)


def test_the_same_matrices_give_the_same_bytes():
    draw = [picture_of_matrices("Attention", [MATRIX, PLOT], ".svg") for _ in range(2)]
    assert draw[0] == draw[1]
    for words in ("weights", "query", "key", "0.75", "Note."):
        assert words.encode() in draw[0], words


def test_title_axes_legend_and_plain_numbers_are_on_the_picture():
    svg = picture_of_plots([PLOT], ".svg").decode()
    for words in ("Variance grows like d_k, at $0 cost", "Var(q.k)", "theory", "measured"):
        assert words in svg, words


def test_series_differ_without_colour():
    assert len({(str(dash), marker) for _, dash, marker in STYLES}) == len(STYLES)
    assert len({str(dash) for _, dash, _ in STYLES}) == len({marker for _, _, marker in STYLES}) == len(STYLES)


def test_no_size_of_matrix_breaks_the_picture():
    many = [Matrix("m", np.zeros(shape), ("r", "c")) for shape in ((0, 3), (1, 1), (1, 40), (30, 30))]
    assert picture_of_matrices("All", many, ".png").startswith(b"\x89PNG")


def test_a_backend_from_outside_cannot_break_the_picture(tmp_path):
    code = (
        "from tfx.records import Plot\nfrom tfx_cli.render.plots import picture_of_plots\n"
        "assert picture_of_plots([Plot('a', 'b', 'c', ())], '.png')[:4] == b'\\x89PNG'"
    )
    env = environment(tmp_path, MPLBACKEND="module://no.such.backend")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_names_of_points_are_written_and_none_over_another():
    names = ["linear forward", "linear backward", "softmax", "gelu"]
    series = Series("operations", [1.0, 1.01, 1.02, 8.0], [1.0, 1.01, 1.0, 2.0], names=names)
    figure = new_figure(8, 4.6)
    axes = figure.subplots()
    draw_plot(axes, Plot("Under the roof", "x", "y", (series,), log_x=True, log_y=True))
    assert [text.get_text() for text in axes.texts] == names
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])
