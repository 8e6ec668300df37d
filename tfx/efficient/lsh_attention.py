"""LSH attention of Reformer: a query reads only the keys that hash to its own bucket, most likely the near ones.

Queries and keys are the same vectors, keys scaled to length 1:  k_j = q_j / |q_j|.  In each of R rounds

    1  every token gets a bucket                                  lsh_hashing.py
    2  tokens are sorted by bucket, then by place                 buckets become stretches of neighbours
    3  the sorted row is cut into chunks of m; a token reads the tokens of its bucket in its chunk and in the one before

so that P_i, what token i reads, is the union over the rounds.  A softmax looks mainly at its largest scores, and those
are with the keys that point where the query points.  A token does not read itself, since q_i . k_i = |q_i| would beat
everything else; only one that finds nobody else does.  Causal: j <= i, by the places before sorting.

A pair may meet in several rounds, N_ij of them.  With s_ij = q_i . k_j * scale - log N_ij, all rounds together form one
softmax, which log-sum-exps join:

    z_i^r = log sum_{j in round r} exp(s_ij)        z_i = log sum_r exp(z_i^r)
    o_i = sum_r exp(z_i^r - z_i) o_i^r = sum_r sum_j exp(s_ij - z_i) v_j

Derivation.  With z known, a pair's weight in a round is W = exp(s - z), and the softmax over all rounds is undone as in
tiled_attention.py: dS = W (dO . V - D), D_i = dO_i . O_i.  Then dq_i = sum of dS_ij k_j, dk_j = sum of dS_ij q_i, times
scale, and k = q / |q| goes back to q as well (ops/norms/scale_norm.py).  Sorting is a permutation in each round: its
backward sorts back, and the rounds add up.  Keys stand in two chunks' lists, their own and the next one's: two
gradients. The hash, the sorting and N are constant almost everywhere; no gradient passes them.

Causal attention reads no later token, but sorting sees them all: a later one can push a chunk's border and so move who
is in reach of an earlier one.  With one chunk, or buckets given beforehand that fit their chunks, nothing moves.
A token that a mask lets nobody read has no bucket: it stands behind all others, moves none of them, and gives 0.

Exact: attention with shared queries and keys under the mask of the union P_i, with softmax over it.  Approximated: who
is in P_i.  With one bucket and one chunk all are: exact shared-QK attention.  Cost: O(R T log T) to sort and
O(R T m (D + Dv)) for scores instead of O(T^2 D).  With m = 2 T / n_buckets fewer scores are made once n_buckets > 4 R;
in time it pays, here with chunks of 64, from T = 512 on in one round and from T = 2048 on in four.
Source: Kitaev, Kaiser and Levskaya 2020, "Reformer: The Efficient Transformer", section 2, equations 3 to 6, and
appendix A for N_ij.  Hugging Face's Reformer has keys of length 1 too, but does not divide by sqrt(D) again: scale=1
gives its scores, which are sqrt(D) times those of the default here.  It also lets tokens read across the edges of
buckets, lets the first chunk look back at the last, and counts a pair once for each round in which it meets.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tfx.arguments import number, whole_number
from tfx.backend import Array, xp_of
from tfx.efficient.key_mask import blocked_to_zero
from tfx.efficient.lsh_hashing import lsh_buckets, random_rotations
from tfx.half import in_float32
from tfx.ops.attention.masks import Mask
from tfx.ops.attention.scaled_dot_product import check_attention_shapes
from tfx.ops.basics.logsumexp import logsumexp_forward
from tfx.ops.basics.weighted_sum import weighted_sum, where_read
from tfx.ops.norms.scale_norm import ScaleNormCache, scale_norm_backward, scale_norm_forward


class Sorting(NamedTuple):
    """Who stands where, for X sequences (all leading axes in one) and R rounds.  Empty slots hold token -1."""

    buckets: Array  # (X, R, T)
    standing: Array  # (X, R, N, m) the token in each slot
    near: Array  # (X, R, N, 2m) the tokens that a chunk may read: the chunk before, then itself
    place: Array  # (X, R, T) the slot, 0 .. N m - 1, of each token


class LshAttentionCache(NamedTuple):
    sorting: Sorting
    q: Array  # sorted: (X, R, N, m, D)
    k: Array  # (X, R, N, 2m, D)
    v: Array  # (X, R, N, 2m, Dv)
    weights: Array  # W: (X, R, N, m, 2m)
    out: Array  # (X, T, Dv)
    scale: float
    unit: ScaleNormCache
    lead: tuple[int, ...]


@in_float32
def lsh_attention_forward(
    qk: Array,
    v: Array,
    mask: Mask = None,
    scale: float | None = None,
    *,
    n_buckets: int,
    chunk: int | None = None,
    n_rounds: int = 1,
    causal: bool = False,
    seed: int = 0,
    eps: float = 1e-6,
    buckets: Array | None = None,
) -> tuple[Array, LshAttentionCache]:
    """qk: (..., T, D), queries and keys in one, v: (..., T, Dv) -> out: (..., T, Dv), in qk's dtype.

    mask: boolean, broadcastable to (..., T, T), True = may attend; who may read nothing, not even itself, gives zeros.
    scale: 1 / sqrt(D) unless told.  n_buckets: 1 or even.  chunk: m, 2 T / n_buckets unless told, which fits two
    buckets of usual size.  n_rounds: R.  seed: of the random rotations.  eps: under the root of |q|.
    buckets: (..., R, T) integers in place of the hash.
    Raises ValueError when shapes or settings do not fit, TypeError when the mask is not boolean.
    """
    check_attention_shapes(qk, qk, v, mask)
    if qk.shape[:-2] != v.shape[:-2]:
        raise ValueError(f"queries {qk.shape} and values {v.shape} need the same leading axes")
    number("eps", eps, above=0)
    xp = xp_of(qk)
    lead, (n_tokens, width) = qk.shape[:-2], qk.shape[-2:]
    x = math.prod(lead)
    scale = 1.0 / math.sqrt(width) if scale is None else float(scale)
    rotations = random_rotations(width, n_buckets, n_rounds, seed)
    buckets = lsh_buckets(qk, rotations) if buckets is None else _given(buckets, lead, n_tokens)
    if mask is not None:
        read = _read_by_anybody(mask, lead, n_tokens)
        qk, v = blocked_to_zero(qk, read), blocked_to_zero(v, read)
        buckets = xp.where(read[..., None, :], buckets, buckets.max() + 1 if buckets.size else 0)
    chunk = max(1, -(-2 * n_tokens // max(n_buckets, 2))) if chunk is None else chunk
    sorting = sort_into_chunks(buckets.reshape(x, *buckets.shape[-2:]), chunk)
    keys, unit = scale_norm_forward(qk, xp.ones((), dtype=qk.dtype), eps)
    q_sorted = _sort(qk.reshape(x, n_tokens, width), sorting)
    k_near = _look_back(_sort(keys.reshape(x, n_tokens, width), sorting))
    v_near = _look_back(_sort(v.reshape(x, n_tokens, v.shape[-1]), sorting))
    allowed = who_reads_whom(sorting, None if mask is None else _pairs(mask, lead, sorting), causal)
    scores = (q_sorted @ k_near.swapaxes(-1, -2)) * scale - xp.log(meetings(sorting, chunk)).astype(v.dtype)
    scores = xp.where(allowed, scores, -math.inf).astype(scores.dtype)
    by_round, _ = logsumexp_forward(scores, keepdims=True)  # z^r: (X, R, N, m, 1)
    total, _ = logsumexp_forward(_unsort(by_round, sorting), axis=1)  # z: (X, T, 1)
    total = xp.where(total == -math.inf, 0, total).astype(scores.dtype)  # nothing to read: weights exp(-inf) = 0
    weights = xp.exp(scores - _sort(total, sorting))
    out = _unsort(weighted_sum(weights, v_near), sorting).sum(axis=1)
    cache = LshAttentionCache(sorting, q_sorted, k_near, v_near, weights, out, scale, unit, lead)
    return out.reshape(*lead, n_tokens, v.shape[-1]), cache


@in_float32
def lsh_attention_backward(dout: Array, cache: LshAttentionCache) -> tuple[Array, Array]:
    """dout: (..., T, Dv) -> dqk: (..., T, D), dv: (..., T, Dv)."""
    sorting, q, k, v, weights, out, scale, unit, lead = cache
    dout = dout.reshape(out.shape)
    inner = _sort((dout * out).sum(axis=-1, keepdims=True), sorting)  # D = rowsum(W * dW), over all rounds
    dout_sorted = _sort(dout, sorting)
    dv_near = weighted_sum(weights.swapaxes(-1, -2), dout_sorted)  # out = sum_r unsort(weights @ v_near)
    dweights = where_read(dout_sorted @ v.swapaxes(-1, -2), weights)
    dscores = weights * (dweights - inner)  # weights = exp(scores - z)
    dq_sorted = weighted_sum(dscores, k) * scale  # scores = q @ k^T * scale - log N
    dk_near = weighted_sum(dscores.swapaxes(-1, -2), q) * scale
    dq = _unsort(dq_sorted, sorting).sum(axis=1)  # q was sorted anew in every round
    dkeys = _unsort(_look_back_backward(dk_near), sorting).sum(axis=1)
    dv = _unsort(_look_back_backward(dv_near), sorting).sum(axis=1)
    dfrom_keys, _ = scale_norm_backward(dkeys.reshape(*lead, *dkeys.shape[1:]), unit)  # keys = qk / |qk|
    return dq.reshape(*lead, *dq.shape[1:]) + dfrom_keys, dv.reshape(*lead, *dv.shape[1:])


def _given(buckets: Array, lead: tuple[int, ...], n_tokens: int) -> Array:
    """Raises TypeError or ValueError unless there is an integer for each token of each round."""
    if buckets.dtype.kind not in "iu":
        raise TypeError(f"buckets must be integers, not {buckets.dtype}")
    if (*buckets.shape[:-2], *buckets.shape[-1:]) != (*lead, n_tokens):
        raise ValueError(f"buckets are {buckets.shape} but must be (..., rounds, T) for {(*lead, n_tokens)}")
    return buckets


def _read_by_anybody(mask: Array, lead: tuple[int, ...], n_tokens: int) -> Array:
    """mask: broadcastable to (..., T, T) -> (..., T) bool: True where some token, or itself, may read this one."""
    xp = xp_of(mask)
    columns = mask.any(axis=-2) if mask.ndim > 1 else mask
    return xp.broadcast_to(columns, (*lead, n_tokens))


def sort_into_chunks(buckets: Array, chunk: int) -> Sorting:
    """buckets: (X, R, T) -> where everybody stands.  Raises ValueError for a chunk below 1."""
    whole_number("chunk", chunk, 1)
    xp = xp_of(buckets)
    x, n_rounds, n_tokens = buckets.shape
    n_chunks = -(-n_tokens // chunk)
    order = xp.argsort(buckets * n_tokens + xp.arange(n_tokens), axis=-1)  # by bucket, then by place
    empty = xp.full((x, n_rounds, n_chunks * chunk - n_tokens), -1, dtype=order.dtype)
    standing = xp.concatenate((order, empty), axis=-1).reshape(x, n_rounds, n_chunks, chunk)
    nobody = xp.full((x, n_rounds, min(n_chunks, 1), chunk), -1, dtype=order.dtype)
    before = xp.concatenate((nobody, standing[:, :, :-1]), axis=2)
    near = xp.concatenate((before, standing), axis=-1)
    return Sorting(buckets, standing, near, xp.argsort(order, axis=-1))


def who_reads_whom(sorting: Sorting, pairs: Array | None, causal: bool) -> Array:
    """-> (X, R, N, m, 2m) bool.  pairs: the user's mask at these pairs."""
    i, j = sorting.standing[..., :, None], sorting.near[..., None, :]
    of_i, of_j = _look_up(sorting.buckets, sorting.standing), _look_up(sorting.buckets, sorting.near)
    possible = (i >= 0) & (j >= 0) & (of_i[..., :, None] == of_j[..., None, :])
    if causal:
        possible = possible & (j <= i)
    if pairs is not None:
        possible = possible & pairs
    others = possible & (i != j)
    finds_nobody = ~_unsort(others.any(axis=-1)[..., None], sorting).any(axis=1)  # in no round: (X, T, 1)
    return others | (possible & _sort(finds_nobody, sorting))


