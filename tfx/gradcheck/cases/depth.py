"""Blocks that are left out (stochastic depth, LayerDrop), computed again (checkpointing) or inverted (reversible)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, F, H, Rng, T
from tfx.nn.checkpointing import Checkpointed, CheckpointedStack
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.reversible import AttentionBranch, FeedForwardBranch, ReversibleBlock, ReversibleStack, Streams
from tfx.nn.stochastic_depth import LayerDropStack, StochasticDepth
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.stochastic_depth import (
    StochasticDepthCache,
    branch_multiplier,
    stochastic_depth_backward,
    stochastic_depth_forward,
)
from tfx.params import Layer

N = 5  # samples, so that some are left out and some are not


def _x(rng: Rng) -> np.ndarray:
    return rng.standard_normal((B, T, C))


def stochastic_depth(rng: Rng, rate: float = 0.4, rescaled: bool = True) -> Problem:
    inputs = {"x": rng.standard_normal((N, T, C)), "branch": rng.standard_normal((N, T, C))}
    multiplier = branch_multiplier((N, 1, 1), rate, np.random.default_rng(1), rescaled)
    return Problem(stochastic_depth_forward, stochastic_depth_backward, inputs, {"multiplier": multiplier})


def drop_path(rng: Rng, rescaled: bool, training: bool) -> Problem:
    inputs = {"branch": rng.standard_normal((N, T, C))}
    return layer_problem(StochasticDepth(0.4, rescaled), rng, inputs, dropout_seed=1 if training else None)


def _blocks(rng: Rng, n: int, dropout: float = 0.2) -> list[EncoderBlock]:
    return [EncoderBlock(C, H, F, rng, dropout=dropout) for _ in range(n)]


def layer_drop(rng: Rng) -> Problem:
    layer = LayerDropStack(_blocks(rng, 3), 0.4)
    return layer_problem(
        layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, dropout_seed=LEAVES_ONE_OUT, directions=1
    )


def checkpointed(rng: Rng) -> Problem:
    layer = Checkpointed(EncoderBlock(C, H, F, rng, dropout=0.2))
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1)


def checkpointed_stack(rng: Rng) -> Problem:
    layer = CheckpointedStack(_blocks(rng, 3), every=2)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1)


class _Undone(Layer):
    """A reversible block whose backward starts from the output, seen as a layer of two inputs and one output."""

    def __init__(self, block: ReversibleBlock) -> None:
        self.block = block

    def forward(self, one: Any, two: Any, mask: Any, seed: Any) -> tuple[Any, Any]:
        y, _ = self.block.forward(Streams(one, two), mask, seed)
        return xp_of(*y).concatenate(tuple(y), axis=-1), (y, mask, seed)

    def backward(self, dy: Any, cache: Any) -> tuple[Any, Any]:
        _, dx = self.block.undo(cache[0], Streams(dy[..., :C], dy[..., C:]), *cache[1:])
        return dx.one, dx.two


def reversible_block(rng: Rng) -> Problem:
    f, g = AttentionBranch(C, H, rng, dropout=0.2), FeedForwardBranch(C, F, rng, dropout=0.2)
    fixed = {"mask": causal_mask(T), "seed": (5,)}
    inputs = {"one": _x(rng), "two": _x(rng)}
    return layer_problem(_Undone(ReversibleBlock(f, g)), rng, inputs, fixed, directions=1)


def reversible_stack(rng: Rng, recompute: bool) -> Problem:
    layer = ReversibleStack(2, C, H, F, rng, dropout=0.2, recompute=recompute)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1)


def attention_branch(rng: Rng) -> Problem:
    layer = AttentionBranch(C, H, rng, dropout=0.2)
    return layer_problem(layer, rng, {"x": _x(rng)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1)


def feed_forward_branch(rng: Rng) -> Problem:
    return layer_problem(FeedForwardBranch(C, F, rng, dropout=0.2), rng, {"x": _x(rng)}, dropout_seed=5, directions=1)


def forgets_that_it_was_left_out(dy: Any, cache: StochasticDepthCache) -> Any:
    return dy, dy


def dims_the_residual(dy: Any, cache: StochasticDepthCache) -> Any:
    _, dbranch = stochastic_depth_backward(dy, cache)
    return dbranch, dbranch


#: With this seed the middle one of three blocks is left out at a rate of 0.4, and the other two run.
LEAVES_ONE_OUT = 0

CASES: tuple[Case, ...] = (
    Case(stochastic_depth_backward, "rescaled", stochastic_depth),
    Case(stochastic_depth_backward, "as published", partial(stochastic_depth, rescaled=False)),
    Case(StochasticDepth, "rescaled, training", partial(drop_path, rescaled=True, training=True)),
    Case(StochasticDepth, "as published, evaluation", partial(drop_path, rescaled=False, training=False)),
    Case(LayerDropStack, "one of three blocks left out", layer_drop),
    Case(Checkpointed, "a block, causal, dropout", checkpointed),
    Case(CheckpointedStack, "three blocks in segments of two and one, dropout", checkpointed_stack),
    Case(AttentionBranch, "causal, dropout", attention_branch),
    Case(FeedForwardBranch, "dropout", feed_forward_branch),
    Case(ReversibleBlock, "undone from its output, causal, dropout", reversible_block),
    Case(ReversibleStack, "two blocks, computed again, dropout", partial(reversible_stack, recompute=True)),
    Case(ReversibleStack, "two blocks, everything kept, dropout", partial(reversible_stack, recompute=False)),
)

CONTROLS: tuple[Control, ...] = (
    Control(
        "stochastic_depth", "a branch that was left out gets gradient", forgets_that_it_was_left_out, stochastic_depth
    ),
    Control("stochastic_depth", "the residual is left out with its branch", dims_the_residual, stochastic_depth),
)
