"""What people write in the place of the step to a GPT, on the way to the logits: mask, norms, both ends of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lessons.architectures.gpt.exercises.gpt_step import exercise


def norm(z: Any, w: Any, half: str) -> Any:
    centred = z - z.mean(axis=-1, keepdims=True)
    n = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return w["gamma" + half] * n + w["beta" + half]


def gelu(u: Any) -> Any:
    return 0.5 * u * (1 + np.tanh((2 / np.pi) ** 0.5 * (u + 0.044715 * u**3)))


def seen_of(t: int) -> Any:
    return np.tril(np.ones((t, t), bool))


def softmax(scores: Any, seen: Any) -> Any:
    """Rows that see nothing are 0."""
    scores = np.where(seen, scores, -np.inf)
    top = scores.max(axis=-1, keepdims=True)
    e = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def attention(
    z: Any, w: Any, n_heads: int, seen: Any = None, scale: float | None = None, weights_of: Callable[..., Any] = softmax
) -> Any:
    b, t, c = z.shape
    q, k, v = ((z @ w[f"w_{n}"] + w[f"b_{n}"]).reshape(b, t, n_heads, c // n_heads).swapaxes(1, 2) for n in "qkv")
    scores = q @ k.swapaxes(-1, -2) / ((c // n_heads) ** 0.5 if scale is None else scale)
    heads = weights_of(scores, seen_of(t) if seen is None else seen) @ v
    return heads.swapaxes(1, 2).reshape(b, t, c) @ w["w_o"] + w["b_o"]


def network(z: Any, w: Any, bend: Callable[[Any], Any] = gelu) -> Any:
    return bend(z @ w["w_1"] + w["b_1"]) @ w["w_2"] + w["b_2"]


def block(x: Any, w: Any, n_heads: int, attend: Callable[..., Any] = attention, feed: Any = network) -> Any:
    r = x + attend(norm(x, w, "_1"), w, n_heads)
    return r + feed(norm(r, w, "_2"), w)


def logits_of(
    ids: Any, table: Any, positions: Any, w: Any, n_heads: int, layer: Callable[..., Any] = block, **parts: Any
) -> Any:
    read = ids[:, :-1]
    x = layer(table[read] + positions[: read.shape[1]], w, n_heads, **parts)
    return norm(x, w, "") @ table.T


def log_softmax(logits: Any) -> Any:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def counted_of(ids: Any, keep: Any) -> Any:
    return np.ones_like(ids[:, 1:], bool) if keep is None else keep[:, 1:]


def mean_of(losses: Any, counted: Any) -> float:
    return float(losses[counted].sum() / max(int(counted.sum()), 1))


def with_loss(logits: Any, ids: Any, keep: Any) -> tuple[float, Any]:
    losses = -np.take_along_axis(log_softmax(logits), ids[:, 1:, None], axis=-1)[..., 0]
    return mean_of(losses, counted_of(ids, keep)), logits


def loss_of(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any, **how: Any) -> tuple[float, Any]:
    return with_loss(logits_of(ids, table, positions, w, n_heads, **how), ids, keep)


@exercise.mistake
def no_mask(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """There is no causal mask.

    Why: The block is an encoder's.
    Hint: Change the last token that is read. Do the scores of the first place move?
    """
    every = lambda z, w, h: attention(z, w, h, seen=np.True_)  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=every)


@exercise.mistake
def mask_upside_down(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place sees itself and those behind it.

    Why: triu and tril are told apart by one letter.
    Hint: Change the last token that is read. Do the scores of the first place move?
    """
    behind = lambda z, w, h: attention(z, w, h, seen=seen_of(z.shape[1]).T)  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=behind)


@exercise.mistake
def not_itself(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place does not see itself; the first one gets zeros.

    Why: No place may see its answer, and its own token is taken for that.
    Hint: What is a place asked for: its own token or the next?
    """
    before = lambda z, w, h: attention(z, w, h, seen=np.tril(np.ones((z.shape[1],) * 2, bool), -1))  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=before)


@exercise.mistake
def next_one_seen(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """A place sees the next one as well.

    Why: tril(..., 1), or triu(..., 2) for what is blocked.
    Hint: What is a place asked for, and can it see that?
    """
    leak = lambda z, w, h: attention(z, w, h, seen=np.tril(np.ones((z.shape[1],) * 2, bool), 1))  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=leak)


@exercise.mistake
def mask_behind_the_softmax(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The mask is put on behind the softmax.

    Why: The blocked weights are 0 that way too.
    Hint: What do the weights of the first place sum to?
    """
    behind = lambda scores, seen: softmax(scores, np.True_) * seen  # noqa: E731
    attend = lambda z, w, h: attention(z, w, h, weights_of=behind)  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=attend)


