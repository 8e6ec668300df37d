"""Two toy languages in one model with one table of positions: subject verb object, and subject object verb.

    mark  subject  verb    object        language 0: the object stands one place after its verb
    mark  subject  object  verb          language 1: one place before

Subjects and objects are the same nouns, so only the place tells them apart.  At the verb the model has to name its
object.  The table has one row for each place, whatever the language; where the verb looks is up to the weights.
Source: learned tables shared by all languages: Devlin et al. 2019, section 3.2, and the multilingual model released
with its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import to_numpy
from tfx.blas_threads import blas_threads
from tfx.data.toys.toy import LabelToy, Places, Rng
from tfx.models import Encoder
from tfx.train.toys import ToyRun, examine

NOUNS, VERBS, PLACES = 6, 3, 4
LANGUAGES = ("subject verb object", "subject object verb")
#: Where verb and object stand in each language, from 0.
VERB, OBJECT = np.array([2, 3]), np.array([3, 2])


class Looked(NamedTuple):
    """accuracy: share of objects named, in new texts.  weights: (2, 4), of the verb on each place, for each language.

    table: (4, C), the learned positions, and before: what they were before training.
    """

    accuracy: float
    weights: np.ndarray
    table: np.ndarray
    before: np.ndarray


@dataclass(frozen=True)
class TwoLanguages(LabelToy):
    """Texts of four tokens; the verb is asked for its object."""

    @property
    def n_tokens(self) -> int:
        return NOUNS + VERBS + len(LANGUAGES)

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 4).  Held-out texts are drawn anew."""
        language, rows = rng.integers(len(LANGUAGES), size=n), np.arange(n)
        ids = np.zeros((n, PLACES), dtype=np.int64)
        ids[:, 0] = NOUNS + VERBS + language
        ids[:, 1] = rng.integers(NOUNS, size=n)
        ids[rows, VERB[language]] = NOUNS + rng.integers(VERBS, size=n)
        ids[rows, OBJECT[language]] = rng.integers(NOUNS, size=n)
        targets, asked = np.zeros_like(ids), np.zeros(ids.shape, dtype=bool)
        targets[rows, VERB[language]] = ids[rows, OBJECT[language]]
        asked[rows, VERB[language]] = True
        return Places(ids, targets, asked)


def look(seed: int, steps: int = 60, n_texts: int = 200) -> Looked:
    """Trains one block with one head and a learned table, and asks where its verbs look."""
    toy = TwoLanguages()
    model: Any = Encoder(
        toy.n_tokens, d_model=32, n_heads=1, d_ff=16, n_layers=1, max_len=PLACES, positions="learned",
        activation="relu", tied=False, seed=seed, dtype="float64",
    )  # fmt: skip
    before = np.array(model.input.positions.table.value)
    with blas_threads(1):  # small products: a second thread is only waited for
        for _ in ToyRun(toy, model, steps, seed, learning_rate=0.01, batch=32).train():
            pass
    drawn = toy.draw(n_texts, np.random.default_rng((seed, 1)))
    accuracy = examine(model, drawn).accuracy
    weights = to_numpy(model.forward(drawn.ids)[1].stack.blocks[0].attention.attention.weights)[:, 0]  # (n, 4, 4)
    language = drawn.ids[:, 0] - NOUNS - VERBS
    looked = [weights[language == one, VERB[one]].mean(axis=0) for one in range(len(LANGUAGES))]
    return Looked(accuracy, np.stack(looked), np.array(model.input.positions.table.value), before)
