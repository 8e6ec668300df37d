"""BERT: an encoder that reads both ways and learns from text alone, by filling gaps and by matching sentences.

    x = dropout(norm(tokens(ids) + segments + positions))     (B, T) -> (B, T, C)
    hidden = blocks(x)                                        post-LN, GELU; every place attends to every other
    mlm = norm(gelu(hidden W + b)) E^T + offsets              (B, T, V): which word stands, or stood, at each place
    pooled = tanh(hidden[:, 0] W_p + b_p)                     (B, C): the place of [CLS]
    nsp = pooled W_n + b_n                                    (B, 2): 0 = the second sentence follows, 1 = it does not

Both objectives start from the same hidden states, so their gradients add up there:
dhidden = what comes from the words at every place, plus what comes from the pooler at place 0.

ALBERT's two ways to own fewer numbers are settings: an embedding narrower than C (see nn/segment_input.py), and one
block that is used in every layer (see nn/stacks.py).
Sources: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding",
section 3; Lan et al. 2020, "ALBERT", section 3.1; eps = 1e-12 from the code of both.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_settings import StackSettings
from tfx.nn.embedding import Embedding
from tfx.nn.linear import Linear
from tfx.nn.masked_language_head import MaskedLanguageHead, MaskedLanguageHeadCache
from tfx.nn.pooler import Pooler
from tfx.nn.segment_input import SegmentInput, SegmentInputCache
from tfx.nn.settings import size
from tfx.nn.stacks import EncoderStack, StackCache
from tfx.ops.attention.masks import padding_mask
from tfx.ops.basics.linear import LinearCache
from tfx.ops.feed_forward.pooler import PoolerCache

#: Sizes of the published models (Devlin et al. 2019, section 3), with the vocabulary of the uncased English ones.
BERT_BASE: dict[str, Any] = {
    "vocab": 30522,
    "d_model": 768,
    "n_heads": 12,
    "d_ff": 3072,
    "n_layers": 12,
    "max_len": 512,
}
BERT_LARGE: dict[str, Any] = {
    "vocab": 30522,
    "d_model": 1024,
    "n_heads": 16,
    "d_ff": 4096,
    "n_layers": 24,
    "max_len": 512,
}


class BertOutput(NamedTuple):
    hidden: Array  # (B, T, C)
    mlm_logits: Array  # (B, T, V), masked-language head
    nsp_logits: Array  # (B, 2), next-sentence head: 0 = it follows, 1 = it does not


class BertCache(NamedTuple):
    """blocks[i].weights: who attended to whom in block i; .attention.attention holds q, k and v; .x is its input."""

    input: SegmentInputCache
    stack: StackCache
    masked_language: MaskedLanguageHeadCache
    pooler: PoolerCache
    next_sentence: LinearCache

    @property
    def blocks(self) -> tuple[BlockCache, ...]:
        return self.stack.blocks


@dataclass(frozen=True)
class BertSettings(StackSettings, Vocabulary):
    """embedding_width: E, None for the model's width.  shared: one block, used n_layers times.

    positions: "learned", or "none" for experiments.  dropout: on the input too.
    """

    max_len: int = size(128)
    n_segments: int = size(2)
    _: KW_ONLY
    embedding_width: int | None = size(None)
    positions: str = "learned"
    norm_place: str = "post"
    eps: float = 1e-12
    seed: int = size(0, 0)


@buildable
class Bert(Model):
    """Settings as in BertSettings."""

    settings_type = BertSettings

    def make(self, settings: BertSettings, rng: np.random.Generator) -> None:
        d_model, eps, dtype = settings.d_model, settings.eps, settings.dtype
        width = d_model if settings.embedding_width is None else settings.embedding_width
        table = (settings.n_segments, settings.positions, settings.max_len)
        self.embedding = Embedding(settings.vocab, width, rng, dtype, scaled=False)
        self.input = SegmentInput(self.embedding, d_model, *table, rng, settings.dropout, dtype, eps)
        self.stack = EncoderStack(settings, rng)
        self.masked_language = MaskedLanguageHead(self.embedding, d_model, rng, settings.activation, dtype, eps)
        self.pooler = Pooler(d_model, rng, dtype)
        self.next_sentence = Linear(d_model, 2, rng, dtype=dtype)

    def forward(
        self, ids: Array, segments: Array | None = None, lengths: Array | None = None, rng: Any = None
    ) -> tuple[BertOutput, BertCache]:
        """ids: (B, T) integers starting with [CLS] -> BertOutput, cache.

        segments: (B, T) integers, which sentence each token belongs to; None = all belong to the first.
        lengths: (B,) real tokens in each row; what stands after them is never attended to.
        rng: dropout in training, None in evaluation.
        """
        mask = (
            None
            if lengths is None
            else padding_mask(lengths, ids.shape[1], xp_of(self.embedding.table.value), ids.shape[0])
        )
        x, input_cache = self.input.forward(ids, segments, rng)
        hidden, stack_cache = self.stack.forward(x, mask, rng)
        mlm_logits, mlm_cache = self.masked_language.forward(hidden)
        pooled, pooler_cache = self.pooler.forward(hidden)
        nsp_logits, nsp_cache = self.next_sentence.forward(pooled)
        output = BertOutput(hidden, mlm_logits, nsp_logits)
        return output, BertCache(input_cache, stack_cache, mlm_cache, pooler_cache, nsp_cache)

    def backward(self, dmlm: Array | None, dnsp: Array | None, cache: BertCache, dhidden: Array | None = None) -> None:
        """dmlm: (B, T, V), dnsp: (B, 2), dhidden: (B, T, C), the gradient of a head of one's own.

        None = the loss does not read that output.  Adds to the gradient of every parameter that took part.
        Raises ValueError when all three are None.
        """
        parts = [] if dhidden is None else [dhidden]
        if dnsp is not None:
            dpooled = self.next_sentence.backward(dnsp, cache.next_sentence)  # nsp = pooled W_n + b_n
            parts.append(self.pooler.backward(dpooled, cache.pooler))  # pooled = tanh(hidden[:, 0] W_p + b_p)
        if dmlm is not None:
            parts.append(self.masked_language.backward(dmlm, cache.masked_language))  # mlm = head(hidden)
        if not parts:
            raise ValueError("backward needs the gradient of at least one output")
        total = sum(parts[1:], parts[0])  # hidden was read by each of them
        dx = self.stack.backward(total, cache.stack)  # hidden = blocks(x)
        self.input.backward(dx, cache.input)  # x = input(ids, segments)


def bert_parameter_count(
    vocab: int,
    d_model: int,
    n_heads: int,
    d_ff: int,
    n_layers: int,
    max_len: int,
    n_segments: int = 2,
    embedding_width: int | None = None,
    shared: bool = False,
) -> dict[str, int]:
    """How many numbers each part of a Bert owns, from its sizes alone; nothing is allocated.

    "embedding", "blocks" and "pooler" are what is usually counted: `sum` of the three is 109,482,240 for BERT_BASE.
    The heads "masked_language" and "next_sentence" serve pre-training only.  n_heads changes no count.
    """
    width = d_model if embedding_width is None else embedding_width
    widen = 0 if width == d_model else width * d_model + d_model
    attention = 4 * (d_model * d_model + d_model)  # query, key, value, output
    feed_forward = d_model * d_ff + d_ff + d_ff * d_model + d_model
    norms = 2 * 2 * d_model  # two, each with a gain and an offset
    return {
        "embedding": (vocab + n_segments + max_len) * width + 2 * width + widen,
        "blocks": (min(n_layers, 1) if shared else n_layers) * (attention + feed_forward + norms),
        "pooler": d_model * d_model + d_model,
        "masked_language": d_model * width + width + 2 * width + vocab,  # the table itself is the input's
        "next_sentence": d_model * 2 + 2,
    }
