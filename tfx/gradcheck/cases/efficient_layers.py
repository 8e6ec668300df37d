"""Kernels that own something, and an encoder block that mixes by Fourier transforms."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.efficient_tiled import heads
from tfx.gradcheck.cases.sizes import B, C, D, F, H, Rng, S, T
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.attention_kernels import (
    DenseSynthesizerKernel,
    LinformerKernel,
    PerformerKernel,
    RandomSynthesizerKernel,
)
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.fourier_mixing import FourierMixing
from tfx.ops.attention.masks import causal_mask, padding_mask

LONGEST, MIXED = 9, 3


def kernel(rng: Rng, make: Any, fixed: Any = None, **settings: Any) -> Problem:
    return layer_problem(make(H, D, rng, **settings), rng, heads(rng), fixed)


def linformer(rng: Rng, **settings: Any) -> Problem:
    mask = padding_mask([S, 4], S)
    return kernel(rng, LinformerKernel, {"mask": mask}, max_len=LONGEST, rank=MIXED, **settings)


def random_synthesizer(rng: Rng, **settings: Any) -> Problem:
    return kernel(rng, RandomSynthesizerKernel, {"mask": causal_mask(T, S, S - T)}, max_len=LONGEST, **settings)


def fourier_mixing(rng: Rng) -> Problem:
    return layer_problem(FourierMixing(), rng, {"x": rng.standard_normal((B, S, C))}, {"mask": padding_mask([S, 4], S)})


def block(rng: Rng, method: Any) -> Problem:
    layer = EncoderBlock(C, H, F, rng, attention={"kernel": method})
    fixed = {"mask": padding_mask([T, 3], T)}
    return layer_problem(layer, rng, {"x": rng.standard_normal((B, T, C))}, fixed, directions=1)


def attention(rng: Rng, method: Any) -> Problem:
    layer = MultiHeadAttention(C, H, rng, kernel=method)
    fixed = {"mask": causal_mask(T)}
    return layer_problem(layer, rng, {"x_q": rng.standard_normal((B, T, C))}, fixed, sums=True, directions=1)


CASES = (
    Case(LinformerKernel, "plain", linformer),
    Case(LinformerKernel, "of each head, shared", lambda rng: linformer(rng, per_head=True, shared=True)),
    Case(PerformerKernel, "causal", lambda rng: kernel(rng, PerformerKernel, n_features=5, causal=True)),
    Case(RandomSynthesizerKernel, "learned", random_synthesizer),
    Case(RandomSynthesizerKernel, "factorised", lambda rng: random_synthesizer(rng, rank=2)),
    Case(RandomSynthesizerKernel, "fixed", lambda rng: random_synthesizer(rng, learned=False)),
    Case(DenseSynthesizerKernel, "plain", lambda rng: kernel(rng, DenseSynthesizerKernel, max_len=LONGEST, hidden=F)),
    Case(FourierMixing, "padded", fourier_mixing),
    Case(EncoderBlock, "Fourier mixing", lambda rng: block(rng, "fourier")),
    Case(EncoderBlock, "Nystrom", lambda rng: block(rng, {"name": "nystrom", "n_landmarks": 2})),
    Case(MultiHeadAttention, "linear kernel", lambda rng: attention(rng, {"name": "linear", "causal": True})),
)
