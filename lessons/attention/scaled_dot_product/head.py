"""One real run of one attention head, forward and backward, on the reader's sentence: what all steps show parts of."""

import math
from dataclasses import dataclass

import numpy as np

from lessons.writing import by_hand, Matrix, Request, matrix, setting
from tfx.tokenizers.word import UNKNOWN
from tfx.errors import BadInput
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_backward_steps, attention_forward, attention_scores
from tfx.shipped.load import NAMES, choose, load
from tfx.trace import attention_case

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"
SHOWN = 6  # coordinates of a vector that fit on a line


@dataclass(frozen=True)
class Settings:
    model: str = setting("auto", words=("auto", *NAMES), about="which trained model reads the sentence; auto: the one that fits it")  # fmt: skip
    layer: int | None = setting(None, 1, about="which layer; none: the last, or the one with the most decided head")
    head: int | None = setting(None, 1, about="which of its heads; none: the most decided one")
    word: str = setting("auto", about='the token whose row is followed by hand; auto: "it", or the most decided row')
    scale: float | None = setting(None, -1000.0, 1000.0, "what Q K^T is multiplied by; none: 1/sqrt(D)")
    mask: str = setting("auto", words=("auto", "none", "causal"), about="who may look at whom; auto: as the model was trained")  # fmt: skip
    answer: str = setting("auto", about="for a pronoun: another word to take as the right one; which way would training pull then?")  # fmt: skip


class Run:
    """T tokens, C model width, D head width; all float64.

    case: what the trained model did at this head.  row: the query that is followed by hand; column: the key it looks
    at hardest.  raw: Q K^T, scaled: times the scale, both (T, T).  cache, out, grads: attention on the model's own
    q, k, v with the reader's scale and mask; when neither was changed they equal the model's own.
    """

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        text = DEFAULT_TEXT if request.text is None else request.text
        name = choose(text) if settings.model == "auto" else settings.model
        shipped = load(name, untrained=request.untrained, seed=request.seed)
        layer, head = (None if number is None else number - 1 for number in (settings.layer, settings.head))
        self.case = case = attention_case(text, shipped, layer, head, None if settings.answer == "auto" else settings.answer)  # fmt: skip
        self.untrained = request.untrained
        self.changed = settings.scale is not None or settings.mask != "auto"
        self.scale = 1 / math.sqrt(case.q.shape[-1]) if settings.scale is None else settings.scale
        self.mask = {"auto": case.mask, "none": None, "causal": causal_mask(len(case.tokens))}[settings.mask]
        self.raw, self.scaled = (attention_scores(case.q, case.k, scale)[0] for scale in (1.0, self.scale))
        self.out, self.cache = attention_forward(case.q, case.k, case.v, self.mask, self.scale)
        self.weights, self.grads = self.cache.weights, attention_backward_steps(case.dout, self.cache)
        self.blocked = np.zeros_like(self.raw, dtype=bool) if self.mask is None else ~self.mask  # (T, T)
        places = [i for i, token in enumerate(case.tokens) if token == settings.word.lower()]
        if settings.word != "auto" and not places:
            raise BadInput(f'the token "{settings.word}" is not in the sentence.', f"Tokens here: {' '.join(case.tokens)}")  # fmt: skip
        self.row = case.row if settings.word == "auto" else places[-1]
        self.column = int(self.weights[self.row].argmax())
        pairs = zip(case.tokens, case.surfaces, strict=True)
        self.tokens = tuple(surface if token == UNKNOWN else token for token, surface in pairs)  # unknown: as the reader spelt it  # fmt: skip
        self.word, self.target = self.tokens[self.row], self.tokens[self.column]

    def square(self, name: str, values: np.ndarray, note: str = "") -> Matrix:
        """A (T, T) matrix with its tokens."""
        return matrix(name, values, "query, key", self.tokens, self.tokens, note)


def coordinates(name: str, values: np.ndarray, rows: tuple[str, ...], axis: str = "token", note: str = "") -> Matrix:
    """A matrix of vectors, cut to its first few coordinates so that it fits the screen."""
    width = values.shape[-1]
    title = name if width <= SHOWN else f"{name}, first {SHOWN} of {width} coordinates"
    return matrix(title, values[:, :SHOWN], f"{axis}, coordinate", rows, note=note)


def short(x: float) -> str:
    """Three decimals where they say something, else two digits: `-0.123`, `1.2e-05`."""
    return f"{x:.3f}" if x == 0 or abs(x) >= 0.01 else f"{x:.2g}"


def products(a: np.ndarray, b: np.ndarray) -> str:
    """The start of a dot product whose terms may be very small."""
    return by_hand(a, b, 3, short)
