"""RetrievalReader: looks a question up in a store of documents, and reads the answer there.

    q = encode(question)                        the question as one vector                   (B, L) -> (B, D)
    d_z = encode(document z)                    each document as one vector, by an encoder of its own
    z_1 .. z_K                                  the K documents with the largest q . d_z: no gradient
    p(z | x) = softmax over those K of q . d_z / sqrt(D)
    p(y | x, z)                                 an encoder reads question and document together and answers
    p(y | x) = sum_z p(z | x) p(y | x, z)       ops/losses/marginal_likelihood.py

What the model knows is in the store and not in its weights: change a document and the answer changes, without training.
Nobody tells the retriever which document is right.  A document that helps to answer gains probability, because the
gradient of the score is posterior minus prior.  That works only once the reader can tell: at first it answers at random
from any document, the differences are noise, and following them can destroy whatever the retriever could do (the cold
start of REALM, section 3.4).  So let the reader train alone for a while: train/retrieval.py.

The answer is one token, read at the first place, where `whole answer` and `token by token` are the same thing.  Left
out: pre-training of either half, approximate search, and readers that write longer answers.
Sources: Lewis et al. 2020, "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks"; Guu et al. 2020,
"REALM: Retrieval-Augmented Language Model Pre-Training", whose reader and stale index these are.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, to_device, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import Vocabulary
from tfx.nn.block_settings import StackSettings
from tfx.nn.embedding import Embedding
from tfx.nn.linear import Linear
from tfx.nn.settings import size
from tfx.nn.stacks import EncoderStack
from tfx.nn.token_input import TokenInput
from tfx.ops.basics.embedding import check_ids, check_rows_of_ids
from tfx.ops.basics.linear import LinearCache
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.ops.basics.retrieval import (
    RetrievalScoresCache,
    nearest_documents,
    retrieval_scores_backward,
    retrieval_scores_forward,
)
from tfx.ops.losses.marginal_likelihood import marginal_likelihood_forward
from tfx.params import Layer


class TextEncoderCache(NamedTuple):
    input: Any
    stack: Any
    hidden_shape: tuple[int, ...]
    output: LinearCache


class TextEncoder(Layer):
    """Reads a short text and says one vector: token input, encoder blocks, pooling, a linear map.

    pool: "mean" of all places, or the "first" place alone.
    """

    def __init__(
        self,
        embedding: Embedding,
        n_outputs: int,
        pool: str,
        max_len: int,
        settings: StackSettings,
        rng: np.random.Generator,
    ) -> None:
        if pool not in ("mean", "first"):
            raise ValueError(f"pool must be mean or first, not {pool!r}")
        self.pool = pool
        self.input = TokenInput(embedding, "learned", max_len, rng, settings.dropout, settings.dtype)
        self.stack = EncoderStack(settings, rng)
        self.output = Linear(settings.d_model, n_outputs, rng, dtype=settings.dtype)

    def forward(self, ids: Array, rng: Any = None) -> tuple[Array, TextEncoderCache]:
        """ids: (B, T) integers, T >= 1 -> y: (B, n_outputs)."""
        x, input_cache = self.input.forward(ids, rng)
        hidden, stack_cache = self.stack.forward(x, None, rng)
        pooled = hidden[:, 0] if self.pool == "first" else hidden.mean(axis=1)
        y, output_cache = self.output.forward(pooled)
        return y, TextEncoderCache(input_cache, stack_cache, hidden.shape, output_cache)

    def backward(self, dy: Array, cache: TextEncoderCache) -> None:
        """dy: (B, n_outputs).  Adds to the gradient of every parameter."""
        dpooled = self.output.backward(dy, cache.output)
        dhidden = xp_of(dy).zeros(cache.hidden_shape, dtype=dy.dtype)
        if self.pool == "first":
            dhidden[:, 0] = dpooled  # pooled = hidden[:, 0]
        else:
            dhidden += dpooled[:, None] / cache.hidden_shape[1]  # pooled = sum of hidden / T
        self.input.backward(self.stack.backward(dhidden, cache.stack), cache.input)


class RetrievalOutput(NamedTuple):
    """scores: (B, K) of the chosen documents; logits: (B, K, V) of the answer after each; chosen: (B, K) documents."""

    scores: Array
    logits: Array
    chosen: Array


class RetrievalReaderCache(NamedTuple):
    query: TextEncoderCache
    document: TextEncoderCache
    scores: RetrievalScoresCache
    reader: TextEncoderCache


@dataclass(frozen=True)
class RetrievalReaderSettings(StackSettings, Vocabulary):
    """d_retrieval: D, width of the vectors that are compared; n_retrieved: K, documents read for each question.

    max_len: the longest question and document together.  n_layers: blocks in each of the three encoders.
    """

    n_layers: int = size(1, 0)
    _: KW_ONLY
    d_retrieval: int = size(32)
    n_retrieved: int = size(4)
    max_len: int = size(32)
    seed: int = size(0, 0)


@buildable
class RetrievalReader(Model):
    """All three encoders share one token embedding, so that a word means the same to retriever and reader.

    The two encoders of the retriever start with equal values and average over places, so that texts which share words
    are near each other from the start; the papers start both from one BERT and read its first place.
    """

    settings_type = RetrievalReaderSettings

    def make(self, settings: RetrievalReaderSettings, rng: np.random.Generator) -> None:
        self.n_retrieved = settings.n_retrieved
        self.embedding = Embedding(settings.vocab, settings.d_model, rng, settings.dtype)
        of_texts = (self.embedding, settings.d_retrieval, "mean", settings.max_len, settings)
        self.query_encoder, self.document_encoder = (
            TextEncoder(*of_texts, np.random.default_rng((settings.seed, 1))) for _ in range(2)
        )
        self.reader = TextEncoder(self.embedding, settings.vocab, "first", settings.max_len, settings, rng)

    def forward(
        self,
        questions: Array,
        documents: Array,
        index: Array | None = None,
        chosen: Array | None = None,
        rng: Any = None,
    ) -> tuple[RetrievalOutput, RetrievalReaderCache]:
        """questions: (B, Lq), documents: (N, Ld) integers -> scores: (B, K), logits: (B, K, V), chosen: (B, K).

        index: (N, D) vectors of all documents to search in, perhaps stale; made afresh unless given.  chosen: (B, K),
        to read these documents and search for none.  The scores of the chosen ones are always fresh.
        rng: dropout in training, None in evaluation.
        """
        for name, texts in (("questions", questions), ("documents", documents)):
            check_rows_of_ids(texts, name)
            if not texts.shape[1]:
                raise ValueError(f"{name} without tokens have no meaning to compare")
        xp = xp_of(self.embedding.table.value)
        questions, documents = to_device(questions, xp), to_device(documents, xp)
        query, query_cache = self.query_encoder.forward(questions, rng)
        if chosen is None:
            index = self.index(documents) if index is None else index
            chosen = nearest_documents(query, index, self.n_retrieved)
        check_ids(chosen, documents.shape[0], "document")
        chosen = to_device(chosen, xp)
        batch, k = chosen.shape
        read = documents[chosen.reshape(-1)]  # (B K, Ld)
        vectors, document_cache = self.document_encoder.forward(read, rng)
        scores, scores_cache = retrieval_scores_forward(
            query, vectors.reshape(batch, k, vectors.shape[-1]), 1 / math.sqrt(query.shape[1])
        )
        text = xp.concatenate([questions.repeat(k, axis=0), read], axis=1)  # (B K, Lq + Ld)
        logits, reader_cache = self.reader.forward(text, rng)
        cache = RetrievalReaderCache(query_cache, document_cache, scores_cache, reader_cache)
        return RetrievalOutput(scores, logits.reshape(batch, k, logits.shape[-1]), chosen), cache

    def backward(self, dscores: Array, dlogits: Array, cache: RetrievalReaderCache) -> None:
        """dscores: (B, K), dlogits: (B, K, V).  Adds to the gradient of every parameter."""
        self.reader.backward(dlogits.reshape(-1, dlogits.shape[-1]), cache.reader)  # logits = reader(text)
        dquery, dvectors = retrieval_scores_backward(dscores, cache.scores)  # scores = vectors . query
        self.document_encoder.backward(dvectors.reshape(-1, dvectors.shape[-1]), cache.document)
        self.query_encoder.backward(dquery, cache.query)

    def index(self, documents: Array) -> Array:
        """documents: (N, Ld) -> (N, D), the vectors that questions are compared with."""
        return self.document_encoder.forward(documents)[0]

    def answer(self, questions: Array, documents: Array, index: Array | None = None) -> Array:
        """questions: (B, Lq), documents: (N, Ld) -> log p(y | x): (B, V), summed over the documents found."""
        out, _ = self.forward(questions, documents, index)
        return answer_log_probs(out)


def answer_log_probs(out: RetrievalOutput) -> Array:
    """-> log p(y | x) for every word of the vocabulary: (B, V).  Each word is an answer of its own, of one token."""
    log_likelihoods, _ = log_softmax_forward(out.logits)  # (B, K, V)
    batch, k, vocab = log_likelihoods.shape
    each = log_likelihoods.swapaxes(1, 2).reshape(batch * vocab, k, 1)
    return marginal_likelihood_forward(out.scores.repeat(vocab, axis=0), each)[0].reshape(batch, vocab)
