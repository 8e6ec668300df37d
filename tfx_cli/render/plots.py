"""Pictures with matplotlib: curves of an experiment, heat maps of a walkthrough.  The same input gives the same bytes.

The title states the finding.  Theory is a line, a measurement points with error bars; lines differ by dash and marker
as well as by colour, so that a greyscale print still reads.
"""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Sequence
from typing import Any

from tfx.records import Matrix, Plot, Series
from tfx_cli.render.colors import readable_on
from tfx_cli.render.labels import fitted_labels
from tfx_cli.render.matrix_text import Grid

#: colour (Okabe and Ito 2008: distinct for colour-blind eyes, ordered by lightness), dash, marker
STYLES = (
    ("#000000", "-", "o"),
    ("#0072B2", "--", "s"),
    ("#D55E00", ":", "^"),
    ("#009E73", "-.", "D"),
    ("#E69F00", (0, (5, 1)), "v"),
    ("#CC79A7", (0, (3, 1, 1, 1, 1, 1)), "x"),
)
ANNOTATED = 12
LABELLED = 24
#: characters that fit over one picture of a grid
NARROW_TITLE = 42
#: height of a point's name, and where it may stand from the point, in points: the first place that is free
NAME_POINTS = 7
NAME_OFFSETS = ((5, 4), (-5, 4), (5, -9), (-5, -9), (5, 13), (-5, 13), (5, -18), (-5, -18))
#: width of one picture of a grid in points, and of a digit in units of its font size
PANEL_POINTS, DIGIT = 190, 0.65


def new_figure(width: float, height: float) -> Any:
    """An empty figure with no global state.  The backend is chosen before matplotlib can read a broken MPLBACKEND."""
    os.environ["MPLBACKEND"] = "agg"
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "tfx",  # the same names inside an SVG every time
            "svg.fonttype": "none",  # letters stay letters: small, searchable, read aloud
            "axes.titlesize": 11,
        }
    )
    return Figure(figsize=(width, height), layout="constrained")


def saved(figure: Any, ending: str) -> bytes:
    """The figure as PNG, SVG or PDF, without a date in it."""
    kind = ending.lower().lstrip(".") or "png"
    dateless = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None, "Producer": None}}[kind]
    data = io.BytesIO()
    figure.savefig(data, format=kind, dpi=150, metadata=dateless)
    return data.getvalue()


def picture_of_plots(plots: Sequence[Plot], ending: str) -> bytes:
    """All plots of an experiment, one under the other."""
    figure = new_figure(8, 4.6 * len(plots))
    for axes, plot in zip(figure.subplots(len(plots), 1, squeeze=False)[:, 0], plots, strict=True):
        draw_plot(axes, plot)
    return saved(figure, ending)


