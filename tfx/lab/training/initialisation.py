"""Signals and gradients through a deep stack, for weights that start small, as Xavier's, as He's, and large.

    h_l = act(h_(l-1) W_l), W normal with variance g^2 / C        g = 1: Xavier, of square maps; g = sqrt(2): He

Linear maps: |h_L|^2 / |h_0|^2 is a product of L independent chi-squares of C degrees of freedom, times g^2 / C each,
and so is the gradient's.  Its logarithm is L (log g^2 + E log(chi^2 / C)), with E log(chi^2 / C) = digamma(C / 2) -
log(C / 2), about -1 / C.  ReLU leaves half of a mean square, and as its output is uneven the logarithm loses
5 / (2 C) a layer; so does its gradient, as far as it is independent of the signal.  tanh is linear for small numbers
and stays below 1 for large ones, forward; backward is another matter.
Sources: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", section
4.2; He et al. 2015, "Delving Deep into Rectifiers", section 2.2.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import distance_in_se, mean_with_error
from tfx.measure.verdicts import at_least, at_most, largest, smallest, within
from tfx.nn.init import INITIALISATIONS
from tfx.nn.linear import Linear
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How large must weights start, so that signals and gradients survive a deep stack?"
TITLE = "What is left of a signal and of a gradient behind a deep stack"
CLAIM = (
    "Xavier's start keeps signals and gradients from vanishing or exploding in deep stacks. With ReLU it takes He's, "
    "twice the variance."
)
BREAK_IT = ("--set depth=2", "--set gain=0.9")
HOST_ONLY = "Chains of single vectors: nothing for a card."

#: log10 of what is left: at most, of what vanishes; at least, of what explodes; within, of what is kept.
VANISHED, EXPLODED, KEPT = -3.0, 3.0, 1.0
LINEAR, RELU, TANH = "none", "relu", "tanh"
SMALL, XAVIER, HE, LARGE = "half Xavier", "Xavier", "He", "twice Xavier"
#: How each is drawn: by the library's function of that name, times a factor.
DRAWN = {
    SMALL: ("xavier_normal", 0.5),
    XAVIER: ("xavier_normal", 1.0),
    HE: ("he_normal", 1.0),
    LARGE: ("xavier_normal", 2.0),
}
GAINS = {SMALL: 0.5, XAVIER: 1.0, HE: math.sqrt(2), LARGE: 2.0}


@dataclass(frozen=True)
class Settings:
    depth: int = setting(30, 2, 200, "layers")
    width: int = setting(64, 8, 1024, "numbers in a layer")
    draws: int = setting(40, 4, 2000, "stacks of random weights for each row")
    gain: float = setting(1.0, 0.25, 4.0, "every weight times this, to see which checks notice")

    def quick(self) -> Settings:
        """Half of the stacks."""
        return replace(self, draws=max(4, self.draws // 2))

    def full(self) -> Settings:
        """Four times as wide, and twice as many stacks."""
        return replace(self, draws=2 * self.draws, width=min(1024, 4 * self.width))

    def bytes_needed(self) -> float:
        """One stack at a time, with gradients."""
        return 8.0 * 4 * self.depth * self.width**2


COLUMNS = (
    Column("activation", "activation"),
    Column("weights", "weights"),
    Column("forward", "signal left", "log10", digits=3),
    Column("backward", "gradient left", "log10", digits=3),
    Column("law", "by theory", "log10", digits=3),
    Column("forward_se", "standard error, signal", digits=2, detail=True),
    Column("backward_se", "standard error, gradient", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every activation with every start; the same draws for all."""
    keys = [(activation, weights) for activation in (LINEAR, RELU, TANH) for weights in DRAWN]
    for activation, weights in run.over(keys, "{0[0]}, {0[1]}"):
        yield measure_row(run, activation, weights)


