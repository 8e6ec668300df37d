"""RecurrentSeq2Seq: translation before the Transformer, with attention or with one vector for the whole source.

    memory, last = encoder in both directions (embedding(src))      (B, S) -> (B, S, C), C / 2 from each direction
    s_0 = last                                                      both last states side by side
    for t = 1 .. T:
        context_t = attention(s_{t-1}, memory)                      which source places matter now; (B, C)
        s_t = cell([embedding(tgt_t) ; context_t], s_{t-1})
        readout_t = tanh([s_t ; context_t] W_r + b_r)
    logits = readout W + b, or readout E^T when tied                logits[:, t] are about the target token at t + 1

Without attention there is no context, and s_0 is all that the decoder learns of the source: a vector of fixed size for
a sentence of any length.  That is the bottleneck which attention was invented to remove.

Derivation.  s_t is used up to three times: by its readout, by the next step, and as the question of the next attention;
its gradient is the sum of the three.  Every step reads the same memory, so dmemory collects a term from each step, and
at the end what the encoder's last state gets through s_0.  Then the encoder is undone, in both directions.
Sources: Sutskever, Vinyals and Le 2014, "Sequence to Sequence Learning with Neural Networks" (one vector); Bahdanau,
Cho and Bengio 2015 (attention asked by s_{t-1}, encoder in both directions; they start from tanh(W h) of the backward
direction alone); Luong, Pham and Manning 2015 (dot and general score; the readout, equation 5).
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import buildable
from tfx.models.sequence_to_sequence import SequenceToSequence
from tfx.models.settings import Vocabulary
from tfx.nn.dropout import Dropout
from tfx.nn.embedding import Embedding, ScaledEmbeddingCache
from tfx.nn.linear import Linear
from tfx.nn.memory_attention import MemoryAttention, MemoryAttentionCache
from tfx.nn.recurrent import Recurrent, RecurrentCache
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.nn.settings import size
from tfx.nn.token_output import TokenOutput
from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.embedding import TiedLogitsCache, check_rows_of_ids
from tfx.ops.basics.linear import LinearCache
from tfx.ops.feed_forward.sigmoid import TanhCache, tanh_backward, tanh_forward


class SourceCache(NamedTuple):
    embedding: ScaledEmbeddingCache
    dropped: DropoutCache
    recurrent: RecurrentCache


class StepCache(NamedTuple):
    cell: Any
    attention: MemoryAttentionCache | None


class RecurrentSeq2SeqCache(NamedTuple):
    source: SourceCache
    keys: LinearCache | None
    embedding: ScaledEmbeddingCache
    dropped: DropoutCache
    steps: tuple[StepCache, ...]
    memory: Array
    readout: LinearCache
    tanh: TanhCache
    dropped_readout: DropoutCache
    output: TiedLogitsCache | LinearCache

    @property
    def weights(self) -> Array:
        """(B, T, S): what each step read.  Raises ValueError where there is no attention."""
        read = [step.attention.weights for step in self.steps if step.attention is not None]
        if not read:
            raise ValueError("this model has no attention, or wrote nothing")
        return xp_of(self.memory).concatenate(read, axis=1)


@dataclass(frozen=True)
class RecurrentSeq2SeqSettings(Vocabulary):
    """attention: "additive" (Bahdanau), "dot", "general" (Luong) or "none".  cell: "rnn", "lstm" or "gru".

    tgt_vocab: None = both sides share one vocabulary and one embedding.  tied: the output shares the target's
    embedding.  Raises ValueError for an odd d_model: half of it is the width of each encoder direction.
    """

    d_model: int = size(64)
    _: KW_ONLY
    attention: str = "additive"
    cell: str = "gru"
    tied: bool = True
    dropout: float = 0.0
    tgt_vocab: int | None = size(None)
    seed: int = size(0, 0)
    dtype: str = "float32"

    def check(self) -> None:
        if self.d_model % 2:
            raise ValueError(f"d_model must be even, half for each direction of the encoder, not {self.d_model}")


@buildable
class RecurrentSeq2Seq(SequenceToSequence):
    """One layer in the encoder and one in the decoder.  Settings as in RecurrentSeq2SeqSettings."""

    settings_type = RecurrentSeq2SeqSettings

    def make(self, settings: RecurrentSeq2SeqSettings, rng: np.random.Generator) -> None:
        width, tgt_vocab, dtype = settings.d_model, settings.tgt_vocab, settings.dtype
        self.embedding = self.tgt_embedding = Embedding(settings.vocab, width, rng, dtype)
        if tgt_vocab is not None:
            self.tgt_embedding = Embedding(tgt_vocab, width, rng, dtype)
        self.encoder = Recurrent(settings.cell, width, width // 2, rng, bidirectional=True, dtype=dtype)
        self.attention = None
        if settings.attention != "none":
            self.attention = MemoryAttention(settings.attention, width, width, rng, dtype=dtype)
        widths = width if self.attention is None else 2 * width
        self.cell = RecurrentCell(settings.cell, widths, width, rng, dtype=dtype)
        self.readout = Linear(widths, width, rng, dtype=dtype)
        self.output = TokenOutput(self.tgt_embedding, self.tgt_embedding.table.shape[0], settings.tied, rng, dtype)
        self.dropout = Dropout(settings.dropout)

    def encode(self, src: Array, src_lengths: Array | None = None, rng: Any = None) -> tuple[Array, SourceCache]:
        """src: (B, S) -> memory: (B, S, C)."""
        check_rows_of_ids(src, "src")
        embedded, embedding = self.embedding.forward(src)
        x, dropped = self.dropout.forward(embedded, rng)
        memory, recurrent = self.encoder.forward(x, lengths=src_lengths, rng=rng)
        return memory, SourceCache(embedding, dropped, recurrent)

    def decode(
        self,
        tgt: Array,
        memory: Array,
        source: SourceCache,
        src_lengths: Array | None = None,
        tgt_lengths: Array | None = None,
        rng: Any = None,
    ) -> tuple[Array, RecurrentSeq2SeqCache]:
        """tgt: (B, T), memory: (B, S, C) and its cache -> logits: (B, T, V).  Raises ValueError for T = 0.

        tgt_lengths change nothing, because no step sees a later one.
        """
        check_rows_of_ids(tgt, "tgt")
        if tgt.shape[0] != memory.shape[0]:
            raise ValueError(f"{tgt.shape[0]} targets do not fit {memory.shape[0]} sources")
        if not tgt.shape[1]:
            raise ValueError("the target is empty; give at least a start token")
        xp = xp_of(memory)
        mask = None if src_lengths is None else padding_mask(src_lengths, memory.shape[1], xp)[:, 0]  # (B, 1, S)
        keys, keys_cache = (memory, None) if self.attention is None else self.attention.prepare(memory)
        embedded, embedding = self.tgt_embedding.forward(tgt)
        y, dropped = self.dropout.forward(embedded, rng)
        # s_0: (directions, B, C / 2) -> (B, C)
        state = tuple(
            part.swapaxes(0, 1).reshape(part.shape[1], part.shape[0] * part.shape[2]) for part in source.recurrent.last
        )
        steps, features = [], []
        for t in range(tgt.shape[1]):
            read, context, attention = y[:, t], None, None
            if self.attention is not None:
                context, attention = self.attention.forward(state[0][:, None], keys, memory, mask)
                context = context[:, 0]
                read = xp.concatenate((read, context), axis=-1)
            state, cell = self.cell.step(read, state)
            features.append(state[0] if context is None else xp.concatenate((state[0], context), axis=-1))
            steps.append(StepCache(cell, attention))
        z, readout = self.readout.forward(xp.stack(features, axis=1))
        bent, tanh = tanh_forward(z)
        hidden, dropped_readout = self.dropout.forward(bent, rng)
        logits, output = self.output.forward(hidden)
        return logits, RecurrentSeq2SeqCache(
            source, keys_cache, embedding, dropped, tuple(steps), memory, readout, tanh, dropped_readout, output
        )

    def backward(self, dlogits: Array, cache: RecurrentSeq2SeqCache) -> None:
        """dlogits: (B, T, V).  Adds to the gradient of every parameter."""
        xp, memory = xp_of(dlogits), cache.memory
        dhidden = self.output.backward(dlogits, cache.output)  # logits = output(hidden)
        dbent = self.dropout.backward(dhidden, cache.dropped_readout)  # hidden = dropout(bent)
        dfeatures = self.readout.backward(tanh_backward(dbent, cache.tanh), cache.readout)  # bent = tanh(readout(...))
        width = memory.shape[-1]
        dmemory = xp.zeros_like(memory)
        dkeys: Array = 0
        dstate = tuple(xp.zeros_like(part) for part in cache.steps[-1].cell.last)
        dy = []
        for t in range(len(cache.steps) - 1, -1, -1):
            cell, attention = cache.steps[t]
            dstate = (dstate[0] + dfeatures[:, t, :width], *dstate[1:])  # features = [s_t ; context]
            dread, dstate = self.cell.step_backward(dstate, cell)  # s_t = cell(read, s_{t-1})
            dy.append(dread[:, :width])  # read = [y_t ; context]
            if self.attention is not None and attention is not None:
                dcontext = dread[:, width:] + dfeatures[:, t, width:]  # the context was read twice
                dquestion, dkeys_t, dmemory_t = self.attention.backward(dcontext[:, None], attention)
                dstate = (dstate[0] + dquestion[:, 0], *dstate[1:])  # s_{t-1} asked
                dkeys = dkeys + dkeys_t  # every step read the same keys
                dmemory = dmemory + dmemory_t  # ... and the same memory
        dembedded = self.dropout.backward(xp.stack(dy[::-1], axis=1), cache.dropped)  # y = dropout(embedded)
        self.tgt_embedding.backward(dembedded, cache.embedding)
        if self.attention is not None:
            dmemory = dmemory + self.attention.prepare_backward(dkeys, cache.keys)  # keys = prepare(memory)
        dlast = tuple(part.reshape(len(part), 2, -1).swapaxes(0, 1) for part in dstate)  # s_0 = last
        self._encode_backward(dmemory, dlast, cache.source)

    def _encode_backward(self, dmemory: Array, dlast: tuple[Array, ...], cache: SourceCache) -> None:
        dx, _ = self.encoder.backward(dmemory, cache.recurrent, dlast)  # memory, last = encoder(x)
        dembedded = self.dropout.backward(dx, cache.dropped)  # x = dropout(embedded)
        self.embedding.backward(dembedded, cache.embedding)  # embedded = embedding(src)
