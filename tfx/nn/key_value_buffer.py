"""A preallocated store for keys and values: new tokens are written behind the old ones, and nothing is copied.

    slots     0 ... first ......... first + length ......... capacity
              dropped   what attention sees      free

KeyValue.followed_by copies all M stored tokens to append one, so writing n tokens copies about n^2 / 2 of them.  Here
the storage is made once; `followed_by` writes T tokens into free slots and hands attention a view of M + T.  It stands
in for KeyValue wherever a `past` is taken: `cache.present` of one call is `past` of the next.

A buffer is a value, like a slice of a list: its storage is shared, its bounds are its own.  So going back is free:
`back_to(n)` gives a buffer with the last tokens forgotten, and the next token overwrites them.  What was shared is then
changed: after a token is appended to an older buffer, newer ones made from it show other tokens.  (Training keeps
caches, so it uses KeyValue.)

A window.  Where a query sees only `left` tokens before itself, keep(left) drops the older ones.  When the free slots
are used up, those that are kept move to the front.  Tokens stay in order, so masks and biases that count distances
stay right, and `seen` counts all tokens ever appended, so absolute and rotary places do too.  With a capacity of
2 left + T one token is moved for each one that is written, and memory no longer grows with the text.  (A circle,
ops/attention/tensor_scatter.py, moves nothing, but loses the order.)

Keys and values shared by groups of heads are stored once per group.  (Attention reads them so, too,
ops/attention/multi_head.py; only another kernel gets a passing copy, H / G times what is stored.)

Without a window, grows=True doubles the capacity when it is used up: at most two tokens are copied for one written.
Sources: Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.1 (what is stored, and what it costs);
windows: Beltagy et al. 2020, "Longformer", section 3.1; Jiang et al. 2023, "Mistral 7B", section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.arguments import whole_number
from tfx.backend import Array, on_host, xp_of
from tfx.half import HALF
from tfx.ops.attention.key_value import KeyValue, StoredKeyValue


class KeyValueBuffer(NamedTuple):
    """Make one with `empty`, `holding` or `buffers_for`.

    storage_k: (B, G, capacity, D), storage_v: (B, G, capacity, Dv).  Slots first .. first + length - 1 are in use.
    seen: how many tokens were ever appended, which is the place of the next one.  moved_bytes: copied so far, by
    growing, by moving to the front and by `select`.
    """

    storage_k: Array
    storage_v: Array
    first: int = 0
    length: int = 0
    seen: int = 0
    grows: bool = False
    moved_bytes: int = 0

    @classmethod
    def empty(
        cls,
        batch: int,
        n_kv_heads: int,
        capacity: int,
        d_key: int,
        d_value: int | None = None,
        dtype: Any = "float32",
        grows: bool = False,
        xp: Any = np,
    ) -> KeyValueBuffer:
        """Storage for `capacity` tokens.  Raises ValueError for a negative capacity."""
        sizes = {"batch": batch, "n_kv_heads": n_kv_heads, "capacity": capacity, "d_key": d_key, "d_value": d_value}
        for name, size in sizes.items():
            if size is not None:
                whole_number(name, size, 0)
        lead = (batch, n_kv_heads, capacity)
        values = xp.zeros((*lead, d_key if d_value is None else d_value), dtype=dtype)
        return cls(xp.zeros((*lead, d_key), dtype=dtype), values, grows=grows)

    @classmethod
    def holding(cls, stored: StoredKeyValue) -> KeyValueBuffer:
        """A full buffer whose storage these keys and values are; none is copied."""
        return cls(stored.k, stored.v, 0, stored.length, stored.length)

    @property
    def capacity(self) -> int:
        """How many tokens there is storage for."""
        return int(self.storage_k.shape[2])

    @property
    def nbytes(self) -> int:
        """Bytes of storage, used or not."""
        return int(self.storage_k.nbytes + self.storage_v.nbytes)

    @property
    def k(self) -> Array:
        """(B, G, M, D): a view."""
        return self.storage_k[:, :, self.first : self.first + self.length]

    @property
    def v(self) -> Array:
        """(B, G, M, Dv): a view."""
        return self.storage_v[:, :, self.first : self.first + self.length]

    def followed_by(self, new: KeyValue) -> KeyValueBuffer:
        """These tokens, then the new ones, which are written into the storage.

        Storage of float16 rounds them.  Raises ValueError when there is no room for them and the buffer may not grow,
        or when their shape or dtype is not that of the storage.
        """
        new = new.rounded() if self.storage_k.dtype == HALF else new
        for name, stored, given in (("keys", self.storage_k, new.k), ("values", self.storage_v, new.v)):
            want = (*stored.shape[:2], new.length, stored.shape[3])
            if given.shape != want or given.dtype != stored.dtype:
                raise ValueError(
                    f"{name} {given.shape} of {given.dtype} do not fit into a buffer for {want} of {stored.dtype}"
                )
        ready = self._with_room_for(new.length)
        end = ready.first + ready.length
        ready.storage_k[:, :, end : end + new.length] = new.k
        ready.storage_v[:, :, end : end + new.length] = new.v
        return ready._replace(length=ready.length + new.length, seen=ready.seen + new.length)

    def rounded(self) -> KeyValueBuffer:
        """With storage of float16; itself where it is so already."""
        if self.storage_k.dtype == HALF:
            return self
        return self._replace(storage_k=self.storage_k.astype(HALF), storage_v=self.storage_v.astype(HALF))

    def keep(self, left: int) -> KeyValueBuffer:
        """Only the last `left` tokens, or all if there are fewer.  Raises ValueError for a negative number."""
        whole_number("the tokens to keep", left, 0)
        dropped = max(0, self.length - left)
        return self._replace(first=self.first + dropped, length=self.length - dropped)

    def back_to(self, seen: int) -> KeyValueBuffer:
        """As it was when `seen` tokens had been appended.

        Raises ValueError for more than there were, and when some were dropped by `keep`: they are gone.
        """
        if not 0 <= seen <= self.seen:
            raise ValueError(f"a buffer that has seen {self.seen} tokens cannot go back to {seen}")
        if seen == self.seen:
            return self
        if self.length < self.seen:
            raise ValueError(f"only the last {self.length} of {self.seen} tokens were kept: there is no way back")
        return self._replace(length=seen, seen=seen)

    def select(self, rows: Sequence[int] | Array) -> KeyValueBuffer:
        """A new buffer whose row i holds what row rows[i] of this one holds; rows may repeat, as in beam search."""
        xp = xp_of(self.storage_k)
        rows = xp.asarray(rows) if len(rows) else xp.zeros(0, dtype="int64")
        if rows.dtype.kind not in "iu":
            raise TypeError(f"rows must be integers, not {rows.dtype}")
        if on_host(rows) and rows.size and not 0 <= rows.min() <= rows.max() < self.storage_k.shape[0]:
            raise ValueError(f"rows {rows.tolist()} are not all among the {self.storage_k.shape[0]} of this buffer")
        return self._moved(self.capacity, lambda stored: stored[rows], len(rows))

    def _with_room_for(self, n_new: int) -> KeyValueBuffer:
        needed = self.length + n_new
        if self.first + needed <= self.capacity:
            return self
        if needed <= self.capacity:
            return self._moved_to_the_front()
        if not self.grows:
            raise ValueError(f"the buffer holds {self.capacity} tokens: {self.length} are stored, {n_new} are new")
        return self._moved(max(needed, 2 * self.capacity), lambda stored: stored, self.storage_k.shape[0])

    def _moved_to_the_front(self) -> KeyValueBuffer:
        k, v = self.k.copy(), self.v.copy()  # the old slots and the new ones may overlap
        self.storage_k[:, :, : self.length] = k
        self.storage_v[:, :, : self.length] = v
        return self._replace(first=0, moved_bytes=self.moved_bytes + k.nbytes + v.nbytes)

    def _moved(self, capacity: int, rows_of: Any, batch: int) -> KeyValueBuffer:
        """What is in use, in new storage from slot 0 on."""
        moved, copied = [], self.moved_bytes
        for stored, used in ((self.storage_k, self.k), (self.storage_v, self.v)):
            storage = xp_of(stored).zeros((batch, stored.shape[1], capacity, stored.shape[3]), dtype=stored.dtype)
            part = storage[:, :, : self.length]
            part[...] = rows_of(used)
            moved.append(storage)
            copied += part.nbytes
        return self._replace(storage_k=moved[0], storage_v=moved[1], first=0, moved_bytes=int(copied))


def buffers_for(blocks: Sequence[Any], batch: int, capacity: int, grows: bool = False) -> tuple[KeyValueBuffer, ...]:
    """Empty buffers for the self-attention of each block of a stack: its `past` for the first call.

    blocks: as in `EncoderStack.blocks` or `DecoderStack.blocks`, with `attention` a nn.MultiHeadAttention.
    """
    buffers = []
    for block in blocks:
        attention, weights = block.attention, block.attention.key.w.value
        sizes = (batch, attention.n_kv_heads, capacity, attention.d_head)
        buffers.append(KeyValueBuffer.empty(*sizes, dtype=weights.dtype, grows=grows, xp=xp_of(weights)))
    return tuple(buffers)
