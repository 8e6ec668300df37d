"""Numbers for the quiz on the feed-forward network: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.block.feed_forward_memory import Memory
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.feed_forward import FeedForward, gated_width
from tfx.ops.feed_forward.feed_forward import feed_forward_forward


def parameters(rng: np.random.Generator) -> NumberCase:
    """Counted on a layer of the library."""
    width = int(rng.choice([32, 64, 96, 128, 256]))
    hidden = int(rng.choice([2, 3, 4])) * width
    wrong = (
        Wrong(2.0 * width * hidden, "biases forgotten", "The hidden units have a bias each, and so have the outputs."),
        Wrong(1.0 * width * hidden + hidden, "one map for two", "There is a second map, back to the width of a token."),
        Wrong(
            2.0 * width * hidden + 2 * hidden,
            "both biases of the hidden width",
            "The second bias has the width of a token.",
        ),
    )
    count = FeedForward(width, hidden, rng, "relu").n_parameters
    return NumberCase({"width": width, "hidden": hidden}, float(count), wrong, 0.0)


@told_apart
def by_hand(rng: np.random.Generator) -> NumberCase:
    """Two hidden units, of which ReLU stops one."""
    a, b = (float(n) for n in rng.choice(np.arange(1.0, 6.0), 2, replace=False))
    w1 = np.array([[1.0, -1.0], [2.0, 1.0]]) * rng.choice([1.0, 2.0])
    if rng.random() < 0.5:
        w1 = w1[:, ::-1].copy()
    v1, v2 = (float(n) for n in rng.choice([-3.0, -2.0, 2.0, 3.0, 4.0], 2, replace=False))
    x, w2 = np.array([[a, b]]), np.array([[v1], [v2]])
    before = (x @ w1)[0]
    answer = float(feed_forward_forward(x, w1, None, w2, None, "relu")[0][0, 0])
    wrong = (
        Wrong(float(before @ w2[:, 0]), "activation forgotten", "A hidden unit below 0 gives 0."),
        Wrong(
            max(0.0, float(before @ w2[:, 0])) + 0.5 * (before.min() >= 0),
            "ReLU at the end",
            "ReLU stands between the maps.",
        ),
        Wrong(float(np.abs(before) @ w2[:, 0]), "ReLU as absolute value", "ReLU makes 0 of what is negative."),
    )
    values = {"a": f"{a:g}", "b": f"{b:g}", "v1": f"{v1:g}", "v2": f"{v2:g}"}
    values |= {f"u{i + 1}{j + 1}": f"{w1[j, i]:g}" for i in range(2) for j in range(2)}
    return NumberCase(values, answer, wrong)


@told_apart
def share_of_block(rng: np.random.Generator) -> NumberCase:
    """Counted by the names of the parameters; norms are left out."""
    width, ratio = 8 * int(rng.choice([2, 4, 6, 8])), int(rng.choice([1, 2, 3, 6, 8]))
    block = EncoderBlock(BlockSettings(width, 1, ratio * width, bias=False), rng)
    sizes = {name.partition(".")[0]: 0 for name in block.parameters()}
    for name, parameter in block.parameters().items():
        sizes[name.partition(".")[0]] += parameter.value.size
    answer = 100 * sizes["feed_forward"] / (sizes["feed_forward"] + sizes["attention"])
    wrong = (
        Wrong(100 * 2 / 3, "two thirds whatever the width", "Two thirds hold at four times the width."),
        Wrong(
            100 * 2 * ratio / (2 * ratio + 3),
            "output map of attention forgotten",
            "Attention has four maps: W_Q, W_K, W_V and W_O.",
        ),
        Wrong(
            100 * 2 * ratio / (2 * ratio + 8),
            "decoder block for encoder block",
            "There is one attention in this block.",
        ),
    )
    return NumberCase({"width": width, "hidden": ratio * width}, answer, wrong, 0.01, "percent")


@told_apart
def shape_of_hidden(rng: np.random.Generator) -> ShapeCase:
    """Taken from the cache of a real call."""
    batch, tokens, width = (int(n) for n in rng.choice([2, 3, 5, 6, 7, 8], 3, replace=False))
    hidden = 4 * width
    _, cache = feed_forward_forward(np.zeros((batch, tokens, width)), np.zeros((width, hidden)), None, np.zeros((hidden, width)), None)  # fmt: skip
    return ShapeCase(
        {"batch": batch, "tokens": tokens, "width": width, "hidden": hidden},
        tuple(cache.hidden.shape),
        (
            Wrong((batch, hidden), "one vector for a sentence", "Each token is widened on its own."),
            Wrong((batch, tokens, width), "output for hidden", "That is the shape after the second map."),
            Wrong((batch, tokens, tokens), "attention weights for hidden units", "Tokens do not meet here."),
        ),
    )


@told_apart
def gated(rng: np.random.Generator) -> NumberCase:
    """The width that keeps the number of weights."""
    hidden = int(rng.choice([96, 192, 384, 768, 1536, 3072]))
    wrong = (
        Wrong(float(hidden), "three maps of the old width", "That would have half as many weights again."),
        Wrong(hidden / 2, "half for two maps in front", "There are three maps for two, not four for two."),
        Wrong(8 / 3 * hidden, "8/3 of the wrong width", "8/3 is the factor to d_model, not to the old d_ff."),
    )
    return NumberCase({"hidden": hidden, "width": hidden // 4}, float(gated_width(hidden)), wrong, 0.0)


@told_apart
def unit_adds(rng: np.random.Generator) -> NumberCase:
    """One unit of a memory: how much of its value it adds."""
    dot, bias = float(rng.choice([0.7, 0.8, 0.9])), -float(rng.choice([0.2, 0.4, 0.5]))
    value = float(rng.choice([3, 5, 8, 10]))
    memory = Memory(np.array([[1.0]]), np.array([bias]), np.array([[value]]), np.zeros(1))
    wrong = (
        Wrong(dot * value, "bias forgotten", "The bias is added before ReLU: a unit fires above a threshold."),
        Wrong(value, "a unit fires or does not", "It adds its value in proportion to how strongly it fires."),
        Wrong(dot + bias, "value forgotten", "That is how strongly it fires; it multiplies the value."),
        Wrong((dot - bias) * value, "bias subtracted", "The bias is added, and it is negative."),
    )
    values = {"dot": f"{dot:g}", "bias": f"{bias:g}", "value": f"{value:g}"}
    return NumberCase(values, float(memory.read(np.array([dot]))[0]), wrong)
