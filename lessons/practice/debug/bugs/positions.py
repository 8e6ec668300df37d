"""Bugs of sinusoids, rotation and ALiBi."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lessons.practice.debug.program import Program

program = Program(
    "positions", "Sinusoids, rotation and ALiBi",
    "three ways to say where a token stands; scores of rotated vectors depend on the distance alone",
)  # fmt: skip


@program.calls
def calls(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, Any]]]:
    n = rng.standard_normal
    for length, width in ((7, 6), (4, 4), (1, 2), (40, 16)):
        yield "sinusoids", {"length": length, "width": width}
        yield "embed", {"table": n((5, width)), "letters": rng.integers(0, 5, (2, length))}
        places = rng.integers(0, 300, length)
        yield "rotate", {"x": n((2, length, width)), "places": places}
        yield "gradients", {"dy": n((length, width)), "places": places}
        for before in (0, 3):
            yield "scores", {"q": n((3, length, width)), "k": n((3, before + length, width)), "before": before}
        yield "alibi", {"length": length, "heads": width // 2}


program.bug(
    "rates-that-grow", "position", "BASE ** (-np.arange", "BASE ** (np.arange",
    "later pairs turn faster and faster", "a minus in an exponent is lost",
    "samples", "last pair, 63 places on", "higher",
)  # fmt: skip
program.bug(
    "exponent-halved", "position", "np.arange(0, width, 2) / width", "np.arange(width // 2) / width",
    "the exponents reach one half, and not one", "2i / D is written as i / D",
    "samples", "places 10 and 50 alike", "lower",
)  # fmt: skip
program.bug(
    "base-too-small", "position", "BASE = 10_000.0", "BASE = 1.0",
    "all pairs turn alike, so that places come again after about six", "a constant that was tried out stays",
    "samples", "the nearest two places", "lower",
)  # fmt: skip
program.bug(
    "counted-from-one", "position", "np.arange(length)[:, None] * rates(width)", "np.arange(1, length + 1)[:, None] * rates(width)",
    "the first place is 1", "people count from 1",
)  # fmt: skip
program.bug(
    "sine-in-both", "position", "table[:, 1::2] = np.cos(angle)", "table[:, 1::2] = np.sin(angle)",
    "both columns of a pair hold the sine", "a line is copied",
    "samples", "places 10 and 50 alike", "lower",
)  # fmt: skip
program.bug(
    "places-outweigh-letters", "scale", "table[letters] * np.sqrt(width)", "table[letters]",
    "letters are not multiplied by the root of the width, and places drown them", "it looks like a matter of taste",
    "samples", "letter over place, in length", "lower",
)  # fmt: skip
program.bug(
    "letters-divided", "scale", "table[letters] * np.sqrt(width)", "table[letters] / np.sqrt(width)",
    "letters are divided by the root of the width", "scores are divided by it",
    "samples", "letter over place, in length", "lower",
)  # fmt: skip
program.bug(
    "sign-of-the-turn", "position", "even * cosine - odd * sine", "even * cosine + odd * sine",
    "what should be a rotation changes lengths", "one of four signs is a minus",
    "invariants", "lengths change by", "higher",
)  # fmt: skip
program.bug(
    "halves-mixed-up", "axis", "turned[..., 1::2] = even * sine + odd * cosine", "turned[..., 1::2] = odd * sine + even * cosine",
    "the second column of a pair takes the wrong partner", "even and odd are taken for each other",
    "invariants", "lengths change by", "higher",
)  # fmt: skip
program.bug(
    "turned-with-columns", "axis", "even, odd = x[..., 0::2], x[..., 1::2]", "even, odd = np.split(x, 2, axis=-1)",
    "pairs are taken from the halves and written back in turn", "both layouts are in use, and each is right with itself",
    "invariants", "place 0 turns by", "higher",
)  # fmt: skip
program.bug(
    "turned-on-the-way-back", "position", "rotate(dy, -places)", "rotate(dy, places)",
    "the backward turns in the direction of the forward", "a rotation is a rotation",
    "invariants", "the backward is off by", "higher",
)  # fmt: skip
program.bug(
    "keys-before-forgotten", "cache", "before + np.arange(q.shape[-2])", "np.arange(q.shape[-2])",
    "queries are counted from 0, though keys stand in front of them", "without a cache both are the same",
    "invariants", "two parts differ from one by", "higher",
)  # fmt: skip
program.bug(
    "queries-not-turned", "position", "    q = rotate(q, before + np.arange(q.shape[-2]))\n", "",
    "keys are rotated, queries are not", "one line of two is lost in a merge",
    "invariants", "scores at one distance differ by", "higher",
)  # fmt: skip
program.bug(
    "scale-of-the-keys-number", "scale", "np.sqrt(q.shape[-1])", "np.sqrt(q.shape[-2])",
    "scores are divided by the root of the number of queries", "-1 and -2 are soon taken for each other",
    "invariants", "two parts differ from one by", "higher",
)  # fmt: skip
program.bug(
    "slopes-all-the-same", "position", "np.arange(1, heads + 1) / heads", "np.ones(heads) / heads",
    "every head has the same slope", "the formula is written for one head and repeated",
    "samples", "bias 5 back, head 4", "lower",
)  # fmt: skip
program.bug(
    "slopes-from-nought", "position", "np.arange(1, heads + 1)", "np.arange(heads)",
    "the first head has slope 1, and each other head that of the one before it", "ranges begin with 0",
    "samples", "bias 1 back, head 1", "lower",
)  # fmt: skip
program.bug(
    "ahead-not-behind", "position", "place[:, None] - place[None, :]", "place[None, :] - place[:, None]",
    "the bias falls for keys ahead, and is 0 for all keys before", "row and column are taken for each other",
    "samples", "bias 5 back, head 1", "higher",
)  # fmt: skip
program.bug(
    "farther-is-better", "position", "return -slopes[:, None, None]", "return slopes[:, None, None]",
    "the bias grows with the distance", "a distance is positive",
    "samples", "bias 5 back, head 1", "higher",
)  # fmt: skip
