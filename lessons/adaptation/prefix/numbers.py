"""Numbers for the quiz on prefix and prompt tuning: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.models import DecoderOnly
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.tuning import PrefixedAttention, add_prefixes


@told_apart
def prefix_numbers(rng: np.random.Generator) -> NumberCase:
    layers, width, length = int(rng.integers(2, 6)), int(rng.choice([8, 16, 24])), int(rng.integers(3, 11))
    model = DecoderOnly(4, width, 2, width, layers, max_len=4)
    answer = float(add_prefixes(model, length, rng).n_parameters)
    wrong = (
        Wrong(answer / 2, "keys without values", "Each place has a key and a value."),
        Wrong(float(length * width), "prompt for prefix", "That is prompt tuning, in front of the input alone."),
        Wrong(2.0 * length * width, "one layer for all", "Each layer has pairs of its own."),
        Wrong(4.0 * layers * length * width, "queries and outputs as well", "Keys and values alone are learned."),
    )
    return NumberCase({"layers": layers, "width": width, "length": length}, answer, wrong, 0.0)


@told_apart
def keys_seen(rng: np.random.Generator) -> NumberCase:
    """Keys with weight for one token, counted in a real attention."""
    tokens, length = int(rng.integers(5, 13)), int(rng.integers(2, 9))
    t = int(rng.integers(2, tokens))
    q, k, v = rng.standard_normal((3, tokens, 4))
    more = rng.standard_normal((length, 4))
    mask = np.concatenate((np.ones((tokens, length), bool), np.tri(tokens, dtype=bool)), axis=1)
    _, cache = attention_forward(q, np.concatenate((more, k)), np.concatenate((more, v)), mask)
    wrong = (
        Wrong(float(t), "prefix not seen", "The prefix stands in front, so all tokens may look at it."),
        Wrong(float(length + tokens), "future seen", "The causal mask still hides what comes later."),
        Wrong(float(length), "tokens hidden", "The tokens up to itself are seen as before."),
    )
    answer = float((cache.weights[t - 1] > 0).sum())
    return NumberCase({"tokens": tokens, "length": length, "t": t}, answer, wrong, 0.0)


@told_apart
def mixed(rng: np.random.Generator) -> NumberCase:
    """An output with a prefix: values and scores set so that the share comes out."""
    share = float(rng.choice([0.2, 0.25, 0.4, 0.6, 0.75]))
    old, new = (float(x) for x in rng.choice(np.arange(-8.0, 9.0), 2, replace=False))
    scores = np.log([[share, 1 - share]])
    out, _ = attention_forward(np.ones((1, 1)), scores.T, np.array([[new], [old]]))
    wrong = (
        Wrong(old + share * new, "added without taking away", "The weights of a row sum to 1: the others lose the share."),
        Wrong(share * old + (1 - share) * new, "shares exchanged", "The share is the prefix's."),
        Wrong(old + new, "sum for mixture", "The output is a weighted mean."),
    )  # fmt: skip
    return NumberCase({"share": f"{share:g}", "old": f"{old:g}", "new": f"{new:g}"}, float(out[0, 0]), wrong)


@told_apart
def weights_shape(rng: np.random.Generator) -> ShapeCase:
    """The shape of the weights of a real attention with a prefix."""
    b, heads, t, length = (int(n) for n in rng.choice(np.arange(2, 10), 4, replace=False))
    layer = PrefixedAttention(MultiHeadAttention(4 * heads, heads, rng), length, rng)
    _, cache = layer.forward(np.zeros((b, t, 4 * heads), "float32"))
    wrong = (
        Wrong((b, heads, t, t), "prefix not counted", "The prefix adds keys."),
        Wrong((b, heads, t + length, t + length), "queries for the prefix", "The prefix has no queries: it is read, and reads nothing."),
        Wrong((b, heads, t + length, t), "queries for keys", "The prefix lengthens the keys, not the queries."),
    )  # fmt: skip
    return ShapeCase({"b": b, "heads": heads, "t": t, "length": length}, tuple(cache.weights.shape), wrong)
