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


def test_names_of_points_at_the_edge_stay_in_the_picture():
    series = Series(
        "models", [1.0, 5.0, 1000.0], [3.0, 1.0, 2.0], names=["the first of all", "low", "Switch-Transformer"]
    )
    axes = axes_with(Plot("At the edge", "x", "y", (series,), log_x=True))
    for text in axes.texts:
        box = text.get_window_extent()
        assert axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1, text.get_text()


def test_a_line_of_one_point_is_seen():
    axes = axes_with(
        Plot("One", "x", "y", (Series("law", [4], [1], kind="line"), Series("two", [1, 2], [1, 2], kind="line")))
    )
    assert [line.get_marker() for line in axes.lines] == ["_", "None"] and axes.texts[0].get_text() == "law"


def axes_with(plot):
    axes = new_figure(8, 4.6).subplots()
    draw_plot(axes, plot)
    return axes


def test_points_that_lie_on_each_other_are_both_seen():
    same = [Series(name, [1, 2], [1, 2], [0.1, 0.1]) for name in ("raw", "times 1", "times one")]
    axes = axes_with(Plot("Same", "x", "y", (Series("law", [1, 2], [1, 2], kind="line"), *same)))
    markers = [
        line for line in axes.get_lines() if line.get_marker() not in ("None", "_", "|") and len(line.get_xdata())
    ]
    sizes = [line.get_markersize() for line in markers if line.get_markerfacecolor() == "none"]
    assert len(sizes) == 3 and sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3


def test_numbers_between_the_powers_of_an_axis_are_plain():
    axes = axes_with(Plot("a", "x", "y", (Series("s", [0.5, 2.0], [0.02, 0.3]),), log_x=True, log_y=True))
    axes.figure.canvas.draw()
    written = {
        text.get_text() for axis in (axes.xaxis, axes.yaxis) for kind in ("major", "minor")
        for text in axis.get_ticklabels(which=kind)
    }  # fmt: skip
    assert {"0.6", "0.2", "0.1", "0.02"} <= written and not any("10^" in text for text in written)


def heat_map(record):
    from tfx_cli.render.plots import draw_matrix

    figure = new_figure(5.4, 4.4)
    axes = figure.subplots()
    draw_matrix(figure, axes, record)
    return figure, axes


TOKENS = tuple(f"tok{i}" for i in range(12))


def test_shares_are_coloured_from_0_to_1_and_other_numbers_by_their_own_range():
    for values, limits in (
        ([[0.25, 0.75], [0.5, 0.5]], (0, 1)),
        ([[0.5, -math.inf], [0.25, 0.75]], (0.25, 0.75)),
        ([[0.02, 0.01]], (0.01, 0.02)),
        ([[-0.5, 1.5]], (-1.5, 1.5)),
    ):
        _, axes = heat_map(Matrix("P", values, ("query", "key")))
        assert axes.images[0].get_clim() == limits, values


@pytest.mark.parametrize("value", [0.93, -1.17, 12.3, 100_000.0])
def test_no_number_or_label_of_a_heat_map_is_below_7_points_and_no_number_leaves_its_cell(value):
    values = np.full((12, 12), value)
    values[0, 0] = 1.0
    figure, axes = heat_map(Matrix("S", values, ("query", "key"), TOKENS, TOKENS))
    figure.canvas.draw()
    texts = [*axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    assert min(text.get_fontsize() for text in texts) >= 7
    cell = axes.get_window_extent().width / 12
    assert len(axes.texts) in (0, 144) and all(text.get_window_extent().width <= cell for text in axes.texts)
    assert len(figure.axes) == (1 if axes.texts else 2)  # a bar of colours only where there are no numbers
