"""Numbers for the quiz on the KV cache: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.generate import WholePass, greedy
from tfx.generate.stored_keys import StoredDecoder
from tfx.lab.scale.memory_bytes import numbers_a_token
from tfx.lab.scale.published_sizes import llama
from tfx.measure.counting import matmul, projections, total_matmul_flops
from tfx.models import DecoderOnly


@told_apart
def rows_of_passes(rng: np.random.Generator) -> NumberCase:
    """Rows that go through a model without a cache, to write n tokens after a prompt."""
    t, n = int(rng.integers(3, 9)), int(rng.integers(4, 9))
    read: list[int] = []

    def logits_of(ids: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        read.append(ids.shape[1])
        return np.eye(5)[ids]

    greedy(WholePass(logits_of), [0] * t, n)
    wrong = (
        Wrong(float(t + n - 1), "with a cache", "That is so with a cache: the prompt, and then one row for each token but the last."),
        Wrong(float(t * n), "text does not grow", "Each pass also reads the tokens written so far."),
        Wrong(float(n * (n + 1) // 2), "prompt not read again", "Without a cache the prompt is read in each pass."),
    )  # fmt: skip
    return NumberCase({"t": t, "n": n}, float(sum(read)), wrong, 0.0)


@told_apart
def step_of_attention(rng: np.random.Generator) -> NumberCase:
    """Multiply-adds of the attention sub-layer for one more token, with a cache."""
    n, c = int(rng.choice([10, 50, 100, 200, 500])), int(rng.choice([16, 32, 64, 128]))
    costs = (*projections(1, c), matmul("q K^T", 1, 1, c, n), matmul("p V", 1, 1, n, c))
    wrong = (
        Wrong(float(4 * n * c * c + 2 * n * n * c), "without a cache", "With it the maps see one row, and there is one query."),
        Wrong(float(c * c + 2 * n * c), "query alone mapped", "The new token needs its key and value, and the output map, too."),
        Wrong(float(4 * c * c + n * c), "weighted sum forgotten", "Scores and weighted sum take n C each."),
    )  # fmt: skip
    return NumberCase({"n": n, "c": c}, total_matmul_flops(costs) / 2, wrong, 0.0)


@told_apart
def bytes_of_cache(rng: np.random.Generator) -> NumberCase:
    """Of a text, in MB, in 16 bits."""
    layers, heads = int(rng.choice([12, 24, 32, 48])), int(rng.choice([16, 32, 64]))
    shared, d, n = int(rng.choice([2, 4, 8])), int(rng.choice([64, 128])), int(rng.choice([1000, 2000, 5000]))
    numbers = n * numbers_a_token(llama(layers, heads * d, 1, heads, shared))
    answer = 2 * numbers / 1e6
    wrong = (
        Wrong(answer / 2, "keys alone", "Values are stored as well as keys."),
        Wrong(answer * heads / shared, "query heads counted", "Queries are not stored; only the key heads count."),
        Wrong(answer / layers, "one layer", "Each layer has keys and values of its own."),
        Wrong(answer * 8, "bits for bytes", "16 bits are 2 bytes."),
    )
    values = {"layers": layers, "heads": heads, "shared": shared, "d": d, "n": n}
    return NumberCase(values, answer, wrong, 0.01, "MB")


@told_apart
def stored_shape(rng: np.random.Generator) -> ShapeCase:
    """Keys of one layer after some tokens, of a real model."""
    b, heads = int(rng.integers(2, 5)), int(rng.choice([4, 8]))
    shared, d = heads // int(rng.choice([2, 4])), int(rng.choice([6, 8, 10]))
    t, n = int(rng.integers(3, 9)), int(rng.integers(2, 6))
    model = DecoderOnly(
        5, heads * d, heads, 8, 1, max_len=32, positions="rotary", attention={"n_kv_heads": shared}, seed=1
    )
    reader = StoredDecoder(model)
    reader.begin(b)
    reader.read(np.zeros((b, t), dtype=np.int64), 1)
    for _ in range(n):
        reader.read(np.zeros((b, 1), dtype=np.int64), 1)
    wrong = (
        Wrong((b, heads, t + n, d), "query heads counted", "Heads that share keys store them once."),
        Wrong((b, shared, n, d), "prompt not stored", "Prefill stores the keys of the prompt."),
        Wrong((b, shared, 1, d), "the newest alone", "Keys of all tokens so far are stored: the newest query meets them all."),
    )  # fmt: skip
    values = {"b": b, "heads": heads, "shared": shared, "d": d, "t": t, "n": n}
    return ShapeCase(values, tuple(int(size) for size in reader.stored[0].k.shape), wrong)
