"""Cases of tfx/nn/parallel_block.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import DIRECTIONS, C, sequences
from tfx.gradcheck.cases.sizes import F, H, Rng, T
from tfx.nn.block_settings import BlockSettings
from tfx.nn.parallel_block import ParallelBlock
from tfx.ops.attention.masks import causal_mask


def parallel_block(rng: Rng) -> Problem:
    layer = ParallelBlock(BlockSettings(C, H, F, dropout=0.2, drop_path=0.3), rng)
    fixed = {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x": sequences(rng)}, fixed, dropout_seed=5, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (Case(ParallelBlock, "causal, dropout, stochastic depth", parallel_block),)
