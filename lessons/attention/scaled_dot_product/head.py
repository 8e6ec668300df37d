"""One real run of a trained model on the reader's sentence, forward and backward: what all steps show parts of."""

import math
from dataclasses import dataclass

import numpy as np

from lessons.sentence import looks_at
from lessons.writing import Matrix, Request, by_hand, matrix, setting
from tfx.ops.attention.scaled_dot_product import attention_backward_steps, attention_forward, attention_scores
from tfx.shipped.load import NAMES, choose, load
from tfx.trace import attention_case
from tfx.trace.heads import MASKS
from tfx.trace.words import between_words, to_words

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"
SHOWN = 6  # coordinates of a vector that fit on a line


@dataclass(frozen=True)
class Settings:
    road: str = setting("whole", words=("whole", "attention"), about="whole: from characters to the answer and back to the embedding; attention: one head, and what it needs")  # fmt: skip
    model: str = setting("auto", words=("auto", *NAMES), about='pointing: says what "it" stands for, and was trained to look there; plain: the same, trained on the answer alone; language: predicts the next token of any text; auto: pointing where its grammar makes the sentence, else language')  # fmt: skip
    layer: int | None = setting(None, 1, about="which layer; none: the last of a pronoun model, in the language model that of the head below")  # fmt: skip
    head: int | None = setting(None, 1, about="which of its heads; none: the one with the largest weight, in the row that is followed, on a word that is neither that one nor the one just before it")  # fmt: skip
    word: str = setting("auto", about='the word whose row is followed, such as word=street, or a piece of one; auto: the pronoun ("it", else he, she, they ...), or where there is none the word that looks hardest at one further away')  # fmt: skip
    scale: float | None = setting(None, -1000.0, 1000.0, "what Q K^T is multiplied by in this head; none: 1/sqrt(D)")
    mask: str = setting("auto", words=MASKS, about="who may look at whom in this head; auto: as the model was trained; none: everybody at everybody; causal: nobody at what comes later")  # fmt: skip
    answer: str = setting("auto", about="for a pronoun: another word to take as the right one; which way would training pull then?")  # fmt: skip


class Run:
    """T tokens, C model width, D head width; all float64.

    case: what the trained model did at this head, with the reader's scale and mask in it.  whole, block: the run of the
    model and of the layer.  row: the query that is followed by hand; column: the key it looks at hardest.  raw: Q K^T,
    scores: times the scale, both (T, T).  cache, out, grads: attention done once more on the head's q, k and v.
    tokens: a label for each.  words, by_words: (W, W), the weights with the pieces of words joined.
    changed: what of the head is not as it was trained, "scale", "mask" or both; a wish that changes nothing is none.
    """

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.text = text = DEFAULT_TEXT if request.text is None else request.text
        self.settings, self.untrained = settings, request.untrained
        shipped = load(choose(text) if settings.model == "auto" else settings.model, untrained=request.untrained, seed=request.seed)  # fmt: skip
        layer, head = (None if number is None else number - 1 for number in (settings.layer, settings.head))
        answer, word = (None if wish == "auto" else wish for wish in (settings.answer, settings.word))
        self.case = case = attention_case(text, shipped, layer, head, answer, word=word, scale=settings.scale, mask=settings.mask)  # fmt: skip
        self.whole, self.block = case.whole, case.whole.blocks[case.layer]
        self.vocabulary = shipped.vocabulary
        self.scale, self.mask = case.scale, case.mask
        self.raw, self.scores = (attention_scores(case.q, case.k, scale)[0] for scale in (1.0, self.scale))
        self.out, self.cache = attention_forward(case.q, case.k, case.v, self.mask, self.scale)
        self.weights, self.grads = self.cache.weights, attention_backward_steps(case.dout, self.cache)
        self.blocked = np.zeros_like(self.raw, dtype=bool) if self.mask is None else ~self.mask  # (T, T)
        own_scale = not math.isclose(self.scale, 1 / math.sqrt(case.q.shape[1]))
        own_mask = not np.array_equal(self.blocked, np.triu(np.full_like(self.blocked, case.whole.causal), 1))
        self.changed = " and ".join(["scale"] * own_scale + ["mask"] * own_mask)
        self.row, self.column = case.row, int(self.weights[case.row].argmax())
        self.tokens, self.words, self.word_of = case.reading.labels, case.reading.words, case.reading.word_of
        self.by_words = between_words(self.weights, self.word_of)
        self.word, self.target = self.tokens[self.row], self.tokens[self.column]

    @property
    def whole_road(self) -> bool:
        return self.settings.road == "whole"

    @property
    def learned(self) -> str:
        """How maps and tables came by their numbers."""
        return "random here (--untrained)" if self.untrained else "learned"

    @property
    def where(self) -> str:
        return f"layer {self.case.layer + 1} of {self.case.n_layers}, head {self.case.head + 1} of {self.case.n_heads}"

    def looks(self, by_words: bool = False) -> str:
        """What the followed token looks at, in words.  by_words: what its word looks at, if that has several pieces."""
        own = self.word_of[self.row]
        pieces = [i for i, word in enumerate(self.word_of) if word == own]
        may = np.asarray(~self.blocked[pieces].all(axis=0) if by_words else ~self.blocked[self.row])
        seen = sorted({word for word, may_see in zip(self.word_of, may, strict=True) if may_see})
        shares = self.by_words[own] if by_words else to_words(self.weights[self.row], self.word_of)
        piece = "" if by_words or len(pieces) == 1 else self.word
        return looks_at(self.words[own], [self.words[word] for word in seen], shares[seen], piece=piece)

    def square(self, name: str, values: np.ndarray, note: str = "") -> Matrix:
        """A (T, T) matrix with its tokens; a screen shows the row that is followed."""
        return matrix(name, values, "query, key", self.tokens, self.tokens, note, [self.row])

    def vectors(self, name: str, values: np.ndarray, note: str = "", rows: tuple[int, ...] = ()) -> Matrix:
        """A vector for each token, cut to its first coordinates; a screen shows those of `rows`, or the followed one."""
        return coordinates(name, values, self.tokens, "token", note, rows or (self.row,))


