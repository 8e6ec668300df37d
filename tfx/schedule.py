"""Learning-rate schedules: plain functions of the step, which counts from 1.

Warm-up keeps the first steps small, because Adam's second moment is then an average of very few gradients and a
post-LN Transformer has its largest gradients near the output at the start (Xiong et al. 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[int], float]  # step, from 1 -> learning rate


def constant(learning_rate: float) -> Schedule:
    """The same rate at every step."""
    return lambda step: learning_rate


def noam(step: int, d_model: int, warmup: int, factor: float = 1.0) -> float:
    """factor * d_model^-0.5 * min(step^-0.5, step * warmup^-1.5): linear up to `warmup`, then 1/sqrt(step).

    The two branches meet at step = warmup, where the rate peaks at factor / sqrt(d_model * warmup).
    Source: Vaswani et al. 2017, section 5.3, equation 3 (named after Noam Shazeer).  Raises ValueError for step < 1.
    """
    _check_step(step)
    if warmup < 1:
        raise ValueError(f"warmup must be at least 1, not {warmup}")
    return factor / math.sqrt(d_model) * min(1 / math.sqrt(step), step / (warmup * math.sqrt(warmup)))


def warmup_cosine(step: int, peak: float, warmup: int, total: int, floor: float = 0.0) -> float:
    """Linear from peak / warmup up to `peak` at step = warmup, then half a cosine down to `floor` at step = total.

    After `total` it stays at `floor`.  warmup = 0 starts at the peak.
    Source: Loshchilov and Hutter 2017, "SGDR", equation 5 (one period), with a linear warm-up before it.
    Raises ValueError for step < 1 or total < warmup.
    """
    _check_step(step)
    if total < warmup:
        raise ValueError(f"total ({total}) is smaller than warmup ({warmup})")
    if step <= warmup:
        return peak * (step / warmup)
    if step >= total:
        return floor
    progress = (step - warmup) / (total - warmup)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def _check_step(step: int) -> None:
    if step < 1:
        raise ValueError(f"steps count from 1, not {step}")
