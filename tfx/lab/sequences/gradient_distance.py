"""How much of a gradient comes back from k tokens away: RNN, GRU, LSTM and attention, with random weights.

The last output is pulled with length 1, and the pull that arrives at the input k tokens before is measured.

    linear RNN     exactly gain^k: W_x and W_h / gain are orthogonal
    tanh RNN       at most gain^k: each step multiplies by 1 - h^2 as well
    LSTM           its cell is multiplied by a forget gate at each step: a product of k gates, besides other ways
    attention      no matter how far: its weight, about 1 / n of n tokens, falls like a power and not exponentially

Whether the fall is exponential in k or a power of the n = k + 1 tokens is decided by two straight lines, log g against
k and against log n: the better one has the smaller residual.
Sources: Bengio et al. 1994; Pascanu et al. 2013, section 2; Hochreiter and Schmidhuber 1997; Gers et al. 2000 (the
forget gate).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.sequences.sequence_layers import SelfAttention, SequenceLayer, gradient_by_distance
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, exactly, near, within
from tfx.nn.recurrent_cell import RecurrentCell, orthogonal
from tfx.ops.recurrence.lstm import lstm_backward, lstm_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting, up_to

QUESTION = "How much of a gradient comes back from k tokens away: RNN, GRU, LSTM, attention?"
TITLE = "log10 of the gradient that reaches a token k places back, random weights"
CLAIM = (
    "Through an RNN a gradient vanishes or explodes exponentially with distance; an LSTM slows that and does not end "
    "it. Attention has no distance, only dilution by 1 / n."
)
BREAK_IT = ("--set forget=6",)
HOST_ONLY = "One small sequence at a time: nothing for a card."

#: Random unit vectors with which the last output is pulled.
DIRECTIONS = 2
#: log10 of what counts as vanished, and as exploded.
VANISHED, EXPLODED = -3.0, 3.0
#: Attention's power may lie so far from -1, besides chance: scores differ, and 1 / n is what equal scores would give.
POWER_SLACK = 0.1
#: A difference counts from so many standard errors on.
STANDARD_ERRORS = 5.0

LINEAR, TANH, GRU, LSTM = "linear RNN", "tanh RNN", "GRU", "LSTM"
ATTENTION, FIXED = "attention, n grows", "attention, n fixed"


@dataclass(frozen=True)
class Settings:
    distances: tuple[int, ...] = setting((8, 16, 32, 64, 128, 256), 1, 1024, "places back", at_least=3)
    gain: float = setting(1.1, 0.5, 1.5, "what W_h of an RNN multiplies by")
    forget: float = setting(1.0, -5.0, 20.0, "offset of the forget gate of the LSTM; 6 forgets next to nothing")
    width: int = setting(32, 4, 128, "numbers in a token and in a state")
    draws: int = setting(20, 4, 1000, "random weights and texts for each row")

    def quick(self) -> Settings:
        """Up to 64 places back."""
        return replace(self, distances=up_to(self.distances, 64, at_least=3))

    def full(self) -> Settings:
        """Five times the draws, up to 512 places back."""
        return replace(self, draws=5 * self.draws, distances=tuple(sorted({*self.distances, 512})))

    def bytes_needed(self) -> float:
        """What an LSTM keeps of every step, or attention of every pair, and the weights."""
        n = max(self.distances) + 1
        return 8.0 * DIRECTIONS * (60 * n * self.width + 8 * n * n) + 8.0 * 20 * self.width**2


class Cell:
    """A recurrent cell, as a SequenceLayer."""

    def __init__(self, cell: RecurrentCell) -> None:
        self.cell = cell

    def forward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        return self.cell.forward(x)

    def backward(self, dy: np.ndarray, cache: Any) -> np.ndarray:
        return np.asarray(self.cell.backward(dy, cache)[0])


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    distances = sorted(set(run.settings.distances))
    shown = {distances[0], distances[len(distances) // 2], distances[-1]}
    return (
        Column("way", "through"),
        *(Column(f"log_{k}", f"k: {k}", digits=3, detail=k not in shown) for k in distances),
        Column("fall", "goes like"),
        Column("per_token", "factor of a token", digits=4, detail=True),
        Column("power", "power of n", digits=3, detail=True),
        Column("last_se", "standard error, largest k", digits=2, detail=True),
    )


def rows(run: Run[Settings]) -> Measured:
    """Every way.  Draws are the same for all rows of recurrences."""
    for way in run.over((LINEAR, TANH, GRU, LSTM, ATTENTION, FIXED)):
        yield measure_row(run, way)


def measure_row(run: Run[Settings], way: str) -> dict[str, Any]:
    settings, distances = run.settings, sorted(set(run.settings.distances))
    logs = np.empty((settings.draws, len(distances)))
    for draw in range(settings.draws):
        run.saying(f"{way}: draw {draw + 1} of {settings.draws}")(draw, settings.draws)
        logs[draw] = np.log10(sizes(settings, way, run.generator(draw)))
    k = np.array(distances, dtype=float)
    (per_token, per_token_se, off), (power, power_se, off_power) = (slopes(x, logs) for x in (k, np.log10(k + 1)))
    found: dict[str, Any] = {"way": way}
    found |= {f"log_{each}": float(mean) for each, mean in zip(distances, logs.mean(axis=0), strict=True)}
    better = "exponential" if off < off_power else "power"
    flat = abs(per_token) <= STANDARD_ERRORS * per_token_se
    return {
        **found,
        "last_se": mean_with_error(logs[:, -1])[1],
        "slope": per_token,
        "slope_se": per_token_se,
        "per_token": 10**per_token,
        "power": power,
        "power_se": power_se,
        "better": better,
        "fall": "no fall" if flat else f"{10**per_token:.2f}^k" if better == "exponential" else f"n^{power:.2f}",
        "above": float((logs - k * math.log10(settings.gain)).max()),
        "gates_off": gates_off(settings, run.generator(0)) if way == LSTM else None,
    }


def sizes(settings: Settings, way: str, rng: np.random.Generator) -> np.ndarray:
    """-> (K,): what arrives at each distance, for one draw of weights and texts."""
    distances, width = sorted(set(settings.distances)), settings.width
    layer = make_layer(settings, way, rng)
    x = rng.standard_normal((1, distances[-1] + 1, width))
    if way != ATTENTION:  # all distances in one text
        return gradient_by_distance(layer, x, rng, DIRECTIONS)[distances]
    ends = (x[:, distances[-1] - k :] for k in distances)  # in each, one token is as far away as any other
    return np.array([gradient_by_distance(layer, end, rng, DIRECTIONS)[1:].mean() for end in ends])


def make_layer(settings: Settings, way: str, rng: np.random.Generator) -> SequenceLayer:
    width = settings.width
    if way in (ATTENTION, FIXED):
        return SelfAttention.random(rng, width)
    if way in (LINEAR, TANH):
        cell = RecurrentCell(
            "rnn", width, width, rng, dtype="float64", activation="identity" if way == LINEAR else "tanh"
        )
        cell.w_x.value = orthogonal(rng, width, width, "float64")
        cell.w_h.value *= settings.gain
        return Cell(cell)
    cell = RecurrentCell(way.lower(), width, width, rng, dtype="float64")
    if way == LSTM and cell.b is not None:
        cell.b.value[width : 2 * width] = settings.forget
    return Cell(cell)


def slopes(x: np.ndarray, logs: np.ndarray) -> tuple[float, float, float]:
    """logs: (draws, K) -> the mean slope over x, its standard error over the draws, and the residual of the mean."""
    dx = x - x.mean()
    slope, error = mean_with_error(logs @ dx / (dx @ dx))
    mean = logs.mean(axis=0)
    residual = mean - mean.mean() - slope * dx
    return slope, error, float(residual @ residual)


def gates_off(settings: Settings, rng: np.random.Generator) -> float:
    """How far the gradient of an LSTM's first cell is from the product of its forget gates, in log10, at most.

    With W_h = 0 gates do not read the state, and the cell is the only way back.
    """
    n, width = max(settings.distances), settings.width
    x, zero = rng.standard_normal((1, n, width)), np.zeros((1, width))
    w_x = rng.standard_normal((width, 4 * width)) / math.sqrt(width)
    b = np.repeat((0.0, settings.forget, 0.0, 0.0), width)
    h, cache = lstm_forward(x, zero, zero, w_x, np.zeros((width, 4 * width)), b)
    dc0 = lstm_backward(np.zeros_like(h), cache, (None, np.ones_like(zero))).dc0
    gates = sum(np.log10(step.f.y) for step in cache.time.steps)
    return float(np.abs(np.log10(dc0) - gates).max())


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    linear, tanh, gru, lstm, attention, fixed = run.rows
    distances, gain = sorted(set(run.settings.distances)), run.settings.gain
    last, n = f"log_{distances[-1]}", distances[-1] + 1
    slope, error = fixed["slope"], fixed["slope_se"]
    slack = POWER_SLACK + STANDARD_ERRORS * attention["power_se"]
    helps = (lstm["slope"] - tanh["slope"]) / math.hypot(lstm["slope_se"], tanh["slope_se"])
    return (
        agree(
            "linear",
            "a linear RNN leaves gain^k: worst k, in log10",
            [linear[f"log_{k}"] for k in distances],
            [k * math.log10(gain) for k in distances],
            to=1e-9,
        ),
        at_most("tanh-takes", "tanh only takes, worst draw and k: log10 over gain^k", 1e-9, tanh["above"]),
        at_most("tanh-vanishes", "tanh RNN, largest k: log10 of what is left", VANISHED, tanh[last]),
        at_least("lstm-helps", "an LSTM keeps more a token than tanh: standard errors", STANDARD_ERRORS, helps),
        at_most("lstm-vanishes", "... and yet vanishes, largest k: log10 of what is left", VANISHED, lstm[last]),
        at_most("gates", "W_h = 0: a cell keeps the product of its forget gates, off by", 1e-9, lstm["gates_off"]),
        exactly(
            "exponential",
            "tanh RNN, GRU, LSTM: which law fits better",
            "exponential, exponential, exponential",
            ", ".join(row["better"] for row in (tanh, gru, lstm)),
        ),
        exactly("attention-law", "attention to n = k + 1 tokens: which law fits better", "power", attention["better"]),
        within("attention-power", "... it goes like n^e, e = -1", -1.0, attention["power"], slack),
        at_least("diluted", "... and leaves no less than a tenth of 1 / n", -1 - math.log10(n), attention[last]),
        near("no-distance", f"among {n} tokens distance changes nothing: slope", 0.0, slope, error, STANDARD_ERRORS),
    )  # fmt: skip


# Saying


def asked(settings: Settings) -> tuple[int, int]:
    distances = sorted(set(settings.distances))
    return distances[0], distances[-1]


def prompt(run: Run[Settings]) -> str:
    short, long = asked(run.settings)
    return f"From {short + 1} to {long + 1} tokens: by what is attention's gradient to one divided?"


def question(run: Run[Settings]) -> Question:
    (short, long), attention = asked(run.settings), run.rows[4]
    answer = 10 ** (attention[f"log_{short}"] - attention[f"log_{long}"])
    explanation = f"Equal weights would make it {(long + 1) / (short + 1):.3g}."
    return Question(prompt(run), answer, 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    _, tanh, gru, lstm, attention, _ = run.rows
    k = max(run.settings.distances)
    return (
        Text(
            f"A token more multiplies a gradient by {tanh['per_token']:.2f} in a tanh RNN, {gru['per_token']:.2f} in a "
            f"GRU, {lstm['per_token']:.2f} in an LSTM: {k} tokens back 10^{lstm[f'log_{k}']:.0f} is left. Attention "
            f"leaves 10^{attention[f'log_{k}']:.1f}, a power: n^{attention['power']:.2f}."
        ),
        Text(
            "Bengio et al. 1994 and Pascanu et al. 2013 (section 2) prove the exponential. The linear RNN shows what "
            f"tanh does: at gain {run.settings.gain:g} it goes like {run.settings.gain:g}^k, and with the same weights "
            "tanh, whose slope 1 - h^2 is at most 1, goes far below."
        ),
        Text(
            "An LSTM's cell is multiplied by its forget gate (Gers et al. 2000), so a gate g keeps about g^k, and with "
            "--set forget=6 nearly all. Weights here are random; training may open gates, and sharpen attention."
        ),
        Text(
            "Attention has no distance, as the last row shows: among a fixed number of tokens all are equally far. It "
            "has dilution instead, since its weights share one sum."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    distances = sorted(set(run.settings.distances))
    last = f"log_{distances[-1]}"
    lstm, attention = run.rows[3], run.rows[4]
    return (
        Plot(
            f"{distances[-1]} tokens back an LSTM leaves 10^{lstm[last]:.1f} of a gradient, attention "
            f"10^{attention[last]:.1f}",
            "k (tokens back)",
            "log10 of the gradient that arrives",
            tuple(
                Series(row["way"], distances, [row[f"log_{k}"] for k in distances])
                for row in run.rows
                if row["way"] != FIXED
            ),
            log_x=True,
        ),
    )