def meetings(sorting: Sorting, chunk: int) -> Array:
    """N: (X, R, N, m, 2m), in how many rounds the second token is in reach of the first; at least 1."""
    xp = xp_of(sorting.near)
    count: Array = 0
    for r in range(sorting.buckets.shape[1]):
        of_i, of_j = (_look_up(sorting.buckets[:, r : r + 1], who) for who in (sorting.standing, sorting.near))
        chunks = sorting.place[:, r : r + 1] // chunk
        chunk_i, chunk_j = (_look_up(chunks, who) for who in (sorting.standing, sorting.near))
        back = chunk_i[..., :, None] - chunk_j[..., None, :]
        count = count + ((of_i[..., :, None] == of_j[..., None, :]) & (back >= 0) & (back <= 1))
    return xp.maximum(count, 1)


def _look_up(table: Array, who: Array) -> Array:
    """table: (X, R or 1, T), who: (X, R, N, n) tokens -> the entry of each; some entry for an empty slot."""
    xp = xp_of(table)
    x, n_rounds = xp.arange(who.shape[0])[:, None, None, None], xp.arange(who.shape[1])[:, None, None]
    return table[x, n_rounds if table.shape[1] > 1 else 0, who]


def _pairs(mask: Array, lead: tuple[int, ...], sorting: Sorting) -> Array:
    """mask: broadcastable to (..., T, T) -> its entry for each pair of slots: (X, R, N, m, 2m)."""
    xp, n_tokens = xp_of(mask), sorting.place.shape[-1]
    whole = xp.broadcast_to(mask, (*lead, n_tokens, n_tokens))  # a view
    leading = np.unravel_index(np.arange(math.prod(lead)), lead) if lead else ()
    where = tuple(xp.asarray(axis)[:, None, None, None, None] for axis in leading)
    return whole[(*where, sorting.standing[..., :, None], sorting.near[..., None, :])]


