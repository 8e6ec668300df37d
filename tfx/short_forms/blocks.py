"""What stands around attention in a model, in a few lines: rows of a table, heads, feed-forward, residual sums.

Derivations: ops/basics/embedding.py, ops/attention/multi_head.py, ops/feed_forward/feed_forward.py, nn/residual.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tfx.backend import Array
from tfx.nn.block_settings import BlockSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.residual import Residual, block_norm
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import (
    Maps,
    merge_heads,
    multi_head_attention_backward,
    multi_head_attention_forward,
    split_heads,
)
from tfx.ops.attention.scaled_dot_product import attention_backward
from tfx.ops.basics.embedding import embedding_backward, embedding_forward
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward
from tfx.short_forms.registry import Trial, on, short_of
from tfx.short_forms.sizes import A, B, C, S, T, V

HEADS = 2


def _rows(rng: np.random.Generator) -> Trial:
    return on(embedding_forward, rng.integers(V, size=2 * T), rng.standard_normal((V, C)))


@short_of(embedding_forward, _rows)
def embedding(ids: Array, table: Array) -> Array:
    return table[ids]  # (T,) picks rows of (V, C) -> (T, C)


def _rows_back(rng: np.random.Generator) -> Trial:
    (ids, table), rows = _rows(rng)
    dy = rng.standard_normal(rows.shape)
    return Trial((dy, ids, V), embedding_backward(dy, embedding_forward(ids, table)[1]))


@short_of(embedding_backward, _rows_back)
def embedding_gradient(dy: Array, ids: Array, vocabulary: int) -> Array:
    dtable = np.zeros((vocabulary, dy.shape[-1]))  # (V, C)
    for token, row in zip(ids, dy, strict=True):
        dtable[token] += row  # a token that stands twice adds twice
    return dtable  # (T, C) -> (V, C)


def _heads(rng: np.random.Generator) -> Trial:
    x, *maps = (rng.standard_normal(shape) for shape in ((T, C), (C, C), (C, C), (C, C), (C, C)))
    return Trial((x, *maps, HEADS), multi_head_attention_forward(x, x, Maps(*maps), n_heads=HEADS)[0])


@short_of(multi_head_attention_forward, _heads)
def multi_head(x: Array, w_q: Array, w_k: Array, w_v: Array, w_o: Array, heads: int) -> Array:
    out = []
    cut = (np.split(x @ w, heads, 1) for w in (w_q, w_k, w_v))  # (T, D)
    for q, k, v in zip(*cut, strict=True):
        scores = q @ k.T / math.sqrt(q.shape[-1])  # (T, T), one head
        exps = np.exp(scores - scores.max(-1, keepdims=True))
        out.append(exps / exps.sum(-1, keepdims=True) @ v)  # (T, D)
    return np.concatenate(out, 1) @ w_o  # (T, H D) x (C, C) -> (T, C)


def _inputs_back(rng: np.random.Generator) -> Trial:
    x, w_q, w_k, w_v, w_o, heads = _heads(rng).arguments
    _, cache = multi_head_attention_forward(x, x, Maps(w_q, w_k, w_v, w_o), n_heads=heads)
    dy = rng.standard_normal((T, C))
    grads = multi_head_attention_backward(dy, cache)
    dq, dk, dv = map(merge_heads, attention_backward(split_heads(dy @ w_o.T, heads), cache.attention))
    library = grads.dx_q + grads.dx_kv, grads.dw_q, grads.dw_k, grads.dw_v
    return Trial((dq, dk, dv, x, w_q, w_k, w_v), library)


@short_of(multi_head_attention_backward, _inputs_back)
def inputs_gradients(
    dq: Array, dk: Array, dv: Array, x: Array, w_q: Array, w_k: Array, w_v: Array
) -> tuple[Array, Array, Array, Array]:
    dx = dq @ w_q.T + dk @ w_k.T + dv @ w_v.T  # read three times: (T, C)
    dw_q, dw_k, dw_v = x.T @ dq, x.T @ dk, x.T @ dv  # -> (C, C) each
    return dx, dw_q, dw_k, dw_v


def _feed_forward(rng: np.random.Generator) -> Trial:
    x, w1, b1, w2, b2 = (rng.standard_normal(shape) for shape in ((T, C), (C, A), (A,), (A, C), (C,)))
    return Trial((x, w1, b1, w2, b2), feed_forward_forward(x, w1, b1, w2, b2, activation="relu")[0])


@short_of(feed_forward_forward, _feed_forward)
def feed_forward(x: Array, w1: Array, b1: Array, w2: Array, b2: Array) -> Array:
    hidden = np.maximum(x @ w1 + b1, 0)  # ReLU: (T, C) x (C, F) -> (T, F)
    return hidden @ w2 + b2  # (T, F) x (F, C) -> (T, C)


def _feed_forward_back(rng: np.random.Generator) -> Trial:
    x, w1, b1, w2, b2 = _feed_forward(rng).arguments
    _, cache = feed_forward_forward(x, w1, b1, w2, b2, activation="relu")
    dy = rng.standard_normal((T, C))
    return Trial((dy, cache.hidden, x, w1, w2), tuple(feed_forward_backward(dy, cache)))


@short_of(feed_forward_backward, _feed_forward_back)
def feed_forward_gradients(dy: Array, hidden: Array, x: Array, w1: Array, w2: Array) -> tuple[Array, ...]:
    da = (dy @ w2.T) * (hidden > 0)  # ReLU: (T, C) x (C, F) -> (T, F)
    dx = da @ w1.T  # (T, F) x (F, C) -> (T, C)
    dw1, dw2 = x.T @ da, hidden.T @ dy  # (C, F), (F, C)
    return dx, dw1, da.sum(0), dw2, dy.sum(0)


def _residual(rng: np.random.Generator) -> Trial:
    settings = BlockSettings(d_model=C, n_heads=HEADS, dtype="float64", dropout=0.0, norm_place="pre")
    x, w = rng.standard_normal((B, T, C)), rng.standard_normal((C, C))
    norm, around = block_norm(settings), Residual(settings)
    read, _ = around.enter(norm, x)
    return Trial((x, lambda read: read @ w, lambda x: norm.forward(x)[0]), around.leave(norm, x, read @ w)[0])


@short_of(Residual, _residual)
def residual(x: Array, f: Callable[[Array], Array], norm: Callable[[Array], Array]) -> Array:
    return x + f(norm(x))  # pre-LN: (B, T, C) -> (B, T, C)


def _block(rng: np.random.Generator) -> Trial:
    settings = BlockSettings(d_model=C, n_heads=HEADS, dtype="float64", dropout=0.0, norm_place="pre")
    block, x = EncoderBlock(settings, rng), rng.standard_normal((B, T, C))
    layers = (block.norm1, block.attention, block.norm2, block.feed_forward)
    return Trial((x, *(lambda x, f=layer.forward: f(x)[0] for layer in layers)), block.forward(x)[0])


@short_of(EncoderBlock, _block)
def block(x: Array, norm1: Callable[[Array], Array], attention: Callable[[Array], Array],
          norm2: Callable[[Array], Array], feed_forward: Callable[[Array], Array]) -> Array:  # fmt: skip
    r = x + attention(norm1(x))  # between tokens: (B, T, C) -> (B, T, C)
    return r + feed_forward(norm2(r))  # each token alone: (B, T, C)


def _decoder_block(rng: np.random.Generator) -> Trial:
    settings = BlockSettings(d_model=C, n_heads=HEADS, dtype="float64", dropout=0.0, norm_place="post")
    block, x, memory = DecoderBlock(settings, rng), rng.standard_normal((B, T, C)), rng.standard_normal((B, S, C))
    mask = causal_mask(T)
    parts = (
        lambda x: block.attention.forward(x, mask=mask)[0],
        lambda x, memory: block.cross_attention.forward(x, memory)[0],
        lambda x: block.feed_forward.forward(x)[0],
    )
    norms = (lambda x, f=norm.forward: f(x)[0] for norm in (block.norm1, block.norm2, block.norm3))
    return Trial((x, memory, *parts, *norms), block.forward(x, memory, mask=mask)[0])


@short_of(DecoderBlock, _decoder_block)
def decoder_block(x: Array, memory: Array, masked: Callable[[Array], Array], cross: Callable[[Array, Array], Array],
                  feed_forward: Callable[[Array], Array], *norm: Callable[[Array], Array]) -> Array:  # fmt: skip
    r = norm[0](x + masked(x))  # post-LN, own words: (B, T, C)
    s = norm[1](r + cross(r, memory))  # the source, (B, S, C) -> (B, T, C)
    return norm[2](s + feed_forward(s))  # each word alone: (B, T, C)
