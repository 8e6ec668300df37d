"""How well does a pronoun model answer, and where does it look while it does?

Two different questions.  Accuracy: is the noun it names the right one?  Pointing rate: does the largest weight of row
"it" lie on that noun?  A model may well be right without pointing, because a value can carry what the network put
there from elsewhere (Jain and Wallace 2019, "Attention is not Explanation").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfx.backend import to_numpy
from tfx.data.pronouns import Sentence, sentences, to_batch
from tfx.models.pronoun import PronounModel


class PronounScores(NamedTuple):
    """Shares between 0 and 1 over n sentences.

    pointing_rate: of the last layer, its weights averaged over the heads.  by_head[layer][head]: of every head alone.
    right_without_pointing: sentences answered correctly while the last layer looks hardest at another word.
    """

    n: int
    accuracy: float
    pointing_rate: float
    by_head: tuple[tuple[float, ...], ...]
    right_without_pointing: tuple[Sentence, ...]

    @property
    def best_head(self) -> tuple[int, int]:
        """(layer, head) that points most often; the first of equals."""
        heads = [(layer, head) for layer, rates in enumerate(self.by_head) for head in range(len(rates))]
        return max(heads, key=lambda at: self.by_head[at[0]][at[1]])


def score_pronouns(model: PronounModel, asked: Sequence[Sentence]) -> PronounScores:
    """Answers every sentence in one batch.  Raises ValueError when there is none."""
    if not asked:
        raise ValueError("there are no sentences to answer")
    batch = to_batch(asked)
    logits, cache = model.forward(batch.ids, batch.it, batch.lengths)
    right = to_numpy(logits).argmax(axis=-1) == batch.answer
    rows = np.arange(len(asked))
    looks = [to_numpy(cache.attention(layer).weights)[rows, :, batch.it] for layer in range(len(model.blocks))]
    points = [weights.argmax(axis=-1) == batch.referent[:, None] for weights in looks]  # (B, H) for each layer
    last = looks[-1].mean(axis=1).argmax(axis=-1) == batch.referent
    return PronounScores(
        len(asked),
        float(right.mean()),
        float(last.mean()),
        tuple(tuple(float(rate) for rate in hits.mean(axis=0)) for hits in points),
        tuple(sentence for sentence, hidden in zip(asked, right & ~last, strict=True) if hidden),
    )


def score_on_unseen_pairs(model: PronounModel, n: int = 400, seed: int = 1) -> PronounScores:
    """n sentences whose two nouns never met in training."""
    return score_pronouns(model, sentences(n, seed, held_out=True))