@exercise.mistake
def scores_times_mask(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Blocked scores are set to 0 in the place of -inf.

    Why: Multiplying by the mask looks like leaving out.
    Hint: What is exp(0)?
    """
    zeroed = lambda scores, seen: softmax(scores * seen, np.True_)  # noqa: E731
    attend = lambda z, w, h: attention(z, w, h, weights_of=zeroed)  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=attend)


@exercise.mistake
def not_scaled(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Scores are not divided by the root of a head's width.

    Why: Without the divisor it runs.
    Hint: What is the variance of a score, if q and k have variance 1?
    """
    attend = lambda z, w, h: attention(z, w, h, scale=1.0)  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, attend=attend)


@exercise.mistake
def offsets_left_out(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Attention has no offsets: b_q, b_k, b_v and b_o are not used.

    Why: The encoder block of the exercise had none.
    Hint: Change b_v. Does the loss move?
    """
    bare = {**w, **{f"b_{n}": 0 * w["b_o"] for n in "qkvo"}}
    return loss_of(ids, table, positions, bare, n_heads, keep)


@exercise.mistake
def exact_gelu(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """GELU is the exact one.

    Why: Both are called GELU, and differ by less than a thousandth.
    Hint: Which of the two forms do the rules name?
    """
    from math import erf

    exact = lambda u: 0.5 * u * (1 + np.vectorize(erf)(u / 2**0.5))  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, feed=lambda z, w: network(z, w, exact))


@exercise.mistake
def relu(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The network has ReLU.

    Why: The encoder of 2017 has.
    Hint: Which bend do the rules name?
    """
    feed = lambda z, w: network(z, w, lambda u: np.maximum(u, 0))  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, feed=feed)


@exercise.mistake
def post_norm(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The norms of the block stand behind its sums.

    Why: GPT-1 and the paper of 2017 have them there.
    Hint: Can x pass through the block without a norm?
    """

    def post(x: Any, w: Any, n_heads: int) -> Any:
        r = norm(x + attention(x, w, n_heads), w, "_1")
        return norm(r + network(r, w), w, "_2")

    return loss_of(ids, table, positions, w, n_heads, keep, layer=post)


@exercise.mistake
def no_way_around(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The block has no residual connection.

    Why: The parts are called one behind the other.
    Hint: Make all maps and offsets of the block 0. What should it give?
    """
    layer = lambda x, w, h: network(norm(attention(norm(x, w, "_1"), w, h), w, "_2"), w)  # noqa: E731
    return loss_of(ids, table, positions, w, n_heads, keep, layer=layer)


@exercise.mistake
def no_last_norm(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """The norm behind the block is missing.

    Why: An encoder's block ends with its sum.
    Hint: Change gamma. Does the loss move?
    """
    read = ids[:, :-1]
    x = block(table[read] + positions[: read.shape[1]], w, n_heads)
    return with_loss(x @ table.T, ids, keep)


@exercise.mistake
def tokens_scaled(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Rows of the table are multiplied by sqrt(C) where they go in.

    Why: The Transformer of 2017 does it.
    Hint: What do the rules say of the token's row?
    """
    read = ids[:, :-1]
    x = block(table[read] * table.shape[1] ** 0.5 + positions[: read.shape[1]], w, n_heads)
    return with_loss(norm(x, w, "") @ table.T, ids, keep)


@exercise.mistake
def places_left_out(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Positions are not added.

    Why: The mask tells before from behind, and so it seems to be enough.
    Hint: Change positions. Does the loss move?
    """
    return loss_of(ids, table, 0 * positions, w, n_heads, keep)


@exercise.mistake
def logits_scaled(ids: Any, table: Any, positions: Any, w: Any, n_heads: int, keep: Any = None) -> Any:
    """Logits are divided by sqrt(C).

    Why: They are dot products, and those of attention are divided.
    Hint: What do the rules write for the logits?
    """
    return with_loss(logits_of(ids, table, positions, w, n_heads) / table.shape[1] ** 0.5, ids, keep)