def _sort(x: Array, sorting: Sorting) -> Array:
    """(X, T, D) -> (X, R, N, m, D); an empty slot gets the last token, which its weights of 0 leave out."""
    xp = xp_of(x)
    return x[xp.arange(x.shape[0])[:, None, None, None], sorting.standing]


def _unsort(y: Array, sorting: Sorting) -> Array:
    """(X, R, N, m, D) -> (X, R, T, D); the transpose of `_sort` but for the sum over rounds."""
    xp = xp_of(y)
    x, n_rounds, n_chunks, chunk, width = y.shape
    in_a_row = y.reshape(x, n_rounds, n_chunks * chunk, width)
    return in_a_row[xp.arange(x)[:, None, None], xp.arange(n_rounds)[:, None], sorting.place]


def _look_back(y: Array) -> Array:
    """(X, R, N, m, D) -> (X, R, N, 2m, D): the chunk before, zeros for the first, then the chunk itself."""
    xp = xp_of(y)
    before = xp.concatenate((xp.zeros_like(y[:, :, :1]), y[:, :, :-1]), axis=2)
    return xp.concatenate((before, y), axis=3)


def _look_back_backward(dnear: Array) -> Array:
    """(X, R, N, 2m, D) -> (X, R, N, m, D): every chunk was read by itself and by the next."""
    chunk = dnear.shape[3] // 2
    dy = dnear[:, :, :, chunk:].copy()
    dy[:, :, :-1] += dnear[:, :, 1:, :chunk]
    return dy
