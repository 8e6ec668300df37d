"""Sinusoidal positions: a set of clock hands for each place, what a shift does to them, and what they do not do."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.lab.position.length_extrapolation import Settings as Lengths, lost_by_half_length
from tfx.lab.position.sinusoids import closest
from tfx.ops.positions.positions import sinusoidal_positions, sinusoidal_rotation
from tfx.ops.positions.sinusoids import angular_speeds

WIDE = 512
SHORT = Lengths(length=8, steps=60, width=16)


@dataclass(frozen=True)
class Settings:
    width: int = setting(8, 4, 512, "C, the numbers in a position's vector, even")
    pos: int = setting(100, 0, 10_000, "the position that is moved, counted from 0")
    shift: int = setting(7, 1, 10_000, "k, by how much")

    def check(self) -> None:
        """Raises BadInput for an odd width, where the last sine has no cosine."""
        if self.width % 2:
            raise BadInput(f"width must be even, but is {self.width}.", f"Try: --set width={self.width + 1}")


class Run:
    """table: (6, C), the first six positions; speeds: (C / 2,), radians per position."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.width, self.pos, self.shift = settings.width, settings.pos, settings.shift
        self.table = sinusoidal_positions(6, self.width)
        self.speeds = angular_speeds(self.width)


lesson = Lesson(Run, Settings)


@lesson.step("A place as a set of clock hands")
def clock_hands(run: Run) -> Iterator[Shown]:
    shown = min(run.width, 8)
    yield "The bare number 1, 2, 3 ... of a place grows without bound and drowns the words. A clock does better: its quick hand tells neighbours apart, its slow hand far times, and no hand ever gets longer."
    yield "Here each hand is a pair of numbers, the sine and the cosine of its angle: C / 2 hands, each at its own speed."
    yield matrix(f"PE, the first {shown} of {run.width} numbers", run.table[:4, :shown], "position, number", [str(p) for p in range(4)])  # fmt: skip
    yield "Positions are counted from 0, as in code: row 0 is added to the first token's vector, row 1 to the second's, and so on. PE has the shape of X."
    yield at_most("bounded", "the largest number by size", 1.0, float(np.abs(run.table).max()))
    yield at_least(
        "apart", "the closest two of the first six rows, as a share of their length", 0.1, closest(run.table)
    )


@lesson.step("The formula, and one entry by hand")
def the_formula(run: Run) -> Iterator[Shown]:
    i, position = 1, 3
    speed = 10000 ** (-2 * i / run.width)
    angle = position * speed
    by_hand = math.sin(angle), math.cos(angle)
    yield "PE[pos, c] is number c of the vector for position pos. The letter i counts pairs, from 0 to C/2 - 1, whose two numbers share one angle. Papers write d_model for C."
    yield formula("PE[pos, 2i]   = sin(pos / 10000^(2i / C))")
    yield formula("PE[pos, 2i+1] = cos(pos / 10000^(2i / C))")
    yield f"By hand, position {position}, pair i = {i}, C = {run.width}: the angle is {position} / 10000^({2 * i}/{run.width}) = {position} * {speed:.4f} = {angle:.4f}."
    yield question(f"What is its sine, number 2i = {2 * i} of the row (counted from 0)?", by_hand[0], f"sin({angle:.4f}); an angle is in radians.")  # fmt: skip
    yield Said("In the formula i counts the numbers of the vector.", "false", "It counts pairs of a sine and a cosine.", "C099")  # fmt: skip
    yield agree("by-hand", "the pair by hand is that of the table", run.table[position, 2 * i : 2 * i + 2], by_hand)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.5")


@lesson.step("Low numbers are fast, high numbers slow")
def wavelengths(run: Run) -> Iterator[Shown]:
    speeds = angular_speeds(WIDE)
    turns = 2 * math.pi / speeds
    signs = (np.diff(np.sign(sinusoidal_positions(WIDE, WIDE, start=1)[:, 0::2]), axis=0) != 0).sum(axis=0)
    rows = [{"pair": i + 1, "speed": speeds[i], "turn": turns[i], "signs": int(signs[i])} for i in (0, 127, 255)]  # fmt: skip
    yield "Pair i turns by w_i radians per position. Once round takes 2 pi / w_i positions."
    yield formula("w_i = 10000^(-2i / C)        wavelength = 2 pi / w_i")
    yield question("How many positions does the very first pair take for one turn?", turns[0], "Its speed is 1 radian per position, whatever C is.")  # fmt: skip
    yield table(f"of {WIDE // 2} pairs at C = {WIDE}; changes of sign from position 1 to {WIDE}", rows, pair="pair (from 1)", speed="w_i :3", turn="positions a turn :6", signs="sine changes sign")  # fmt: skip
    yield Said("Low dimensions vary slowly and high ones quickly.", "false", f"The other way round: wavelengths form a geometric series from {turns[0]:.2f} to {turns[-1]:,.0f}.", "C080")  # fmt: skip
    yield at_least("falling", "each pair is slower than the one before: smallest ratio", 1 + 1e-9, float((turns[1:] / turns[:-1]).min()))  # fmt: skip
    yield Try("tfx experiment sinusoids")


