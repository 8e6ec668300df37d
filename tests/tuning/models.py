"""Small models that were "trained before": their values are random, and not those of a fresh start."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.params import Layer

V, C = 7, 12
SIZE: dict[str, Any] = {"d_model": C, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 16, "dtype": "float64"}
IDS = np.random.default_rng(0).integers(V, size=(3, 6))


def trained(kind: Any = Encoder, seed: int = 0, **settings: Any) -> Any:
    model = kind(V, **SIZE | settings)
    rng = np.random.default_rng(seed)
    for parameter in model.parameters().values():
        parameter.value += 0.2 * rng.standard_normal(parameter.shape)
    return model


def logits_of(model: Any) -> np.ndarray:
    inputs = (IDS, IDS) if isinstance(model, EncoderDecoder) else (IDS,)
    return model.forward(*inputs)[0]


def tune(model: Any, part: Layer, steps: int = 3, **options: Any) -> list[float]:
    """A few steps of an optimiser that was given the part; the losses."""
    optimizer, losses = AdamW(part, weight_decay=0.1), []
    inputs = (IDS, IDS) if isinstance(model, EncoderDecoder) else (IDS,)
    for _ in range(steps):
        model.zero_grad()
        logits, cache = model.forward(*inputs, **options)
        loss, ce_cache = cross_entropy_forward(logits, IDS[:, ::-1])
        model.backward(cross_entropy_backward(1.0, ce_cache), cache)
        optimizer.step(0.05)
        losses.append(float(loss))
    return losses


MODELS = [Encoder, DecoderOnly, EncoderDecoder]
