"""One attention head at work: everything that one real forward and backward of a trained model computed there.

`attention_case` reads a text, runs the whole model, takes its loss all the way back, and keeps what passed through one
head.  Nothing is recomputed for show: q, k, v and the weights are the arrays of the forward's cache, and dout is what
the model's own backward handed to this attention.  The model is not touched to learn that: the way back runs on the
same cache, in which every attention has a listener for a kernel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.caches import exchanged
from tfx.data.pronouns import Sentence
from tfx.errors import BadInput
from tfx.models import LanguageModel, PronounModel
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.grouped_attention import grouped_attention_backward, grouped_attention_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import MultiHeadCache, split_heads
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.shipped.load import Reading, Shipped
from tfx.tokenizers.word import END

_BEST = 5  # how many answers are kept


class AttentionCase(NamedTuple):
    """One head of one layer on one text.  T tokens, C model width, D head width; float64 for models loaded so.

    x: (T, C), what the layer's attention reads (after its LayerNorm).  w_q, w_k, w_v: (C, D), this head's share of the
    maps; b_q, b_k, b_v: (D,) offsets, or None where the maps have none.  q, k, v, out: (T, D).  mask: (T, T) boolean,
    True = may attend, or None.  scores: (T, T) before the softmax, -inf where blocked; weights: (T, T).
    dout: (T, D), the gradient of `loss` with respect to out.
    row: the query worth following: "it", or the row whose weights are furthest from uniform.
    answers: (word, probability), best first.  expected: the right answer, as far as the loss knows it.
    sentence: what the pronoun grammar found, None for the language model.
    """

    model_name: str
    model_about: str
    task_about: str
    tokens: tuple[str, ...]
    surfaces: tuple[str, ...]
    layer: int
    n_layers: int
    head: int
    n_heads: int
    x: np.ndarray
    w_q: np.ndarray
    w_k: np.ndarray
    w_v: np.ndarray
    b_q: np.ndarray | None
    b_k: np.ndarray | None
    b_v: np.ndarray | None
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    mask: np.ndarray | None
    scores: np.ndarray
    weights: np.ndarray
    out: np.ndarray
    dout: np.ndarray
    row: int
    answers: tuple[tuple[str, float], ...]
    expected: str
    loss: float
    sentence: Sentence | None


def attention_case(
    text: str, shipped: Shipped, layer: int | None = None, head: int | None = None, answer: str | None = None
) -> AttentionCase:
    """Runs `shipped` on `text`, forward and backward.

    layer, head: from 0, or from the end when negative.  None picks the last layer of a pronoun model, and of the
    language model the head whose weights are furthest from uniform on this text.
    answer: for pronoun models, another word of the sentence to take as the right answer: what would the gradient be?
    Raises BadInput for a text the model cannot read and for a layer, head or answer that does not exist.
    """
    reading = shipped.read(text)
    blocks, result = _forward(shipped, reading, answer)
    ears: list[_Listener] = []
    shipped.model.zero_grad()
    shipped.model.backward(result.dlogits, exchanged(result.cache, MultiHeadCache, lambda kept: _heard(kept, ears)))
    layer, head = _place(layer, head, blocks, result)
    attention, width = blocks[layer].attention, result.cache.blocks[layer].attention.attention.q.shape[-1]
    cache = result.cache.blocks[layer].attention  # MultiHeadCache of a batch of one
    columns = slice(head * width, (head + 1) * width)
    q, k, v = (array[0, head] for array in (cache.attention.q, cache.attention.k, cache.attention.v))
    mask = causal_mask(len(reading.ids)) if result.causal else None
    scores = (q @ k.T) * cache.attention.scale
    weights = cache.attention.weights[0, head]
    return AttentionCase(
        model_name=shipped.name,
        model_about=shipped.about,
        task_about=result.about,
        tokens=reading.tokens,
        surfaces=reading.surfaces,
        layer=layer,
        n_layers=len(blocks),
        head=head,
        n_heads=attention.n_heads,
        x=cache.query.x[0],
        w_q=cache.query.w[:, columns],
        w_k=cache.key.w[:, columns],
        w_v=cache.value.w[:, columns],
        b_q=None if attention.query.b is None else attention.query.b.value[columns],
        b_k=None if attention.key.b is None else attention.key.b.value[columns],
        b_v=None if attention.value.b is None else attention.value.b.value[columns],
        q=q,
        k=k,
        v=v,
        mask=mask,
        scores=scores if mask is None else np.where(mask, scores, -np.inf),
        weights=weights,
        out=split_heads(cache.output.x, attention.n_heads)[0, head],
        dout=ears[layer].arrived[0, head],
        row=int(_decidedness(weights, result.causal).argmax()) if result.row is None else result.row,
        answers=result.answers,
        expected=result.expected,
        loss=result.loss,
        sentence=reading.sentence,
    )


class _Result(NamedTuple):
    cache: Any  # cache.blocks: an BlockCache for each layer
    dlogits: np.ndarray
    causal: bool
    row: int | None
    loss: float
    answers: tuple[tuple[str, float], ...]
    expected: str
    about: str


def _forward(shipped: Shipped, reading: Reading, answer: str | None) -> tuple[list[EncoderBlock], _Result]:
    """The blocks of the model, and what it makes of the text."""
    model = shipped.model
    if isinstance(model, PronounModel):
        return model.blocks, _run_pronoun(model, shipped, reading, answer)
    if answer is not None:
        raise BadInput("the language model is judged by the text itself.", "Leave out the answer.")
    return model.stack.blocks, _run_language(model, shipped, reading)


def _run_pronoun(model: PronounModel, shipped: Shipped, reading: Reading, answer: str | None) -> _Result:
    sentence = reading.sentence
    assert sentence is not None
    answer = sentence.answer if answer is None else answer
    if answer not in sentence.words:
        raise BadInput(f'"{answer}" is not a word of the sentence.', f"Words here: {' '.join(sentence.words)}")
    target = np.array([shipped.vocabulary.index(answer)])
    logits, cache = model.forward(reading.ids[None], np.array([sentence.it]))
    loss, loss_cache = cross_entropy_forward(logits, target)
    return _Result(
        cache,
        cross_entropy_backward(1.0, loss_cache),
        False,
        sentence.it,
        float(loss),
        _best(logits[0], shipped.vocabulary),
        answer,
        f'At "it" the model is asked what "it" stands for; the grammar of its sentences says "{sentence.answer}".',
    )


def _run_language(model: LanguageModel, shipped: Shipped, reading: Reading) -> _Result:
    end = shipped.vocabulary.index(END)
    targets = np.append(reading.ids[1:], end)[None]  # each place predicts the next token; the last one the end
    logits, cache = model.forward(reading.ids[None])
    loss, loss_cache = cross_entropy_forward(logits, targets)
    return _Result(
        cache,
        cross_entropy_backward(1.0, loss_cache),
        True,
        None,
        float(loss),
        _best(logits[0, -1], shipped.vocabulary),
        END,
        f'Every place predicts the next token; these are its guesses after "{reading.tokens[-1]}".',
    )


def _best(logits: np.ndarray, vocabulary: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    probabilities, _ = softmax_forward(logits)
    best = np.argsort(-probabilities, kind="stable")[:_BEST]
    return tuple((vocabulary[i], float(probabilities[i])) for i in best)


class _Listener:
    """A kernel that attends exactly, and notes the gradient that arrives at the heads: (B, H, T, D)."""

    arrived: Array

    def forward(self, q: Array, k: Array, v: Array, mask: Array | None, scale: float | None) -> tuple[Array, Any]:
        return grouped_attention_forward(q, k, v, mask, scale)

    def backward(self, dout: Array, cache: Any) -> tuple[Array, Array, Array]:
        self.arrived = dout
        grads = grouped_attention_backward(dout, cache)
        return grads.dq, grads.dk, grads.dv


def _heard(cache: MultiHeadCache, ears: list[_Listener]) -> MultiHeadCache:
    ears.append(_Listener())
    return cache._replace(kernel=ears[-1])


def _place(layer: int | None, head: int | None, blocks: list[EncoderBlock], result: _Result) -> tuple[int, int]:
    """The layer and head that were asked for, or the most decided one among those that were left open."""
    if layer is None and not result.causal:
        layer = len(blocks) - 1
    layers = range(len(blocks)) if layer is None else [_index("layer", layer, len(blocks))]
    places = []
    for one in layers:
        n_heads = blocks[one].attention.n_heads
        heads = range(n_heads) if head is None else [_index("head", head, n_heads)]
        places += [(one, each) for each in heads]
    caches = [cache.attention.attention for cache in result.cache.blocks]
    return max(places, key=lambda at: _decidedness(caches[at[0]].weights[0, at[1]], result.causal).max())


def _index(what: str, wanted: int, count: int) -> int:
    if not -count <= wanted < count:
        number = wanted + 1 if wanted >= 0 else wanted  # readers count from 1
        raise BadInput(
            f"there is no {what} {number}: this model has {count} here, 1 to {count}.", f"Try: --set {what}=1"
        )
    return wanted % count


def _decidedness(weights: np.ndarray, causal: bool) -> np.ndarray:
    """weights: (T, T) -> (T,), how far each row is from uniform over the n keys it sees: log n - entropy, in nats."""
    n = len(weights)
    seen = np.arange(1, n + 1) if causal else np.full(n, n)
    return np.log(seen) - entropy(weights)
