"""Numbers for the quiz on the whole model: each function builds or counts one of drawn sizes."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.scale.published_sizes import BOTH, Sizes, count
from tfx.models import EncoderDecoder
from tfx.ops.norms.layer_norm import layer_norm_forward


@told_apart
def sub_layers(rng: np.random.Generator) -> NumberCase:
    """Sub-layers of two stacks of different depths."""
    n, m = (int(x) for x in rng.choice(np.arange(2, 13), size=2, replace=False))
    parts = {"encoder": n, "decoder": m}
    model = EncoderDecoder(8, 8, n_heads=1, d_ff=8, n_layers=1, max_len=4)
    names = {tuple(name.split(".")[:4:3]) for name in model.parameters() if "blocks" in name and ".norm" not in name}
    answer = sum(parts[stack] for stack, _ in names)
    return NumberCase(
        {"n": n, "m": m},
        float(answer),
        (
            Wrong(float(2 * (n + m)), "cross-attention forgotten", "A decoder block has three sub-layers."),
            Wrong(float(3 * (n + m)), "cross-attention in the encoder", "The encoder reads no other sequence."),
            Wrong(float(3 * n + 2 * m), "stacks mixed up", "It is the decoder block that has a third one."),
        ),
        0.0,
    )


@told_apart
def weights_of_blocks(rng: np.random.Generator) -> NumberCase:
    """Weights of all maps, without biases."""
    n, c, ratio = int(rng.choice([2, 3, 4, 6])), int(rng.choice([64, 128, 256, 512])), int(rng.choice([2, 4, 8]))
    found = count(Sizes(BOTH, n, c, ratio * c, 8, 0, offsets=False, final_norm=False))
    one = 4 * c * c
    network = 2 * ratio * c * c
    return NumberCase(
        {"n": n, "c": c, "f": ratio * c},
        float(found.attention + found.feed_forward),
        (
            Wrong(float(2 * n * (one + network)), "cross-attention forgotten", "Decoder blocks have two attentions."),
            Wrong(float(n * 3 * one), "attention only", "Each block has a feed-forward network too."),
            Wrong(float(n * (one + network)), "one stack only", "Encoder and decoder have blocks of their own."),
            Wrong(float(3 * one + 2 * network), "shared blocks", "Each block has weights of its own."),
        ),
        0.001,
    )


def embedding_table(rng: np.random.Generator) -> NumberCase:
    """One table for all three."""
    c, words = int(rng.choice([256, 512, 1024])), int(rng.choice([8000, 16000, 32000, 37000]))
    one = count(Sizes(BOTH, 1, c, c, 8, words)).embedding
    return NumberCase(
        {"c": c, "words": words},
        float(one),
        (
            Wrong(3.0 * one, "three tables", "Source, target and output share one matrix."),
            Wrong(2.0 * one, "output of its own", "The matrix before the softmax is the same one again."),
        ),
        0.001,
    )


@told_apart
def shape_of_logits(rng: np.random.Generator) -> ShapeCase:
    """What a built model gives."""
    s, t = (int(x) for x in rng.choice(np.arange(3, 10), size=2, replace=False))
    c, words = int(rng.choice([8, 16])), int(rng.choice([20, 30, 50]))
    model = EncoderDecoder(words, c, n_heads=2, d_ff=8, n_layers=1, max_len=10)
    logits, _ = model.forward(np.zeros((1, s), int), np.zeros((1, t), int))
    return ShapeCase(
        {"c": c, "words": words, "s": s, "t": t},
        logits[0].shape,
        (
            Wrong((s, words), "answers about the source", "What is written is the target: its places have answers."),
            Wrong((t, c), "width for vocabulary", "The last map goes from C numbers to one for each token."),
            Wrong((1, words), "only the last place", "Every place of the target gets an answer."),
            Wrong((t, s), "attention for logits", "That is the shape of the weights of cross-attention."),
        ),
    )


@told_apart
def add_and_norm(rng: np.random.Generator) -> NumberCase:
    """Three numbers through a sum and a norm."""
    x, f = rng.choice(np.arange(1.0, 10.0), size=(2, 3))
    return NumberCase(
        {name: ", ".join(f"{value:g}" for value in row) for name, row in (("x", x), ("f", f))},
        _norm(x + f),
        (
            Wrong(float((x + f)[-1]), "norm forgotten", "Behind the sum stands LayerNorm."),
            Wrong(float(x[-1]) + _norm(f), "norm before the sum", "In 2017 the norm takes the sum, x included."),
            Wrong(_norm(f), "residual forgotten", "What the sub-layer read is added first."),
        ),
        0.01,
    )


def _norm(row: np.ndarray) -> float:
    return float(layer_norm_forward(row, eps=0.0)[0][-1])