def measure_row(run: Run[Settings], activation: str, weights: str) -> dict[str, Any]:
    settings, found = run.settings, []
    for draw in range(settings.draws):
        run.saying(f"{activation}, {weights}: stack {draw + 1} of {settings.draws}")(draw, settings.draws)
        found.append(through_stack(settings, activation, weights, run.generator(draw)))
    logs = np.log10(np.array(found))  # (draws, 2, depth + 1)
    forward, forward_se = mean_with_error(logs[:, 0, -1])
    backward, backward_se = mean_with_error(logs[:, 1, 0])
    return {
        "activation": activation,
        "weights": weights,
        "forward": forward,
        "forward_se": forward_se,
        "backward": backward,
        "backward_se": backward_se,
        "law": log_left(activation, GAINS[weights], settings.width, settings.depth),
        "by_layer": logs.mean(axis=0).tolist(),
    }


def through_stack(settings: Settings, activation: str, weights: str, rng: np.random.Generator) -> np.ndarray:
    """-> (2, depth + 1): the root of the mean square of the signal, from the input on, and of the gradient, at the
    input of each layer and at the output, each over that of where it starts."""
    name, factor = DRAWN[weights]

    def drawn(rng: np.random.Generator, rows: int, columns: int, dtype: Any) -> np.ndarray:
        return INITIALISATIONS[name](rng, rows, columns, dtype) * factor * settings.gain

    h, dh = (unit(rng.standard_normal((1, settings.width))) for _ in range(2))
    signal, caches = [1.0], []
    for _ in range(settings.depth):
        layer = Linear(settings.width, settings.width, rng, bias=False, dtype="float64", init=drawn)
        h, linear = layer.forward(h)
        h, act = (h, None) if activation == LINEAR else ACTIVATIONS[activation][0](h)
        signal.append(size(h))
        caches.append((layer, linear, act))
    gradient = [1.0]
    for layer, linear, act in reversed(caches):
        df = dh if activation == LINEAR else ACTIVATIONS[activation][1](dh, act)  # h = act(f)
        dh = layer.backward(df, linear)  # f = h W
        gradient.append(size(dh))
    return np.array([signal, gradient[::-1]])


def size(x: np.ndarray) -> float:
    """The root of the mean square; not quite 0 where it is, for its logarithm."""
    return max(math.sqrt(float((x * x).mean())), 1e-300)


def unit(x: np.ndarray) -> np.ndarray:
    return x / size(x)


# Laws


def log_left(activation: str, gain: float, width: int, depth: int) -> float | None:
    """log10 of the size that is left after `depth` layers; None for tanh, which has no law."""
    if activation == TANH:
        return None
    lost = digamma(width / 2) - math.log(width / 2) if activation == LINEAR else math.log(0.5) - 2.5 / width
    return depth * (2 * math.log(gain) + lost) / (2 * math.log(10))


def digamma(x: float) -> float:
    """By digamma(x) = digamma(x + 1) - 1 / x, and its series for large x (Abramowitz and Stegun 1964, 6.3.18)."""
    lost = 0.0
    while x < 20:
        lost += 1 / x
        x += 1
    return math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - lost


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    linear, relu, tanh = (of_activation(run.rows, activation) for activation in (LINEAR, RELU, TANH))

    def far(rows: Mapping[str, Mapping[str, Any]], way: str) -> float:
        return largest(distance_in_se(row[way] - row["law"], 0.0, row[f"{way}_se"]) for row in rows.values())

    bare = "no activation: signal from its law, worst, in standard errors"
    small, large = both_ways(linear, relu, tanh, weights=SMALL), both_ways(linear, relu, weights=LARGE)
    xavier, he = both_ways(linear, weights=XAVIER), both_ways(relu, weights=HE)
    xavier_tanh, xavier_relu = both_ways(tanh, weights=XAVIER), both_ways(relu, weights=XAVIER)
    return (
        at_most("linear-forward", bare, 5, far(linear, "forward")),
        at_most("linear-backward", "... and the gradient", 5, far(linear, "backward")),
        at_most("relu-forward", "ReLU: signal from its law, worst, in standard errors", 5, far(relu, "forward")),
        at_most("relu-backward", "... and the gradient", 5, far(relu, "backward")),
        at_most("vanishes", "half Xavier: log10 of what is left, largest", VANISHED, largest(small)),
        at_least("explodes", "twice Xavier, none and ReLU: log10 of what is left, least", EXPLODED, smallest(large)),
        at_most("xavier-keeps", "Xavier, no activation: log10 from 0, worst", KEPT, largest(map(abs, xavier))),
        at_most("xavier-tanh", "Xavier, tanh: log10 from 0, worst", 2 * KEPT, largest(map(abs, xavier_tanh))),
        at_most("xavier-relu", "Xavier, ReLU: log10 of what is left, largest", VANISHED, largest(xavier_relu)),
        at_most("he-relu", "He, ReLU: log10 from 0, worst", KEPT, largest(map(abs, he))),
        within("tanh-bounded", "twice Xavier, tanh: log10 of the signal", 0.0, tanh[LARGE]["forward"], KEPT),
        at_least("tanh-gradient", "... and of its gradient", KEPT, tanh[LARGE]["backward"]),
    )


