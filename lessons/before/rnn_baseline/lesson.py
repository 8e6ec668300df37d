"""Recurrent networks and gradients through time: what read sequences before attention, and where it struggled."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab import frame
from tfx.lab.sequences import gradient_distance, sequential_steps
from tfx.measure.verdicts import largest
from tfx.ops.recurrence.lstm import lstm_forward
from tfx.ops.recurrence.rnn import rnn_forward
from tfx.optim import clip_by_norm

BEFORE, FORGET, WRITE, NEW = 2.0, 0.9, 0.1, -0.5  # a cell by hand
DISTANCES, LENGTHS = (8, 16, 32), (4, 16, 64)


@dataclass(frozen=True)
class Settings:
    weight: float = setting(0.5, 0.0, 2.0, "w_h, what the state of one number is multiplied by")
    forget: float = setting(1.0, -2.0, 8.0, "offset of the LSTM's forget gate; the larger, the more is kept")


class Run:
    def __init__(self, request: Request) -> None:
        self.weight, self.seed = request.settings.weight, request.seed
        self.settings = gradient_distance.Settings(
            DISTANCES, gain=1.0, forget=request.settings.forget, width=16, draws=4
        )


lesson = Lesson(Run, Settings)


@lesson.step("What read sequences before attention")
def tools(run: Run) -> Iterator[Shown]:
    known = [
        {"tool": "n-grams", "reads": "counts of short runs of words", "trouble": "nothing beyond the run"},
        {"tool": "RNN", "reads": "word by word, into one state", "trouble": "old words fade; steps wait"},
        {"tool": "LSTM, GRU", "reads": "the same, with gates on the state", "trouble": "fade later; steps wait"},
        {"tool": "convolution", "reads": "a few neighbours in each layer", "trouble": "far words need many layers"},
    ]
    yield "Language models, translators and speech recognisers had to read sequences long before 2017. In the last years before it the recurrent network (RNN) was the common tool: it keeps one vector, the state, and updates it with each word."
    yield table("tools, and where they struggled", known, tool="tool", reads="how it reads", trouble="trouble with long texts")  # fmt: skip
    yield formula("h_t = tanh(x_t W_x + h_{t-1} W_h)", "x_t: word t as a vector, h_t: the state after it")
    yield "W_x and W_h are learned matrices, the same at each step; tanh keeps every number of the state between -1 and 1. Whatever is to be known later has to survive in h."
    yield Source("Elman", 1990, "Finding Structure in Time")


@lesson.step("A state of one number: the past is overwritten")
def state(run: Run) -> Iterator[Shown]:
    w, x = run.weight, np.array([1.0, 0, 0, 0])
    h, _ = rnn_forward(x[None, :, None], np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1), w))
    other, _ = rnn_forward(0 * x[None, :, None], np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1), w))
    states = h[0, :, 0]
    yield question(f"One number of state, w_x = 1, w_h = {w:g}. It reads a 1: tanh(1) = {states[0]:.3f}. What is it after a 0?", states[1], f"tanh({w:g} * {states[0]:.3f}).")  # fmt: skip
    yield table("the state after each word", [{"t": t, "x": word, "h": h} for t, (word, h) in enumerate(zip(x, states, strict=True), start=1)], t="t", x="x_t", h="h_t :3")  # fmt: skip
    yield "With w_h from 0 to 1 the memory fades. Above 1 the state settles at a value that keeps the sign alone."
    yield Said("An RNN remembers the last word only.", "too strong", f"It depends on all words: with a 0 in place of the 1, the last state here would differ by {abs(states[-1] - other[0, -1, 0]):.2g}.")  # fmt: skip
    yield agree("recurrence", "the second state, by hand", states[1], math.tanh(w * math.tanh(1.0)))
    yield Try.here(weight=1.5 if w != 1.5 else 0.5)


@lesson.step("Gates: a cell that is kept by adding")
def gates(run: Run) -> Iterator[Shown]:
    cell = FORGET * BEFORE + WRITE * NEW
    logit = [math.log(g / (1 - g)) for g in (WRITE, FORGET)]
    offsets = np.array([*logit, math.atanh(NEW), 0.0])
    _, cache = lstm_forward(np.zeros((1, 1, 1)), np.zeros((1, 1)), np.full((1, 1), BEFORE), np.zeros((1, 4)), np.zeros((1, 4)), offsets)  # fmt: skip
    yield "An LSTM has a second vector, the cell c. Gates, numbers from 0 to 1 made of word and state, say what is kept, written and shown."
    yield formula(
        "c_t = f * c_{t-1} + i * g        h_t = o * tanh(c_t)",
        "f: keep (since 2000), i: write, g: what is new, o: show",
    )
    yield question(f"c was {BEFORE:g}; f = {FORGET:g}, i = {WRITE:g}, g = {NEW:g}. What is c now?", cell, f"{FORGET:g} * {BEFORE:g} + {WRITE:g} * ({NEW:g}).", 0.01)  # fmt: skip
    yield f"By hand: {FORGET:g} * {BEFORE:g} + {WRITE:g} * ({NEW:g}) = {cell:g}. Back along the cell a gradient is multiplied by f alone, and by no matrix (other ways lead through the gates). {FORGET:g} leaves {FORGET**10:.2f} after 10 steps and {FORGET**100:.1e} after 100: f must stay near 1."
    yield "A GRU needs two gates and no cell: h_t = z * h_{t-1} + (1 - z) * n, n: what is new. (Some swap z and 1 - z.)"
    yield agree("cell", "one step of the library's LSTM with these gates", float(cache.last[1][0, 0]), cell)
    yield lstm_forward
    yield Source("Hochreiter and Schmidhuber", 1997, "Long Short-Term Memory")
    yield Source("Gers et al.", 2000, "Learning to Forget")


@lesson.step("What comes back from k words away, measured")
def measured(run: Run) -> Iterator[Shown]:
    ways = (gradient_distance.TANH, gradient_distance.GRU, gradient_distance.LSTM, gradient_distance.ATTENTION)
    prepared = frame.prepare(gradient_distance, run.settings, run.seed)
    rows = [gradient_distance.measure_row(prepared, way) for way in ways]
    tanh, gru, lstm, attention = rows
    near, far = (f"log_{k}" for k in (DISTANCES[0], DISTANCES[-1]))
    shown = [{"way": row["way"], "factor": row["per_token"], **{f"k{k}": 10 ** row[f"log_{k}"] for k in DISTANCES}} for row in rows]  # fmt: skip
    yield "To learn that an early word mattered, a gradient must reach it: how the last output changes with it. Each step in between is a factor."
    yield table("gradient k places back, random orthogonal weights (they keep lengths)", shown, way="through", k8="k: 8 :2", k16="k: 16 :2", k32="k: 32 :2", factor="a word more: times :2")  # fmt: skip
    yield f"From {DISTANCES[0]} to {DISTANCES[-1]} words the RNN loses a factor of {10 ** (tanh[near] - tanh[far]):.2g}, the LSTM {10 ** (lstm[near] - lstm[far]):.2g}. Attention came later: one step, shared by all words."
    yield Said("LSTM and GRU lessen the vanishing of gradients without ending it.", "true with conditions", f"If all begin with orthogonal weights, as here. The more gates keep, the more is left: a word more leaves {tanh['per_token']:.2f} in the RNN, {gru['per_token']:.2f} in the GRU, {lstm['per_token']:.2f} in the LSTM.", "C304")  # fmt: skip
    yield at_most("vanishes", f"tanh RNN: what is left {DISTANCES[-1]} words back", 1e-2, 10 ** tanh[far])
    yield at_least("attention", "attention leaves more of the farthest word than the RNN does: times", 1.0, 10 ** (attention[far] - tanh[far]))  # fmt: skip


@lesson.step("Clipping cures one of the two")
def clipping(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    direction = rng.standard_normal(50)
    direction /= math.sqrt(float(direction @ direction))
    rows: list[dict[str, Any]] = []
    for what, size in (("exploded", 1e6), ("as usual", 0.5), ("vanished", 1e-6)):
        grad = size * direction
        before = float(clip_by_norm(grad, 1.0))
        rows.append({"what": what, "before": before, "after": math.sqrt(float(grad @ grad))})
    yield "A gradient that exploded is tamed: if longer than a limit, scale it down."
    yield formula("dW <- dW * limit / |dW|   where |dW| > limit", "dW: a gradient, |dW|: its length")
    yield table("clipped at length 1", rows, what="a gradient that", before="length before :3", after="after :3")
    yield "What vanished stays as it is; in the sum late words drown the early ones."
    yield exactly("down", "length of the exploded one after clipping", 1.0, round(rows[0]["after"], 9))
    yield agree("untouched", "the other two are left as they were", [row["after"] / row["before"] for row in rows[1:]], 1.0)  # fmt: skip
    yield clip_by_norm
    yield Source("Pascanu, Mikolov and Bengio", 2013, "On the difficulty of training Recurrent Neural Networks", "section 3")  # fmt: skip


@lesson.step("And the steps wait for each other")
def waiting(run: Run) -> Iterator[Shown]:
    settings = sequential_steps.Settings(LENGTHS)
    ways = (sequential_steps.RNN, sequential_steps.LSTM, sequential_steps.GRU, sequential_steps.CONVOLUTION, sequential_steps.ATTENTION)  # fmt: skip
    rows = [sequential_steps.measure_row(settings, way) for way in ways]
    yield "A graphics card is fast because it computes thousands of numbers at once. But h_t cannot begin before h_{t-1} is done. Counted: matrix products that have to follow one another, for one layer."
    yield table("the longest chain of matrix products", rows, way="layer", n_4="4 words", n_16="16 words", n_64="64 words", per_token="for each word more :3")  # fmt: skip
    yield "(GRU: two, as one gate, made from the state, is applied to the state before the next matrix; where it is applied behind that matrix, one.) So a recurrent layer leaves most of the card idle while it trains on one long text. Many texts side by side help to fill it; they do not shorten the chain."
    yield exactly("chain", f"RNN: products in a row for {LENGTHS[-1]} words", LENGTHS[-1], rows[0]["n_64"])
    yield at_most("others", "convolution and attention: more for each word", 0.0, largest(row["per_token"] for row in rows[3:]))  # fmt: skip
    yield Try("tfx experiment sequential-steps")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Before attention, sequences were read by recurrent networks: one state, updated word by word. LSTM and GRU add gates: what is kept is kept by adding, and on this way back a gradient is multiplied by a gate in place of a matrix."
    yield "Three troubles stayed: early words fade in a state that is overwritten, gradients shrink or grow exponentially with the distance, and the steps must run in order. Gates soften the second; clipping cures explosion alone. Recurrence has come back in a linear form that trains in parallel, as in Mamba."
    yield Try("tfx quiz rnn-baseline")
