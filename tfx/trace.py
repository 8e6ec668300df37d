"""One attention head at work: everything that one real forward and backward of a trained model computed there.

`attention_case` reads a text, runs the whole model, takes its loss all the way back, and keeps what passed through one
head.  Nothing is recomputed for show: q, k, v and the weights are the arrays of the forward's cache, and dout is what
the model's own backward handed to this attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tfx.errors import BadInput
from tfx.models import LanguageModel, PronounModel
from tfx.nn.attention import AttentionInputGrads, MultiHeadAttention
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.multi_head import split_heads
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.linear import linear_backward
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
    what_if: tuple[str, ...]


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
    blocks, run = _task(shipped, reading, answer)
    shipped.model.zero_grad()
    with _listening(blocks) as ears:
        result = run()
    layer, head = _place(layer, head, blocks, result)
    attention, width = blocks[layer].attention, result.caches[layer].attention.attention.q.shape[-1]
    cache = result.caches[layer].attention  # MultiHeadCache of a batch of one
    columns = slice(head * width, (head + 1) * width)
    dmerged, _, _ = linear_backward(ears[layer].arrived, cache.output)  # y = merged @ w_o + b_o
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
        dout=split_heads(dmerged, attention.n_heads)[0, head],
        row=int(_decidedness(weights, result.causal).argmax()) if result.row is None else result.row,
        answers=result.answers,
        expected=result.expected,
        loss=result.loss,
        what_if=result.what_if,
    )


class _Result(NamedTuple):
    caches: tuple[Any, ...]  # EncoderBlockCache of each layer
    causal: bool
    row: int | None
    loss: float
    answers: tuple[tuple[str, float], ...]
    expected: str
    about: str
    what_if: tuple[str, ...]


def _task(shipped: Shipped, reading: Reading, answer: str | None) -> tuple[list[EncoderBlock], Any]:
    """The blocks of the model, and a function that runs it forward and backward."""
    model = shipped.model
    if isinstance(model, PronounModel):
        return model.blocks, lambda: _run_pronoun(model, shipped, reading, answer)
    if answer is not None:
        raise BadInput("the language model is judged by the text itself.", "Leave out the answer.")
    return model.stack.blocks, lambda: _run_language(model, shipped, reading)


def _run_pronoun(model: PronounModel, shipped: Shipped, reading: Reading, answer: str | None) -> _Result:
    sentence = reading.sentence
    assert sentence is not None
    answer = sentence.answer if answer is None else answer
    if answer not in sentence.words:
        raise BadInput(f'"{answer}" is not a word of the sentence.', f"Words here: {' '.join(sentence.words)}")
    target = np.array([shipped.vocabulary.index(answer)])
    logits, cache = model.forward(reading.ids[None], np.array([sentence.it]))
    loss, loss_cache = cross_entropy_forward(logits, target)
    model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    other = "wide" if sentence.answer == sentence.mover else "tired"
    swapped = " ".join(other if word == sentence.adjective else word for word in sentence.words)
    twin = "plain" if shipped.name == "pointing" else "pointing"
    return _Result(
        cache.blocks,
        False,
        sentence.it,
        float(loss),
        _best(logits[0], shipped.vocabulary),
        answer,
        f'At "it" the model names the word that "it" stands for; the grammar says "{sentence.answer}".',
        (f'tfx explain attention --text "{swapped}"', f"tfx explain attention --set model={twin}"),
    )


def _run_language(model: LanguageModel, shipped: Shipped, reading: Reading) -> _Result:
    end = shipped.vocabulary.index(END)
    targets = np.append(reading.ids[1:], end)[None]  # each place predicts the next token; the last one the end
    logits, cache = model.forward(reading.ids[None])
    loss, loss_cache = cross_entropy_forward(logits, targets)
    model.backward(cross_entropy_backward(1.0, loss_cache), cache)
    return _Result(
        cache.blocks,
        True,
        None,
        float(loss),
        _best(logits[0, -1], shipped.vocabulary),
        END,
        f'Every place predicts the next token; these are its guesses after "{reading.tokens[-1]}".',
        ('tfx explain attention --text "the dog did not enter the park because it was too crowded"',),
    )


def _best(logits: np.ndarray, vocabulary: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    probabilities, _ = softmax_forward(logits)
    best = np.argsort(-probabilities, kind="stable")[:_BEST]
    return tuple((vocabulary[i], float(probabilities[i])) for i in best)


class _Listening(MultiHeadAttention):
    """The very same attention (every attribute is shared) that also notes the gradient that arrives: (B, T, C)."""

    def __init__(self, attention: MultiHeadAttention) -> None:
        vars(self).update(vars(attention))
        self.arrived: Any = None

    def backward(self, dy: Any, cache: Any, dweights: Any = None) -> AttentionInputGrads:
        self.arrived = dy
        return super().backward(dy, cache, dweights)


@contextmanager
def _listening(blocks: list[EncoderBlock]) -> Iterator[list[_Listening]]:
    """While it lasts, every layer's attention listens."""
    own = [block.attention for block in blocks]
    ears = [_Listening(attention) for attention in own]
    for block, ear in zip(blocks, ears, strict=True):
        block.attention = ear
    try:
        yield ears
    finally:
        for block, attention in zip(blocks, own, strict=True):
            block.attention = attention


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
    caches = [cache.attention.attention for cache in result.caches]
    return max(places, key=lambda at: _decidedness(caches[at[0]].weights[0, at[1]], result.causal).max())


def _index(what: str, wanted: int, count: int) -> int:
    if not -count <= wanted < count:
        raise BadInput(
            f"there is no {what} {wanted}: this model has {count} here, 0 to {count - 1}.", f"--set {what}=0"
        )
    return wanted % count


def _decidedness(weights: np.ndarray, causal: bool) -> np.ndarray:
    """weights: (T, T) -> (T,), how far each row is from uniform over the n keys it sees: log n - entropy, in nats."""
    n = len(weights)
    seen = np.arange(1, n + 1) if causal else np.full(n, n)
    return np.log(seen) - entropy(weights)
