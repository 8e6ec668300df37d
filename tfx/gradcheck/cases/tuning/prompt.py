"""Cases of tfx/tuning/prompt.py: the frozen parameters are checked too, because they pass gradient on."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.sizes import C, sequences
from tfx.gradcheck.cases.sizes import F, H, Rng, T
from tfx.nn.block_settings import StackSettings
from tfx.nn.stacks import EncoderStack
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.tuning.prompt import PromptedStack

M = 4


def prompted_stack(rng: Rng, causal: bool) -> Problem:
    layer = PromptedStack(
        EncoderStack(StackSettings(C, H, F, 2, norm_place="pre"), rng), rng.standard_normal((M, C)), causal
    )
    mask = causal_mask(T) if causal else padding_mask([T, 3], T)
    return layer_problem(layer, rng, {"x": sequences(rng)}, {"mask": mask}, directions=1)


CASES: tuple[Case, ...] = (
    Case(PromptedStack, "causal", partial(prompted_stack, causal=True)),
    Case(PromptedStack, "padding", partial(prompted_stack, causal=False)),
)
