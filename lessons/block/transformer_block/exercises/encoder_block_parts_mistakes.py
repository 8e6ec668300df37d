"""What people write in the place of the parts of an encoder block: norm, attention, network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lessons.block.transformer_block.exercises.encoder_block import exercise


def norm(z: Any, gamma: Any, beta: Any, eps: float) -> Any:
    centred = z - z.mean(axis=-1, keepdims=True)
    return gamma * centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps) + beta


def softmax(scores: Any, mask: Any, axis: int = -1) -> Any:
    """Rows that see nothing are 0."""
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    top = scores.max(axis=axis, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


def split(z: Any, n_heads: int) -> Any:
    b, t, c = z.shape
    return z.reshape(b, t, n_heads, c // n_heads).swapaxes(1, 2)


def merged(heads: Any) -> Any:
    b, h, t, d = heads.shape
    return heads.swapaxes(1, 2).reshape(b, t, h * d)


def attention(
    z: Any, w: Any, n_heads: int, mask: Any, read: Any = None, scale: float | None = None,
    weights_of: Callable[..., Any] = softmax, cut: Callable[..., Any] = split, joined: Callable[..., Any] = merged,
) -> Any:  # fmt: skip
    """read: what keys and values are made of, if not z."""
    read = z if read is None else read
    q, k, v = cut(z @ w["w_q"], n_heads), cut(read @ w["w_k"], n_heads), cut(read @ w["w_v"], n_heads)
    scores = q @ k.swapaxes(-1, -2) / (q.shape[-1] ** 0.5 if scale is None else scale)
    return joined(weights_of(scores, mask) @ v) @ w["w_o"]


def network(z: Any, w: Any, bend: Callable[[Any], Any] = lambda a: np.maximum(a, 0)) -> Any:
    return bend(z @ w["w_1"] + w["b_1"]) @ w["w_2"] + w["b_2"]


def block(
    x: Any, w: Any, norm_place: str, attend: Callable[[Any], Any], feed: Callable[[Any], Any] | None = None,
    norm_of: Callable[..., Any] = norm, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """The right lines, with parts that may be wrong."""
    feed = feed or (lambda z: network(z, w))
    norm_1, norm_2 = (lambda z, half=half: norm_of(z, w[f"gamma_{half}"], w[f"beta_{half}"], eps) for half in "12")
    if norm_place == "pre":
        r = x + attend(norm_1(x))
        return r + feed(norm_2(r))
    r = norm_1(x + attend(x))
    return norm_2(r + feed(r))


@exercise.mistake
def not_scaled(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """Scores are not divided by sqrt(D).

    Why: Without the divisor it runs.
    Hint: What is the variance of a score, if q and k have variance 1?
    """
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, scale=1.0), eps=eps)


@exercise.mistake
def scaled_by_the_whole_width(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """Scores are divided by sqrt(C), not by the root of a head's width.

    Why: The width of the model is the one at hand.
    Hint: Over how many numbers is a score summed?
    """
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, scale=x.shape[-1] ** 0.5), eps=eps)


@exercise.mistake
def one_wide_head(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """There is one head, as wide as the model.

    Why: All shapes fit without a split.
    Hint: How many matrices of weights has a text?
    """
    return block(x, w, norm_place, lambda z: attention(z, w, 1, mask), eps=eps)


@exercise.mistake
def output_map_missing(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """w_o is not used.

    Why: Side by side the heads have the right width already.
    Hint: Can head 1 move the last column of your output?
    """
    own = {**w, "w_o": np.eye(x.shape[-1])}
    return block(x, w, norm_place, lambda z: attention(z, own, n_heads, mask), eps=eps)


@exercise.mistake
def cut_without_turning(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """(B, T, C) is reshaped to (B, H, T, D) at once, without a transpose.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Which numbers of token 2 are in head 1?
    """
    cut = lambda z, h: z.reshape(len(z), h, z.shape[1], -1)  # noqa: E731
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, cut=cut), eps=eps)


@exercise.mistake
def joined_without_turning(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """(B, H, T, D) is reshaped to (B, T, C) at once, without turning back.

    Why: The numbers fit, so NumPy does not complain.
    Hint: Whose numbers stand in row 1 of what attention gives?
    """
    joined = lambda heads: heads.reshape(x.shape)  # noqa: E731
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, joined=joined), eps=eps)


@exercise.mistake
def softmax_over_queries(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """The softmax runs over the queries.

    Why: Both of the last axes are places.
    Hint: What do the weights of one query in one head sum to?
    """
    over = lambda scores, seen: softmax(scores, seen, axis=-2)  # noqa: E731
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, weights_of=over), eps=eps)


@exercise.mistake
def mask_left_out(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The mask is not used.

    Why: The first tests have none.
    Hint: Change a token that is blocked for all. Does the output of another one move?
    """
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, None), eps=eps)