def of_activation(rows: Sequence[Mapping[str, Any]], activation: str) -> dict[str, Mapping[str, Any]]:
    return {row["weights"]: row for row in rows if row["activation"] == activation}


def both_ways(*several: Mapping[str, Mapping[str, Any]], weights: str) -> list[float]:
    return [rows[weights][way] for rows in several for way in ("forward", "backward")]


# Saying


def prompt(run: Run[Settings]) -> str:
    return f"{run.settings.depth} ReLU layers, Xavier's weights: log10 of what is left of a signal?"


def question(run: Run[Settings]) -> Question:
    row = of_activation(run.rows, RELU)[XAVIER]
    explanation = f"Half of the square a layer: {run.settings.depth} log10(sqrt(1/2)), and a bit."
    return Question(prompt(run), row["forward"], 0.1, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """Small and large without an activation, Xavier and He with ReLU, Xavier and large with tanh."""
    wanted = ((LINEAR, SMALL), (LINEAR, XAVIER), (RELU, XAVIER), (RELU, HE), (TANH, XAVIER), (TANH, LARGE))
    return tuple(i for i, row in enumerate(run.rows) if (row["activation"], row["weights"]) in wanted)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    linear, relu, tanh = (of_activation(run.rows, activation) for activation in (LINEAR, RELU, TANH))
    return (
        Text(
            f"After {run.settings.depth} layers {share(relu[XAVIER]['forward'])} of a signal is left with Xavier's "
            f"weights and ReLU, {share(relu[HE]['forward'])} with He's. Without an activation Xavier's leave "
            f"{share(linear[XAVIER]['forward'])}, weights half as large {share(linear[SMALL]['forward'])}."
        ),
        Text(
            "A layer multiplies, so that the depth is an exponent. Xavier's weights make the factor 1 (Glorot and "
            "Bengio 2010, section 4.2), He's make up for the half that ReLU takes (He et al. 2015, section 2.2)."
        ),
        Text(
            f"tanh hides what is too large: with twice Xavier's weights {share(tanh[LARGE]['forward'])} of the signal "
            f"is left, while the gradient becomes {share(tanh[LARGE]['backward'])} times as large. With Xavier's "
            f"{share(tanh[XAVIER]['forward'])} of the signal is left: it fades, but not exponentially."
        ),
        Text(
            "Transformers add f to x, and norm it: there a start that is too small harms less (norm-placement). All of "
            "this is the start; training moves the weights."
        ),
    )


def share(log: float) -> str:
    return f"{10**log:.2g}"


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    relu, tanh = (of_activation(run.rows, activation) for activation in (RELU, TANH))
    layers = list(range(run.settings.depth + 1))

    def curves(rows: Mapping[str, Mapping[str, Any]], way: int) -> tuple[Series, ...]:
        return tuple(Series(weights, layers, row["by_layer"][way]) for weights, row in rows.items())

    return (
        Plot(
            f"ReLU: after {run.settings.depth} layers Xavier's weights leave {share(relu[XAVIER]['forward'])} of a "
            f"signal, He's {share(relu[HE]['forward'])}",
            "layer",
            "log10 of the signal",
            curves(relu, 0),
        ),
        Plot(
            f"tanh: at the input the gradient is {share(tanh[XAVIER]['backward'])} of itself with Xavier's weights, "
            f"{share(tanh[LARGE]['backward'])} with twice as large ones",
            "layer",
            "log10 of the gradient",
            curves(tanh, 1),
        ),
    )
