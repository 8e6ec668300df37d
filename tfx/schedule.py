"""Learning-rate schedules: plain functions `name(step, settings...) -> learning rate`; steps count from 1.

`functools.partial` makes a schedule of one: partial(noam, d_model=512, warmup=4000).

Warm-up keeps the first steps small, because Adam's second moment is then an average of very few gradients and a
post-LN Transformer has its largest gradients near the output at the start (Xiong et al. 2020).  After it the rate falls
so that the noise of the batches averages out.  Every schedule here but `cosine_restarts` is continuous: its pieces meet
with equal values.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tfx.arguments import number

Schedule = Callable[[int], float]  # step, from 1 -> learning rate


def constant(step: int, learning_rate: float) -> float:
    """The same rate at every step."""
    _check(step)
    return number("learning_rate", learning_rate, 0)


def noam(step: int, d_model: int, warmup: int, factor: float = 1.0) -> float:
    """factor * d_model^-0.5 * min(step^-0.5, step * warmup^-1.5): linear up to `warmup`, then 1/sqrt(step).

    The two branches meet at step = warmup, where the rate peaks at factor / sqrt(d_model * warmup).
    Source: Vaswani et al. 2017, section 5.3, equation 3 (named after Noam Shazeer).  Raises ValueError for step < 1 or
    warmup < 1.
    """
    _check(step, at_least_one=warmup)
    number("d_model", d_model, 1)
    return (
        number("factor", factor, 0) / math.sqrt(d_model) * min(1 / math.sqrt(step), step / (warmup * math.sqrt(warmup)))
    )


def inverse_square_root(step: int, warmup: int, factor: float = 1.0) -> float:
    """factor / sqrt(max(step, warmup)): flat at factor / sqrt(warmup) for `warmup` steps, then 1/sqrt(step).

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning" (T5), section 3.1.2: factor 1 and warmup
    10_000, so that the first rate is 0.01.  Raises ValueError for step < 1 or warmup < 1.
    """
    _check(step, at_least_one=warmup)
    return number("factor", factor, 0) / math.sqrt(max(step, warmup))


def warmup_inverse_square_root(step: int, peak: float, warmup: int) -> float:
    """Linear from peak / warmup up to `peak` at step = warmup, then peak * sqrt(warmup / step).

    This is `noam` with the peak said directly: peak = factor / sqrt(d_model * warmup).  It never ends, so a run can
    go on for as long as it likes.  Raises ValueError for step < 1 or warmup < 1.
    """
    _check(step, at_least_one=warmup)
    return number("peak", peak, 0) * min(step / warmup, math.sqrt(warmup / step))


def warmup_linear(step: int, peak: float, warmup: int, total: int, floor: float = 0.0, hold: int = 0) -> float:
    """Linear from peak / warmup up to `peak` at step = warmup, `hold` steps there, then a straight line down to
    `floor` at step = total, where it stays.

    warmup = 0 starts at the peak.  Source: Devlin et al. 2019, "BERT", appendix A.2 (no hold).
    Raises ValueError for step < 1 or total < warmup + hold.
    """
    return _rise_and_fall(step, peak, warmup, total, floor, hold, lambda progress: 1 - progress)


def warmup_cosine(step: int, peak: float, warmup: int, total: int, floor: float = 0.0, hold: int = 0) -> float:
    """As warmup_linear, but down along half a cosine: floor + (peak - floor) (1 + cos(pi progress)) / 2.

    It leaves the peak and reaches the floor with slope 0, and is steepest in the middle.
    Loops that count from 0 and warm up with (i + 1) / warmup often start the cosine with its own first value, 1, at
    i = warmup; the peak is then used twice, and the floor would come one step after the last: that is hold = 1 and
    total = steps + 1.
    Source: Loshchilov and Hutter 2017, "SGDR", equation 5 (one period), with a linear warm-up before it.
    Raises ValueError for step < 1 or total < warmup + hold.
    """
    return _rise_and_fall(step, peak, warmup, total, floor, hold, lambda p: 0.5 * (1 + math.cos(math.pi * p)))


def cosine_restarts(
    step: int, peak: float, period: int, growth: float = 1.0, floor: float = 0.0, shrink: float = 1.0
) -> float:
    """Half a cosine from `peak` towards `floor` in `period` steps, then from the peak again: warm restarts.

        floor + (peak_i - floor) (1 + cos(pi t / P_i)) / 2         t = 0 .. P_i - 1 steps into cycle i

    growth: each cycle is that many times as long, P_i = period growth^i (the paper's T_mult, 2 in its best runs).
    shrink: peak_i - floor is that much of the one before.  This schedule alone jumps, on purpose: it leaves a narrow
    minimum, and the model at the end of each cycle can be kept for an ensemble.  The first step has the peak, and the
    one after a whole cycle has it again, so the floor itself is never used.
    Source: Loshchilov and Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts", equation 5.
    Raises ValueError for step < 1, period < 1 or growth < 1.
    """
    _check(step)
    number("peak", peak, 0)
    number("floor", floor, 0)
    number("shrink", shrink, 0, 1)
    number("growth", growth)
    if number("period", period) < 1 or growth < 1:
        raise ValueError(f"a cycle has at least one step and does not get shorter: period {period}, growth {growth}")
    into, length, cycle = float(step - 1), float(period), 0
    if growth == 1:
        cycle, into = divmod(step - 1, period)
    while into >= length:
        into, length, cycle = into - length, length * growth, cycle + 1
    return floor + (peak - floor) * shrink**cycle * 0.5 * (1 + math.cos(math.pi * into / length))


def rate_for_batch(learning_rate: float, batch: int, base_batch: int, power: float = 1.0) -> float:
    """The rate for another batch size: learning_rate (batch / base_batch)^power.

    power 1, linear, for plain gradient descent: k small steps with nearly the same gradient add up to one step with
    their mean gradient and k times the rate.  It holds while the gradient hardly changes over those k steps, so not at
    the very start (warm up to it) nor without limit (about 8000 images in the paper).
    power 1/2 for Adam and its kin: their steps are measured by the noise, which falls as 1 / sqrt(batch).
    Sources: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.1; the root: Malladi et al. 2022, "On the
    SDEs and Scaling Rules for Adaptive Gradient Algorithms".  Raises ValueError for a batch below 1.
    """
    number("learning_rate", learning_rate, 0)
    number("power", power)
    if number("batch", batch) < 1 or number("base_batch", base_batch) < 1:
        raise ValueError(f"a batch has at least one row, not {min(batch, base_batch)}")
    return learning_rate * (batch / base_batch) ** power


def _rise_and_fall(
    step: int, peak: float, warmup: int, total: int, floor: float, hold: int, fall: Callable[[float], float]
) -> float:
    """fall: progress through the decay, 0 to 1 -> how much of peak - floor is left, 1 to 0."""
    _check(step)
    number("peak", peak, 0)
    number("floor", floor, 0)
    for name, length in (("warmup", warmup), ("total", total), ("hold", hold)):
        number(name, length)
    if warmup < 0 or hold < 0 or total < warmup + hold:
        raise ValueError(f"total ({total}) is smaller than warmup ({warmup}) and hold ({hold})")
    if step <= warmup:
        return peak * (step / warmup)
    if step <= warmup + hold:
        return peak
    if step >= total:
        return floor
    progress = (step - warmup - hold) / (total - warmup - hold)
    return floor + (peak - floor) * fall(progress)


def _check(step: int, at_least_one: int = 1) -> None:
    number("step", step)
    number("warmup", at_least_one)
    if step < 1:
        raise ValueError(f"steps count from 1, not {step}")
    if at_least_one < 1:
        raise ValueError(f"warmup must be at least 1, not {at_least_one}")
