"""Numbers for the quiz on sinusoidal positions: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.positions.positions import add_positions_forward, sinusoidal_positions, sinusoidal_rotation
from tfx.ops.positions.sinusoids import angular_speeds


@told_apart
def entry(rng: np.random.Generator) -> NumberCase:
    """One entry of a real table."""
    width, pos, column = int(rng.choice([4, 6, 8])), int(rng.integers(1, 9)), int(rng.integers(2, 4))
    answer = float(sinusoidal_positions(pos + 1, width)[pos, column])
    angle = pos * 10000 ** (-2 / width)
    wave, other = (math.sin, math.cos) if column == 2 else (math.cos, math.sin)
    wrong = (
        Wrong(other(angle), "sine and cosine swapped", "Even columns, counted from 0, hold sines and odd ones cosines."),
        Wrong(wave(pos * 10000 ** (-2 * column / width)), "i counts numbers", "i counts pairs: columns 2 and 3 are pair i = 1."),
        Wrong(wave(math.radians(angle)), "degrees for radians", "The angle is in radians."),
    )  # fmt: skip
    return NumberCase({"width": width, "pos": pos, "column": column}, answer, wrong, 0.02)


@told_apart
def turn(rng: np.random.Generator) -> NumberCase:
    """Positions that a pair takes for one turn."""
    width = int(rng.choice([8, 16, 32, 64]))
    pair = int(rng.integers(2, width // 2))
    answer = 2 * math.pi / float(angular_speeds(width)[pair])
    wrong = (
        Wrong(10000 ** (2 * pair / width), "radians for turns", "That is how long it takes for one radian; a turn has 2 pi."),
        Wrong(2 * math.pi * 10000 ** (pair / width), "half the exponent", "The exponent is 2i / C: the pair is counted twice."),
        Wrong(2 * math.pi * 10000 ** (-2 * pair / width), "speed for wavelength", "A slow pair has a small speed and a long wavelength."),
    )  # fmt: skip
    return NumberCase({"width": width, "i": pair}, answer, wrong, 0.02)


@told_apart
def moved(rng: np.random.Generator) -> NumberCase:
    """The sine of a pair after a shift, from the rotation."""
    width, k, pos = 4, int(rng.integers(20, 300)), int(rng.integers(0, 600))
    sine, cosine = (float(f"{x:.3f}") for x in sinusoidal_positions(1, width, start=pos)[0, 2:])
    b = k * 0.01
    answer = float((sinusoidal_rotation(k, width) @ (0, 0, sine, cosine))[2])
    wrong = (
        Wrong(math.cos(b) * sine - math.sin(b) * cosine, "turned the wrong way", "Walking on makes the angle larger: sin(a + b)."),
        Wrong(sine + math.sin(b), "sines add up", "Angles add up; of sines the sum rule holds."),
        Wrong(-math.sin(b) * sine + math.cos(b) * cosine, "sine and cosine swapped", "That is the cosine after the shift."),
    )  # fmt: skip
    return NumberCase({"k": k, "sine": f"{sine:.3f}", "cosine": f"{cosine:.3f}", "b": f"{b:g}"}, answer, wrong, 0.02)


def length(rng: np.random.Generator) -> NumberCase:
    """The length of a row of a real table."""
    width = int(rng.choice([32, 50, 72, 128, 200, 288, 512]))
    answer = float(np.linalg.norm(sinusoidal_positions(4, width)[3]))
    wrong = (
        Wrong(1.0, "bounded entries make a short vector", "Each entry is small, and there are many: each pair adds 1 to the square."),
        Wrong(math.sqrt(width), "every entry is 1", "A pair has sin^2 + cos^2 = 1 together, not each."),
        Wrong(width / 2, "squared length", "That is the square of the length."),
    )  # fmt: skip
    return NumberCase({"width": width}, answer, wrong, 0.02)


def shape_added(rng: np.random.Generator) -> ShapeCase:
    """The slice of a stored table that is added."""
    longest, tokens, width = (
        int(rng.choice([512, 1024, 5000])),
        int(rng.integers(7, 60)),
        int(rng.choice([64, 128, 512])),
    )
    batch = int(rng.choice([2, 4, 16]))
    z, _ = add_positions_forward(
        np.zeros((batch, tokens, width), np.float32), sinusoidal_positions(longest, width, "float32")
    )
    wrong = (
        Wrong((1, longest, width), "the whole table for its first rows", "Only the first rows, one for each token, are taken."),
        Wrong((batch, tokens, width), "a table for every sentence", "All sentences share one slice; broadcasting repeats it."),
        Wrong((1, tokens, 1), "one number for a place", "A place has a whole vector, as wide as a token."),
    )  # fmt: skip
    return ShapeCase({"longest": longest, "tokens": tokens, "width": width, "batch": batch}, (1, *z.shape[1:]), wrong)
