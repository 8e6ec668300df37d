"""Cases of tfx/nn/reversible.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.backend import xp_of
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import sequences
from tfx.gradcheck.cases.sizes import C, F, H, Rng, T
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.reversible import AttentionBranch, FeedForwardBranch, ReversibleBlock, ReversibleStack, Streams
from tfx.ops.attention.masks import causal_mask
from tfx.params import Layer


class _Undone(Layer):
    """A reversible block whose backward starts from the output, seen as a layer of two inputs and one output."""

    def __init__(self, block: ReversibleBlock) -> None:
        self.block = block

    def forward(self, one: Any, two: Any, mask: Any, seed: Any) -> tuple[Any, Any]:
        y, _ = self.block.forward(Streams(one, two), mask, seed)
        return xp_of(*y).concatenate(tuple(y), axis=-1), (y, mask, seed)

    def backward(self, dy: Any, cache: Any) -> tuple[Any, Any]:
        _, dx = self.block.undo(cache[0], Streams(dy[..., :C], dy[..., C:]), *cache[1:])
        return dx.first, dx.second


def reversible_block(rng: Rng) -> Problem:
    f, g = (
        AttentionBranch(BlockSettings(C, H, dropout=0.2), rng),
        FeedForwardBranch(BlockSettings(C, d_ff=F, dropout=0.2), rng),
    )
    fixed = {"mask": causal_mask(T), "seed": (5,)}
    inputs = {"one": sequences(rng, width=C), "two": sequences(rng, width=C)}
    return layer_problem(_Undone(ReversibleBlock(f, g)), rng, inputs, fixed, directions=1)


def reversible_stack(rng: Rng, recompute: bool) -> Problem:
    layer = ReversibleStack(StackSettings(C, H, F, 2, dropout=0.2), rng, recompute=recompute)
    return layer_problem(
        layer, rng, {"x": sequences(rng, width=C)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1
    )


def attention_branch(rng: Rng) -> Problem:
    layer = AttentionBranch(BlockSettings(C, H, dropout=0.2), rng)
    return layer_problem(
        layer, rng, {"x": sequences(rng, width=C)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1
    )


def feed_forward_branch(rng: Rng) -> Problem:
    return layer_problem(
        FeedForwardBranch(BlockSettings(C, d_ff=F, dropout=0.2), rng),
        rng,
        {"x": sequences(rng, width=C)},
        dropout_seed=5,
        directions=1,
    )


CASES: tuple[Case, ...] = (
    Case(AttentionBranch, "causal, dropout", attention_branch),
    Case(FeedForwardBranch, "dropout", feed_forward_branch),
    Case(ReversibleBlock, "undone from its output, causal, dropout", reversible_block),
    Case(ReversibleStack, "two blocks, computed again, dropout", partial(reversible_stack, recompute=True)),
    Case(ReversibleStack, "two blocks, everything kept, dropout", partial(reversible_stack, recompute=False)),
)
