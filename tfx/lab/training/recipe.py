"""The recipe of the first Transformer on a toy, and the same without one of its ingredients.

    all of it     post-LN blocks, skip paths, Adam, a warm-up to a high rate, label smoothing 0.1
    without       one of these at a time, everything else the same: batches, steps, and the first weights of all maps
    pre-LN        norms in front of the sub-layers, without the warm-up

An encoder learns to copy, which asks nothing of attention: what fails at it is broken.
Source: Vaswani et al. 2017, "Attention Is All You Need", sections 3.1, 5.3 and 5.4.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array
from tfx.data.toys.tasks import find_task
from tfx.models import Encoder
from tfx.nn.residual import LeaveCache, Residual
from tfx.ops.basics.softmax import softmax_forward
from tfx.optim import Adam
from tfx.params import Layer
from tfx.schedule import warmup_linear
from tfx.train.loop import TrainingDiverged, train
from tfx.train.toys import places_loss, shares_right

WHOLE, NO_WARMUP, NO_SKIP, NO_NORM, NO_SMOOTHING, PRE = (
    "all of it", "no warm-up", "no skip paths", "no LayerNorm", "no smoothing", "pre-LN, no warm-up",
)  # fmt: skip
RECIPES = (WHOLE, NO_WARMUP, NO_SKIP, NO_NORM, NO_SMOOTHING, PRE)
#: Different symbols, so that a guess is right once in so many; blocks; the highest rate, and when it is reached.
SYMBOLS, LAYERS, RATE, WARMUP, SMOOTHING = 6, 4, 0.04, 20, 0.1


class Judged(NamedTuple):
    """Of held-out symbols: the share that is copied, and the mean probability of the right one."""

    right: float
    sure: float


class Same(Layer):
    """In the place of a norm: what comes in goes out."""

    def forward(self, x: Array) -> tuple[Array, None]:
        return x, None

    def backward(self, dy: Array, cache: None) -> Array:
        return dy


class NoSkip(Residual):
    """y = norm(f), or f: the sum without x."""

    def leave(self, norm: Any, x: Array, f: Array, rng: Any = None) -> tuple[Array, LeaveCache]:
        """x and the sub-layer's output f: (B, T, C) -> y: (B, T, C)."""
        return super().leave(norm, x * 0, f, rng)

    def leave_backward(self, norm: Any, dy: Array, cache: LeaveCache) -> tuple[Array, Array]:
        """dy: (B, T, C) -> dx, which is 0, and df: (B, T, C) each."""
        dx, df = super().leave_backward(norm, dy, cache)
        return dx * 0, df


def model_of(recipe: str, n_tokens: int, seed: int) -> Encoder:
    """Untrained: the same weights for each recipe."""
    sizes = {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": LAYERS, "activation": "relu", "tied": False}
    model = Encoder(n_tokens, seed=seed, norm_place="pre" if recipe == PRE else "post", **sizes)
    for block in model.stack.blocks:
        if recipe == NO_NORM:
            block.norm1 = block.norm2 = Same()
        if recipe == NO_SKIP:
            block.residual = NoSkip(model.settings.layer(0))
    return model


def learnt(recipe: str, seed: tuple[int, ...], steps: int = 40) -> Judged:
    """One model after so many steps.

    A run that diverges is judged as it stands then.
    """
    task = replace(find_task("copy"), length=6, n_symbols=SYMBOLS)
    own = int(np.random.default_rng(seed).integers(2**31))
    model = model_of(recipe, task.n_tokens, own)
    warmup = 0 if recipe in (NO_WARMUP, PRE) else WARMUP
    loop = train(
        model,
        lambda rng: task.draw(16, rng),
        places_loss(0.0 if recipe == NO_SMOOTHING else SMOOTHING),
        Adam(model),
        lambda step: warmup_linear(step, RATE, warmup, steps, floor=RATE),
        steps,
        clip=None,
        seed=own,
    )
    with np.errstate(over="ignore", invalid="ignore"):  # what is broken may be broken thoroughly
        try:
            for _ in loop:
                pass
        except TrainingDiverged:
            pass
        drawn = task.draw(200, np.random.default_rng((own, 0)), held_out=True)
        logits, _ = model.forward(drawn.ids)
        right, _ = shares_right(logits.argmax(axis=-1), drawn.targets, drawn.asked)
        p, _ = softmax_forward(logits)
    sure = np.take_along_axis(p, drawn.targets[..., None], axis=-1)[..., 0][drawn.asked]
    return Judged(right, float(sure.mean()))
