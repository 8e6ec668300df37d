"""Numbers for the quiz on width, depth and shared layers: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.scale.folding import folded, pieces
from tfx.measure.counting_array import counting_in
from tfx.nn.block_settings import StackSettings
from tfx.nn.stacks import EncoderStack


@told_apart
def larger(rng: np.random.Generator) -> NumberCase:
    """Parameters of a stack whose width and depth grow."""
    wide, deep = (int(x) for x in rng.choice([2, 3, 4, 5, 6], 2))
    wrong = (
        Wrong(float(wide * deep), "width counted once", "A map of C * C grows on both sides."),
        Wrong(float(wide * deep**2), "depth counted squared", "Layers add up; it is the width that counts squared."),
        Wrong(float(wide**2 + deep), "sum for product", "Each of the layers is larger."),
    )
    return NumberCase({"wide": wide, "deep": deep}, float(wide**2 * deep), wrong, 0.0)


@told_apart
def same_parameters(rng: np.random.Generator) -> NumberCase:
    """The width of a deeper stack with as many parameters."""
    root, base = int(rng.choice([2, 3, 4])), int(rng.choice([120, 240, 480, 960]))
    times = root * root
    wrong = (
        Wrong(base / times, "width counted once", "So narrow a stack has far fewer parameters."),
        Wrong(float(base), "depth for nothing", "Then parameters grow with the layers."),
        Wrong(float(base * root), "width up with depth", "More layers leave less for each."),
    )
    return NumberCase({"times": times, "base": base}, base / math.sqrt(times), wrong, 0.0)


@told_apart
def folds(rng: np.random.Generator) -> NumberCase:
    """Straight pieces of a line that real layers fold."""
    layers = int(rng.integers(3, 10))
    y = np.linspace(0, 1, 2**12 + 1)
    for _ in range(layers):
        y = folded(y)
    wrong = (
        Wrong(float(2 * layers), "sum for product", "A fold doubles all pieces that are there already."),
        Wrong(float(2 * layers + 1), "depth as width", "That bounds as many units side by side."),
        Wrong(float(layers**2), "square for power", "Doubling goes on: 2, 4, 8, 16."),
    )
    return NumberCase({"layers": layers}, float(pieces(y)), wrong, 0.0)


@told_apart
def stored(rng: np.random.Generator) -> NumberCase:
    """Millions of numbers that a model with one block used again stores."""
    layers, block, table = int(rng.choice([6, 12, 24])), int(rng.integers(3, 13)), int(rng.integers(4, 31))
    wrong = (
        Wrong(float(layers * block + table), "sharing forgotten", "That is a model with a block for each layer."),
        Wrong(float(block), "embedding forgotten", "The embedding table is stored besides."),
        Wrong((layers * block + table) / layers, "table shared by layers", "There was one table before; it does not shrink."),
    )  # fmt: skip
    return NumberCase({"layers": layers, "block": block, "table": table}, float(block + table), wrong, 0.0)


@told_apart
def work(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds that a real stack of one shared block takes."""
    uses, tokens = int(rng.integers(2, 7)), int(rng.integers(2, 6))
    one, all_uses = (counted(n, tokens, rng) for n in (1, uses))
    wrong = (
        Wrong(float(one), "stored as computed", "Each use multiplies anew."),
        Wrong(one / uses, "sharing divides work", "It divides what is stored."),
        Wrong(float(one * uses**2), "each use for each layer", "A use is a layer; they are counted once."),
    )
    return NumberCase({"one": one, "uses": uses}, float(all_uses), wrong, 0.0)


def counted(uses: int, tokens: int, rng: np.random.Generator) -> int:
    stack = EncoderStack(StackSettings(4, 2, 8, uses, shared=True, norm_place="post"), rng)
    with counting_in(stack) as found:
        stack.forward(rng.standard_normal((1, tokens, 4)).astype("float32"))
        return int(found.multiply_adds)
