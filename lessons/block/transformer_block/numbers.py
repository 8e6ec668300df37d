"""Numbers for the quiz on one complete block: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.linear import linear_forward
from tfx.short_forms.blocks import block


def weights(rng: np.random.Generator) -> NumberCase:
    """Counted on a block of the library, weights of maps alone."""
    width = int(rng.choice([8, 16, 32, 48, 64]))
    hidden = int(rng.choice([2, 3, 4])) * width
    built = EncoderBlock(BlockSettings(width, 2, hidden, bias=False), rng)
    count = sum(parameter.value.size for parameter in built.parameters().values() if parameter.value.ndim == 2)
    attention, network = 4.0 * width * width, 2.0 * width * hidden
    wrong = (
        Wrong(
            attention * 3 / 4 + network,
            "output map of attention forgotten",
            "Attention has W_O beside W_Q, W_K and W_V.",
        ),
        Wrong(attention + network / 2, "one map for two", "The network has a map up and a map down."),
        Wrong(
            2 * attention + network,
            "heads have maps of full width",
            "The heads share the width: their maps together are C x C.",
        ),
    )
    return NumberCase({"width": width, "hidden": hidden}, float(count), wrong, 0.0)


@told_apart
def one_number(rng: np.random.Generator) -> NumberCase:
    """The short form of the block, with sub-layers that multiply."""
    x, a, b = float(rng.choice([1, 2, 3, 4, 5])), float(rng.choice([0.5, 1, 1.5])), float(rng.choice([2, 3, 4]))

    def times(factor: float):  # type: ignore[no-untyped-def]
        return lambda read: linear_forward(read, np.array([[factor]]))[0]

    answer = float(block(np.array([[x]]), times(1.0), times(a), times(1.0), times(b))[0, 0])
    wrong = (
        Wrong(x * (1 + a + b), "sub-layers side by side", "The network reads what attention has already added to."),
        Wrong(x * a * b, "residual path forgotten", "Each sub-layer's output is added to what it read."),
        Wrong(x * (1 + a * b), "one sum for two sub-layers", "Each of the two has a sum of its own."),
    )
    return NumberCase({"x": f"{x:g}", "a": f"{a:g}", "b": f"{b:g}"}, answer, wrong)


@told_apart
def tokens_moved(rng: np.random.Generator) -> NumberCase:
    """Counted on a real block under a causal mask."""
    tokens = int(rng.choice([6, 7, 8, 9, 10]))
    place = int(rng.integers(2, tokens))
    built = EncoderBlock(BlockSettings(4, 2, 8, dtype="float64"), np.random.default_rng(0))
    x = np.random.default_rng(1).standard_normal((1, tokens, 4))
    other = x.copy()
    other[0, place - 1, 0] += 1.0
    y, moved = (built.forward(each, mask=causal_mask(tokens))[0] for each in (x, other))
    count = int((np.abs(moved - y)[0].max(axis=-1) > 1e-9).sum())
    wrong = (
        Wrong(float(tokens), "no mask for causal mask", "Earlier tokens may not look at it."),
        Wrong(1.0, "network for block", "That holds for the feed-forward network; attention carries it on."),
        Wrong(float(place), "mask the other way round", "Later tokens look at earlier ones, not earlier at later."),
        Wrong(float(tokens - place), "own token not counted", "The token itself moves as well."),
    )
    return NumberCase({"tokens": tokens, "place": place}, float(count), wrong, 0.0)


def shape(rng: np.random.Generator) -> ShapeCase:
    """What a real block gives."""
    batch, tokens = (int(n) for n in rng.choice([2, 3, 4, 5, 7], 2, replace=False))
    heads = int(rng.choice([2, 3]))
    width = heads * int(rng.choice([4, 5, 6]))
    built = EncoderBlock(BlockSettings(width, heads, 4 * width), rng)
    y, _ = built.forward(np.zeros((batch, tokens, width), np.float32))
    return ShapeCase(
        {"batch": batch, "tokens": tokens, "width": width, "heads": heads, "hidden": 4 * width},
        tuple(y.shape),
        (
            Wrong((batch, tokens, 4 * width), "hidden for output", "The second map brings the width back."),
            Wrong((batch, heads, tokens, width // heads), "heads left apart", "Heads are joined, and W_O mixes them."),
            Wrong((batch, width), "one vector for a sentence", "Every token leaves the block as a token."),
        ),
    )
