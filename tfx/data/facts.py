"""A store of facts, and questions about them: "the capital of Eldonia is Mirefall"; "what is the capital of Eldonia?"

A fact is an entity, a relation and a value, each one token; a document is one fact, a question names entity and
relation and asks for the value.

    document   <fact> entity relation value         question   <ask> entity relation

What is true may change: `draw_values` makes up a new world.  A model that has learnt facts can answer for the world it
was trained in; a model that reads can answer for any, as long as the fact is in its store.  Pairs of entity and
relation are split by a hash into training pairs and held-out ones, which training neither asks about nor stores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tfx.data.held_out import is_held_out

ASK, FACT = 0, 1


@dataclass(frozen=True)
class FactLanguage:
    """Token ids: <ask>, <fact>, then entities, relations and values.  A pair is (entity, relation), both from 0."""

    n_entities: int = 20
    n_relations: int = 6
    n_values: int = 10

    @property
    def n_tokens(self) -> int:
        return 2 + self.n_entities + self.n_relations + self.n_values

    def questions(self, pairs: np.ndarray) -> np.ndarray:
        """pairs: (B, 2) -> (B, 3) token ids."""
        return np.stack([np.full(len(pairs), ASK), 2 + pairs[:, 0], 2 + self.n_entities + pairs[:, 1]], axis=1)

    def documents(self, pairs: np.ndarray, values: np.ndarray) -> np.ndarray:
        """pairs: (N, 2), values: (N,) from 0 -> (N, 4) token ids."""
        named = self.questions(pairs)
        named[:, 0] = FACT
        return np.concatenate([named, self.answers(values)[:, None]], axis=1)

    def answers(self, values: np.ndarray) -> np.ndarray:
        """values from 0 -> their token ids."""
        return 2 + self.n_entities + self.n_relations + values

    def pairs(self, held_out: bool) -> np.ndarray:
        """(n, 2): all training pairs, or all that training never sees."""
        pairs = np.argwhere(np.ones((self.n_entities, self.n_relations), dtype=bool))
        return pairs[is_held_out(pairs) == held_out]

    def draw_values(self, rng: np.random.Generator) -> np.ndarray:
        """A world: (n_entities, n_relations) values, independent and uniform."""
        return rng.integers(self.n_values, size=(self.n_entities, self.n_relations))


class FactBatch(NamedTuple):
    """questions: (B, 3), documents: (N, 4) that hold the answers, answers: (B,) token ids."""

    questions: np.ndarray
    documents: np.ndarray
    answers: np.ndarray


def fact_batch(
    language: FactLanguage,
    values: np.ndarray,
    pairs: np.ndarray,
    rng: np.random.Generator,
    n_questions: int,
    n_documents: int,
) -> FactBatch:
    """A store of n_documents facts of the world `values` about different pairs, and questions about facts in it.

    Raises ValueError when there are fewer pairs than documents.
    """
    if n_documents > len(pairs):
        raise ValueError(f"{n_documents} documents need as many pairs, but there are {len(pairs)}")
    stored = pairs[rng.permutation(len(pairs))[:n_documents]]
    asked = stored[rng.integers(n_documents, size=n_questions)]
    return FactBatch(
        language.questions(asked),
        language.documents(stored, values[stored[:, 0], stored[:, 1]]),
        language.answers(values[asked[:, 0], asked[:, 1]]),
    )
