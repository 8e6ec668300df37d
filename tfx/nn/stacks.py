"""Blocks on top of each other, and the final norm that they need unless every block ends with one.

In a pre-LN stack nothing normalises the sum of all residuals, so one norm follows the last block (Xiong et al. 2020,
section 3).  A post-LN stack ends with a norm already; torch.nn.Transformer adds one there too (`final_norm=True`).

shared=True uses one block n_layers times.  It appears once among the parameters, and since every use adds to the same
gradient, nothing else changes (Lan et al. 2020, "ALBERT", section 3.1; Dehghani et al. 2019, "Universal Transformers").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.nn.attention import NO_PARTS, AttentionParts
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_settings import PlainBlockSettings, StackSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.parallel_block import ParallelBlock
from tfx.nn.residual import block_norm
from tfx.nn.through_blocks import forward_through
from tfx.ops.attention.key_value import StoredKeyValue
from tfx.ops.attention.masks import Mask
from tfx.params import Layer

#: Keys and values of earlier tokens, one for each block.
Past = Sequence[StoredKeyValue]

#: What blocks share inside attention: the same for all, or one entry for each.
Parts = AttentionParts | Sequence[AttentionParts]


class StackCache(NamedTuple):
    blocks: tuple[BlockCache, ...]
    norm: Any

    @property
    def present(self) -> tuple[StoredKeyValue, ...]:
        """What a later call takes as `past`."""
        return tuple(block.attention.present for block in self.blocks)

    @property
    def memory_present(self) -> tuple[StoredKeyValue, ...]:
        """What a later call of a stack that reads a memory takes as `memory_past`."""
        return tuple(block.cross_attention.present for block in self.blocks)

    @property
    def reads(self) -> tuple[Array, ...]:
        """What each block read: the input first, then the states between the blocks, (B, T, C) each."""
        return tuple(block.x for block in self.blocks)


class Stack(Layer):
    """Blocks, and the norm behind the last one, if there is one."""

    blocks: list[Any]
    norm: Any

    @property
    def stores_keys(self) -> bool:
        """Whether every block can read a token on its own, after stored keys and values."""
        return all(map(_stores_keys, self.blocks))

    def _forward(self, x: Array, given: Iterable[tuple[Any, ...]]) -> tuple[Array, StackCache]:
        """Through all blocks, with what each is given beside x, and through the norm."""
        x, caches = forward_through(self.blocks, x, given)
        if self.norm is None:
            return x, StackCache(caches, None)
        hidden, norm = self.norm.forward(x)
        return hidden, StackCache(caches, norm)

    def _norm_backward(self, dhidden: Array, cache: StackCache) -> Array:
        """-> the gradient of what the last block gave."""
        return dhidden if self.norm is None else self.norm.backward(dhidden, cache.norm)


class EncoderStack(Stack):
    """settings.n_layers encoder blocks, each with the settings of its layer.

    parts: layers inside attention that the blocks share, or one entry for each block: see nn/position_scheme.py.
    """

    def __init__(self, settings: StackSettings, rng: np.random.Generator, parts: Parts = NO_PARTS) -> None:
        self.blocks = _blocks(ParallelBlock if settings.parallel else EncoderBlock, settings, rng, parts)
        self.norm = make_final_norm(settings, settings.final_norm)

    def forward(
        self, x: Array, mask: Mask = None, rng: Any = None, past: Past | None = None, keep: Mask = None
    ) -> tuple[Array, StackCache]:
        """x: (B, T, C) -> hidden: (B, T, C).  past: keys and values of earlier tokens, from cache.present.

        keep: (B, T) boolean, True = a real token; only experts ask, whom filling must not take places from.
        """
        given = ((mask, rng, stored, keep) for stored in _each(past, self.blocks))
        return self._forward(x, given)

    def backward(self, dhidden: Array, cache: StackCache, dreads: Sequence[Array | None] | None = None) -> Array:
        """dhidden: (B, T, C) -> dx: (B, T, C).

        dreads: for each block, the gradient of a loss that looks at cache.reads of that block, (B, T, C), or None.
        """
        dx = self._norm_backward(dhidden, cache)
        dreads = [None] * len(self.blocks) if dreads is None else dreads
        for block, block_cache, dread in zip(
            reversed(self.blocks), reversed(cache.blocks), reversed(dreads), strict=True
        ):
            dx = block.backward(dx, block_cache)
            dx = dx if dread is None else dx + dread  # that state was used twice: by the block and by the loss
        return dx


class DecoderStack(Stack):
    """n_layers decoder blocks, all reading the same memory.  Settings as in EncoderStack, but for `parallel`.

    Raises ValueError for fewer than one.
    """

    def __init__(self, settings: StackSettings, rng: np.random.Generator, parts: Parts = NO_PARTS) -> None:
        if settings.n_layers < 1:
            raise ValueError("a decoder that reads a memory needs at least one block")
        self.blocks = _blocks(DecoderBlock, settings, rng, parts)
        self.norm = make_final_norm(settings, settings.final_norm)

    def forward(
        self,
        x: Array,
        memory: Array,
        mask: Mask = None,
        memory_mask: Mask = None,
        rng: Any = None,
        past: Past | None = None,
        memory_past: Past | None = None,
        keep: Mask = None,
    ) -> tuple[Array, StackCache]:
        """x: (B, T, C), memory: (B, S, C) -> hidden: (B, T, C).  past, keep: as in EncoderStack.forward.

        memory_past: keys and values of the memory, from cache.memory_present; memory is then (B, 0, C).
        """
        stores = zip(_each(past, self.blocks), _each(memory_past, self.blocks), strict=True)
        given = ((memory, mask, memory_mask, rng, stored, read, keep) for stored, read in stores)
        return self._forward(x, given)

    def backward(self, dhidden: Array, cache: StackCache) -> tuple[Array, Array]:
        """dhidden: (B, T, C) -> dx: (B, T, C), dmemory: (B, S, C)."""
        dx = self._norm_backward(dhidden, cache)
        dmemory: Array = None
        for block, block_cache in zip(reversed(self.blocks), reversed(cache.blocks), strict=True):
            dx, dread = block.backward(dx, block_cache)
            dmemory = dread if dmemory is None else dmemory + dread  # every block read the same memory
        return dx, dmemory


def _blocks(make: Any, settings: StackSettings, rng: np.random.Generator, parts: Parts) -> list[Any]:
    """The blocks from the first to the last; one block, several times, where they are shared."""
    n_layers = settings.n_layers
    entries = (parts,) * n_layers if isinstance(parts, AttentionParts) else parts
    if len(entries) != n_layers:
        raise ValueError(f"parts for {len(entries)} layers do not fit {n_layers} layers")
    if settings.shared:
        return [make(settings.layer(0), rng, entries[0])] * n_layers if n_layers else []
    blocks: list[Any] = []
    for index, own in enumerate(entries):
        layer = settings.layer(index)
        if blocks and layer.attention.kernel is not None and layer.attention.kernel.one_for_all:
            own = own._replace(kernel=blocks[0].attention.kernel)
        blocks.append(make(layer, rng, own))
    return blocks


def _stores_keys(block: Any) -> bool:
    """Layers that wrap the attention of a block do not say so, and then cannot."""
    return getattr(block.attention, "stores_keys", False) and getattr(block.feed_forward, "step_by_step", True)


def make_final_norm(settings: PlainBlockSettings, wanted: bool | None = None) -> Any:
    """A norm like those of the last block; unless told, only where that block does not end with one."""
    if isinstance(settings, StackSettings) and settings.n_layers:
        settings = settings.layer(settings.n_layers - 1)
    if not (settings.norm_place != "post" if wanted is None else wanted):
        return None
    return block_norm(settings)


def _each(past: Past | None, blocks: list[Any]) -> Sequence[StoredKeyValue | None]:
    """One entry for each block.  Raises ValueError when there are more or fewer."""
    if past is None:
        return [None] * len(blocks)
    if len(past) != len(blocks):
        raise ValueError(f"past keys and values of {len(past)} blocks do not fit {len(blocks)} blocks")
    return past
