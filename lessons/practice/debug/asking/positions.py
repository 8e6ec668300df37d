"""Asks sinusoids, rotation and ALiBi."""

from __future__ import annotations

from typing import Any

import numpy as np


def sinusoids(program: Any, length: int, width: int) -> Any:
    return program.sinusoids(length, width)


def embed(program: Any, table: Any, letters: Any) -> Any:
    return program.embed(table, letters)


def rotate(program: Any, x: Any, places: Any) -> Any:
    return program.rotate(x, places)


def gradients(program: Any, dy: Any, places: Any) -> Any:
    return {"d x": program.rotate_backward(dy, places)}


def scores(program: Any, q: Any, k: Any, before: int) -> Any:
    return program.rotary_scores(q, k, before)


def alibi(program: Any, length: int, heads: int) -> Any:
    return program.alibi(length, heads)


def ask_invariants(program: Any) -> Any:
    """A rotation keeps lengths, its backward is its transpose, scores depend on the distance alone, a text in two parts gets the
    scores of the whole, and place 0 is not turned: all 0."""
    n = np.random.default_rng(1).standard_normal
    x, dy, places = n((5, 8)), n((5, 8)), np.array([0, 1, 5, 9, 100])
    turned = program.rotate(x, places)
    lengths = np.abs(np.linalg.norm(turned, axis=-1) - np.linalg.norm(x, axis=-1)).max()
    same = np.ones((6, 1)) * n(8)
    by_distance = program.rotary_scores(same, np.ones((6, 1)) * n(8), 0)
    along = max(float(np.ptp(np.diagonal(by_distance, offset))) for offset in range(-4, 5))
    q, k = n((6, 8)), n((6, 8))
    parts = program.rotary_scores(q[4:], k, 4) - program.rotary_scores(q, k, 0)[4:]
    back = (turned * dy).sum() - (x * program.rotate_backward(dy, places)).sum()
    return [
        ("lengths change by", float(lengths)),
        ("scores at one distance differ by", along),
        ("two parts differ from one by", float(np.abs(parts).max())),
        ("the backward is off by", float(np.abs(back))),
        ("place 0 turns by", float(np.abs(program.rotate(x[:1], np.array([0])) - x[:1]).max())),
    ]


def ask_samples(program: Any) -> Any:
    """Places 10 and 50 are less alike than 10 and 11, yet above 0, as many pairs turn slowly; all places are equally long, the
    nearest two more than 0.5 apart, and no number is above 1. The last pair hardly turns. Letters are longer than places.
    A bias is 0 for the token itself and for tokens ahead; head 1 of 4 loses 1/4 with each token back, and each next head a
    quarter of the one before it."""
    table = program.sinusoids(64, 16)
    near, far = float(table[10] @ table[11]), float(table[10] @ table[50])
    gaps = np.linalg.norm(table[:, None] - table[None], axis=-1) + 1e9 * np.eye(64)
    bias = program.alibi(6, 4)
    letters = np.random.default_rng(2).standard_normal((5, 16)) / 4
    x = program.embed(letters, np.arange(5)[None])[0]
    return [
        ("places 10 and 11 alike", near),
        ("places 10 and 50 alike", far),
        ("the nearest two places", float(gaps.min())),
        ("lengths of places differ by", float(np.ptp(np.linalg.norm(table, axis=-1)))),
        ("the largest number", float(np.abs(table).max())),
        ("last pair, 63 places on", float(np.abs(table[63, -2:] - table[0, -2:]).max())),
        ("letter over place, in length", float(np.linalg.norm(x - table[:5]) / np.linalg.norm(table[:5]))),
        ("bias of the token itself", float(np.abs(np.diagonal(bias, axis1=1, axis2=2)).max())),
        ("bias 1 back, head 1", float(bias[0, 5, 4])),
        ("bias 5 back, head 1", float(bias[0, 5, 0])),
        ("bias 5 back, head 4", float(bias[3, 5, 0])),
        ("bias 3 ahead, head 1", float(bias[0, 0, 3])),
    ]


def ask_shapes(program: Any) -> Any:
    """Six places, width 8, two heads; two texts."""
    x = np.random.default_rng(3).standard_normal((2, 6, 8))
    return [
        ("sinusoids", str(program.sinusoids(6, 8).shape)),
        ("rotated", str(program.rotate(x, np.arange(6)).shape)),
        ("scores", str(program.rotary_scores(x, x, 0).shape)),
        ("alibi", str(program.alibi(6, 2).shape)),
    ]


QUESTIONS = {"shapes": ask_shapes, "invariants": ask_invariants, "samples": ask_samples}
