"""Vanishing and exploding gradients: the backward of a chain is a product, and a product of many factors goes to 0 or
to infinity.

    h_l = act(h_(l-1) W_l)                      without residual connections
    |dh_0| ~ g^L |dh_L|                         g: what a step does to a gradient; L layers, or L steps of time

With h_l = h_(l-1) + f(h_(l-1)) each factor is 1 + f' and the gradient has a way on which nothing multiplies it.
Sources: Hochreiter 1991; Bengio et al. 1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult";
Pascanu et al. 2013, section 2.1; He et al. 2016, "Identity Mappings in Deep Residual Networks", equation 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, largest
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "What is left of a gradient after many layers, and what does a residual connection change?"
ORDER = 5
TITLE = "A gradient on its way down"
CLAIM = (
    "Gradients vanish or explode with depth where every layer multiplies them by less than 1, or by more. A residual "
    "connection leads them past those factors."
)
BREAK_IT = ("--set residual=no", "--set depth=2", "--set gains=1,1.1")
HOST_ONLY = "These chains are products of a few small matrices: nothing for a card."

#: What counts as vanished and as exploded: the tenth logarithm of |dh_0| / |dh_L|.
VANISHED, EXPLODED = -3.0, 3.0
#: With a residual connection a gradient keeps at least this share, again as a logarithm.
KEPT = -1.0

LINEAR, TANH, RESIDUAL = "linear", "tanh", "tanh, residual"


@dataclass(frozen=True)
class Settings:
    depth: int = setting(40, 2, 100, "layers")
    gains: tuple[float, ...] = setting((0.5, 0.8, 1, 1.25, 2), 0.05, 20.0, "what a layer multiplies by", at_least=2)
    width: int = setting(32, 2, 256, "numbers in a layer")
    draws: int = setting(20, 2, 1000, "chains of random weights for each row")
    residual: bool = setting(True, about="no leaves the residual connection out, to see which checks notice")

    def quick(self) -> Settings:
        """A quarter of the chains."""
        return replace(self, draws=max(2, self.draws // 4))

    def bytes_needed(self) -> float:
        """One chain at a time, with a matrix and its factors for each layer."""
        return 8.0 * (self.depth + 6) * self.width**2


COLUMNS = (
    Column("way", "layers"),
    Column("gain", "gain of a layer", digits=3),
    Column("log_norm", "gradient left", "log10"),
    Column("log_norm_se", "standard error", digits=2, detail=True),
    Column("per_layer", "factor of a layer", digits=3),
    Column("law", "by theory", "log10", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every way at every gain; |dh_L| = 1, so that |dh_0| is what is left."""
    ways = [(way, gain) for way in (LINEAR, TANH, RESIDUAL) for gain in sorted(set(run.settings.gains))]
    for way, gain in run.over(ways, "{0[0]}, gain {0[1]:g}"):
        yield measure_row(run, way, gain)


def measure_row(run: Run[Settings], way: str, gain: float) -> dict[str, Any]:
    """All chains of one way and gain.  The same draws for every row: ways and gains are compared on equal weights."""
    settings = run.settings
    residual, activation = way == RESIDUAL and settings.residual, None if way == LINEAR else "tanh"
    norms = []
    for draw in range(settings.draws):
        run.saying(f"{way}, gain {gain:g}: chain {draw + 1} of {settings.draws}")(draw, settings.draws)
        seed = (run.seed, draw)
        norms.append(through_layers(settings.depth, gain, settings.width, residual, activation, seed=seed)[0])
    logs = np.array([math.log10(norm) for norm in norms])
    mean, error = mean_with_error(logs)
    return {
        "way": way,
        "gain": float(gain),
        "log_norm": mean,
        "log_norm_se": error,
        "per_layer": 10 ** (mean / settings.depth),
        "law": settings.depth * math.log10(gain),
        "highest": float(logs.max()),
    }


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    linear, tanh, residual = (of_way(run.rows, way) for way in (LINEAR, TANH, RESIDUAL))
    above = largest(row["highest"] - row["law"] for row in tanh)
    return (
        agree(
            "law",
            "linear layers leave gain^depth of a gradient: worst gain, in log10",
            [row["log_norm"] for row in linear],
            [row["law"] for row in linear],
            to=1e-9,
        ),
        at_most("vanishes", "tanh, smallest gain: log10 of what is left", VANISHED, tanh[0]["log_norm"]),
        at_least("explodes", "linear, largest gain: log10 of what is left", EXPLODED, linear[-1]["log_norm"]),
        at_most("tanh-takes", "tanh only takes, as its slope is at most 1: log10 over gain^depth", 1e-9, above),
        at_least(
            "residual-keeps", "tanh with residual, smallest gain: log10 of what is left", KEPT, residual[0]["log_norm"]
        ),
    )


def of_way(rows: Sequence[Mapping[str, Any]], way: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["way"] == way]


# Saying


def prompt(run: Run[Settings]) -> str:
    depth, gain = run.settings.depth, min(run.settings.gains)
    return f"{depth} linear layers each multiply a gradient of length 1 by {gain:g}. What is log10 of its length then?"


