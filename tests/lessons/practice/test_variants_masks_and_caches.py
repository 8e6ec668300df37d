"""Masks, biases, caches, blocks of keys: unusual right ways pass; what is nearly right is neither passed nor named."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.lessons.practice.variants import (
    asked,
    bent,
    has,
    is_told_as_wrong_without_a_name,
    mistaken,
    passes,
    right,
    writing,
)

LOOK, PAD, SHIFT, ALIBI = "look-ahead-mask", "padding-mask", "causal-shift", "alibi"
KV, GROUPED, CROSS, ONLINE = "kv-cache", "grouped-heads", "cross-attention", "online-softmax"
ENTROPY = "cross-entropy-backward"


def softmax(scores):
    top = scores.max(-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def mask_of_strings(n_queries, n_keys=None, past=0, window=None):
    size = past + n_queries if n_keys is None else n_keys
    rows = []
    for n in range(past + 1, past + n_queries + 1):
        row = "0" * (n - (window or n)) + "1" * min(window or n, n)
        rows.append([letter == "1" for letter in row.ljust(size, "0")[:size]])
    return rows


def padding_of_bans(tokens, pad=0, causal=False, blank=False):
    t, filling = tokens.shape[1], tokens == pad
    banned = np.repeat(filling[:, None, None], t, axis=2)
    if causal:
        banned = banned | np.triu(np.ones((t, t), bool), 1)
    return ~(banned | filling[:, None, :, None]) if blank else ~banned


def shift_by_a_matrix(tokens, pad=None, prompt=None, ignored=-100):
    t, counts = tokens.shape[-1], np.full(tokens.shape, True) if pad is None else tokens != pad
    if prompt is not None:
        counts = counts & (np.cumsum(np.ones(tokens.shape), axis=-1) > np.asarray(prompt)[..., None])
    labels = tokens * counts + ignored * ~counts
    return [(one @ np.eye(t, t - 1, k)).astype(tokens.dtype) for one, k in ((tokens, 0), (labels, -1))]


def alibi_by_factors_on_weights(scores, past=0, causal=False):
    (h, t, s), power = scores.shape[-3:], 2 ** (scores.shape[-3].bit_length() - 1)
    slopes = [2 ** (-8 * n / power) for n in range(1, power + 1)]
    slopes += [2 ** (-4 * n / power) for n in range(1, 2 * (h - power), 2)]
    place, key = past + np.arange(t)[:, None], np.arange(s)
    factors = np.exp(np.multiply.outer(slopes, -abs(place - key)))
    return scores.astype(np.longdouble) + np.log(factors * (key <= place) if causal else factors)


def step_in_lists(x, table, w_q, w_k, w_v, w_o, keys, values):
    (_, t, _), (_, h, m, d) = x.shape, keys.shape
    out, all_keys, all_values = [], keys.tolist(), values.tolist()
    for b, text in enumerate((x.astype(float) + table[m : m + t]).tolist()):
        out.append([])
        for token in text:
            q, k, v = ((np.array(token) @ w).reshape(h, d).tolist() for w in (w_q, w_k, w_v))
            mixed = []
            for head in range(h):
                all_keys[b][head].append(k[head])
                all_values[b][head].append(v[head])
                scores = [float(np.dot(q[head], key)) / math.sqrt(d) for key in all_keys[b][head]]
                e = [math.exp(score - max(scores)) for score in scores]
                mixed += [
                    sum(w * row[n] for w, row in zip(e, all_values[b][head], strict=True)) / sum(e) for n in range(d)
                ]
            out[-1].append((np.array(mixed) @ w_o).tolist())
    return out, all_keys, all_values


def groups_along_the_time(x, w_q, w_k, w_v, w_o, n_heads, mask=None):
    """The query heads of a group ask one after another, as if they were tokens."""
    (b, t, _), d = x.shape, w_q.shape[1] // n_heads
    k, v = ((x @ w).reshape(b, t, -1, d).swapaxes(1, 2) for w in (w_k, w_v))
    q = (x @ w_q).reshape(b, t, k.shape[1], -1, d).transpose(0, 2, 3, 1, 4).reshape(b, k.shape[1], -1, d)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(d)
    if mask is not None:
        scores = np.where(np.tile(mask, (1,) * (mask.ndim - 2) + (scores.shape[2] // t, 1)), scores, -np.inf)
    mixed = (softmax(scores) @ v).reshape(b, k.shape[1], -1, t, d)
    return mixed.transpose(0, 3, 1, 2, 4).reshape(b, t, -1) @ w_o


def all_texts_in_one(x, source, w_q, w_k, w_v, w_o, n_heads, kept=None):
    """One long target, one long source, and a mask that keeps texts apart."""
    (b, t, c), s, d = x.shape, source.shape[1], w_q.shape[1] // n_heads
    seen = np.kron(np.eye(b), np.ones((t, s))) > 0
    if kept is not None:
        seen &= kept.ravel()
    q, k, v = x.reshape(b * t, c) @ w_q, source.reshape(b * s, -1) @ w_k, source.reshape(b * s, -1) @ w_v
    heads = [slice(n, n + d) for n in range(0, n_heads * d, d)]
    return sum(
        softmax(np.where(seen, q[:, n] @ k[:, n].T / np.sqrt(d), -np.inf)) @ v[:, n] @ w_o[n] for n in heads
    ).reshape(b, t, c)


def blocks_as_a_tree(q, k, v, block, mask=None):
    """Halves of the keys are joined, down to single ones."""
    rows = q.shape[:-1]

    def joined(first, end):
        if end - first > 1:
            middle = (first + end) // 2
            (m, one, a), (n, other, b) = joined(first, middle), joined(middle, end)
            top = np.maximum(m, n)
            unit = np.where(np.isneginf(top), 0, top)
            left, right_ = np.exp(m - unit), np.exp(n - unit)
            return top, left * one + right_ * other, left[..., None] * a + right_[..., None] * b
        seen = np.broadcast_to(True if mask is None else mask, (*rows, k.shape[-2]))[..., first]
        score = (q * k[..., first:end, :]).sum(-1) / np.sqrt(q.shape[-1])
        return np.where(seen, score, -np.inf), 1.0 * seen, seen[..., None] * v[..., first:end, :]

    top, total, mixed = joined(0, k.shape[-2])
    return mixed / np.where(total == 0, 1, total)[..., None], top, total


def entropy_by_the_chain(dloss, logits, targets, smoothing=0.0, keep=None):
    """Through the backward of log softmax, in which nothing is assumed of the target."""
    counted = np.ones(targets.shape, bool) if keep is None else keep
    target = (1 - smoothing) * np.eye(logits.shape[-1])[np.where(counted, targets, 0)] + smoothing / logits.shape[-1]
    dlog_p = -target * counted[..., None] * dloss / max(counted.sum(), 1)
    return dlog_p - softmax(logits) * dlog_p.sum(axis=-1, keepdims=True)


RIGHT = {
    LOOK: mask_of_strings, PAD: padding_of_bans, SHIFT: shift_by_a_matrix, ALIBI: alibi_by_factors_on_weights,
    KV: step_in_lists, GROUPED: groups_along_the_time, CROSS: all_texts_in_one, ONLINE: blocks_as_a_tree,
    ENTROPY: entropy_by_the_chain,
}  # fmt: skip


WRONG = {
    LOOK: {
        "a window of one is none": asked(LOOK, lambda a: {"window": None}, lambda a: a.get("window") == 1),
        "no past where n_keys is told": asked(LOOK, lambda a: {"past": 0}, has("n_keys")),
        "no key beyond the last place": asked(
            LOOK, lambda a: {"n_keys": min(a["n_keys"], a["n_queries"] + a.get("past", 0))}, has("n_keys")
        ),
        "a mask of whole numbers": bent(LOOK, lambda mask, a: mask.astype(int)),
    },
    PAD: {
        "blank left out where causal": asked(PAD, lambda a: {"blank": False}, has("causal")),
        "causal where there are many texts": asked(PAD, lambda a: {"causal": False}, lambda a: len(a["tokens"]) == 1),
        "queries that see nothing see all": bent(PAD, lambda mask, a: mask | ~mask.any(axis=-1, keepdims=True)),
        "the sign of pad is lost": asked(PAD, lambda a: {"pad": abs(a["pad"])}, has("pad")),
    },
    SHIFT: {
        "inputs are a view": lambda **a: (a["tokens"][..., :-1], right(SHIFT, a)[1]),
        "a prompt of the whole text is none": asked(
            SHIFT, lambda a: {"prompt": a["prompt"] % a["tokens"].shape[-1]}, has("prompt")
        ),
        "tokens are written to": writing(SHIFT, "tokens"),
        "labels are int64": bent(SHIFT, lambda labels, a: labels.astype(np.int64), place=1),
    },
    ALIBI: {
        "one head has no slope": bent(ALIBI, lambda s, a: a["scores"].copy(), lambda a: a["scores"].shape[-3] == 1),
        "no bias beyond fifty keys": bent(
            ALIBI, lambda s, a: np.concatenate([s[..., :50], a["scores"][..., 50:]], axis=-1)
        ),
        "-1e9 for -inf": bent(ALIBI, lambda s, a: np.maximum(s, -1e9)),
        "slopes in float32": bent(ALIBI, lambda s, a: s.astype(np.float32)),
    },
    KV: {
        "no mask for two new tokens": mistaken(KV, "future-seen", lambda a: a["x"].shape[1] == 2),
        "keys are stored without their place": bent(
            KV, lambda keys, a: right(KV, a | {"table": 0 * a["table"]})[1], place=1
        ),
        "values turned by one": asked(KV, lambda a: {"values": np.roll(a["values"], 1, axis=2)}),
        "no place where nothing is stored": asked(
            KV, lambda a: {"table": 0 * a["table"]}, lambda a: a["keys"].shape[2] == 0
        ),
        "the cache is written to": writing(KV, "keys"),
        "keys and values exchanged": lambda **a: (lambda y, keys, values: (y, values, keys))(*right(KV, a)),
    },
    GROUPED: {
        "groups in turn, where there are three": mistaken(
            GROUPED, "dealt-in-turn", lambda a: 3 * a["w_q"].shape[1] == a["n_heads"] * a["w_k"].shape[1]
        ),
        "the mask turned over": asked(GROUPED, lambda a: {"mask": a["mask"].swapaxes(-1, -2)}, has("mask")),
        "the mask of the first text for all": asked(
            GROUPED,
            lambda a: {"mask": np.broadcast_to(a["mask"][:1], a["mask"].shape)},
            lambda a: np.ndim(a.get("mask")) > 2,
        ),
        "x is written to": writing(GROUPED, "x"),
    },
    CROSS: {
        "causal where T = S": mistaken(CROSS, "future-hidden", lambda a: a["x"].shape[1] == a["source"].shape[1]),
        "filling counted as lengths": asked(
            CROSS, lambda a: {"kept": np.arange(a["kept"].shape[1]) < a["kept"].sum(axis=1)[:, None]}, has("kept")
        ),
        "an empty source gives x": bent(
            CROSS, lambda y, a: np.where(a["kept"].any(axis=1)[:, None, None], y, a["x"]), has("kept")
        ),
        "filling of the source is written to": writing(CROSS, "source"),
    },
    ONLINE: {
        "not shrunk where a block is one key": mistaken(ONLINE, "nothing-shrunk", lambda a: a["block"] == 1),
        "top counts blocked keys": bent(
            ONLINE, lambda top, a: right(ONLINE, a | {"mask": None})[1], has("mask"), place=1
        ),
        "a total of 1 for who sees nothing": bent(ONLINE, lambda z, a: np.where(z == 0, 1, z), place=2),
        "top and total exchanged": lambda **a: (lambda out, top, total: (out, total, top))(*right(ONLINE, a)),
    },
    ENTROPY: {
        "smoothing left out where keep is told": asked(ENTROPY, lambda a: {"smoothing": 0.0}, has("keep")),
        "the size of dloss": asked(ENTROPY, lambda a: {"dloss": abs(a["dloss"])}),
        "NaN where no token counts": bent(
            ENTROPY, lambda g, a: g * np.nan, lambda a: a.get("keep") is not None and not a["keep"].any()
        ),
        "one token too many, nearly": bent(ENTROPY, lambda g, a: g * (1 - 1e-8)),
        "logits are written to": writing(ENTROPY, "logits"),
    },
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_unusual_right_way_passes(name):
    passes(name, RIGHT[name])


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, some in WRONG.items() for label in some])
def test_what_is_nearly_right_is_told_as_wrong_and_gets_no_name(name, label):
    is_told_as_wrong_without_a_name(name, WRONG[name][label])
