"""The cases of the experiment `masking`: each measures one number, and says whether that is what a mask should do.

`right` speaks of the case, `check` of our statement about it: a shortcut that leaks is not right, and the check that
it leaks holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.backend import Array, to_numpy, xp_of
from tfx.gradcheck.mistakes.ops.attention import masks as wrong_masks
from tfx.lab.attention.mask_probes import (
    Heads,
    attend,
    blocked_weight,
    change_by_filling,
    change_of_earlier_outputs,
    draw_heads,
    gradient_through_mask,
    largest,
    nan_share,
    padded_against_alone,
    pairs_against_mask,
    scaled_scores,
    weights,
)
from tfx.measure import verdicts
from tfx.measure.verdicts import at_least, exactly, smallest, within
from tfx.ops.basics.softmax import softmax_forward
from tfx.records import Check

#: Rounding allowed where two ways add the same numbers in another order, in units of machine epsilon.
ROUNDING_EPS = 64.0


@dataclass(frozen=True)
class Case:
    """One row of the table and its check.  dtype: the widths of the floats tried; `measured` is the worst of them.

    control: a shortcut, which has to get it wrong.
    """

    case: str
    dtype: str
    should: str
    measured: float
    right: bool
    check: Check
    control: bool = False


BOTH, ALL = "64 32", "64 32 16"


def cases(seed: int, tokens: int, pads: int, d_k: int, penalty: float, mask: bool, xp: Any) -> Iterator[Case]:
    """All cases in teaching order.  With mask=False the library runs without any mask."""
    double, single, half = (
        draw_heads(seed, tokens, pads, d_k, dtype, xp) for dtype in ("float64", "float32", "float16")
    )
    yield from right_cases((double, single), mask)
    yield from late_mask_cases((double, single))
    yield zero_case((double, single))
    yield from blocked_row_cases(double, single, half, penalty, mask)
    yield from penalty_cases((double, single, half), penalty)


def right_cases(precisions: tuple[Heads, ...], mask: bool) -> Iterator[Case]:
    """What the library does: exact zeros, not small numbers.  And what it does without a mask."""

    def worst(measure: Callable[[Heads], float]) -> float:
        return verdicts.largest(measure(heads) for heads in precisions)

    def use(allowed: Array) -> Array | None:
        return allowed if mask else None

    def case(title: str, should: str, check: Check) -> Case:
        return Case(title, BOTH, should, float(check.measured), check.holds, check)

    moved = worst(lambda h: change_of_earlier_outputs(h, lambda q, k, v: attend(q, k, v, use(h.causal))))
    said = "causal mask: a changed future changes no bit of an earlier output"
    yield case("causal, future changed", "change = 0", within("causal", said, 0.0, moved, 0.0))

    leak = worst(lambda h: change_of_earlier_outputs(h, lambda q, k, v: attend(q, k, v, None)))
    check = at_least("no-mask-leaks", "without a mask a changed future reaches earlier outputs", 0.01, leak)
    yield Case("no mask, future changed", BOTH, "change = 0", leak, leak == 0, check, control=True)

    moved = worst(lambda h: change_by_filling(h, use(h.padding)))
    said = "padding mask: changed filling changes no bit of an output"
    yield case("padding, filling changed", "change = 0", within("padding", said, 0.0, moved, 0.0))

    apart = worst(lambda h: padded_against_alone(h, use(h.padding)) / h.eps)
    said = "a padded row gives what it gives alone, to rounding (in eps)"
    check = within("padded-alone", said, 0.0, apart, ROUNDING_EPS)
    yield case("padded row against alone", f"eps <= {ROUNDING_EPS:g}", check)

    pairs = worst(lambda h: pairs_against_mask(h, h.both, use(h.both)))
    said = "both masks: exactly the queries that may attend to a key feel it change"
    yield case("causal and padding, by key", "wrong pairs = 0", within("combined", said, 0.0, pairs, 0.0))

    passed = worst(lambda h: gradient_through_mask(h, h.both, use(h.both)))
    said = "no gradient reaches a blocked score or a padded key"
    yield case("gradient past the masks", "dS, dK, dV = 0", within("gradient", said, 0.0, passed, 0.0))


def late_mask_cases(precisions: tuple[Heads, ...]) -> Iterator[Case]:
    """Masking after the softmax, and normalising over the wrong axis."""
    rounding = ROUNDING_EPS * max(heads.eps for heads in precisions)
    late = wrong_masks.mask_after_softmax
    kept = smallest(float(late(h.scores, h.causal).sum(axis=-1).min()) for h in precisions)
    check = at_least("late-loses", "masked after the softmax, some row loses a tenth of its weight", 0.1, 1 - kept)
    yield Case("after softmax", BOTH, "row sum = 1", kept, abs(kept - 1) <= rounding, check, control=True)

    def attend_late(heads: Heads) -> Callable[[Array, Array, Array], Array]:
        return lambda q, k, v: late(scaled_scores(q, k), heads.causal) @ v

    leak = verdicts.largest(change_of_earlier_outputs(heads, attend_late(heads)) for heads in precisions)
    check = at_least("late-leaks", "masked after the softmax, the future stands in the denominator", 0.01, leak)
    yield Case("after softmax, future changed", BOTH, "change = 0", leak, leak == 0, check, control=True)

    divided = wrong_masks.softmax_then_mask_then_divide
    apart = verdicts.largest(largest(divided(h.scores, h.causal) - weights(h, h.causal)) / h.eps for h in precisions)
    said = "masked after, then divided by the row sum: as masked before (in eps)"
    check = within("late-divide", said, 0.0, apart, ROUNDING_EPS)
    yield Case("after softmax, then divided", BOTH, f"eps <= {ROUNDING_EPS:g}", apart, check.holds, check)

    sums = [wrong_masks.softmax_over_queries(h.scores, h.causal).sum(axis=-1) for h in precisions]
    ends = np.array([float(end) for s in sums for end in (s.min(), s.max())])
    off = float(ends[abs(ends - 1).argmax()])  # the first NaN, where there is one
    check = at_least("wrong-axis", "normalised over queries, some row sum is far from 1", 0.1, abs(off - 1))
    yield Case("softmax over queries", BOTH, "row sum = 1", off, abs(off - 1) <= rounding, check, control=True)


def zero_case(precisions: tuple[Heads, ...]) -> Case:
    """Scores of padding set to zero before the softmax: each pad keeps exp(0) / Z."""
    leaks, errors = [], []
    for heads in precisions:
        n = heads.lengths[0]
        found = to_numpy(wrong_masks.blocked_scores_zero(heads.scores, heads.padding))[0, :, :, n:]
        real = to_numpy(heads.scores)[0, :, :, :n].astype(np.float64)
        predicted = 1.0 / (np.exp(real).sum(axis=-1, keepdims=True) + found.shape[-1])
        leaks.append(float(found.mean()))
        errors.append(float(abs(found - predicted).max()) / heads.eps)
    leak = verdicts.largest(leaks)
    said = "scores of 0: each pad keeps exp(0) / Z of the weight (error in eps)"
    check = within("zero-leaks", said, 0.0, verdicts.largest(errors), ROUNDING_EPS)
    return Case("padding scores set to 0", BOTH, "pad weight = 0", leak, leak == 0, check, control=True)


def added(penalty: float) -> str:
    return f"all blocked, {penalty:g} added"


def blocked_row_cases(double: Heads, single: Heads, half: Heads, penalty: float, mask: bool) -> Iterator[Case]:
    """A query that may attend to nothing at all: ours, -inf, and a finite penalty in three precisions."""
    nothing = xp_of(double.q).zeros((1, 1), dtype=bool)
    three = (double, single, half)
    ours = verdicts.largest(largest(attend(h.q, h.k, h.v, nothing if mask else None)) for h in three)
    check = within("blocked-ours", "a fully blocked row gives zeros", 0.0, ours, 0.0)
    yield Case("all blocked, ours", ALL, "output = 0", ours, check.holds, check)

    bare = smallest(nan_share(wrong_masks.minus_infinity_unguarded(h.scores, nothing)) for h in three)
    check = exactly("blocked-inf", "-inf without care: a fully blocked row is all NaN", 1.0, bare)
    yield Case("all blocked, bare -inf", ALL, "NaN share = 0", bare, bare == 0, check, control=True)

    found = wrong_masks.finite_penalty(single.scores, nothing, penalty)
    from_uniform = largest(found - 1.0 / single.k.shape[-2]) / single.eps
    said = f"{penalty:g} swallows float32 scores: uniform weights (error in eps)"
    check = within("blocked-single", said, 0.0, from_uniform, ROUNDING_EPS)
    yield Case(added(penalty), "32", "weight = 0", largest(found), largest(found) == 0, check, control=True)

    found = wrong_masks.finite_penalty(double.scores, nothing, penalty)
    plain, _ = softmax_forward(double.scores)
    said = f"{penalty:g} cancels in float64: the unmasked softmax"
    check = within("blocked-double", said, 0.0, largest(found - plain), 1e-6)
    yield Case(added(penalty), "64", "weight = 0", largest(found), largest(found) == 0, check, control=True)

    halves = nan_share(wrong_masks.finite_penalty(half.scores, nothing, penalty))
    check = exactly("blocked-half", f"{penalty:g} is -inf in float16: NaN", 1.0, halves)
    yield Case(added(penalty), "16", "NaN share = 0", halves, halves == 0, check, control=True)


def penalty_cases(precisions: tuple[Heads, ...], penalty: float) -> Iterator[Case]:
    """Rows with something visible: a large penalty is as good as -inf, a small one is not."""
    with_penalty, with_inf = wrong_masks.finite_penalty, wrong_masks.minus_infinity_unguarded
    apart = (largest(with_penalty(h.scores, h.causal, penalty) - with_inf(h.scores, h.causal)) for h in precisions)
    moved = verdicts.largest(apart)
    check = within("penalty-normal", f"with a visible key {penalty:g} gives what -inf gives", 0.0, moved, 0.0)
    yield Case(f"{penalty:g} on blocked keys", ALL, "change = 0", moved, check.holds, check)

    double = precisions[0]
    root = math.sqrt(double.q.shape[-1])
    after, before = blocked_weight(double, -30.0), blocked_weight(double, -30.0 / root)
    check = Check("small-leaks", "-30 leaves some weight on blocked keys", "> 0", after, "none", after > 0)
    yield Case("-30 on blocked keys", "64", "weight = 0", after, after == 0, check, control=True)
    check = at_least("before-division", "added before the division, -30 is divided too", 10 * after, before)
    yield Case("-30 before / sqrt(d_k)", "64", "weight = 0", before, before == 0, check, control=True)
