"""Cases of tfx/nn/efficient_attention.py."""

from __future__ import annotations

from tfx.efficient.tiled_attention import tiled_attention_backward, tiled_attention_forward
from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import Rng, S, heads
from tfx.nn.efficient_attention import OperationKernel
from tfx.ops.attention.masks import padding_mask


def operation_kernel(rng: Rng) -> Problem:
    kernel = OperationKernel(tiled_attention_forward, tiled_attention_backward, block_q=3, block_k=2)
    return layer_problem(kernel, rng, heads(rng), {"mask": padding_mask([S, 4], S)})


CASES: tuple[Case, ...] = (Case(OperationKernel, "tiled", operation_kernel),)
