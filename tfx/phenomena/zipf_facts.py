"""A world in which scaling laws come out: facts that are asked about with frequencies falling as a power of their rank.

    p_i ~ i^-(1 + a)                     fact i of infinitely many, i = 1, 2, ...
    a memory with room for N facts       error = sum over i > N of p_i                        ~ N^-a
    a learner that has seen D questions  error = sum of p_i (1 - p_i)^D = the unseen facts     ~ D^(-a / (1 + a))

The first: the sum is about the integral of x^-(1 + a) from N.  The second: a fact is likely seen when p_i D > 1, so
the learner knows the first D^(1 / (1 + a)) facts, and the first law gives the rest.  No network is needed to get a
power law: a world with many rare things to know is enough.
Source: Hutter 2021, "Learning Curve Theory", section 3; as an explanation of neural scaling: Michaud et al. 2023, "The
Quantization Model of Neural Scaling".
"""

from __future__ import annotations

import numpy as np


def frequencies(n_facts: int, a: float) -> np.ndarray:
    """-> (n_facts,), falling, sum 1.  Raises ValueError unless a > 0: without it they cannot sum to 1."""
    if a <= 0:
        raise ValueError(f"a must be positive, not {a}")
    share = np.arange(1, n_facts + 1, dtype="float64") ** -(1 + a)
    return share / share.sum()


def error_of_memory(n_slots: np.ndarray, n_facts: int, a: float) -> np.ndarray:
    """n_slots: (K,) integers below n_facts -> (K,): the chance that a question is about none of the stored facts, the
    most frequent ones being stored."""
    return 1.0 - np.cumsum(frequencies(n_facts, a))[np.asarray(n_slots) - 1]


def error_of_learner(n_seen: np.ndarray, n_facts: int, a: float) -> np.ndarray:
    """n_seen: (K,) -> (K,): the expected chance that a question is about a fact that none of the first n_seen was."""
    p = frequencies(n_facts, a)
    return np.array([float((p * (1 - p) ** int(n)).sum()) for n in n_seen])