@lesson.step("A shift by k is one rotation, the same at every place")
def the_shift(run: Run) -> Iterator[Shown]:
    width, pos, k = run.width, run.pos, run.shift
    here, there = (sinusoidal_positions(1, width, start=start)[0] for start in (pos, pos + k))
    turn = sinusoidal_rotation(k, width)
    b = k * float(run.speeds[1])
    hand = math.cos(b) * here[2] + math.sin(b) * here[3], -math.sin(b) * here[2] + math.cos(b) * here[3]
    yield "Walk k positions on, and every hand turns by its own k w_i, wherever you started. With a = pos w_i and b = k w_i:"
    yield formula("sin(a + b) =  cos(b) sin(a) + sin(b) cos(a)")
    yield formula("cos(a + b) = -sin(b) sin(a) + cos(b) cos(a)")
    yield f"So PE[pos + k] = M_k PE[pos] with one matrix M_k: it turns each pair and depends on k only. By hand, pair 2 from position {pos} to {pos + k}, b = {k} * {run.speeds[1]:.4f} = {b:.4f}: ({here[2]:.3f}, {here[3]:.3f}) becomes ({hand[0]:.3f}, {hand[1]:.3f})."
    yield matrix("what M_k makes of PE[pos], and PE[pos + k]", np.stack([turn @ here, there])[:, :6], "vector, number", ("turned", "moved"))  # fmt: skip
    yield agree("rotation", "M_k PE[pos] is PE[pos + k]", turn @ here, there, to=1e-10)
    yield agree("pair", "pair 2 by hand", hand, there[2:4], to=1e-10)
    yield agree("lengths", "a rotation keeps lengths", np.linalg.norm(turn @ here), np.linalg.norm(here), to=1e-10)
    yield sinusoidal_rotation


@lesson.step("Can M_k be found from examples?")
def fitted(run: Run) -> Iterator[Shown]:
    rows = []
    for width in (8, 64):
        before, after = (sinusoidal_positions(400, width, start=start) for start in (0, 7))
        m = np.linalg.lstsq(before, after, rcond=None)[0].T
        far = sinusoidal_positions(400, width, start=4000) @ m.T - sinusoidal_positions(400, width, start=4007)
        rows.append({"width": width, "matrix": float(abs(m - sinusoidal_rotation(7, width)).max()), "near": float(abs(before @ m.T - after).max()), "far": float(abs(far).max())})  # fmt: skip
    yield "That a matrix exists does not mean that training finds it. Take positions 0 to 399, and those 7 on. Least squares fits a matrix that maps the first rows to the second. Is it the rotation?"
    yield table("a matrix fitted to positions 0 to 399", rows, width="C", matrix="off from M_7 :1", near="error there :1", far="error at 4000 to 4399 :1")  # fmt: skip
    yield "At C = 8 it is, to rounding. At C = 64 it fits the same 400 positions as well, and is another matrix: the slow hands hardly moved there, so the examples do not pin them down, and far away it is wrong."
    yield at_most("narrow", "C = 8: the fitted matrix is off from the rotation by", 1e-6, rows[0]["matrix"])
    yield at_most("fits", "C = 64: error where it was fitted", 1e-6, rows[1]["near"])
    yield at_least("wide", "C = 64: error far away", 0.1, rows[1]["far"])


