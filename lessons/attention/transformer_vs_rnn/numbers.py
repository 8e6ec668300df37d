"""Numbers for the quiz on Transformer against RNN: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward


@told_apart
def decay(rng: np.random.Generator) -> NumberCase:
    """The gradient of a real one-unit RNN at rest, k steps back."""
    w, k = float(rng.choice([0.5, 0.8, 0.9, 1.1, 1.2])), int(rng.choice([4, 5, 8, 10]))
    x = np.zeros((1, k + 1, 1))
    h, cache = rnn_forward(x, np.zeros((1, 1)), np.ones((1, 1)), np.full((1, 1), w), np.zeros(1))
    dh = np.zeros_like(h)
    dh[0, -1] = 1.0
    answer = float(rnn_backward(dh, cache).dx[0, 0, 0])
    wrong = (
        Wrong(w * k, "multiplying for raising to a power", "The steps follow one another, so their factors multiply."),
        Wrong(w, "one factor for all steps", "Every step back multiplies once more."),
        Wrong(w ** (k - 1), "one step too few", f"{k} steps back pass through {k} recurrent weights."),
    )
    return NumberCase({"w": f"{w:g}", "k": k}, answer, wrong, 0.02)


def work(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds counted on real shapes at both lengths."""
    d, n, growth = int(rng.choice([32, 64])), int(rng.choice([16, 20, 32])), int(rng.choice([3, 4, 5, 8]))
    answer = _multiply_adds(n * growth, d) / _multiply_adds(n, d)
    return NumberCase(
        {"d": d, "n": n, "m": n * growth},
        answer,
        (
            Wrong(
                float(growth),
                "linear for quadratic",
                "Every query meets every key: twice as long is four times the work.",
            ),
            Wrong(float(growth**3), "cubic for quadratic", "The width d did not grow."),
            Wrong(float(2 * growth), "doubling for squaring", "The growth is squared, not doubled."),
        ),
        0.0,
    )


def _multiply_adds(n: int, d: int) -> int:
    x = np.zeros((n, d))
    out, cache = attention_forward(x, x, x)
    return int(cache.weights.size * d + out.size * n)


def cache_bytes(rng: np.random.Generator) -> NumberCase:
    """Bytes of real float32 keys and values."""
    d, n = int(rng.choice([64, 128, 512])), int(rng.choice([100, 1000, 2000]))
    keys, values = np.zeros((2, n, d), dtype=np.float32)
    answer = float(keys.nbytes + values.nbytes)
    return NumberCase(
        {"d": d, "n": n},
        answer,
        (
            Wrong(answer / 2, "keys without values", "Both keys and values are needed for the next token."),
            Wrong(answer / 4, "numbers for bytes", "A float32 takes 4 bytes."),
            Wrong(float(4 * d), "one state as in an RNN", "Attention looks back at every token, so it keeps them all."),
            Wrong(float(4 * n * n), "weights for cache", "The weights are used once and not kept."),
        ),
        0.0,
    )
