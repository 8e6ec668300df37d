"""Keys and values that are kept while a text is read piece by piece, so that no token is read twice.

Source: Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need".
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from tfx.backend import Array
from tfx.half import HALF
from tfx.ops.attention.join_tokens import join_tokens


class KeyValue(NamedTuple):
    """Keys and values of tokens that were read already, in G heads: k (..., G, M, D), v (..., G, M, Dv)."""

    k: Array
    v: Array

    @property
    def length(self) -> int:
        """M: how many tokens."""
        return self.k.shape[-2]

    @property
    def seen(self) -> int:
        """The place of the next token."""
        return self.length

    def followed_by(self, new: KeyValue) -> KeyValue:
        """These tokens, then the new ones; leading axes of length 1 are broadcast to those of the new ones."""
        return KeyValue(join_tokens(self.k, new.k), join_tokens(self.v, new.v))

    def rounded(self) -> KeyValue:
        """In float16, half the bytes of float32."""
        return KeyValue(self.k.astype(HALF, copy=False), self.v.astype(HALF, copy=False))


class StoredKeyValue(Protocol):
    """What a `past` has to be: a KeyValue, or a store that writes in place (nn/key_value_buffer.py)."""

    @property
    def k(self) -> Array: ...

    @property
    def v(self) -> Array: ...

    @property
    def length(self) -> int: ...

    @property
    def seen(self) -> int: ...

    def followed_by(self, new: KeyValue) -> StoredKeyValue: ...

    def rounded(self) -> StoredKeyValue: ...
