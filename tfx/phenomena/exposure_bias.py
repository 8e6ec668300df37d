"""Exposure bias: trained on true texts only, a model has never seen its own mistakes.

    taught     accuracy at place t when everything before t is true
    free       accuracy at place t when the model has written everything after the prompt itself

Teacher forcing trains the first; the second is what counts.  Where every token rests on those before it, one mistake
spoils all that follows: with a chance of e per token, at most about (1 - e)^t are still right.
Sources: Bengio et al. 2015, "Scheduled Sampling"; Ranzato et al. 2016, section 1.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Exposure(NamedTuple):
    """taught, free: (T - prompt,) accuracies, by distance from the prompt."""

    taught: np.ndarray
    free: np.ndarray


def exposure(model: Any, ids: np.ndarray, prompt: int) -> Exposure:
    """model: DecoderOnly; ids: (B, T) true texts, of which the first `prompt` >= 1 tokens are given."""
    if not 1 <= prompt < ids.shape[1]:
        raise ValueError(f"a prompt of {prompt} tokens leaves nothing to write of {ids.shape[1]}")
    logits, _ = model.forward(ids[:, :-1])
    taught = logits[:, prompt - 1 :].argmax(axis=-1) == ids[:, prompt:]
    written = ids[:, :prompt]
    while written.shape[1] < ids.shape[1]:
        logits, _ = model.forward(written)
        written = np.concatenate([written, logits[:, -1:].argmax(axis=-1)], axis=1)
    return Exposure(taught.mean(axis=0), (written == ids)[:, prompt:].mean(axis=0))
