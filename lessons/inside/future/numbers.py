"""Numbers for the quiz on directions: each function draws one case and computes its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lessons.estimates.published import LLAMA_3_8B
from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.measure.decoder_costs import count, flops, stored, token_costs
from tfx.ops.small_numbers.nibbles import pack_nibbles


@told_apart
def packed(rng: np.random.Generator) -> NumberCase:
    """Codes of 4 bits, and how many bytes they really take."""
    rows, columns = (int(rng.choice([16, 24, 32, 48, 64])) for _ in range(2))
    n = rows * columns
    wrong = (
        Wrong(float(n), "a byte a code", "Two codes share a byte."),
        Wrong(4.0 * n, "bits for bytes", "Eight bits are a byte."),
        Wrong(n / 4, "quarter byte for four bits", "Four bits are half a byte."),
    )
    answer = float(pack_nibbles(np.zeros((rows, columns), dtype="uint8")).nbytes)
    return NumberCase({"rows": rows, "columns": columns}, answer, wrong, 0.0, "bytes")


@told_apart
def long_text(rng: np.random.Generator) -> NumberCase:
    """The cache of a long text over a state of one size."""
    layers, keys, width = int(rng.choice([16, 24, 32])), int(rng.choice([4, 8])), int(rng.choice([64, 128]))
    tokens, state = int(rng.choice([1000, 10_000, 100_000])), int(rng.choice([16, 64, 128]))
    sizes = replace(LLAMA_3_8B.sizes, layers=layers, key_heads=keys, head_width=width)
    answer = count(stored(sizes, tokens)) / (layers * keys * width * state)
    wrong = (
        Wrong(answer / 2, "keys without values", "Both are kept, for each token."),
        Wrong(answer / tokens, "one token for the text", "Each token adds a key and a value."),
        Wrong(answer * tokens, "square for line", "What is kept grows with the length, the scores with its square."),
    )
    values = {"layers": layers, "keys": keys, "width": width, "tokens": tokens, "state": state}
    return NumberCase(values, answer, wrong, 0.01, "times")


@told_apart
def experts(rng: np.random.Generator) -> NumberCase:
    """Work of the networks when a token passes few of many, counted."""
    n, k = int(rng.choice([8, 16, 32, 64])), int(rng.choice([1, 2, 4]))
    sizes = replace(LLAMA_3_8B.sizes, experts=n)
    all_of_them, few = (flops(token_costs(replace(sizes, chosen=chosen), 1), "x W_1", "h W_2") for chosen in (n, k))
    answer = 100 * few / all_of_them
    wrong = (
        Wrong(100.0 - answer, "what is saved for what is left", "That is what the token leaves out."),
        Wrong(100.0, "all experts run", "The router chooses a few."),
        Wrong(100 / n**2, "square of the experts", "Work is linear in how many run."),
    )
    return NumberCase({"n": n, "k": k}, answer, wrong, 0.01, "percent")
