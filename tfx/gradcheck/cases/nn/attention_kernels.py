"""Cases of tfx/nn/attention_kernels.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import D, F, H, Rng, S, T, heads
from tfx.nn.attention_kernels import DenseSynthesizerKernel, LinformerKernel, PerformerKernel, RandomSynthesizerKernel
from tfx.ops.attention.masks import causal_mask, padding_mask

LONGEST, MIXED = 9, 3


def kernel(rng: Rng, make: Any, fixed: Any = None, **settings: Any) -> Problem:
    return layer_problem(make(H, D, rng, **settings), rng, heads(rng), fixed)


def linformer(rng: Rng, **settings: Any) -> Problem:
    mask = padding_mask([S, 4], S)
    return kernel(rng, LinformerKernel, {"mask": mask}, max_len=LONGEST, rank=MIXED, **settings)


def random_synthesizer(rng: Rng, **settings: Any) -> Problem:
    return kernel(rng, RandomSynthesizerKernel, {"mask": causal_mask(T, S, S - T)}, max_len=LONGEST, **settings)


CASES: tuple[Case, ...] = (
    Case(LinformerKernel, "plain", linformer),
    Case(LinformerKernel, "of each head, shared", lambda rng: linformer(rng, per_head=True, shared=True)),
    Case(PerformerKernel, "causal", lambda rng: kernel(rng, PerformerKernel, n_features=5, causal=True)),
    Case(RandomSynthesizerKernel, "learned", random_synthesizer),
    Case(RandomSynthesizerKernel, "factorised", lambda rng: random_synthesizer(rng, rank=2)),
    Case(RandomSynthesizerKernel, "fixed", lambda rng: random_synthesizer(rng, learned=False)),
    Case(DenseSynthesizerKernel, "plain", lambda rng: kernel(rng, DenseSynthesizerKernel, max_len=LONGEST, hidden=F)),
)