def coordinates(name: str, values: np.ndarray, rows: tuple[str, ...], axis: str, note: str = "", focus: tuple[int, ...] = ()) -> Matrix:  # fmt: skip
    """A matrix of vectors, cut to its first few coordinates so that it fits the screen."""
    width = values.shape[-1]
    title = name if width <= SHOWN else f"{name}, first {SHOWN} of {width} coordinates"
    return matrix(title, values[:, :SHOWN], f"{axis}, coordinate", rows, note=note, focus=focus)


def short(x: float) -> str:
    """Three decimals where they say something, else two digits: `-0.123`, `1.2e-05`."""
    return f"{x:.3f}" if x == 0 or abs(x) >= 0.01 else f"{x:.2g}"


def apart(a: float, b: float) -> tuple[str, str]:
    """Two numbers with so many decimals that a reader can subtract them: three digits of the difference."""
    gap = abs(a - b) or 1.0
    decimals = min(max(3, 2 - math.floor(math.log10(gap))), 16)
    return f"{a:.{decimals}f}", f"{b:.{decimals}f}"


def probability(p: float) -> str:
    """Four digits, of what is missing to 1 too: a loss is computed from it."""
    return f"{p:.4g}" if p < 0.99 else f"{p:.{min(3 - math.floor(math.log10(max(1 - p, 1e-12))), 15)}f}"


def size(x: np.ndarray) -> str:
    """The length of a vector: the root of the sum of its squares."""
    return short(math.sqrt(float((x * x).sum())))


def products(a: np.ndarray, b: np.ndarray) -> str:
    """The start of a dot product whose terms may be very small."""
    return by_hand(a, b, 3, short)


def largest_products(a: np.ndarray, b: np.ndarray) -> str:
    """The largest terms of a dot product, as many as `products` shows; terms that are zero are left out."""
    order = [i for i in np.argsort(-np.abs(a * b), kind="stable") if a[i] * b[i] != 0] or [0]
    return products(a[order], b[order])


def counted(n: int, things: str) -> str:
    """`1 token`, `3 tokens`."""
    return f"{n} {things.removesuffix('s') if n == 1 else things}"