@lesson.step("Similar, unique, and how long they are")
def likeness(run: Run) -> Iterator[Shown]:
    codes = sinusoidal_positions(1000, WIDE)
    like = codes @ codes[0] / (WIDE / 2)
    moved = codes[300:400] @ codes[300] / (WIDE / 2)
    rises = int((np.diff(like[:200]) > 0).sum())
    places = (1, 2, 5, 20, 100, 999)
    length = float(np.linalg.norm(codes[0]))
    small = 0.02 * math.sqrt(WIDE)
    yield "PE[m] . PE[n] = sum_i cos((m - n) w_i): it depends on the distance alone."
    yield matrix(f"likeness of two positions at C = {WIDE}, 1 where equal", like[list(places)], "likeness, distance", ("likeness",), [str(place) for place in places])  # fmt: skip
    yield Said("Nearby positions have similar vectors, which change gradually.", "true with conditions", f"Nearby, yes. Farther off it rises again, {rises} times within 200. But the closest two of 1,000 are {closest(codes):.2f} of a length apart.", "C082")  # fmt: skip
    yield question(f"sin^2 + cos^2 = 1 in each pair. How long is a position's vector at C = {WIDE}?", length, f"The root of {WIDE // 2} ones.")  # fmt: skip
    yield Said("Entries between -1 and 1 keep positions from drowning the words.", "false", f"Lengths count: {length:.0f}, against {small:.2f} for embeddings of deviation 0.02. The paper multiplies its embeddings by {math.sqrt(WIDE):.1f} (section 3.4).", "C091")  # fmt: skip
    yield agree("distance", "likeness from position 300 on is that from 0 on", moved, like[:100], to=1e-9)
    yield agree("length", "every vector has length sqrt(C / 2)", np.linalg.norm(codes, axis=1), math.sqrt(WIDE / 2), to=1e-9)  # fmt: skip


@lru_cache(maxsize=8)
def lost(seed: int) -> tuple[float, float]:
    """What a small trained model loses of a local task inside its training length, and from twice it on."""
    with blas_threads(1):  # small products: a second thread is only waited for
        by_half = lost_by_half_length(SHORT, "sinusoidal", seed)
    return float(by_half[:2].mean()), float(by_half[4:].mean())


@lesson.step("Defined everywhere, understood where it was trained")
def beyond(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    inside, far = lost(int(rng.integers(2**31)))
    yield f"The formula has a value for every position. A small model learns texts in which the next token depends on the last two, {SHORT.length} tokens long, and then reads texts of {4 * SHORT.length}. Lost: 0 is as good as can be, 1 a guess."
    rows: list[dict[str, Any]] = [{"where": f"tokens 1 to {SHORT.length}, as trained", "lost": inside}, {"where": f"tokens {2 * SHORT.length + 1} to {4 * SHORT.length}", "lost": far}]  # fmt: skip
    yield table(f"one block with sinusoids, {SHORT.steps} steps of training", rows, where="where", lost="lost :2")
    yield Said("Sinusoids let a model read texts longer than those of training.", "false", "The vectors exist there, but no map of the model has met them. The paper hoped for it; it was measured later, here as well.", "C083")  # fmt: skip
    yield at_least("fails", "lost far beyond, more than inside", 0.25, far - inside)
    yield Source("Press et al.", 2022, "Train Short, Test Long", "section 2")


@lesson.step("In code: a constant, and care with an odd width")
def in_code(run: Run) -> Iterator[Shown]:
    odd = sinusoidal_positions(3, 7)
    yield "In code the table is made once, (1, longest, C), and the first T rows are added. It is a constant: a buffer that is moved and saved with the model, and no parameter. Its speeds are exp(-ln(10000) 2i / C), which is the same power."
    yield f"An odd C needs care, as there is one cosine less: at C = 7 the library ends with a sine, {odd.shape[1]} numbers in all. Since 2021 rotary positions use the same speeds inside attention."
    yield agree("power", "exp(-ln(10000) 2i / C) is the power", np.exp(-math.log(10000) * np.arange(0, run.width, 2) / run.width), run.speeds)  # fmt: skip
    yield agree("odd", "C = 7 has the numbers of the formula", odd[:, 6], np.sin(np.arange(3) * 10000 ** (-6 / 7)))
    yield sinusoidal_positions


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Each position is a vector of sines and cosines at geometric frequencies, from 1 down to nearly 1/10000: low numbers fast, high numbers slow. It needs no parameters, is bounded, and differs from position to position."
    yield "Moving by k turns each pair by a fixed angle, so offsets are linear, and the dot product of two positions depends on their distance. But defined for every position does not mean understood: beyond the training length trained models read poorly. Alternatives: a learned table, T5's and Transformer-XL's relative terms, RoPE, ALiBi."
    yield at_most("last", f"the lowest frequency at C = {WIDE}, times 10000: at most", 1.04, 10000 * float(angular_speeds(WIDE)[-1]))  # fmt: skip
    yield Try("tfx quiz positional-sinusoidal")
