"""Chinchilla: how should a budget of computation be split between parameters and data?

    L(N, D) = E + A / N^alpha + B / D^beta          N parameters, D training tokens
    C = 6 N D                                       floating-point operations of training

The optimum.  Put D = C / (6 N) and set dL/dN = 0:

    -alpha A N^(-alpha - 1) + beta B (6 / C)^beta N^(beta - 1) = 0
    N^(alpha + beta) = (alpha A / (beta B)) (C / 6)^beta
    N_opt = G (C / 6)^(beta / (alpha + beta)),     D_opt = (C / 6)^(alpha / (alpha + beta)) / G,
    G = (alpha A / (beta B))^(1 / (alpha + beta))

Source: Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models", equations 2, 4 and 10 (approach 3).
Their printed constants do not give the "20 tokens for each parameter" of the same paper; Besiroglu et al. 2024,
"Chinchilla Scaling: A replication attempt", fitted the published points again and got constants that do.
"""

from __future__ import annotations

from typing import NamedTuple


class Law(NamedTuple):
    """L(N, D) = e + a / N^alpha + b / D^beta, in nats per token."""

    e: float
    a: float
    b: float
    alpha: float
    beta: float

    def loss(self, n_parameters: float, n_tokens: float) -> float:
        return self.e + self.a / n_parameters**self.alpha + self.b / n_tokens**self.beta


HOFFMANN = Law(e=1.69, a=406.4, b=410.7, alpha=0.34, beta=0.28)
BESIROGLU = Law(e=1.8172, a=482.01, b=2085.43, alpha=0.3478, beta=0.3658)


class Optimum(NamedTuple):
    n_parameters: float
    n_tokens: float
    loss: float

    @property
    def tokens_per_parameter(self) -> float:
        return self.n_tokens / self.n_parameters


def training_operations(n_parameters: float, n_tokens: float) -> float:
    """C = 6 N D: two for each parameter and token forward, four backward."""
    return 6.0 * n_parameters * n_tokens


def optimum(operations: float, law: Law = BESIROGLU) -> Optimum:
    """The best N and D for a budget C.  Raises ValueError for a budget that is not positive."""
    if operations <= 0:
        raise ValueError(f"a budget must be positive, not {operations}")
    both, budget = law.alpha + law.beta, operations / 6.0
    g = (law.alpha * law.a / (law.beta * law.b)) ** (1 / both)
    n, d = g * budget ** (law.beta / both), budget ** (law.alpha / both) / g
    return Optimum(n, d, law.loss(n, d))