def question(run: Run[Settings]) -> Question:
    linear = of_way(run.rows, LINEAR)[0]
    explanation = f"It is {run.settings.depth} log10({linear['gain']:g})."
    return Question(
        prompt(run), round(linear["log_norm"], 12) + 0.0, 0.05, explanation
    )  # at gain 1 rounding alone is left


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """Of each way the smallest gain and the largest."""
    gains = [row["gain"] for row in run.rows]
    return tuple(index for index, gain in enumerate(gains) if gain in (min(gains), max(gains)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    smallest = {row["way"]: row for row in reversed(run.rows)}
    tanh, kept = smallest[TANH], smallest[RESIDUAL]
    how = "with a residual connection" if run.settings.residual else "again, its residual connection left out"
    return (
        Text(
            f"At gain {tanh['gain']:g} a layer multiplies a gradient by {tanh['per_layer']:.2f} through tanh, by "
            f"{kept['per_layer']:.2f} {how}: its length after {run.settings.depth} layers is "
            f"{10 ** tanh['log_norm']:.2g}, or {10 ** kept['log_norm']:.2g}."
        ),
        Text(
            "A gradient is multiplied once a layer, so it goes like a power of the depth: to nothing below a factor of "
            "1, to infinity above it (Hochreiter 1991; Bengio et al. 1994; Pascanu et al. 2013, section 2.1). With "
            "shared weights the layers are the steps of a recurrent network."
        ),
        Text(
            "A residual connection gives the gradient a way on which nothing multiplies it (He et al. 2016, equation "
            "5). It does not hold gradients at 1: each branch adds to them."
        ),
        Text(
            "Weights here are random orthogonal matrices times the gain, so that the gain is what a linear layer does "
            "to every gradient. Of other weights the same holds for their singular values."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    def curve(way: str) -> Series:
        those = of_way(run.rows, way)
        errors = [row["log_norm_se"] for row in those]
        return Series(way, [row["gain"] for row in those], [row["log_norm"] for row in those], errors)

    linear, tanh, residual = (of_way(run.rows, way) for way in (LINEAR, TANH, RESIDUAL))
    how = "with" if run.settings.residual else "again, without"
    law = Series("theory, linear: L log10 g", [r["gain"] for r in linear], [r["law"] for r in linear], kind="line")
    return (
        Plot(
            f"After {run.settings.depth} tanh layers of gain {tanh[0]['gain']:g} a gradient is "
            f"10^{tanh[0]['log_norm']:.1f} of itself, {how} residual connections 10^{residual[0]['log_norm']:.1f}",
            "gain of a layer",
            "log10 of the gradient at the input",
            (curve(LINEAR), law, curve(TANH), curve(RESIDUAL)),
            log_x=True,
        ),
    )


# Measuring


def through_layers(
    depth: int,
    gain: float,
    width: int = 32,
    residual: bool = False,
    activation: str | None = "tanh",
    shared: bool = False,
    seed: int | tuple[int, ...] = 0,
) -> np.ndarray:
    """-> (depth + 1,): the norm of the gradient at the input of each layer and, last, at the output, where it is 1.

    W_l: a random orthogonal matrix times gain; shared: the same one at each step, as in a recurrent network.
    activation: None for a linear chain.
    """
    rng = np.random.default_rng(seed)
    h, caches = rng.standard_normal((1, width)), []
    w = _orthogonal(width, rng) * gain
    for _ in range(depth):
        f, linear = linear_forward(h, w)
        act: Any = None
        if activation is not None:
            f, act = ACTIVATIONS[activation][0](f)
        h = h + f if residual else f
        caches.append((linear, act))
        w = w if shared else _orthogonal(width, rng) * gain
    dh = rng.standard_normal((1, width))
    dh /= np.sqrt((dh * dh).sum())
    norms = [1.0]
    for linear, act in reversed(caches):
        df = dh if activation is None else ACTIVATIONS[activation][1](dh, act)  # f = act(h w)
        dread = linear_backward(df, linear)[0]
        dh = dh + dread if residual else dread  # h = h + f
        norms.append(float(np.sqrt((dh * dh).sum())))
    return np.array(norms[::-1])


def through_blocks(model: Any, ids: np.ndarray, seed: int = 0) -> np.ndarray:
    """model: Encoder or DecoderOnly; ids: (B, T) -> (L + 1,): as above, at the input of each block and at the end of
    the last, for a random gradient of norm 1 there."""
    _, cache = model.encode(ids)
    dx = np.random.default_rng(seed).standard_normal(cache.blocks[0].x.shape).astype(cache.blocks[0].x.dtype)
    dx /= np.sqrt((dx * dx).sum())
    norms = [1.0]
    for block, block_cache in zip(reversed(model.stack.blocks), reversed(cache.blocks), strict=True):
        dx = block.backward(dx, block_cache)
        norms.append(float(np.sqrt((dx * dx).sum())))
    return np.array(norms[::-1])


def _orthogonal(width: int, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((width, width)))
    return q * np.sign(np.diag(r))
