"""How much does the input of a layer move while the layers below it learn?

    shift = mean over features of |mean_after - mean_before| / std_before

Ioffe and Szegedy 2015 named this "internal covariate shift" and gave it as the reason why batch normalisation helps.
Santurkar et al. 2018, "How Does Batch Normalization Help Optimization?", measured that it helps just as much when such
a shift is put back in on purpose: the shift is real, the explanation is not supported.
A shift of the data themselves between training and use is measured by the same number.
"""

from __future__ import annotations

import numpy as np


def feature_shift(before: np.ndarray, after: np.ndarray, eps: float = 1e-8) -> float:
    """before, after: (..., C), the same features at two times: in standard deviations of the earlier one."""
    first, second = (x.reshape(-1, x.shape[-1]).astype("float64") for x in (before, after))
    return float((np.abs(second.mean(axis=0) - first.mean(axis=0)) / (first.std(axis=0) + eps)).mean())
