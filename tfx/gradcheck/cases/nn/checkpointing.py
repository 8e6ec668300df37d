"""Cases of tfx/nn/checkpointing.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import sequences
from tfx.gradcheck.cases.nn.stochastic_depth import blocks
from tfx.gradcheck.cases.sizes import C, F, H, Rng, T
from tfx.nn.block_settings import BlockSettings
from tfx.nn.checkpointing import Checkpointed, CheckpointedStack
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask


def checkpointed(rng: Rng) -> Problem:
    layer = Checkpointed(EncoderBlock(BlockSettings(C, H, F, dropout=0.2), rng))
    return layer_problem(
        layer, rng, {"x": sequences(rng, width=C)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1
    )


def checkpointed_stack(rng: Rng) -> Problem:
    layer = CheckpointedStack(blocks(rng, 3), every=2)
    return layer_problem(
        layer, rng, {"x": sequences(rng, width=C)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1
    )


CASES: tuple[Case, ...] = (
    Case(Checkpointed, "a block, causal, dropout", checkpointed),
    Case(CheckpointedStack, "three blocks in segments of two and one, dropout", checkpointed_stack),
)
