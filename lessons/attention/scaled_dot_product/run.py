"""One real run of one attention head, forward and backward, on the reader's sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lessons.course import Request
from tfx.errors import BadInput
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import (
    AttentionCache,
    AttentionGrads,
    attention_backward_steps,
    attention_forward,
)
from tfx.shipped.load import NAMES, choose, load
from tfx.tokenizers.word import UNKNOWN
from tfx.trace import AttentionCase, attention_case

MODELS = ("auto", *NAMES)


@dataclass(frozen=True)
class HeadRun:
    """Everything that the steps show.  T tokens, C model width, D head width; all float64.

    case: what the trained model did at this head.  row: the query that is followed by hand; column: the key it looks
    at hardest.  raw: Q K^T, (T, T).  cache, out, grads: attention run with the reader's scale and mask; when neither was
    changed they equal the model's own.  dout is the gradient that arrived from the model's loss.
    """

    case: AttentionCase
    row: int
    column: int
    scale: float
    mask: np.ndarray | None
    raw: np.ndarray
    out: np.ndarray
    cache: AttentionCache
    grads: AttentionGrads
    changed: bool
    untrained: bool

    @property
    def tokens(self) -> tuple[str, ...]:
        """As in the vocabulary; what is not in it in the reader's own spelling."""
        pairs = zip(self.case.tokens, self.case.surfaces, strict=True)
        return tuple(surface if token == UNKNOWN else token for token, surface in pairs)

    @property
    def weights(self) -> np.ndarray:
        return self.cache.weights

    @property
    def blocked(self) -> np.ndarray:
        """(T, T), True where the mask forbids."""
        n = len(self.tokens)
        return np.zeros((n, n), dtype=bool) if self.mask is None else ~np.broadcast_to(self.mask, (n, n))


def run_head(request: Request, default_text: str) -> HeadRun:
    """Runs the model that fits the text.  Raises BadInput for unusable text or settings."""
    settings = request.settings
    text = default_text if request.text is None else request.text
    if settings.model not in MODELS:
        raise BadInput(f'no model is called "{settings.model}".', f"Models: {', '.join(MODELS)}")
    name = choose(text) if settings.model == "auto" else settings.model
    model = load(name, untrained=request.untrained, seed=request.seed)
    answer = None if settings.answer == "auto" else settings.answer
    case = attention_case(text, model, settings.layer, settings.head, answer)

    mask = _mask(settings.mask, case)
    scale = 1 / math.sqrt(case.q.shape[-1]) if settings.scale is None else settings.scale
    if not math.isfinite(scale):
        raise BadInput("scale must be a finite number.", "For example: --set scale=1")
    out, cache = attention_forward(case.q, case.k, case.v, mask, scale)
    row = case.row if settings.word == "auto" else _find(settings.word, case.tokens)
    return HeadRun(
        case=case,
        row=row,
        column=int(cache.weights[row].argmax()),
        scale=scale,
        mask=mask,
        raw=case.q @ case.k.T,
        out=out,
        cache=cache,
        grads=attention_backward_steps(case.dout, cache),
        changed=settings.scale is not None or settings.mask != "auto",
        untrained=request.untrained,
    )


def _mask(choice: str, case: AttentionCase) -> np.ndarray | None:
    if choice not in ("auto", "none", "causal"):
        raise BadInput(f'mask must be auto, none or causal, not "{choice}".', "For example: --set mask=causal")
    if choice == "auto":
        return case.mask
    return causal_mask(len(case.tokens)) if choice == "causal" else None


def _find(word: str, tokens: tuple[str, ...]) -> int:
    places = [i for i, token in enumerate(tokens) if token == word.lower()]
    if not places:
        raise BadInput(f'the token "{word}" is not in the sentence.', f"Tokens here: {' '.join(tokens)}")
    return places[-1]
