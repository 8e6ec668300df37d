"""Numbers for the quiz on heads taken out: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.compression.removal import remove_heads
from tfx.lab.attention.head_pruning import taken_out
from tfx.measure.head_diversity import head_distances
from tfx.nn.attention import MultiHeadAttention


def layer(c: int, heads: int, left: int) -> tuple[MultiHeadAttention, MultiHeadAttention]:
    """A layer without offsets, and the same with so many heads left."""
    whole = MultiHeadAttention(c, heads, np.random.default_rng(0), bias=False)
    return whole, remove_heads(whole, np.arange(heads) < left)


@told_apart
def saved(rng: np.random.Generator) -> NumberCase:
    """Parameters that go with some heads, counted on real layers."""
    heads, d = int(rng.choice([4, 8, 12])), int(rng.choice([8, 16, 32]))
    out, c = int(rng.integers(2, heads)), heads * d
    sizes = [sum(p.value.size for p in one.parameters().values()) for one in layer(c, heads, heads - out)]
    wrong = (
        Wrong(float(out * c * d), "W_O alone", "Its columns of W_Q, W_K and W_V go as well."),
        Wrong(float(3 * out * c * d), "W_O forgotten", "Its rows of W_O go as well."),
        Wrong(float(sizes[1]), "left for saved", "That is what is left."),
        Wrong(0.0, "a zero saves nothing", "Heads set to 0 save nothing; here they are cut out."),
    )
    return NumberCase({"heads": heads, "c": c, "d": d, "out": out}, float(sizes[0] - sizes[1]), wrong, 0.0)


@told_apart
def smaller_maps(rng: np.random.Generator) -> ShapeCase:
    """The shape of W_Q once heads are removed."""
    heads, d = int(rng.choice([4, 6, 8])), int(rng.choice([5, 8, 10]))
    left, c = int(rng.integers(2, heads)), heads * d
    small = layer(c, heads, left)[1]
    wrong = (
        Wrong((c, c), "zeroed for removed", "Cut out, the columns are gone."),
        Wrong((left * d, c), "rows for columns", "W_Q maps the width C to the heads: its columns belong to heads."),
        Wrong((left * d, left * d), "the model made narrower", "The stream keeps its width; other layers read it."),
    )
    values = {"heads": heads, "c": c, "d": d, "left": left}
    return ShapeCase(values, tuple(int(n) for n in small.query.w.value.shape), wrong)


@told_apart
def least_missed(rng: np.random.Generator) -> NumberCase:
    """Percent right after two heads went, the least missed next; two of three stand in for each other."""
    a, b, c = (int(n) for n in rng.choice(np.arange(1, 12), 3, replace=False))
    pair = {
        "ab": int(rng.integers(40, 60)),
        "ac": a + c + int(rng.integers(1, 4)),
        "bc": b + c + int(rng.integers(1, 4)),
    }
    single = {"a": a, "b": b, "c": c}
    lost = {
        frozenset(): 0,
        **{frozenset(k): v for k, v in single.items()},
        **{frozenset(k): v for k, v in pair.items()},
    }

    def right(*out: str) -> float:
        return float(100 - lost.get(frozenset(out), 100))

    answer = taken_out(list("abc"), right, max).left[1]  # type: ignore[arg-type]
    added = 100 - sum(sorted(single.values())[:2])
    first = min(single, key=lambda k: single[k])
    wrong = (
        Wrong(float(added), "single losses add up", "Losses of two heads need not add up: one may stand in for the other."),
        Wrong(float(100 - single[first]), "one head out", "Two heads are out; look again after the first."),
        Wrong(float(100 - pair["ab"]), "the pair that stands in", "After one of them is out, the other is missed: the next to go is another."),
    )  # fmt: skip
    return NumberCase({**single, **pair}, answer, wrong, 0.0, "percent")


@told_apart
def distance(rng: np.random.Generator) -> NumberCase:
    """Jensen-Shannon divergence of two rows over two words."""
    a = int(rng.choice([60, 70, 80, 90]))
    p, q = np.array([a, 100 - a]) / 100, np.array([100 - a, a]) / 100
    weights = np.stack([p, q])[None, :, None]
    each = -float((p * np.log(p)).sum())
    wrong = (
        Wrong(math.log(2), "entropies of the rows forgotten", "Their own mean entropy is taken off."),
        Wrong(each, "entropy for distance", "That is the entropy of one row."),
        Wrong((2 * a - 100) / 100, "difference for distance", "The divergence is one of entropies, in nats."),
    )
    values = {"a": a, "b": 100 - a, "entropy": f"{each:.4f}"}
    return NumberCase(values, float(head_distances(weights)[0, 1]), wrong, 0.02, "nats")
