"""Fill a gap: text of doubled tokens, `a a b b c c`, one of the middle two hidden, read with a causal mask or without.

Each token tells its partner.  Where the second of two is hidden, its partner stands before the gap; where the first is
hidden, after it, and a causal mask hides it.  So without a mask every gap can be filled, with a causal one

    (1 + 1 / V) / 2        half of the gaps, and of the other half one in V by chance

Source: Devlin et al. 2019, section 3.1 (task 1): words are hidden so that a model can use both sides.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.models import Encoder
from tfx.ops.attention.masks import causal_mask
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import LossValue, train
from tfx.train.losses import learn_targets

SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 4, "d_ff": 64, "n_layers": 1, "positions": "learned", "tied": False}
BATCH, RATE, PAIRS = 64, 1e-2, 3


class Gaps(NamedTuple):
    """ids: (n, 2 PAIRS) with V in the gap; text: the same without; hidden: (n, 2 PAIRS) bool; first: (n,) bool, the gap
    is the first of its pair."""

    ids: np.ndarray
    text: np.ndarray
    hidden: np.ndarray
    first: np.ndarray


def draw(n: int, symbols: int, rng: np.random.Generator) -> Gaps:
    text = np.repeat(rng.integers(symbols, size=(n, PAIRS)), 2, axis=1)
    place = PAIRS // 2 * 2 + rng.integers(2, size=n)  # of the middle pair
    hidden = np.arange(2 * PAIRS) == place[:, None]
    return Gaps(np.where(hidden, symbols, text), text, hidden, place % 2 == 0)


def most(symbols: int) -> float:
    """The share that a causal reader fills rightly, at most, on average."""
    return (1 + 1 / symbols) / 2


class Filled(NamedTuple):
    """Shares right: where the partner stands before the gap, and where it stands after it."""

    before: float
    after: float


def filled(causal: bool, symbols: int, steps: int, asked: int, seed: int) -> Filled:
    """A small encoder, trained to fill gaps, asked for new ones.  Both kinds begin alike and see the same texts."""
    model = Encoder(symbols + 1, n_outputs=symbols, max_len=2 * PAIRS, activation="relu", seed=seed, **SIZES)
    mask = causal_mask(2 * PAIRS) if causal else None

    def loss(model: Encoder, gaps: Gaps, rng: Any) -> LossValue:
        logits, cache = model.forward(gaps.ids, mask=mask)
        return learn_targets(model, logits, cache, gaps.text, keep=gaps.hidden)

    def rate(step: int) -> float:
        return warmup_cosine(step, RATE, max(steps // 10, 1), steps)

    for _ in train(model, lambda rng: draw(BATCH, symbols, rng), loss, AdamW(model), rate, steps, seed=seed):
        pass
    new = draw(asked, symbols, np.random.default_rng((seed, 0)))
    right = (model.forward(new.ids, mask=mask)[0].argmax(axis=-1) == new.text)[new.hidden]
    return Filled(float(right[~new.first].mean()), float(right[new.first].mean()))
