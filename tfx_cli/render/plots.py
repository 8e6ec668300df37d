"""Pictures with matplotlib: curves of an experiment, heat maps of a walkthrough.  The same input gives the same bytes.

The title states the finding.  Theory is a line, a measurement points with error bars; lines differ by dash and marker
as well as by colour, so that a greyscale print still reads.
"""

from __future__ import annotations

import io
import os
import re
import textwrap
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tfx.records import Matrix, Plot, Series
from tfx_cli.render.colors import readable_on
from tfx_cli.render.labels import fitted_labels
from tfx_cli.render.matrix_text import Grid
from tfx_cli.terminal.cells import cells
from tfx_cli.terminal.lines import tell
from tfx_cli.terminal.printable import printable

#: colour (Okabe and Ito 2008: distinct for colour-blind eyes, ordered by lightness), dash, marker
STYLES = (
    ("#000000", "-", "o"),
    ("#0072B2", "--", "s"),
    ("#D55E00", ":", "^"),
    ("#009E73", "-.", "D"),
    ("#E69F00", (0, (5, 1)), "v"),
    ("#CC79A7", (0, (3, 1, 1, 1, 1, 1)), "x"),
)
#: the place in a PNG for the command that made it
PNG_MAKER = "Comment"
#: characters that printing leaves alone and no XML may hold
NOT_XML = re.compile("[\ufffe\uffff]")
#: matplotlib's remark on a character that its font lacks, and how many are named
MISSING = re.compile(r"Glyph (\d+) .*missing from font")
MOST_NAMED = 6
ANNOTATED = 12
LABELLED = 24
#: characters that fit over one picture of a grid
NARROW_TITLE = 42
#: height of a point's name, and where it may stand from the point, in points: the first place that is free
NAME_POINTS = 7
NAME_OFFSETS = ((5, 4), (-5, 4), (5, -9), (-5, -9), (5, 13), (-5, 13), (5, -18), (-5, -18))
#: size of one picture of a grid in inches; of its cells together in points; width of a digit in units of its font size
PANEL_WIDTH, PANEL_HEIGHT, CELLS_POINTS, DIGIT = 5.4, 4.4, 305, 0.65
#: half of what is free between two pictures of a grid, in inches
BETWEEN = 0.12
#: a number or a label in a picture is no smaller than the first and no larger than the second, in points
SMALLEST, LARGEST = 7.0, 9.0
#: size of a marker, and how much larger one is than the next that may lie over it
MARKER_POINTS, NEST_POINTS = 5.0, 3.0


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


def saved(figure: Any, ending: str, made_by: str = "") -> bytes:
    """The figure as PNG, SVG or PDF, without a date in it; a PNG says which command made it."""
    kind = ending.lower().lstrip(".") or "png"
    told = {PNG_MAKER: made_by} if made_by else {}
    dateless = {
        "png": {"Software": None, **told},
        "svg": {"Date": None},
        "pdf": {"CreationDate": None, "Producer": None},
    }[kind]
    data = io.BytesIO()
    with warnings.catch_warnings(record=True) as noted:
        warnings.simplefilter("always")
        figure.savefig(data, format=kind, dpi=150, metadata=dateless)
    tell_what_is_missing([str(warning.message) for warning in noted], kind)
    return data.getvalue()


def tell_what_is_missing(remarks: Sequence[str], kind: str) -> None:
    """One line for the characters that are empty boxes now; an SVG keeps letters as letters, so it has them all."""
    found = dict.fromkeys(chr(int(number)) for remark in remarks for number in MISSING.findall(remark))
    if found and kind != "svg":
        named = ", ".join(list(found)[:MOST_NAMED]) + (", ..." if len(found) > MOST_NAMED else "")
        tell(f"the font of the picture lacks {named}, drawn as empty boxes; a picture that ends in .svg has them.")


def picture_of_plots(plots: Sequence[Plot], ending: str, made_by: str = "") -> bytes:
    """All plots of an experiment, one under the other.  made_by: the command, kept in the file."""
    figure = new_figure(8, 4.6 * len(plots))
    for axes, plot in zip(figure.subplots(len(plots), 1, squeeze=False)[:, 0], plots, strict=True):
        draw_plot(axes, plot)
    return saved(figure, ending, made_by)


