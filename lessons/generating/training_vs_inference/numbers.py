"""Numbers for the quiz on training and inference: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.sequential_steps import BLOCK, chain_of_reading, chain_of_writing
from tfx.models import DecoderOnly
from tfx.nn.attention import MultiHeadAttention


@told_apart
def chain_of_products(rng: np.random.Generator) -> NumberCase:
    """Products that wait for each other: a prompt that is read, then tokens that are written."""
    blocks, prompt, n = int(rng.integers(1, 4)), int(rng.integers(4, 10)), int(rng.integers(3, 8))
    model = DecoderOnly(5, 8, n_heads=2, d_ff=16, n_layers=blocks, max_len=32)
    once, writing = chain_of_reading(model, prompt), chain_of_writing(model, n)
    wrong = (
        Wrong(float(once), "writing in one pass", "Each token that is written has to be there before the next pass."),
        Wrong(float(once * (prompt + n)), "a pass per token of the prompt", "The prompt is known: one pass reads it."),
        Wrong(float(writing + once), "an extra pass for the prompt", "The pass that reads the prompt gives the first token."),
        Wrong(float(n * blocks * BLOCK), "scores of the vocabulary not counted", "Each pass ends with one more product, the logits."),
    )  # fmt: skip
    return NumberCase({"blocks": blocks, "prompt": prompt, "n": n}, float(writing), wrong, 0.0)


@told_apart
def right_at_the_end(rng: np.random.Generator) -> NumberCase:
    """(1 - error)^n, by a model whose mistakes never heal: place t is wrong for that share of texts."""
    per_cent, n = int(rng.choice([1, 2, 4, 5, 10, 20])), int(rng.choice([5, 8, 10, 15]))
    e = per_cent / 100
    wrong = (
        Wrong(100 * (1 - e), "after the truth for after its own", "That holds where each token has the truth before it."),
        Wrong(100 * (1 - n * e), "errors added up", "Of texts that are wrong already no more can go wrong; shares are multiplied."),
        Wrong(100 * (1 - (1 - e) ** n), "wrong for right", "That is the share that has gone wrong."),
    )  # fmt: skip
    return NumberCase({"per_cent": per_cent, "n": n}, 100 * compounded(e, n), wrong, 0.02, "percent")


def compounded(error: float, n: int) -> float:
    """Of 10,000 texts, those still right after n tokens, when that share of the right ones goes wrong at each."""
    right = 1.0
    for _ in range(n):
        right -= error * right
    return right


@told_apart
def places_moved(rng: np.random.Generator) -> NumberCase:
    """Answers of a real decoder that move when one token is replaced."""
    t = int(rng.integers(8, 16))
    at = int(rng.integers(3, t - 1))
    model = DecoderOnly(9, 8, n_heads=2, d_ff=16, n_layers=1, max_len=16, dtype="float64", seed=1)
    ids = np.arange(t)[None] % 9
    other = ids.copy()
    other[0, at - 1] = (other[0, at - 1] + 4) % 9
    moved = np.abs(model.forward(ids)[0] - model.forward(other)[0]).max(axis=(0, 2)) > 1e-12
    wrong = (
        Wrong(float(t - at), "own place not counted", "The place reads its own token, and answers for the next."),
        Wrong(float(t), "no causal mask", "Places before it do not see it."),
        Wrong(float(at), "the past for the future", "These stand before it; the mask hides it from all but its own."),
        Wrong(1.0, "only its own place", "Later places attend to it, too."),
    )
    return NumberCase({"t": t, "at": at}, float(moved.sum()), wrong, 0.0)


@told_apart
def newest_scores(rng: np.random.Generator) -> ShapeCase:
    """Attention weights of one more token, with stored keys, of a real layer."""
    heads, b, t = int(rng.choice([2, 4, 6])), int(rng.integers(2, 6)), int(rng.integers(7, 30))
    layer = MultiHeadAttention(12 * heads, heads, rng)
    _, kept = layer.forward(np.zeros((b, t, 12 * heads), "float32"))
    _, cache = layer.forward(np.zeros((b, 1, 12 * heads), "float32"), past=kept.present)
    wrong = (
        Wrong((b, heads, t + 1, t + 1), "training for inference", "Only the newest token asks; the rows above were computed before."),
        Wrong((b, heads, 1, t), "own key forgotten", "The newest token attends to itself as well."),
        Wrong((1, heads, b, t + 1), "pairs across the batch", "Each text has its own scores; texts do not meet."),
    )  # fmt: skip
    return ShapeCase({"b": b, "heads": heads, "t": t}, tuple(int(n) for n in cache.attention.weights.shape), wrong)
