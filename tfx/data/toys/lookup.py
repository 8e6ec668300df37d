"""Questions whose answer stands in the text: reading comprehension, memory of a dialogue, a scene that is asked about.

    text        key value key value key value           every key once, values in any way
    questions   <ask> key key key                       the same keys in another order; the answer to each is the value
                                                        that stood after it

In a dialogue the keys are what a speaker has told of ("name", "town"), in a scene they are shapes and the values their
colours.  Values mean nothing by themselves and change from text to text, so nothing can be learnt by heart: a model has
to find the key among the others, and then read the place after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tfx.data.toys.toy import LabelToy, Places, Rng, one_side

ASK = 0


@dataclass(frozen=True)
class Lookup(LabelToy):
    """Tokens: <ask>, keys, values.  n_facts of n_keys are told in a text."""

    n_keys: int = 6
    n_values: int = 6
    n_facts: int = 3

    @property
    def n_tokens(self) -> int:
        return 1 + self.n_keys + self.n_values

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, 3 n_facts + 1); asked of the last n_facts places."""
        if self.n_facts > self.n_keys:
            raise ValueError(f"{self.n_facts} facts need as many different keys, but there are {self.n_keys}")
        ids, answers = one_side(n, rng, held_out, self._texts)
        targets = np.concatenate([np.zeros_like(ids[:, self.n_facts :]), answers], axis=1)
        asked = np.arange(ids.shape[1]) > 2 * self.n_facts
        return Places(ids, targets, np.broadcast_to(asked, ids.shape))

    def _texts(self, n: int, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
        keys = 1 + rng.permuted(np.tile(np.arange(self.n_keys), (n, 1)), axis=1)[:, : self.n_facts]
        values = 1 + self.n_keys + rng.integers(self.n_values, size=(n, self.n_facts))
        facts = np.stack([keys, values], axis=2)  # (n, n_facts, 2)
        order = rng.permuted(np.tile(np.arange(self.n_facts), (n, 1)), axis=1)
        again = np.take_along_axis(facts, order[..., None], axis=1)
        questions, answers = again[..., 0], again[..., 1]
        return np.concatenate([facts.reshape(n, -1), np.full((n, 1), ASK), questions], axis=1), answers