@exercise.mistake
def mask_the_other_way_round(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """The mask is read the other way round: True blocks.

    Why: In some libraries True means blocked.
    Hint: With a causal mask: may the first query see the first key?
    """
    other = None if mask is None else ~mask
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, other), eps=eps)


@exercise.mistake
def mask_behind_the_softmax(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """The mask is put on behind the softmax.

    Why: The blocked weights are 0 that way too.
    Hint: What do the weights of a row with blocked keys sum to?
    """
    behind = lambda scores, seen: softmax(scores, None) * (1 if seen is None else seen)  # noqa: E731
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, weights_of=behind), eps=eps)


@exercise.mistake
def blocked_rows_are_even(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """A query that may look nowhere looks everywhere alike.

    Why: Blocked scores become -1e9, and a row of equal numbers is even.
    Hint: What do the rules say of a query that may look nowhere?
    """
    even = lambda scores, seen: softmax(scores if seen is None else np.where(seen, scores, -1e30), None)  # noqa: E731
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, weights_of=even), eps=eps)


@exercise.mistake
def blocked_rows_are_nan(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """A query that may look nowhere gets NaN.

    Why: Its largest score is -inf, and -inf - (-inf) is NaN.
    Hint: What is subtracted from a row in which every score is -inf?
    """

    def not_careful(scores: Any, seen: Any) -> Any:
        scores = scores if seen is None else np.where(seen, scores, -np.inf)
        with np.errstate(all="ignore"):
            e = np.exp(scores - scores.max(axis=-1, keepdims=True))
            return e / e.sum(axis=-1, keepdims=True)

    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask, weights_of=not_careful), eps=eps)


@exercise.mistake
def bend_left_out(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The network has no ReLU.

    Why: It is called two linear maps, and runs without.
    Hint: Which single map is the same as two in a row?
    """
    straight = lambda z: network(z, w, lambda a: a)  # noqa: E731
    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask), straight, eps=eps)


@exercise.mistake
def rms_norm(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The norms are RMSNorm: nothing is centred.

    Why: Models of today use it under the same name "norm".
    Hint: What is the mean of a token behind your norm, with gains of 1 and offsets of 0?
    """

    def rms(z: Any, gamma: Any, beta: Any, eps: float) -> Any:
        return gamma * z / np.sqrt((z * z).mean(axis=-1, keepdims=True) + eps) + beta

    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask), norm_of=rms, eps=eps)


@exercise.mistake
def eps_outside_the_root(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """eps is added to the deviation, not under the root.

    Why: Some tutorials print it there.
    Hint: Call it with eps=0.3.
    """

    def outside(z: Any, gamma: Any, beta: Any, eps: float) -> Any:
        return gamma * (z - z.mean(axis=-1, keepdims=True)) / (z.std(axis=-1, keepdims=True) + eps) + beta

    return block(x, w, norm_place, lambda z: attention(z, w, n_heads, mask), norm_of=outside, eps=eps)
