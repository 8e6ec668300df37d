"""Leave one key out: what changes when nobody may look at it?

One head.  Its key j is closed by the mask, and the other weights grow to sum to 1 again:

    o - o_without_j = p_j (v_j - o) / (1 - p_j)        o = sum_i p_i v_i

so a weight says how much a key matters only next to how far its value lies from the output.

A pronoun model.  A word is closed for every query, in the last layer alone or in all of them; then no other word can
have carried it there.  What changes is the log of the probability of the model's own answer.
Sources: Jain and Wallace 2019, "Attention is not Explanation"; Kobayashi et al. 2020, "Attention is Not Only a Weight:
Analyzing Transformers with Vector Norms" (weight and value together).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.data.pronouns import Sentence, encode
from tfx.models import PronounModel
from tfx.ops.attention.masks import combine_masks
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.log_softmax import log_softmax_forward


def head_without_each(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    """q: (1, D), k: (S, D), v: (S, Dv) -> (S, Dv): the output without key 1, without key 2 ..."""
    n = len(k)
    return np.asarray(attention_forward(np.repeat(q, n, axis=0), k, v, ~np.eye(n, dtype=bool))[0])


class Closing:
    """A kernel that attends exactly, but to no closed key.  open: (B, 1, 1, S) boolean, or None for all."""

    open: Array | None = None

    def forward(self, q: Array, k: Array, v: Array, mask: Array | None, scale: float | None) -> tuple[Array, Any]:
        """q, k, v: (B, H, T, D) -> out: (B, H, T, D), cache."""
        return attention_forward(q, k, v, combine_masks(mask, self.open), scale)


class Asked(NamedTuple):
    """What a pronoun model says of one sentence of S words.

    weights: (H, S), row "it" of the last layer; values: (H, S, D), of that layer.  last_layer, everywhere: (S,), how
    much the log-probability of its answer moves, up or down, without each word.
    """

    weights: np.ndarray
    values: np.ndarray
    last_layer: np.ndarray
    everywhere: np.ndarray


class LeavingOut:
    """Asks a pronoun model with each word closed in turn.  model: one that may be changed, as `load` gives it."""

    def __init__(self, model: PronounModel) -> None:
        self.model, self.closing = model, [Closing() for _ in model.blocks]
        for block, closing in zip(model.blocks, self.closing, strict=True):
            block.attention.kernel = closing

    def ask(self, sentence: Sentence) -> Asked:
        ids = encode(sentence.words)
        n = len(ids)
        logits, cache = self._run(ids[None], sentence.it, None, len(self.closing))
        answer, usual = int(logits[0].argmax()), log_softmax_forward(logits)[0][0]
        each = ~np.eye(n, dtype=bool)[:, None, None]  # (S, 1, 1, S): in copy j, key j is closed
        moved = []
        for layers in (1, len(self.closing)):
            without, _ = self._run(np.repeat(ids[None], n, axis=0), sentence.it, each, layers)
            moved.append(abs(log_softmax_forward(without)[0][:, answer] - usual[answer]))
        last = cache.attention(len(self.closing) - 1)
        return Asked(last.weights[0, :, sentence.it], last.v[0], *moved)

    def _run(self, ids: np.ndarray, it: int, open: np.ndarray | None, layers: int) -> tuple[np.ndarray, Any]:
        """The last so many layers look at open keys only."""
        for back, closing in enumerate(reversed(self.closing)):
            closing.open = open if back < layers else None
        return self.model.forward(ids, np.full(len(ids), it))
