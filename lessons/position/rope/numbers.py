"""Numbers for the quiz on rotary positions: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.positions.rotary import rotary_forward, rotary_tables
from tfx.ops.positions.sinusoids import angular_speeds


def _turned(x: np.ndarray, place: float, width: int = 2) -> np.ndarray:
    return np.asarray(rotary_forward(x[None], *rotary_tables(np.array([place]), width), "pairs")[0][0])


@told_apart
def turned_pair(rng: np.random.Generator) -> NumberCase:
    """The first number of a turned pair."""
    x, m = rng.integers(1, 6, size=2).astype(float), int(rng.integers(1, 7))
    a = float(m)
    wrong = (
        Wrong(float(x[0] * math.cos(a) + x[1] * math.sin(a)), "turned the wrong way", "That turns by -m: the sign of the sine belongs to x_1 cos a - x_2 sin a."),
        Wrong(float(x[1] * math.cos(a) + x[0] * math.sin(a)), "the other number", "That is the second number of the turned pair."),
        Wrong(float(x[0] + math.sin(a)), "added for turned", "RoPE adds nothing: the pair is multiplied by a rotation."),
    )  # fmt: skip
    return NumberCase({"x1": f"{x[0]:g}", "x2": f"{x[1]:g}", "m": m}, float(_turned(x, m)[0]), wrong, 0.02)


@told_apart
def score_elsewhere(rng: np.random.Generator) -> NumberCase:
    """A score at other places."""
    q, k = rng.standard_normal((2, 8))
    m, n = (int(i) for i in rng.choice(np.arange(2, 30), size=2, replace=False))
    shift = int(rng.integers(40, 900))
    score = float(f"{_turned(q, m, 8) @ _turned(k, n, 8):.2f}")
    after = float(f"{_turned(q, m + shift, 8) @ _turned(k, n + shift, 8):.2f}")
    wrong = (
        Wrong(score * shift, "scores grow with the place", "A rotation keeps lengths, and only the offset counts."),
        Wrong(float(f"{q @ k:.2f}"), "turning cancels", "It cancels only where both stand at the same place."),
        Wrong(-score, "turned round", "Both are turned by the same further angle, and nothing is mirrored."),
    )  # fmt: skip
    values = {"m": m, "n": n, "m2": m + shift, "n2": n + shift, "score": f"{score:.2f}"}
    return NumberCase(values, after, wrong, 0.01)


@told_apart
def angle_between(rng: np.random.Generator) -> NumberCase:
    """The score of two equal unit pairs, which is the cosine of the angle between them."""
    m, n = (int(i) for i in rng.choice(np.arange(1, 12), size=2, replace=False))
    x = np.array([1.0, 0.0])
    wrong = (
        Wrong(1.0, "turning cancels", "Both are turned, by different angles."),
        Wrong(math.cos(m + n), "angles add up", "Both turn in the same direction, so the difference is left."),
        Wrong(math.cos(m) * math.cos(n), "the sines forgotten", "The second numbers of the pairs meet as well: sin m sin n."),
    )  # fmt: skip
    return NumberCase({"m": m, "n": n}, float(_turned(x, m) @ _turned(x, n)), wrong, 0.02)


def interpolated(rng: np.random.Generator) -> NumberCase:
    """The angle of a pair when positions are divided."""
    trained, factor = int(rng.choice([1024, 2048, 4096])), int(rng.choice([2, 4, 8]))
    place = int(rng.integers(2, 10)) * 100 * factor
    width, pair = 8, int(rng.integers(1, 4))
    answer = float(place / factor * angular_speeds(width)[pair])
    wrong = (
        Wrong(answer * factor, "not interpolated", "Positions are divided first; this is the angle of plain RoPE."),
        Wrong(answer * factor * factor, "stretched for squeezed", "Positions are squeezed into the trained range, not stretched."),
        Wrong(place / factor, "one speed for all", "That is the angle of the first pair; this one is slower."),
    )  # fmt: skip
    return NumberCase(
        {"trained": trained, "longer": trained * factor, "place": place, "speed": f"{10**-pair:g}"}, answer, wrong, 0.02
    )


def turned_numbers(rng: np.random.Generator) -> NumberCase:
    """How many numbers of one layer RoPE turns."""
    heads, width, tokens = int(rng.choice([4, 8, 12])), int(rng.choice([32, 64, 128])), int(rng.choice([10, 50, 100]))
    q = np.ones((heads, tokens, width))
    cos, sin = rotary_tables(np.arange(1, tokens + 1) * math.e, width)
    moved = int((rotary_forward(q, cos, sin)[0] != q).sum())
    answer = float(2 * moved)
    wrong = (
        Wrong(float(3 * moved), "values are turned, too", "Values stay as they are: only queries and keys are turned."),
        Wrong(float(moved), "queries only", "Keys are turned as well; otherwise scores would know the place of the query."),
        Wrong(float(2 * tokens * width), "one head for all", "Each head's queries and keys are turned."),
    )  # fmt: skip
    return NumberCase({"heads": heads, "width": width, "tokens": tokens}, answer, wrong, 0.0)
