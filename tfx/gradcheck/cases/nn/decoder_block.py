"""Cases of tfx/nn/decoder_block.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import DIRECTIONS, C, sequences
from tfx.gradcheck.cases.sizes import F, H, Rng, S, T
from tfx.nn.block_settings import BlockSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.tuning.adapter import add_adapters

M = 4


def decoder_block(rng: Rng, norm_place: str) -> Problem:
    layer = DecoderBlock(BlockSettings(C, H, F, norm_place=norm_place, dropout=0.2), rng)
    fixed = {"mask": causal_mask(T), "memory_mask": padding_mask([S, 3], S)}
    inputs = {"x": sequences(rng), "memory": sequences(rng, S)}
    return layer_problem(layer, rng, inputs, fixed, dropout_seed=5, directions=DIRECTIONS)


def decoder_block_with_adapters(rng: Rng) -> Problem:
    layer = DecoderBlock(BlockSettings(C, H, F, dropout=0.2), rng)
    add_adapters(layer, M, rng)
    fixed = {"mask": causal_mask(T), "memory_mask": padding_mask([S, 3], S)}
    inputs = {"x": sequences(rng), "memory": sequences(rng, S)}
    return layer_problem(layer, rng, inputs, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    *(
        Case(DecoderBlock, f"{norm}-LN, padding, dropout", partial(decoder_block, norm_place=norm))
        for norm in ("pre", "post", "inner")
    ),
    Case(DecoderBlock, "adapters, dropout", decoder_block_with_adapters),
)
