"""One attention head at work: everything that one real forward and backward of a trained model computed there."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from tfx.data.pronouns import Sentence
from tfx.errors import BadInput
from tfx.ops.basics.entropy import entropy
from tfx.shipped.load import Reading, Shipped
from tfx.trace.heads import Change
from tfx.trace.whole import WholeRun, run_whole
from tfx.trace.words import to_words

_BEST = 5  # how many answers are kept
#: Words that stand for another one, in the order in which they are looked for.
PRONOUNS = (
    "it", "he", "she", "they", "him", "her", "them", "his", "its", "their", "hers", "theirs",
    "itself", "himself", "herself", "themselves",
)  # fmt: skip


class AttentionCase(NamedTuple):
    """One head of one layer on one text.  T tokens, C model width, D head width; float64 for models loaded so.

    x: (T, C), what the layer's attention reads (after its LayerNorm).  w_q, w_k, w_v: (C, D), this head's share of the
    maps; b_q, b_k, b_v: (D,) offsets, or None where the maps have none.  q, k, v, out: (T, D).  mask: (T, T) boolean,
    True = may attend, or None.  scale: what q . k is multiplied by.  scores: (T, T) before the softmax, -inf where
    blocked; weights: (T, T).  dout: (T, D), the gradient of `loss` with respect to out.
    row: the query worth following: the pronoun, or the word that looks hardest at a word further away.
    answers: (word, probability), best first.  expected: the right answer, as far as the loss knows it.
    reading: the text as the model sees it; sentence: what the pronoun grammar found, None for the language model.
    whole: the run of the whole model that this head is a part of.
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
    scale: float
    scores: np.ndarray
    weights: np.ndarray
    out: np.ndarray
    dout: np.ndarray
    row: int
    answers: tuple[tuple[str, float], ...]
    expected: str
    loss: float
    reading: Reading
    sentence: Sentence | None
    whole: WholeRun


def attention_case(
    text: str,
    shipped: Shipped,
    layer: int | None = None,
    head: int | None = None,
    answer: str | None = None,
    *,
    word: str | None = None,
    scale: float | None = None,
    mask: str = "auto",
) -> AttentionCase:
    """Runs `shipped` on `text`, forward and backward.

    layer, head: from 0, or from the end when negative.  None picks the last layer of a pronoun model, and of what is
    left open the head that looks further away than others: the one with the largest weight, in the row that is
    followed, on a word that is neither the followed one nor the one just before it.  Many heads of a language model
    look at the word before, whatever it is; they would be chosen often, and teach little.
    answer: for pronoun models, another word of the sentence to take as the right answer: what would the gradient be?
    word: the word, or the token, whose row is followed.  scale, mask: what this head does differently from how it was
    trained, see Change; the whole model then runs with such a head.
    Raises BadInput for a text the model cannot read and for a layer, head, answer or word that does not exist.
    """
    reading = shipped.read(text)
    whole = run_whole(shipped, reading, answer)
    rows = _worth_following(reading) if word is None else [_found(word, reading)]
    layer, head, row = _place(layer, head, whole, rows, reading)
    if scale is not None or mask != "auto":
        whole = run_whole(shipped, reading, answer, (layer, Change(head, scale, mask)))
    block = whole.blocks[layer]
    heads, attention, width = block.heads, block.layer.attention, block.heads.q.shape[-1]
    columns = slice(head * width, (head + 1) * width)
    q, k, v = heads.q[head], heads.k[head], heads.v[head]
    allowed = None if heads.masks[head].all() else heads.masks[head]
    scores = (q @ k.T) * heads.scales[head]
    return AttentionCase(
        model_name=shipped.name,
        model_about=shipped.about,
        task_about=_task(reading),
        tokens=reading.tokens,
        surfaces=reading.surfaces,
        layer=layer,
        n_layers=len(whole.blocks),
        head=head,
        n_heads=attention.n_heads,
        x=block.read,
        w_q=attention.query.w.value[:, columns],
        w_k=attention.key.w.value[:, columns],
        w_v=attention.value.w.value[:, columns],
        b_q=None if attention.query.b is None else attention.query.b.value[columns],
        b_k=None if attention.key.b is None else attention.key.b.value[columns],
        b_v=None if attention.value.b is None else attention.value.b.value[columns],
        q=q,
        k=k,
        v=v,
        mask=allowed,
        scale=float(heads.scales[head]),
        scores=scores if allowed is None else np.where(allowed, scores, -np.inf),
        weights=heads.weights[head],
        out=heads.out[head],
        dout=heads.dout[head],
        row=row,
        answers=_best(whole.probabilities[-1], shipped.vocabulary),
        expected=shipped.vocabulary[whole.targets[-1]],
        loss=whole.loss,
        reading=reading,
        sentence=reading.sentence,
        whole=whole,
    )


