"""Prefix tuning: learned keys and values that every token of every block may attend to, in front of the real ones.

    K' = [P_k, K]        V' = [P_v, V]        P_k, P_v: (G, M, D) for each block, shared by the batch

The model believes that it has read M tokens before, and what these "said" is what is learnt: 2 M G D numbers a block.
Nothing else changes, so one model in memory can serve a batch in which every row has another prefix.

Derivation.  A prefix is a past (ops/attention/multi_head.py): `dpast` is its gradient, summed over the batch that
shared it.  The learned pair has no query of its own, and no gradient flows below it.  Initial values: normal, as keys
and values of a normalised input are; or the present of real tokens, which the paper found to be much better where there
are few examples (section 7.4).  The paper further makes P from a smaller matrix through a network while it trains
(section 4.3), because it found direct training unstable; this is direct.
Source: Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation", section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, xp_of
from tfx.nn.attention import AttentionInputGrads, MultiHeadAttention
from tfx.ops.attention.key_value import KeyValue, StoredKeyValue
from tfx.ops.basics.broadcast import fold
from tfx.params import Layer, Parameter
from tfx.tuning.part import Chosen
from tfx.tuning.places import Around, AroundCache, Place, places_of


class AfterPrefix(NamedTuple):
    """What an attention has read: the prefix, and the tokens stored so far, None before the first."""

    prefix: KeyValue
    stored: StoredKeyValue | None

    @property
    def _joined(self) -> KeyValue:
        if self.stored is None:
            return self.prefix
        return self.prefix.followed_by(KeyValue(self.stored.k, self.stored.v))

    @property
    def k(self) -> Array:
        return self._joined.k

    @property
    def v(self) -> Array:
        return self._joined.v

    @property
    def length(self) -> int:
        return self.prefix.length + (0 if self.stored is None else self.stored.length)

    @property
    def seen(self) -> int:
        """The place of the next token: the prefix counts."""
        return self.prefix.length + (0 if self.stored is None else self.stored.seen)

    def followed_by(self, new: KeyValue) -> AfterPrefix:
        """New tokens are stored where the old ones are, in whatever way they are."""
        return self._replace(stored=new if self.stored is None else self.stored.followed_by(new))

    def rounded(self) -> AfterPrefix:
        """What is stored, in float16; the prefix has the dtype of the layer."""
        return self._replace(stored=None if self.stored is None else self.stored.rounded())


class PrefixedCache(AroundCache):
    """The first M keys of the attention are the prefix; own: M."""

    @property
    def present(self) -> StoredKeyValue:
        """Keys and values of the tokens alone: the prefix will stand in front of them again."""
        present: Any = self.layer.present
        return present.stored


class PrefixedAttention(Layer):
    """An attention with a prefix.  Owns layer, and k and v: (1, G, M, D).  Called as nn.MultiHeadAttention is.

    start: first values.  Raises ValueError for M < 1 or a start of another shape.
    """

    def __init__(
        self, layer: MultiHeadAttention, n_prefix: int, rng: np.random.Generator, start: KeyValue | None = None
    ) -> None:
        if whole_number("n_prefix", n_prefix) < 1:
            raise ValueError(f"a prefix has at least one key, not {n_prefix}")
        shape, dtype = (1, layer.n_kv_heads, n_prefix, layer.d_head), layer.query.w.value.dtype
        if start is None:
            start = KeyValue(*(rng.standard_normal(shape).astype(dtype) for _ in range(2)))
        if start.k.shape != shape or start.v.shape != shape:
            raise ValueError(f"the prefix starts with k {start.k.shape} and v {start.v.shape}, but needs {shape}")
        self.layer = layer
        self.k, self.v = Parameter(start.k.copy()), Parameter(start.v.copy())

    def forward(
        self,
        x_q: Array,
        x_kv: Array | None = None,
        mask: Array | None = None,
        rng: Any = None,
        x_v: Array | None = None,
        past: StoredKeyValue | None = None,
    ) -> tuple[Array, PrefixedCache]:
        """x_q: (B, T, C) -> y: (B, T, C).  mask and past are about tokens, as ever: all may attend to the prefix."""
        m, xp = self.k.shape[-2], xp_of(x_q)
        before = AfterPrefix(KeyValue(self.k.value, self.v.value), past)
        n_keys = (x_q if x_kv is None else x_kv).shape[-2] + (0 if past is None else past.length)
        if mask is not None:
            lead = mask.shape[:-1]
            mask = xp.concatenate((xp.ones((*lead, m), dtype=bool), xp.broadcast_to(mask, (*lead, n_keys))), axis=-1)
        y, cache = self.layer.forward(x_q, x_kv, mask, rng, x_v, before)
        return y, PrefixedCache(cache, m)

    def backward(self, dy: Array, cache: PrefixedCache, dweights: Array | None = None) -> AttentionInputGrads:
        """dy: (B, T, C) -> as nn.MultiHeadAttention.backward; dpast is that of the past the caller gave."""
        m = cache.own
        grads = self.layer.backward(dy, cache.layer, dweights)
        assert grads.dpast is not None  # there is always a prefix
        dk, dv = grads.dpast  # past = prefix, then what was given
        self.k.grad += fold(dk[..., :m, :], self.k.value)  # every row of the batch read the same prefix
        self.v.grad += fold(dv[..., :m, :], self.v.value)
        given = dk.shape[-2] > m
        return grads._replace(dpast=KeyValue(dk[..., m:, :], dv[..., m:, :]) if given else None)


class Prefixes(Around):
    """The prefixes of all blocks of a model."""

    def __init__(self, model: Layer, places: list[Place], prefixed: list[PrefixedAttention]) -> None:
        super().__init__(model, places, prefixed, [p for layer in prefixed for p in (layer.k, layer.v)])


def add_prefixes(
    model: Layer,
    n_prefix: int,
    rng: np.random.Generator,
    start: Sequence[KeyValue] | None = None,
    chosen: Chosen | None = None,
) -> Prefixes:
    """Puts n_prefix = M keys and values in front of every attention whose dotted name is chosen: all unless told.

    start: first values for each of them in order, such as cache.stack.present of a call with one row of M tokens.
    Positions count the prefix as M places before the first token; positions that are added to the input do not see it.
    Raises ValueError when there is no attention, or start does not fit.
    """
    places = places_of(model, (MultiHeadAttention,), chosen)
    if start is not None and len(start) != len(places):
        raise ValueError(f"first values of {len(start)} prefixes do not fit {len(places)} attentions")
    starts: Sequence[KeyValue | None] = [None] * len(places) if start is None else start
    prefixed = [
        PrefixedAttention(place.layer, n_prefix, rng, first) for place, first in zip(places, starts, strict=True)
    ]
    return Prefixes(model, places, prefixed)