def draw_plot(axes: Any, plot: Plot, title_width: int = 84) -> None:
    """One picture: title (in lines of `title_width` characters), named axes, every series and a legend."""
    above = sum(series.kind == "points" for series in plot.series)
    for index, series in enumerate(plot.series):
        above -= series.kind == "points"
        draw_series(axes, series, STYLES[index % len(STYLES)], MARKER_POINTS + NEST_POINTS * above)
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
            axis.set_minor_formatter(plain_between())
    axes.grid(visible=True, which="major", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    if any(series.label for series in plot.series):
        axes.legend(frameon=False)
    write_names(axes, plot)


def plain_between() -> Any:
    """Numbers between the powers of an axis, where matplotlib would write some: `0.6`, not `6 x 10^-1`."""
    from matplotlib.ticker import LogFormatter

    class Plain(LogFormatter):
        def __call__(self, x: float, pos: Any = None) -> str:
            return f"{x:g}" if super().__call__(x, pos) else ""

    return Plain()


def words(text: str) -> str:
    """A dollar sign in a label is a dollar sign and starts no formula; what no terminal should get, XML has not."""
    return NOT_XML.sub("?", printable(text)).replace("$", r"\$")


def draw_series(axes: Any, series: Series, style: tuple[str, Any, str], size: float) -> None:
    """size: of a marker in points.  Markers are hollow, so that one inside another shows both."""
    color, dash, marker = style
    label = words(series.label) or None
    if series.kind == "line" and len(series.x) == 1:  # nothing to join: a bar with its name
        axes.plot(series.x, series.y, color=color, linestyle="none", marker="_", markersize=18, label=label)
        at = (series.x[0], series.y[0])
        axes.annotate(label or "", at, xytext=(12, -3), textcoords="offset points", fontsize=NAME_POINTS, color=color)
    elif series.kind == "line":
        axes.plot(series.x, series.y, color=color, linestyle=dash, linewidth=1.6, label=label)
    else:
        axes.errorbar(
            series.x, series.y, yerr=series.error, color=color, linestyle="none", marker=marker, markersize=size,
            markerfacecolor="none", capsize=3, label=label,
        )  # fmt: skip


def write_names(axes: Any, plot: Plot) -> None:
    """The names of points beside them: above, below or farther off, so that no two write over each other and all stay
    in the picture."""
    named = [
        (name, (x, y), STYLES[index % len(STYLES)][0])
        for index, series in enumerate(plot.series)
        for name, x, y in zip(series.names, series.x, series.y, strict=False)
    ]
    places = [axes.transData.transform(at) * 72 / axes.figure.dpi for _, at, _ in named]  # in points
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in places]
    frame = axes.bbox.extents * 72 / axes.figure.dpi
    for (name, at, color), (x, y) in zip(named, places, strict=True):
        width, boxes = NAME_POINTS * DIGIT * cells(name), []
        for right, up in NAME_OFFSETS:
            left, low = x + (right if right > 0 else right - width), y + up
            boxes.append((left, low, left + width, low + NAME_POINTS))
        free = [_inside(box, frame) and not any(_overlap(box, other) for other in taken) for box in boxes]
        best = free.index(True) if True in free else 0
        taken.append(boxes[best])
        right, up = NAME_OFFSETS[best]
        axes.annotate(
            words(name), at, xytext=(right, up), textcoords="offset points", fontsize=NAME_POINTS, color=color,
            horizontalalignment="left" if right > 0 else "right",
        )  # fmt: skip


def _inside(box: Sequence[float], frame: Sequence[float]) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    """Of two boxes (left, low, right, high)."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def picture_of_matrices(title: str, records: Sequence[Matrix | Plot], ending: str) -> bytes:
    """Heat maps (and curves) of a walkthrough in a grid."""
    columns = min(len(records), 3)
    rows = -(-len(records) // columns)
    figure = new_figure(PANEL_WIDTH * columns, PANEL_HEIGHT * rows)
    figure.get_layout_engine().set(w_pad=BETWEEN, h_pad=BETWEEN)
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
    """A heat map with labels; with its numbers where they are few enough to be read, else with what its colours mean.

    Rows that sum to 1 are shares: they are coloured from 0 to 1 in every picture, so that pictures can be compared.
    """
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
    scale = grid.scale
    if not scale.signed and np.allclose(np.nansum(np.where(np.isfinite(values), values, 0.0), axis=1), 1.0, atol=1e-3):
        scale = replace(scale, low=0.0, high=1.0)
    shown = np.ma.masked_invalid(values)
    cmap = matplotlib.colormaps[scale.colormap].with_extremes(bad="0.85")
    size = number_size(grid)
    aspect = "equal" if size is None and max(grid.shape) <= 1.6 * min(grid.shape) else "auto"
    image = axes.imshow(shown, cmap=cmap, aspect=aspect, vmin=scale.low, vmax=scale.high)
    for which, labels in ((axes.set_xticks, grid.col_labels), (axes.set_yticks, grid.row_labels)):
        if len(labels) <= LABELLED:
            turned = 90 if which == axes.set_xticks and max(map(cells, labels)) > 3 else 0
            names = [words(label) for label in fitted_labels(labels, 14)]
            which(range(len(labels)), names, rotation=turned, fontsize=SMALLEST)
    if size is None:
        figure.colorbar(image, ax=axes, shrink=0.7)
        return
    form = grid.form
    for i, row in enumerate(grid.values):
        for j, value in enumerate(row):
            background = scale.color(value)
            color = "black" if background is None or readable_on(background) == (0, 0, 0) else "white"
            axes.text(j, i, form.text(value), ha="center", va="center", fontsize=size, color=color)
    if form.exponent:
        axes.set_xlabel(words(f"{record.axes[1]}   (all numbers times 1e{form.exponent})"))


def number_size(grid: Grid) -> float | None:
    """The size of numbers that fit into the cells side by side, in points; None where they could not be read."""
    if max(grid.shape) > ANNOTATED:
        return None
    longest = max(len(grid.form.text(value)) for row in grid.values for value in row)
    size = min(LARGEST, CELLS_POINTS / (grid.shape[1] * longest * DIGIT))
    return size if size >= SMALLEST else None


def _power_of_two(value: float) -> bool:
    return value >= 1 and float(value).is_integer() and int(value) & (int(value) - 1) == 0
