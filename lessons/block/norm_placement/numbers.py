"""Numbers for the quiz on where the norm stands: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.block_settings import StackSettings
from tfx.nn.layer_norm import LayerNorm
from tfx.nn.stacks import EncoderStack
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.params import walk


@told_apart
def pre_by_hand(rng: np.random.Generator) -> NumberCase:
    """A sub-layer that multiplies by a number."""
    a, b = (float(n) for n in rng.choice(np.arange(1.0, 12.0), 2, replace=False))
    times = float(rng.choice([2, 3, 4, 5]))
    x = np.array([[a, b]])

    def norm(token: np.ndarray) -> np.ndarray:
        return np.asarray(layer_norm_forward(token, eps=0.0)[0])

    wrong = (
        Wrong(float(norm(x + times * x)[0, 0]), "post-LN for pre-LN", "That has the norm behind the sum."),
        Wrong(
            float((x + norm(times * x))[0, 0]),
            "norm on the branch for pre-LN",
            "The norm stands in front of f, so f's factor counts.",
        ),
        Wrong(
            float((norm(x) + times * norm(x))[0, 0]),
            "the stream is normalised, too",
            "x itself goes on as it is; only f reads the norm.",
        ),
        Wrong(float((x + times * x)[0, 0]), "norm forgotten", "f reads the normalised token."),
    )
    values = {"a": f"{a:g}", "b": f"{b:g}", "times": f"{times:g}"}
    return NumberCase(values, float((x + times * norm(x))[0, 0]), wrong)


@told_apart
def fall_of_gradient(rng: np.random.Generator) -> NumberCase:
    """By the law, with numbers that make no round root."""
    few, more = (int(n) for n in sorted(rng.choice([2, 3, 6, 12, 24, 48], 2, replace=False)))
    gradient = float(rng.choice([0.8, 1.2, 1.6, 2.0, 2.4]))
    wrong = (
        Wrong(gradient * few / more, "proportional for root", "It falls with the root of the depth."),
        Wrong(gradient, "post-LN for pre-LN", "Staying the same is what post-LN's does."),
        Wrong(
            gradient * math.sqrt(more / few), "growing for falling", "More blocks, a larger stream, a smaller gradient."
        ),
    )
    values = {"few": few, "more": more, "gradient": f"{gradient:g}"}
    return NumberCase(values, gradient * math.sqrt(few / more), wrong)


def norms(rng: np.random.Generator) -> NumberCase:
    """Counted in a stack of the library."""
    blocks = int(rng.choice([3, 4, 5, 6, 8, 10, 12]))
    stack = EncoderStack(StackSettings(4, 1, 4, blocks, norm_place="pre"), rng)
    count = sum(1 for _ in walk(stack, LayerNorm))
    wrong = (
        Wrong(2.0 * blocks, "final norm forgotten", "A pre-LN stack has one more norm behind its last block."),
        Wrong(blocks + 1.0, "one norm for a block", "Attention and the feed-forward network have a norm each."),
        Wrong(3.0 * blocks, "a final norm in every block", "The extra norm stands once, at the end of the stack."),
    )
    return NumberCase({"blocks": blocks}, float(count), wrong, 0.0)


def size_of_third_form(rng: np.random.Generator) -> NumberCase:
    """Parts that share no coordinate: squares add up exactly."""
    blocks = int(rng.choice([4, 7, 12, 17, 24, 31, 40]))
    parts = math.sqrt(2 * blocks + 1) * np.eye(
        2 * blocks + 1
    )  # the first token and two outputs a block, of size 1 each
    size = math.sqrt(float((parts.sum(axis=0) ** 2).mean()))
    wrong = (
        Wrong(1.0, "post-LN for the third form", "The norm is on the branch; the sum is never normalised."),
        Wrong(1.0 + 2 * blocks, "sizes add", "They are uncorrelated: squares add up, and then the root is taken."),
        Wrong(
            math.sqrt(1 + blocks),
            "one sub-layer in a block",
            "A block adds two outputs, of attention and of the network.",
        ),
    )
    return NumberCase({"blocks": blocks}, size, wrong)
