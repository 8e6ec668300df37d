"""The course as a picture: a row of boxes for each module, and an arrow from every topic to those that build on it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx_cli.render.plots import new_figure, saved, words

if TYPE_CHECKING:
    from lessons.course import Module, Topic

#: inches of a box, from one to the next, and for the name of a module
WIDTH, HEIGHT, ACROSS, DOWN, TITLE = 1.5, 0.62, 1.75, 1.1, 0.24
MARGIN = 0.3
#: boxes side by side; a module with more goes on below
COLUMNS = 6
INK, QUIET, SEEN = "#1a1a1a", "#9a9a9a", "#d6e6f2"

Places = Mapping[str, tuple[float, float]]


def picture_of_course(modules: Sequence[Module], seen: Mapping[str, str], ending: str) -> bytes:
    """seen: topic -> what the reader has seen of it, in words; its box is filled and says so."""
    places, heads, height = laid_out(modules)
    width = min(COLUMNS, max(len(module.topics) for module in modules)) * ACROSS + 2 * MARGIN
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    axes.text(MARGIN, MARGIN, "The course: an arrow leads to what builds on a topic", size=11, va="center", color=INK)
    for module, head in zip(modules, heads, strict=True):
        name = words(f"{module.number}  {module.title}")
        axes.text(MARGIN, head, name, size=10, weight="bold", va="bottom", color=INK)
        for topic in module.topics:
            draw_topic(axes, topic, places[topic.name], seen.get(topic.name, ""))
            for before in topic.after:
                if before in places:
                    draw_arrow(axes, places[before], places[topic.name])
    return saved(figure, ending)


def laid_out(modules: Sequence[Module]) -> tuple[Places, list[float], float]:
    """Where each box has its upper left corner, where the name of each module stands, and the height of it all."""
    places: dict[str, tuple[float, float]] = {}
    heads, down = [], 2 * MARGIN
    for module in modules:
        heads.append(down + TITLE)
        for place, topic in enumerate(module.topics):
            row, column = divmod(place, COLUMNS)
            places[topic.name] = (MARGIN + column * ACROSS, down + TITLE + 0.06 + row * DOWN)
        down += TITLE + DOWN * -(-len(module.topics) // COLUMNS)
    return places, heads, down + MARGIN


def draw_topic(axes: Any, topic: Topic, place: tuple[float, float], seen: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    left, top = place
    shape = "round,pad=0,rounding_size=0.08"
    color = SEEN if seen else "white"
    axes.add_patch(
        FancyBboxPatch((left, top), WIDTH, HEIGHT, boxstyle=shape, facecolor=color, edgecolor=INK, lw=0.8, zorder=2)
    )
    lines = textwrap.wrap(topic.title, 23)[:3]
    label = "\n".join([*(words(line) for line in lines)])
    axes.text(left + WIDTH / 2, top + HEIGHT * 0.42, label, size=7, ha="center", va="center", color=INK, zorder=3)
    foot = f"{topic.number}   {topic.minutes} min" + (f"   {seen}" if seen else "")
    axes.text(
        left + WIDTH / 2, top + HEIGHT - 0.06, foot, size=5.5, ha="center", va="bottom", color="#555555", zorder=3
    )


def draw_arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """To a neighbour from side to side; else from foot to foot below a row, or from the foot of one to the head of
    another."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    (x0, y0), (x1, y1) = start, end
    foot = (x0 + WIDTH / 2, y0 + HEIGHT)
    if y0 == y1 and abs(x1 - x0 - ACROSS) < 0.01:
        points = [(x0 + WIDTH, y0 + HEIGHT / 2), (x1, y1 + HEIGHT / 2)]
    elif y0 == y1:
        below = y0 + HEIGHT + 0.25 + 0.03 * abs(x1 - x0)
        points = [foot, (foot[0], below), (x1 + WIDTH / 2, below), (x1 + WIDTH / 2, y1 + HEIGHT)]
    else:
        points = [foot, (foot[0], foot[1] + 0.4), (x1 + WIDTH / 2, y1 - 0.4), (x1 + WIDTH / 2, y1)]
    codes = [Path.MOVETO, *([Path.LINETO] if len(points) == 2 else [Path.CURVE4] * 3)]
    axes.add_patch(
        FancyArrowPatch(path=Path(points, codes), arrowstyle="-|>", mutation_scale=7, lw=0.7, color=QUIET, zorder=1)
    )
