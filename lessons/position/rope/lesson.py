"""Rotary positions: queries and keys are turned by their places, so that scores see offsets; and what that does not do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, proof, question, setting, table,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.lab.attention.shape_mistakes import provoke
from tfx.nn.positions import Positions
from tfx.ops.positions.positions import sinusoidal_positions, sinusoidal_rotation
from tfx.ops.positions.rotary import pairs_to_halves, rotary_backward, rotary_forward, rotary_tables
from tfx.ops.positions.sinusoids import angular_speeds

#: A head of 128 numbers and a training length of 2,048 tokens, as in the first Llama.
WIDE, TRAINED, FACTOR = 128, 2048, 4


@dataclass(frozen=True)
class Settings:
    width: int = setting(8, 4, 128, "D, the width of a query, even")
    m: int = setting(5, 0, 100_000, "position of the query, counted from 0")
    n: int = setting(2, 0, 100_000, "position of the key")
    base: float = setting(10000.0, 2.0, 1e7, "what the speeds fall to a share of")

    def check(self) -> None:
        """Raises BadInput for an odd width, where the last number has no partner."""
        if self.width % 2:
            raise BadInput(f"width must be even, but is {self.width}.", f"Try: --set width={self.width + 1}")


class Run:
    """q, k: (D,), one random query and key; speeds: (D / 2,), radians per position."""

    def __init__(self, request: Request) -> None:
        s: Settings = request.settings
        self.width, self.m, self.n, self.base = s.width, s.m, s.n, s.base
        self.q, self.k = np.random.default_rng(request.seed).standard_normal((2, s.width))
        self.speeds = angular_speeds(s.width, s.base)

    def turned(self, x: np.ndarray, places: Any, layout: str = "pairs") -> np.ndarray:
        """x: (D,) -> (n, D): x as it is at each place."""
        places = np.atleast_1d(np.asarray(places, dtype=float))
        cos, sin = rotary_tables(places, self.width, self.base)
        return np.asarray(rotary_forward(np.tile(x, (len(places), 1)), cos, sin, layout)[0])


lesson = Lesson(Run, Settings)


@lesson.step("Turn the query, turn the key")
def turn_them(run: Run) -> Iterator[Shown]:
    q, m, w = run.q, run.m, float(run.speeds[1])
    a = m * w
    hand = q[2] * math.cos(a) - q[3] * math.sin(a), q[3] * math.cos(a) + q[2] * math.sin(a)
    yield "Turn two arrows on a sheet by amounts that grow with their places: what is left between them depends on how far apart the places are. So RoPE treats each pair of a query's D numbers. At position m, from 0, pair i turns by a = m w_i, at the speeds of the sinusoids:"
    yield formula("y_1 = x_1 cos a - x_2 sin a")
    yield formula("y_2 = x_2 cos a + x_1 sin a        w_i = 10000^(-2i / D)")
    yield f"By hand, pair 2 (i = 1) of the query at m = {m}: a = {m} * {w:.4g} = {a:.4f}, and ({q[2]:.3f}, {q[3]:.3f}) becomes ({hand[0]:.3f}, {hand[1]:.3f}). Keys turn alike; at 0 nothing happens."
    yield question(f"By what angle, in radians, is the first pair turned at position {m}?", m * float(run.speeds[0]), "Its speed is 1 radian per position.")  # fmt: skip
    yield agree("by-hand", "pair 2 by hand", run.turned(q, m)[0, 2:4], hand, to=1e-9)
    yield agree("zero", "at position 0 the query is as it was", run.turned(q, 0)[0], q)
    yield Source("Su et al.", 2021, "RoFormer", "section 3.2")
    yield rotary_forward


@lesson.step("The score depends on the offset alone")
def only_offsets(run: Run) -> Iterator[Shown]:
    places = np.arange(5)
    scores = run.turned(run.q, places) @ run.turned(run.k, places).T
    far = run.turned(run.q, places + 10_000) @ run.turned(run.k, places + 10_000).T
    here, moved = (float((run.turned(run.q, run.m + by) @ run.turned(run.k, run.n + by).T)[0, 0]) for by in (0, 1000))
    yield formula("turn(q, m) . turn(k, n) = turn(q, m - n) . k")
    yield matrix("raw scores of the same q and k", scores, "query at, key at", [str(p) for p in places], [str(p) for p in places])  # fmt: skip
    yield question(f"At m = {run.m} and n = {run.n} the score is {here:.4f}. What is it 1,000 places on, at {run.m + 1000} and {run.n + 1000}?", here, "The offset is the same.")  # fmt: skip
    yield f"It is {moved:.4f}, as on the whole diagonal. The first pair adds q_1 k_1 + q_2 k_2 where the offset is 0, and less or more than that as the angle between them grows: scores need not fall with the distance."
    yield agree("diagonals", "scores on a diagonal are equal", scores[1:, 1:], scores[:-1, :-1], to=1e-9)
    yield agree("far", "scores 10,000 places on", far, scores, to=1e-8)
    yield agree("law", "turn(q, m - n) . k", here, float(run.turned(run.q, run.m - run.n)[0] @ run.k), to=1e-8)
    yield at_least("differ", "scores at different offsets differ by", 1e-6, float(np.ptp(scores[0])))


@lesson.step("What stays as it was")
def unchanged(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    places = np.array([0, 1, 10, 100, 1000])
    lengths = np.linalg.norm(run.turned(run.q, places), axis=1)
    x = rng.standard_normal((3, run.width))
    cos, sin = rotary_tables(np.arange(3), run.width, run.base)
    yield "A rotation keeps lengths, so no place makes a query louder. Nothing is added to the token, and nothing is learned. Values are not turned: in the first layer what is taken home carries no place, only the weights do; later layers read what those weights have mixed."
    yield matrix("length of the turned query", lengths, "query, position", ("length",), [str(p) for p in places])
    yield "It acts inside attention, in each layer that has it, on queries and keys after their maps. Sinusoids and a learned table act once, at the input, and reach the values too."
    yield "The way back is the same function with -a, because the transpose of a rotation turns back."
    yield agree("lengths", "lengths at all places", lengths, np.linalg.norm(run.q), to=1e-9)
    yield proof("the rotation", lambda x: rotary_forward(x, cos, sin, "pairs"), rotary_backward, {"x": x})
    yield rotary_backward


@lesson.step("Sinusoids rotate, too")
def both_rotate(run: Run) -> Iterator[Shown]:
    k, width = run.m, run.width
    pe = sinusoidal_positions(300, width)
    moved = sinusoidal_positions(300, width, start=k)
    shifted = float(abs(pe @ sinusoidal_rotation(k, width).T - moved).max())
    a, b = run.turned(2 * run.q + run.k, run.m), 2 * run.turned(run.q, run.m) + run.turned(run.k, run.m)
    q, at = run.q, np.arange(2)
    added = (q + pe[at]) @ (run.k + pe[at + 1]).T
    yield f"Moving a sinusoidal position by {k} is a rotation of its pairs as well, off by {shifted:.0e}. The difference is where the rotation acts. Added to a token, it meets words in mixed terms, and the score knows places. Applied to queries and keys, it turns the words themselves."
    yield table("the same q and k, offset 1", [{"way": "added sinusoids", "zero": added[0, 0], "one": added[1, 1]}, {"way": "RoPE", "zero": float(run.turned(q, 0)[0] @ run.turned(run.k, 1)[0]), "one": float(run.turned(q, 1)[0] @ run.turned(run.k, 2)[0])}], way="positions", zero="at 0 and 1", one="at 1 and 2")  # fmt: skip
    yield Said("RoPE keeps positions linear, unlike fixed encodings.", "false", "In both a shift is a rotation, and a rotation is linear. What differs is that RoPE turns queries and keys, in every layer.", "C089")  # fmt: skip
    yield at_most("shift", "one matrix moves sinusoids: worst error", 1e-9, shifted)
    yield agree("linear", "RoPE of a sum is the sum of RoPE", a, b, to=1e-9)


@lesson.step("Which two numbers are a pair?")
def layouts(run: Run) -> Iterator[Shown]:
    order = pairs_to_halves(run.width)
    pairs = run.turned(run.q, run.m)[0]
    halves = run.turned(run.q[order], run.m, "halves")[0]
    mixed = float(np.abs(run.turned(run.q, run.m, "halves")[0] - pairs).max())
    yield "Two conventions are in use. The paper pairs neighbours: numbers 1 and 2, 3 and 4. Llama in Hugging Face pairs halves: number 1 with number D/2 + 1. They are the same up to a fixed reordering of the numbers, which the map before can absorb."
    yield matrix(f"the query at position {run.m}, first numbers", np.stack([run.q, pairs, run.turned(run.q, run.m, "halves")[0]])[:, :6], "layout, number", ("unturned", "pairs", "halves"))  # fmt: skip
    yield f"Reorder first, and both agree. Read stored weights with the other convention, and everything runs and is wrong: here numbers are off by up to {mixed:.2f}."
    yield agree("reordered", "halves of the reordered query are the reordered pairs", halves, pairs[order], to=1e-9)
    yield pairs_to_halves


@lesson.step("Longer than in training: it must be adjusted")
def longer(run: Run) -> Iterator[Shown]:
    speeds = angular_speeds(WIDE)
    turns = TRAINED * speeds / (2 * math.pi)
    unfinished = int((turns < 1).sum())
    rows = [
        {"way": "trained", "angle": TRAINED * speeds[-1], "near": speeds[0]},
        {"way": f"{FACTOR} times as long", "angle": FACTOR * TRAINED * speeds[-1], "near": speeds[0]},
        {"way": f"... positions / {FACTOR}", "angle": FACTOR * TRAINED / FACTOR * speeds[-1], "near": speeds[0] / FACTOR},
        {"way": "... base 500,000", "angle": FACTOR * TRAINED * angular_speeds(WIDE, 5e5)[-1], "near": speeds[0]},
    ]  # fmt: skip
    squeezed = run.turned(run.q, np.array([FACTOR * run.m, FACTOR * run.n]) / FACTOR)
    yield f"Scores see offsets, so a longer text needs no new vectors. But it has offsets that training never showed. At D = {WIDE} and {TRAINED:,} tokens, {unfinished} of {WIDE // 2} pairs do not even finish one turn in training: farther out they come to angles that no map has met."
    yield table("angles in radians", rows, way="positions", angle="slowest pair, at the end :3", near="fastest pair, a step :3")  # fmt: skip
    yield "Position interpolation divides all positions, so that the longest text ends where training ended; neighbours come closer together. A larger base slows the slow pairs and leaves the fastest alone. NTK-aware scaling and YaRN treat pairs by their speed. Often a little training follows."
    yield agree("squeezed", f"{FACTOR} times the position, divided by {FACTOR}", squeezed, run.turned(run.q, [run.m, run.n]), to=1e-9)  # fmt: skip
    yield at_least("beyond", "pairs that do not finish a turn in training", 1, unfinished)


@lesson.step("Does it generalise to any length?")
def any_length(run: Run) -> Iterator[Shown]:
    yield "Defined at any position, like sinusoids: that is not the same as understood there."
    yield Said("RoPE generalises to lengths that were never trained.", "too strong", "It is relative by construction, and unadjusted it gets worse beyond the training length; in the experiment length-extrapolation less than sinusoids.")  # fmt: skip
    one, two = run.turned(run.q, [10_000_000.0, 10_000_001.0])
    yield f"The rotation itself is fine at position 10,000,000: the query has length {np.linalg.norm(one):.3f} there, as at 0. What was never trained is what to make of it."
    yield agree(
        "fine", "lengths at positions 10,000,000 and 10,000,001", np.linalg.norm(one), np.linalg.norm(two), to=1e-8
    )
    yield Source("Chen et al.", 2023, "Extending Context Window of Large Language Models via Positional Interpolation")
    yield Source("Peng et al.", 2023, "YaRN: Efficient Context Window Extension of Large Language Models")


@lesson.step("A learned table or rotation?")
def against_a_table(run: Run) -> Iterator[Shown]:
    layer = Positions("learned", 512, 64, np.random.default_rng(0))
    refused = provoke("513 tokens", lambda: layer.forward(np.zeros((1, 513, 64), np.float32)))
    rows = [
        {"what": "where", "table": "added at the input", "rope": "queries and keys, every layer"},
        {"what": "learned numbers", "table": f"N C: {layer.table.value.size:,} for N = 512, C = 64", "rope": "none"},
        {"what": "a score sees", "table": "both places", "rope": "the offset"},
        {"what": "a longer text", "table": "refused" if refused.kind else "read", "rope": "runs, and gets worse unless adjusted"},
        {"what": "used by", "table": "BERT, GPT-2", "rope": "Llama, Mistral, Qwen"},
    ]  # fmt: skip
    yield "Both tell the order. The table fits any pattern of places that the data has; rotation builds in that only offsets count."
    yield table("side by side", rows, what="", table="learned table", rope="RoPE")
    yield f'The table of 512 rows, asked for 513: "{refused.message}".'
    yield "Since 2021 RoPE has become the usual choice of open language models, often with a base above 10000 (500000 in Llama 3). Some leave it out in some layers."
    yield exactly("refused", "the table reads 513 tokens", "ValueError", refused.kind)
    yield agree("runs", "RoPE at position 513 keeps the length", np.linalg.norm(run.turned(run.q, 513)), np.linalg.norm(run.q), to=1e-9)  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    here, there = (run.turned(run.q, run.m + by)[0] @ run.turned(run.k, run.n + by)[0] for by in (0, 7))
    yield "RoPE turns each pair of numbers of queries and keys by an angle that grows with the position, at speeds like those of sinusoids. The dot product then depends on the offset only. Lengths are kept, values are not touched, and nothing is learned."
    yield "A learned table adds a trainable vector for each place and ends at its last. RoPE runs at any length, but for much longer texts its positions or its base must be adjusted."
    yield agree("closing", "the score 7 places on", here, there, to=1e-8)
    yield Try("tfx experiment length-extrapolation")
    yield Try("tfx quiz positional-rope")
