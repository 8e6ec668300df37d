"""Attention collapse: attention alone makes all tokens the same.

    residual(X) = |X - 1 x|_F / |X|_F,  x = mean over tokens         0 = all tokens equal, rank one

Attention averages, so what differs between tokens shrinks from layer to layer: without residual connections the
residual falls doubly exponentially, each layer takes a larger power of what is left.  A residual connection carries the
differences past the average.
Source: Dong et al. 2021, "Attention is not all you need: pure attention loses rank doubly exponentially with depth".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.token_spread import rank_residual
from tfx.measure.verdicts import at_least, at_most
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "Why does attention alone make all tokens equal, and what keeps them apart?"
ORDER = 6
TITLE = "What differs between tokens, layer after layer of attention"
CLAIM = (
    "Attention alone makes all tokens the same, faster with every layer: its outputs are averages. With residual "
    "connections they stay apart. Weights are random here."
)
BREAK_IT = ("--set residual=no", "--set mix=no")
HOST_ONLY = "A few tokens through a few layers: nothing for a card."

#: log10 of the residual after the last layer: at most, for attention alone; at least, for what keeps tokens apart.
COLLAPSED, APART = -3.0, -1.0
#: Of this share of the difference between tokens the reader predicts when less is left.
ASKED = 1e-3
#: The fall of the fourth layer, in decades, over that of the first: a mere exponential has 1.
FASTER = 2.0
#: Below this all tokens are equal but for rounding.
ROUNDING = 1e-16

#: Column -> what a layer is.
WAYS = {
    "alone": "attention alone",
    "residual": "with a residual connection",
    "itself": "every token sees itself alone",
}


@dataclass(frozen=True)
class Settings:
    depth: int = setting(8, 4, 64, "layers of attention")
    tokens: int = setting(8, 2, 256, "tokens that attend to each other")
    width: int = setting(16, 2, 512, "numbers in a token")
    draws: int = setting(40, 2, 1000, "stacks of random weights")
    residual: bool = setting(True, about="no leaves the residual connection out, to see which checks notice")
    mix: bool = setting(True, about="no lets a token see itself alone everywhere, to see which checks notice")

    def quick(self) -> Settings:
        """A quarter of the stacks."""
        return replace(self, draws=max(2, self.draws // 4))

    def bytes_needed(self) -> float:
        """One layer at a time: projections, tokens and weights."""
        return 8.0 * (4 * self.width**2 + 8 * self.tokens * self.width + 4 * self.tokens**2)


COLUMNS = (
    Column("layer", "after layer"),
    Column("alone", "attention alone", "log10"),
    Column("alone_se", "standard error", digits=2, detail=True),
    Column("residual", "residual connection", "log10"),
    Column("itself", "each token alone", "log10"),
)


def rows(run: Run[Settings]) -> Measured:
    """Every stack from the first layer to the last; then one row for each layer."""
    logs: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    for draw in range(run.settings.draws):
        run.saying(f"stack {draw + 1} of {run.settings.draws}")(draw, run.settings.draws)
        for way in WAYS:
            logs[way].append(measure_stack(run.settings, (run.seed, draw), way))
    for layer in range(run.settings.depth + 1):
        yield row(layer, {way: np.array([stack[layer] for stack in logs[way]]) for way in WAYS})


def measure_stack(settings: Settings, seed: tuple[int, int], way: str) -> np.ndarray:
    """-> (depth + 1,): log10 of the residual before the first layer and after each."""
    mask = None if settings.mix and way != "itself" else np.eye(settings.tokens, dtype=bool)
    residual = way == "residual" and settings.residual
    found = through_attention(settings.depth, residual, settings.tokens, settings.width, seed, mask)
    return np.log10(np.maximum(found, ROUNDING))


def row(layer: int, logs: dict[str, np.ndarray]) -> dict[str, Any]:
    found: dict[str, Any] = {"layer": layer}
    for way, values in logs.items():
        found[way], found[f"{way}_se"] = mean_with_error(values)
    return found


def through_attention(
    depth: int,
    residual: bool,
    n_tokens: int = 8,
    width: int = 16,
    seed: int | tuple[int, ...] = 0,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """-> (depth + 1,): rank_residual before the first layer and after each, for layers of attention only.

    Random projections of unit gain; each layer's output is brought back to the size of its input, which changes no
    residual but keeps numbers in range.
    """
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_tokens, width))
    found = [float(rank_residual(x))]
    for _ in range(depth):
        q, k, v = (x @ (rng.standard_normal((width, width)) / math.sqrt(width)) for _ in range(3))
        y, _ = attention_forward(q, k, v, mask)
        y = x + y if residual else y
        x = y * math.sqrt(x.size / (y * y).sum())
        found.append(float(rank_residual(x)))
    return np.array(found)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    first, last, falls = run.rows[0], run.rows[-1], speed_up([row["alone"] for row in run.rows])
    apart = last["alone"] - last["itself"]
    return (
        at_least("start", "tokens begin far apart: log10 of what differs", APART, first["alone"]),
        at_most(
            "collapses", "after the last layer of attention alone: log10 of what differs", COLLAPSED, last["alone"]
        ),
        at_least("faster", "the fall in the fourth layer over that in the first, in log10", FASTER, falls),
        at_least("residual-keeps", "with a residual connection: log10 of what differs", APART, last["residual"]),
        at_least("itself-keeps", "no averaging, the same maps: log10 of what differs", APART, last["itself"]),
        at_most("averaging", "attention alone, less that: it is not the maps that collapse", COLLAPSED, apart),
    )


def speed_up(logs: Sequence[float]) -> float:
    """The fall of the fourth layer over that of the first: 1 for an exponential; 0 where the first did not fall."""
    falls = [before - after for before, after in pairwise(logs)]
    return falls[3] / falls[0] if falls[0] > 0 else 0.0


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"After how many of {run.settings.depth} layers of attention alone does less than {ASKED:g} of a token differ "
        "from the mean of all? (0: none)"
    )


def question(run: Run[Settings]) -> Question:
    reached = fallen(run)
    if not reached:
        explanation = f"After the last layer {share(run.rows[-1]['alone'])} of it still differs."
    else:
        before, after = run.rows[reached - 1]["alone"], run.rows[reached]["alone"]
        explanation = f"One layer before it was {share(before)}, and then {share(after)}."
    return Question(prompt(run), float(reached), 0.0, explanation)


def share(log: float) -> str:
    """To four digits where two would hide on which side of ASKED it lies."""
    value = 10**log
    return f"{value:.4g}" if f"{value:.2g}" == f"{ASKED:.2g}" else f"{value:.2g}"


def fallen(run: Run[Settings]) -> int:
    """The first layer after which less than ASKED is left; 0 where there is none."""
    return next((row["layer"] for row in run.rows if row["alone"] < math.log10(ASKED)), 0)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The fall below what is asked, and the layer before."""
    reached = fallen(run)
    return (reached - 1, reached) if reached else ()


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    last = run.rows[-1]
    how = "with residual connections" if run.settings.residual else "again, residual connections left out"
    return (
        Text(
            f"After {last['layer']} layers {share(last['alone'])} of a token's size differs from the mean of all "
            f"tokens, and {share(last['residual'])} {how}. In the last column nothing is "
            "averaged."
        ),
        Text(
            "Weights are positive and sum to 1, so every output is an average of values, and an average lies between "
            "what it averages. Tokens that are nearly equal get nearly equal weights, so the next average is closer "
            "still: the fall grows with each layer (Dong et al. 2021, section 2)."
        ),
        Text(
            "The last column is the control: the same random maps, and every token sees itself alone. Residual "
            "connections slow the collapse; in a whole model the feed-forward networks, and norms, keep "
            "tokens apart as well. A trained model is not random. Below 10^-16 what differs is rounding, and is shown "
            "as that."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    layers, last = [row["layer"] for row in run.rows], run.rows[-1]
    how = "with" if run.settings.residual else "again, without"
    curves = tuple(
        Series(label, layers, [row[way] for row in run.rows], [row[f"{way}_se"] for row in run.rows])
        for way, label in WAYS.items()
    )
    return (
        Plot(
            f"After {last['layer']} layers of attention alone 10^{last['alone']:.1f} of a token's size differs between "
            f"tokens, {how} residual connections 10^{last['residual']:.1f}",
            "layer",
            "log10 of what differs between tokens",
            curves,
        ),
    )
