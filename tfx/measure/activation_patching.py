"""Activation patching: which hidden state carries the difference between two inputs?

Run the model on a clean and on a corrupted input of the same length.  Then run the corrupted one again, but put the
clean run's hidden state into one place after one block.  What this restores of the answer was carried there:

    restored(layer, place) = (m(patched) - m(corrupted)) / (m(clean) - m(corrupted))        m: a measure of the logits

It is an intervention, not a correlation: 1 = this one state decides, 0 = it does not matter here.  After the last block
only the place that is asked can matter; before the first block only places where the inputs differ.
Sources: Vig et al. 2020, "Causal Mediation Analysis"; Meng et al. 2022, "Locating and Editing Factual Associations in
GPT", section 2.1 (causal tracing).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tfx.models import DecoderOnly
from tfx.ops.attention.masks import causal_mask


def states(model: Any, ids: np.ndarray) -> list[np.ndarray]:
    """model: Encoder or DecoderOnly; ids: (B, T) -> L + 1 arrays (B, T, C): what enters each block, and what leaves the
    last."""
    x, _ = model.input.forward(ids)
    found = [x]
    for block in model.stack.blocks:
        x, _ = block.forward(x, _mask(model, ids))
        found.append(x)
    return found


def run_from(model: Any, x: np.ndarray, layer: int, ids: np.ndarray) -> np.ndarray:
    """x: (B, T, C), what enters block `layer` (L = what leaves the last) -> logits: (B, T, V)."""
    for block in model.stack.blocks[layer:]:
        x, _ = block.forward(x, _mask(model, ids))
    if model.stack.norm is not None:
        x, _ = model.stack.norm.forward(x)
    logits, _ = model.output.forward(x)
    return logits


def restored(
    model: Any, clean: np.ndarray, corrupted: np.ndarray, measure: Callable[[np.ndarray], float]
) -> np.ndarray:
    """clean, corrupted: (B, T) ids; measure: logits (B, T, V) -> number.  -> (L + 1, T), the share restored by each.

    Raises ValueError when the lengths differ, or when both inputs measure the same.
    """
    if clean.shape != corrupted.shape:
        raise ValueError(f"clean ids are {clean.shape} but corrupted ones {corrupted.shape}")
    clean_states, corrupted_states = states(model, clean), states(model, corrupted)
    high = measure(run_from(model, clean_states[-1], len(clean_states) - 1, clean))
    low = measure(run_from(model, corrupted_states[-1], len(clean_states) - 1, clean))
    if high == low:
        raise ValueError("clean and corrupted input measure the same: there is nothing to restore")
    shares = np.empty((len(clean_states), clean.shape[1]))
    for layer, place in np.ndindex(shares.shape):
        x = corrupted_states[layer].copy()
        x[:, place] = clean_states[layer][:, place]
        shares[layer, place] = (measure(run_from(model, x, layer, clean)) - low) / (high - low)
    return shares


def _mask(model: Any, ids: np.ndarray) -> np.ndarray | None:
    return causal_mask(ids.shape[1]) if isinstance(model, DecoderOnly) else None
