"""Cases of tfx/nn/non_autoregressive_block.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, F, H, Rng, S, T
from tfx.nn.block_settings import BlockSettings
from tfx.nn.non_autoregressive_block import NonAutoregressiveBlock
from tfx.ops.attention.masks import padding_mask


def block(rng: Rng, norm_place: str) -> Problem:
    layer = NonAutoregressiveBlock(BlockSettings(C, H, F, norm_place=norm_place, dropout=0.2), rng)
    inputs = {"x": rng.standard_normal((B, T, C)), "memory": rng.standard_normal((B, S, C))}
    fixed = {"mask": padding_mask([T, 3], T), "memory_mask": padding_mask([4, S], S)}
    return layer_problem(layer, rng, inputs, fixed, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    *(
        Case(NonAutoregressiveBlock, f"{norm}-LN, padding, dropout", partial(block, norm_place=norm))
        for norm in ("pre", "post")
    ),
)
