"""Importance of an expert: the sum of the gates that a batch of tokens gives it.

    importance_e = sum over tokens n and choices j with expert_nj = e of g_nj

Its squared coefficient of variation (ops/experts/cv_squared.py) is the importance loss: it asks for experts that matter
equally much, be it many tokens with small gates or few with large ones.

Derivation.  A sum: every pair gets the gradient of its expert, dg_nj = dimportance[expert_nj].  The choice is fixed.
Source: Shazeer et al. 2017, "Outrageously Large Neural Networks", equation 6.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.backend import Array, xp_of
from tfx.half import in_float32


class ExpertImportanceCache(NamedTuple):
    experts: Array


@in_float32
def expert_importance_forward(gates: Array, experts: Array, n_experts: int) -> tuple[Array, ExpertImportanceCache]:
    """gates: (N, k), experts: (N, k) integers -> importance: (E,), cache.  Raises ValueError when the shapes differ."""
    if gates.shape != experts.shape:
        raise ValueError(f"gates are {gates.shape} but experts {experts.shape}")
    xp = xp_of(gates)
    importance = xp.zeros(n_experts, dtype=gates.dtype)
    xp.add.at(importance, experts.reshape(-1), gates.reshape(-1))
    return importance, ExpertImportanceCache(experts)


@in_float32
def expert_importance_backward(dimportance: Array, cache: ExpertImportanceCache) -> Array:
    """dimportance: (E,) -> dgates: (N, k)."""
    return dimportance[cache.experts]  # importance[experts[n, j]] += gates[n, j]