def _task(reading: Reading) -> str:
    if reading.sentence is None:
        return f'Every place predicts the next token; these are its guesses after "{reading.surfaces[-1]}".'
    answer = reading.sentence.answer
    return f'At "it" the model is asked what "it" stands for; the grammar of its sentences says "{answer}".'


def _best(probabilities: np.ndarray, vocabulary: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    best = np.argsort(-probabilities, kind="stable")[:_BEST]
    return tuple((vocabulary[i], float(probabilities[i])) for i in best)


def _worth_following(reading: Reading) -> list[int]:
    """The row of the pronoun; without one, the last piece of every word that is no mark, or all rows.

    "it's" is an "it".  A pronoun that opens a text is passed over in a model that looks back: it sees itself alone.
    """
    if reading.sentence is not None:
        return [reading.sentence.it]
    ends, words = _word_ends(reading), [re.split("['\u2019]", word.lower())[0] for word in reading.words]
    for pronoun in PRONOUNS:
        if pronoun in words[1:]:
            return [ends[len(words) - 1 - words[::-1].index(pronoun)]]
    rows = [end for end, word in zip(ends, words, strict=True) if word[:1].isalnum()]
    return rows or list(range(len(reading.ids)))


def _word_ends(reading: Reading) -> list[int]:
    """For each word its last piece; of "it's" the last one before the apostrophe."""
    ends, spelt = [0] * len(reading.words), [""] * len(reading.words)
    for token, word in enumerate(reading.word_of):
        spelt[word] += reading.surfaces[token]
        if not re.search("['\u2019]", spelt[word][1:]):
            ends[word] = token
    return ends


def _found(word: str, reading: Reading) -> int:
    """The last token that is, or ends, the word asked for."""
    wanted = word.strip().lower()
    ends = _word_ends(reading)
    places = [ends[i] for i, each in enumerate(reading.words) if each.lower() == wanted]
    places += [i for i, token in enumerate(reading.tokens) if wanted in (token, reading.labels[i].lower())] * (
        not places
    )
    if not places:
        raise BadInput(f'the word "{word}" is not in the sentence.', f"Words here: {' '.join(reading.words)}")
    return max(places)


def _place(
    layer: int | None, head: int | None, whole: WholeRun, rows: list[int], reading: Reading
) -> tuple[int, int, int]:
    """The layer and head that were asked for, or of those left open the one that looks furthest; and which row does."""
    blocks = whole.blocks
    if layer is None and not whole.causal:
        layer = len(blocks) - 1
    layers = range(len(blocks)) if layer is None else [_index("layer", layer, len(blocks))]
    places = []
    for one in layers:
        n_heads = len(blocks[one].heads.scales)
        heads = range(n_heads) if head is None else [_index("head", head, n_heads)]
        places += [(one, each, row) for each in heads for row in rows]

    def looks_away(place: tuple[int, int, int]) -> tuple[float, float]:
        layer, head, row = place
        weights, masks = (kept[head] for kept in (blocks[layer].heads.weights, blocks[layer].heads.masks))
        return largest_further_away(weights[row], row, reading), float(_decidedness(weights, masks)[row])

    return max(places, key=looks_away)


def largest_further_away(weights: np.ndarray, row: int, reading: Reading) -> float:
    """weights: (T,), one row of a head -> the largest of a word that is neither its own nor the one before; 0 if none.

    Marks do not count.  The weight of a word is the sum over its pieces.
    """
    shares, own = to_words(weights, reading.word_of), reading.word_of[row]
    away = [i for i, word in enumerate(reading.words) if i not in (own, own - 1) and word[:1].isalnum()]
    return float(shares[away].max()) if away else 0.0


def _index(what: str, wanted: int, count: int) -> int:
    if not -count <= wanted < count:
        number = wanted + 1 if wanted >= 0 else wanted  # readers count from 1
        raise BadInput(
            f"there is no {what} {number}: this model has {count} here, 1 to {count}.", f"Try: --set {what}=1"
        )
    return wanted % count


def _decidedness(weights: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """weights, mask: (T, T) -> (T,), how far each row is from uniform over the n keys it sees: log n - entropy."""
    return np.log(mask.sum(axis=1)) - entropy(weights)
