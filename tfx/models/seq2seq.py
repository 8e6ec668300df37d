"""EncoderDecoder: reads one sequence and writes another, the Transformer as it was published.

    memory = encoder blocks(input(src))                         (B, S) -> (B, S, C)
    hidden = decoder blocks(input(tgt), memory), causal         (B, T) -> (B, T, C)
    logits = hidden W + b, or hidden E^T when tied              logits[:, t] are about the target token at t + 1

Source: Vaswani et al. 2017, "Attention Is All You Need".
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import buildable
from tfx.models.sequence_to_sequence import SequenceToSequence
from tfx.models.settings import TextSettings
from tfx.nn.block_cache import BlockCache
from tfx.nn.embedding import Embedding
from tfx.nn.position_scheme import attention_parts, table_of
from tfx.nn.settings import size
from tfx.nn.stacks import DecoderStack, EncoderStack, Past, StackCache
from tfx.nn.token_input import TokenInput, TokenInputCache
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import causal_mask, combine_masks, padding_mask, tokens_kept
from tfx.ops.basics.embedding import TiedLogitsCache
from tfx.ops.basics.linear import LinearCache


class SourceCache(NamedTuple):
    input: TokenInputCache
    stack: StackCache


class EncoderDecoderCache(NamedTuple):
    """blocks[i] of the decoder: .weights of its self-attention and .cross_weights; source.stack.blocks: the encoder."""

    source: SourceCache
    input: TokenInputCache
    stack: StackCache
    output: TiedLogitsCache | LinearCache

    @property
    def blocks(self) -> tuple[BlockCache, ...]:
        return self.stack.blocks


@dataclass(frozen=True)
class EncoderDecoderSettings(TextSettings):
    """tgt_vocab: None = source and target share one vocabulary and one embedding.

    tied: the output shares the target's embedding; with one vocabulary all three are one matrix (Vaswani et al. 2017,
    section 3.4).  Not tied and with tgt_vocab, all three are matrices of their own.  n_layers: blocks in the encoder
    and again in the decoder.  output_scale: of the hidden states, before the output.
    """

    _: KW_ONLY
    tgt_vocab: int | None = size(None)
    output_scale: float = 1.0


@buildable
class EncoderDecoder(SequenceToSequence):
    """Settings as in EncoderDecoderSettings."""

    settings_type = EncoderDecoderSettings

    def make(self, settings: EncoderDecoderSettings, rng: np.random.Generator) -> None:
        width, scaled, dtype = settings.d_model, settings.scaled_embedding, settings.dtype
        self.embedding = self.tgt_embedding = Embedding(settings.vocab, width, rng, dtype, scaled)
        if settings.tgt_vocab is not None:
            self.tgt_embedding = Embedding(settings.tgt_vocab, width, rng, dtype, scaled)
        in_encoder, in_decoder = (
            attention_parts(settings.positions, settings, rng, causal) for causal in (False, True)
        )
        self.src_input, self.tgt_input = (
            TokenInput(embedding, table_of(settings.positions), settings.max_len, rng, settings.dropout, dtype)
            for embedding in (self.embedding, self.tgt_embedding)
        )
        self.encoder = EncoderStack(settings, rng, in_encoder)
        self.decoder = DecoderStack(settings, rng, in_decoder)
        n_outputs = self.tgt_embedding.table.shape[0]
        self.output = TokenOutput(self.tgt_embedding, n_outputs, settings.tied, rng, dtype, settings.output_scale)

    @property
    def stores_keys(self) -> bool:
        """Whether it can write token by token, after stored keys and values."""
        return getattr(self.decoder, "stores_keys", False)

    def encode(self, src: Array, src_lengths: Array | None = None, rng: Any = None) -> tuple[Array, SourceCache]:
        """src: (B, S) -> memory: (B, S, C)."""
        xp = xp_of(self.embedding.table.value)
        src_mask = None if src_lengths is None else padding_mask(src_lengths, src.shape[1], xp, src.shape[0])
        x, input_cache = self.src_input.forward(src, rng)
        memory, stack_cache = self.encoder.forward(x, src_mask, rng, keep=tokens_kept(src_mask))
        return memory, SourceCache(input_cache, stack_cache)

    def decode(
        self,
        tgt: Array,
        memory: Array,
        source: SourceCache,
        src_lengths: Array | None = None,
        tgt_lengths: Array | None = None,
        rng: Any = None,
        past: Past | None = None,
        memory_past: Past | None = None,
    ) -> tuple[Array, EncoderDecoderCache]:
        """tgt: (B, T), memory: (B, S, C) and its cache -> logits: (B, T, V).

        past: stored keys and values of M target tokens before, from cache.stack.present; tgt_lengths count them too.
        memory_past: those of the memory, from cache.stack.memory_present; then memory itself is not read again, and
        its gradient stops here.
        """
        xp, length = xp_of(memory), tgt.shape[-1]
        m, start = (0, 0) if past is None else (past[0].length, past[0].seen)
        src_mask = None if src_lengths is None else padding_mask(src_lengths, memory.shape[1], xp, tgt.shape[0])
        tgt_mask = None if tgt_lengths is None else padding_mask(tgt_lengths, m + length, xp, tgt.shape[0])
        x, input_cache = self.tgt_input.forward(tgt, rng, start=start)
        causal = None if length == 1 else causal_mask(length, past=m, xp=xp)  # the newest token alone may see all
        mask = combine_masks(causal, tgt_mask)
        unread = memory if memory_past is None else memory[:, :0]
        keep = tokens_kept(tgt_mask, length)
        hidden, stack_cache = self.decoder.forward(x, unread, mask, src_mask, rng, past, memory_past, keep)
        logits, output_cache = self.output.forward(hidden)
        return logits, EncoderDecoderCache(source, input_cache, stack_cache, output_cache)

    def backward(self, dlogits: Array, cache: EncoderDecoderCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter."""
        dhidden = self.output.backward(dlogits, cache.output)  # logits = output(hidden)
        dx, dmemory = self.decoder.backward(dhidden, cache.stack)  # hidden = decoder(x, memory)
        self.tgt_input.backward(dx, cache.input)  # x = tgt_input(tgt)
        dsource = self.encoder.backward(dmemory, cache.source.stack)  # memory = encoder(...)
        self.src_input.backward(dsource, cache.source.input)  # ... of src_input(src)
