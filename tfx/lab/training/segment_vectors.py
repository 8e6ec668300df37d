"""Which sentence comes first?  A small BERT on pairs in the right order or the wrong one, with and without segments.

Both orders hold the same words.  Segment vectors say which words stand in which sentence, places say where each word
stands; without both the input is the same bag of words for either order, and nobody can tell.
Sources: Devlin et al. 2019, section 3 (segments) and 3.1 (task 2); order as the question: Lan et al. 2020, section 3.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.data.sentence_pairs import VOCABULARY, sentence_pairs
from tfx.models import Bert
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train.loop import train
from tfx.train.pretraining import PretrainingBatch, pretraining_loss

SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 2, "d_ff": 64, "n_layers": 1, "max_len": 16}
RATE, BATCH, DRAWN = 1e-2, 32, 800


def order_told(segments: bool, places: bool, steps: int, asked: int, seed: int) -> float:
    """The share of pairs of names that training never showed whose order is told rightly; guessing is 1/2.

    segments, places: whether the model is given them.  All models of a seed learn from the same pairs.
    """
    model = Bert(len(VOCABULARY), positions="learned" if places else "none", seed=seed, **SIZES)
    known = sentence_pairs(DRAWN, np.random.default_rng((seed, 0)), "order")

    def batch(rng: np.random.Generator) -> PretrainingBatch:
        some = rng.integers(DRAWN, size=BATCH)
        shown = known.segments[some] if segments else None
        return PretrainingBatch(known.ids[some], shown, known.lengths[some], labels=known.labels[some])

    def rate(step: int) -> float:
        return warmup_cosine(step, RATE, max(steps // 10, 1), steps)

    for _ in train(model, batch, pretraining_loss(), AdamW(model), rate, steps, seed=seed):
        pass
    new = sentence_pairs(asked, np.random.default_rng((seed, 1)), "order", held_out=True)
    output, _ = model.forward(new.ids, new.segments if segments else None, new.lengths)
    return float((output.nsp_logits.argmax(axis=-1) == new.labels).mean())
