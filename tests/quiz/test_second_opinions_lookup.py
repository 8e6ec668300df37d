"""A second opinion on every computed answer of five topics, from the values that the question shows and no others.

Nothing of tfx computes here: closed forms, counts, difference quotients and brute force, in plain Python.
"""

from __future__ import annotations

import itertools
import math

import pytest

from lessons.course import find_topic
from lessons.grading import ask, is_close
from lessons.quiz import topic_items

TOPICS = ("attention-intuition", "attention-qkv", "softmax-attention", "softmax-jacobian", "rms-norm")
ITEMS = {
    item.id: item for topic in TOPICS for item in topic_items(find_topic(topic)) if item.kind in ("number", "shape")
}


def softmax(scores):
    e = [math.exp(score - max(scores)) for score in scores]
    return [x / sum(e) for x in e]


def listed(text):
    return [float(part) for part in text.split(",")]


def slope(function, at, step=1e-6):
    return (function(at + step) - function(at - step)) / (2 * step)


def nudged(y, j):
    """t -> the softmax whose j-th score is raised by t; the scores log y give the row y back."""
    return lambda t: softmax([math.log(p) + t * (k == j) for k, p in enumerate(y)])


def dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def nearest_distribution(scores, parts=100):
    """Brute force over all distributions of three keys in steps of 0.01."""
    grid = ((i / parts, j / parts, (parts - i - j) / parts) for i in range(parts + 1) for j in range(parts + 1 - i))
    return min(grid, key=lambda p: sum((a - b) ** 2 for a, b in zip(p, scores, strict=True)))


def loss_of_a_circle(tokens):
    """The least loss of symmetric scores on a circle: c for each link and, by averaging, the same for all; c grows."""
    rest = tokens - 3  # neither itself nor one of its two neighbours
    return min(math.log(2 + rest * math.exp(-c)) for c in (0, 1, 10, 100))


OPINIONS = {
    "attention-intuition/weight-by-gap": lambda gap, others: softmax([gap] + [0] * others)[0],
    "attention-intuition/soft-output": lambda scores, numbers: dot(softmax(listed(scores)), listed(numbers)),
    "attention-intuition/outputs-of-cross": lambda queries, keys, width, d_v: (queries, d_v),
    "attention-qkv/parameters": lambda c, d, tokens: sum(1 for _ in itertools.product(range(3), range(c), range(d))),
    "attention-qkv/rank-of-scores": lambda n, c, d: min(n, c, d),
    "attention-qkv/shape-of-keys": lambda batch, queries, keys, width, d: (batch, keys, d),
    "attention-qkv/tied-loss": lambda tokens: loss_of_a_circle(tokens),
    "softmax-attention/ratio-of-weights": lambda high, low: math.exp(high) / math.exp(low),
    "softmax-attention/weight-of-three": lambda scores: softmax(listed(scores))[0],
    "softmax-attention/sum-of-all": lambda batch, heads, queries, keys: batch * heads * queries,
    "softmax-attention/sums-over-keys": lambda batch, heads, queries, keys: (batch, heads, queries),
    "softmax-attention/sparse-weight": lambda gap: nearest_distribution((float(gap), 0, -5))[0],
    "softmax-jacobian/entry": lambda y1, y2, y3, i, j: slope(
        lambda t: nudged([float(y1), float(y2), float(y3)], j - 1)(t)[i - 1], 0.0
    ),
    "softmax-jacobian/backward": lambda y1, y2, g1, g2: slope(
        lambda t: dot((float(g1), float(g2)), nudged([float(y1), float(y2)], 0)(t)), 0.0
    ),
    "softmax-jacobian/curve": lambda a: math.exp(2 * float(a)) / (2 * math.exp(float(a)) + math.exp(2 * float(a))),
    "rms-norm/first-output": lambda a, b: float(a) / math.sqrt((float(a) ** 2 + float(b) ** 2) / 2),
    "rms-norm/scaled-to-length": lambda a, b, g: float(g) * math.cos(math.atan2(float(b), float(a))),
    "rms-norm/saved": lambda width, blocks: width * len([*range(blocks), *range(blocks), "final"]),
}  # fmt: skip


def test_every_computed_answer_has_a_second_opinion():
    assert set(ITEMS) == {*OPINIONS}


@pytest.mark.parametrize("id", OPINIONS)
def test_two_ways_to_the_answer_agree(id):
    item = ITEMS[id]
    for seed in range(8 if id.endswith("tied-loss") else 60):
        case = ask(item, seed).case
        shown = {name: value for name, value in case.values.items() if f"{{{name}}}" in item.prompt}
        opinion = OPINIONS[id](**shown)
        if isinstance(opinion, tuple):
            assert tuple(case.answer) == opinion, (seed, shown)
        else:
            # a tied head is trained, so it only nears its limit; everything else is known to many digits
            near = case.tolerance if id.endswith("tied-loss") else 1e-7
            assert is_close(case.answer, opinion, near), (seed, shown, case.answer, opinion)
