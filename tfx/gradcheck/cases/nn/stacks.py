"""Cases of tfx/nn/stacks.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import DIRECTIONS, C, sequences
from tfx.gradcheck.cases.sizes import B, F, H, Rng, S, T
from tfx.nn.block_settings import StackSettings
from tfx.nn.expert_settings import ExpertSettings
from tfx.nn.stacks import DecoderStack, EncoderStack
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.tuning.prefix import add_prefixes

M = 4


def stack_of_experts(rng: Rng) -> Problem:
    layer = EncoderStack(
        StackSettings(6, 3, F, 2, norm_place="pre", experts=ExpertSettings(n=4, k=1, losses={}), expert_every=2), rng
    )
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, 6))}, directions=1)


def encoder_stack(rng: Rng, norm_place: str, **options: Any) -> Problem:
    layer = EncoderStack(StackSettings(C, H, F, 2, norm_place=norm_place, **options), rng)
    return layer_problem(layer, rng, {"x": sequences(rng)}, directions=DIRECTIONS)


def decoder_stack(rng: Rng, norm_place: str) -> Problem:
    layer = DecoderStack(StackSettings(C, H, F, 2, norm_place=norm_place), rng)
    fixed = {"mask": causal_mask(T), "memory_mask": padding_mask([S, 3], S)}
    return layer_problem(layer, rng, {"x": sequences(rng), "memory": sequences(rng, S)}, fixed, directions=DIRECTIONS)


def stack_with_prefixes(rng: Rng) -> Problem:
    layer = EncoderStack(StackSettings(C, H, F, 2, norm_place="post", dropout=0.2), rng)
    add_prefixes(layer, M, rng)
    return layer_problem(layer, rng, {"x": sequences(rng)}, {"mask": causal_mask(T)}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(EncoderStack, "dense and sparse blocks in turn", stack_of_experts),
    *(
        Case(EncoderStack, f"{norm}-LN, two blocks", partial(encoder_stack, norm_place=norm))
        for norm in ("pre", "post", "inner")
    ),
    *(
        Case(DecoderStack, f"{norm}-LN, two blocks", partial(decoder_stack, norm_place=norm))
        for norm in ("pre", "post", "inner")
    ),
    Case(EncoderStack, "one block used twice", partial(encoder_stack, norm_place="pre", shared=True)),
    Case(EncoderStack, "parallel blocks", partial(encoder_stack, norm_place="pre", parallel=True)),
    Case(EncoderStack, "post-LN with a final norm", partial(encoder_stack, norm_place="post", final_norm=True)),
    Case(EncoderStack, "prefixes in both blocks", stack_with_prefixes),
)
