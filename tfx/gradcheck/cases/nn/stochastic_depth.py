"""Cases of tfx/nn/stochastic_depth.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import sequences
from tfx.gradcheck.cases.sizes import C, F, H, Rng, T
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.stochastic_depth import LayerDropStack, StochasticDepth
from tfx.ops.attention.masks import causal_mask

N = 5  # samples, so that some are left out and some are not
#: With this seed the middle one of three blocks is left out at a rate of 0.4, and the other two run.
LEAVES_ONE_OUT = 0


def drop_path(rng: Rng, rescaled: bool, training: bool) -> Problem:
    inputs = {"branch": rng.standard_normal((N, T, C))}
    return layer_problem(StochasticDepth(0.4, rescaled), rng, inputs, dropout_seed=1 if training else None)


def blocks(rng: Rng, n: int, dropout: float = 0.2) -> list[EncoderBlock]:
    return [EncoderBlock(BlockSettings(C, H, F, dropout=dropout), rng) for _ in range(n)]


def layer_drop(rng: Rng) -> Problem:
    layer = LayerDropStack(blocks(rng, 3), 0.4)
    return layer_problem(
        layer, rng, {"x": sequences(rng, width=C)}, {"mask": causal_mask(T)}, dropout_seed=LEAVES_ONE_OUT, directions=1
    )


CASES: tuple[Case, ...] = (
    Case(StochasticDepth, "rescaled, training", partial(drop_path, rescaled=True, training=True)),
    Case(StochasticDepth, "as published, evaluation", partial(drop_path, rescaled=False, training=False)),
    Case(LayerDropStack, "one of three blocks left out", layer_drop),
)
