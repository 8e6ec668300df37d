"""What lies side by side in a folded chain, read from related chains: places that touch change together.

    place i and place L + 1 - i touch          a chain folded in the middle, like a hairpin
    a related chain     letters by chance, but the letters of a touching pair fit each other, most of the time
    coupling of i, j    the size of P(a at i, b at j) - P(a at i) P(b at j), over all letters a, b

The mean of such products of two places over the related chains is what the Evoformer hands from sequences to pairs.
Source: Jumper et al. 2021, "Highly accurate protein structure prediction with AlphaFold" (the outer product mean).
"""

from __future__ import annotations

import numpy as np

LETTERS = 4


def related_chains(n: int, length: int, fits: float, rng: np.random.Generator) -> np.ndarray:
    """(n, length) letters; the second of each touching pair fits the first with chance `fits`, else any letter."""
    ids = rng.integers(LETTERS, size=(n, length))
    half = length // 2
    fitting = LETTERS - 1 - ids[:, :half][:, ::-1]
    kept = rng.random((n, half)) < fits
    ids[:, length - half :] = np.where(kept, fitting, ids[:, length - half :])
    return ids


def coupling(ids: np.ndarray) -> np.ndarray:
    """ids: (n, L) -> (L, L), 0 on the diagonal: how far each two places are from being independent."""
    x = np.eye(LETTERS)[ids]  # (n, L, letters)
    both = np.einsum("nia,njb->ijab", x, x) / len(x)
    alone = x.mean(axis=0)
    size = np.sqrt(((both - np.einsum("ia,jb->ijab", alone, alone)) ** 2).sum(axis=(2, 3)))
    return np.asarray(size * (1 - np.eye(len(size))))


def partners(scores: np.ndarray) -> np.ndarray:
    """(L, L) -> (L,): the place that each is coupled with most."""
    return np.asarray(scores.argmax(axis=1))
