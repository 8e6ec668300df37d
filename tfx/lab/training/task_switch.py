"""A frozen model that knows two tasks, and a prefix, learned, that switches it to one of them.

A text is a sign and then symbols.  Under the sign FIRST the answer is the first symbol, under LAST the last one, and it
is given at the place of the sign.  A model learns both; with the sign ANY it has seen either
answer.  Then it is frozen, every text begins with ANY, and keys and values are learned in front of its attentions:
they have to say what the sign no longer says.  A model that has learned but one of the tasks is the control: a short
prefix steers what the weights can do, and here it finds no way to a task that they cannot.
Source: Li and Liang 2021, "Prefix-Tuning: Optimizing Continuous Prompts for Generation", section 4.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from tfx.models import Encoder
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import LossValue, train
from tfx.train.losses import learn_targets
from tfx.tuning import Prefixes, add_prefixes

SYMBOLS, LENGTH = 6, 3
FIRST, LAST, ANY = SYMBOLS, SYMBOLS + 1, SYMBOLS + 2
SIZES: dict[str, Any] = {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": 2, "positions": "learned", "tied": False}
BATCH, RATE, PREFIX_RATE = 24, 2e-2, 5e-2


def draw(n: int, signs: tuple[int, ...], shown: int | None, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """-> ids (n, 1 + LENGTH), answers (n,).  signs: drawn from; shown: what stands there instead, where told."""
    sign, text = np.array(signs)[rng.integers(len(signs), size=n)], rng.integers(SYMBOLS, size=(n, LENGTH))
    answers = np.where(sign == FIRST, text[:, 0], text[:, -1])
    return np.column_stack((sign if shown is None else np.full(n, shown), text)), answers


@lru_cache(maxsize=32)
def knows(signs: tuple[int, ...], steps: int, seed: int) -> dict[str, np.ndarray]:
    """The weights of a model that has learned these tasks; one text in three hides its sign.  Not to be changed."""
    model = _model(seed)

    def batch(rng: np.random.Generator) -> Any:
        ids, answers = draw(BATCH, signs, None, rng)
        ids[: BATCH // 3, 0] = ANY
        return ids, answers

    _fit(model, model, batch, steps, RATE, seed)
    return model.state()


def switched(
    wanted: int, n_prefix: int, signs: tuple[int, ...], steps: int, tuning: int, asked: int, seed: int
) -> tuple[float, float]:
    """Shares of texts that hide their sign whose answer is that of the task `wanted`: without a prefix, and with one.

    signs: the tasks that the frozen model knows.  n_prefix: M; steps of learning them, tuning: of the prefix alone.
    """
    model = _model(seed)
    model.load_state(knows(signs, steps, seed))
    new = draw(asked, (wanted,), ANY, np.random.default_rng((seed, 1)))
    before = _right(model, new)
    part: Prefixes = add_prefixes(model, n_prefix, np.random.default_rng((seed, 2)))
    _fit(model, part, partial(draw, BATCH, (wanted,), ANY), tuning, PREFIX_RATE, seed + 1)
    return before, _right(model, new)


def _model(seed: int) -> Encoder:
    return Encoder(SYMBOLS + 3, n_outputs=SYMBOLS, max_len=1 + LENGTH, activation="relu", seed=seed, **SIZES)


def _right(model: Encoder, new: tuple[np.ndarray, np.ndarray]) -> float:
    return float((model.forward(new[0])[0][:, 0].argmax(axis=-1) == new[1]).mean())


def _fit(model: Encoder, part: Any, batch: Any, steps: int, peak: float, seed: int) -> None:
    def loss(model: Encoder, batch: Any, rng: Any) -> LossValue:
        logits, cache = model.forward(batch[0])
        keep = np.zeros(batch[0].shape, dtype=bool)
        keep[:, 0] = True
        return learn_targets(model, logits, cache, np.repeat(batch[1][:, None], batch[0].shape[1], axis=1), keep=keep)

    rate = partial(warmup_cosine, peak=peak, warmup=max(steps // 10, 1), total=steps)
    for _ in train(model, batch, loss, AdamW(part), rate, steps, seed=seed):
        pass