def draw_plot(axes: Any, plot: Plot, title_width: int = 84) -> None:
    """One picture: title (in lines of `title_width` characters), named axes, every series and a legend."""
    for index, series in enumerate(plot.series):
        draw_series(axes, series, STYLES[index % len(STYLES)])
    axes.set_title(words(textwrap.fill(plot.title, title_width)))
    axes.set_xlabel(words(plot.x_label))
    axes.set_ylabel(words(plot.y_label))
    for is_log, set_scale, axis, name in (
        (plot.log_x, axes.set_xscale, axes.xaxis, "x"),
        (plot.log_y, axes.set_yscale, axes.yaxis, "y"),
    ):
        if is_log:
            doubling = all(_power_of_two(value) for series in plot.series for value in getattr(series, name))
            set_scale("log", base=2 if doubling else 10)
            axis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.grid(visible=True, which="major", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    if any(series.label for series in plot.series):
        axes.legend(frameon=False)
    write_names(axes, plot)


def words(text: str) -> str:
    """A dollar sign in a label is a dollar sign and starts no formula."""
    return text.replace("$", r"\$")


def draw_series(axes: Any, series: Series, style: tuple[str, Any, str]) -> None:
    color, dash, marker = style
    label = words(series.label) or None
    if series.kind == "line":
        axes.plot(series.x, series.y, color=color, linestyle=dash, linewidth=1.6, label=label)
    else:
        axes.errorbar(
            series.x, series.y, yerr=series.error, color=color, linestyle="none", marker=marker, markersize=5,
            markerfacecolor="white", capsize=3, label=label,
        )  # fmt: skip


def write_names(axes: Any, plot: Plot) -> None:
    """The names of points beside them: above, below or farther off, so that no two write over each other."""
    named = [
        (name, (x, y), STYLES[index % len(STYLES)][0])
        for index, series in enumerate(plot.series)
        for name, x, y in zip(series.names, series.x, series.y, strict=False)
    ]
    places = [axes.transData.transform(at) * 72 / axes.figure.dpi for _, at, _ in named]  # in points
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in places]
    for (name, at, color), (x, y) in zip(named, places, strict=True):
        width, boxes = NAME_POINTS * DIGIT * len(name), []
        for right, up in NAME_OFFSETS:
            left, low = x + (right if right > 0 else right - width), y + up
            boxes.append((left, low, left + width, low + NAME_POINTS))
        free = [not any(_overlap(box, other) for other in taken) for box in boxes]
        best = free.index(True) if True in free else 0
        taken.append(boxes[best])
        right, up = NAME_OFFSETS[best]
        axes.annotate(
            words(name), at, xytext=(right, up), textcoords="offset points", fontsize=NAME_POINTS, color=color,
            horizontalalignment="left" if right > 0 else "right",
        )  # fmt: skip


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Of two boxes (left, low, right, high)."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def picture_of_matrices(title: str, records: Sequence[Matrix | Plot], ending: str) -> bytes:
    """Heat maps (and curves) of a walkthrough in a grid."""
    columns = min(len(records), 3)
    rows = -(-len(records) // columns)
    figure = new_figure(4.6 * columns, 4.2 * rows)
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, record in zip(places, records, strict=False):
        if isinstance(record, Plot):
            draw_plot(axes, record, title_width=NARROW_TITLE)
        else:
            draw_matrix(figure, axes, record)
    for axes in places[len(records) :]:
        axes.set_axis_off()
    figure.suptitle(words(title))
    return saved(figure, ending)


def draw_matrix(figure: Any, axes: Any, record: Matrix) -> None:
    """A heat map with labels and, up to 12 x 12, its numbers."""
    import matplotlib
    import numpy as np

    grid = Grid.of(record)
    title = [textwrap.fill(text, NARROW_TITLE) for text in (record.name, record.note) if text]
    axes.set_title(words("\n".join(title)), fontsize=9)
    axes.set_xlabel(words(record.axes[1]))
    axes.set_ylabel(words(record.axes[0]))
    if 0 in grid.shape:
        return
    values = np.asarray(grid.values, dtype=np.float64)
    shown = np.ma.masked_invalid(values)
    cmap = matplotlib.colormaps[grid.scale.colormap].with_extremes(bad="0.85")
    aspect = "equal" if max(grid.shape) <= 1.6 * min(grid.shape) else "auto"
    image = axes.imshow(shown, cmap=cmap, aspect=aspect, vmin=grid.scale.low, vmax=grid.scale.high)
    figure.colorbar(image, ax=axes, shrink=0.7)
    for which, labels in ((axes.set_xticks, grid.col_labels), (axes.set_yticks, grid.row_labels)):
        if len(labels) <= LABELLED:
            turned = 90 if which == axes.set_xticks and max(map(len, labels)) > 3 else 0
            which(
                range(len(labels)), [words(label) for label in fitted_labels(labels, 14)], rotation=turned, fontsize=7
            )
    if max(grid.shape) <= ANNOTATED:
        form = grid.form
        longest = max(len(form.text(value)) for row in grid.values for value in row)
        size = min(9.0, PANEL_POINTS / (grid.shape[1] * longest * DIGIT))
        for i, row in enumerate(grid.values):
            for j, value in enumerate(row):
                background = grid.scale.color(value)
                color = "black" if background is None or readable_on(background) == (0, 0, 0) else "white"
                axes.text(j, i, form.text(value), ha="center", va="center", fontsize=size, color=color)
        if form.exponent:
            axes.set_xlabel(words(f"{record.axes[1]}   (all numbers times 1e{form.exponent})"))


def _power_of_two(value: float) -> bool:
    return value >= 1 and float(value).is_integer() and int(value) & (int(value) - 1) == 0
