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
from tfx.lab import wrong_masks
from tfx.lab.mask_probes import (
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
from tfx.lab.verdicts import at_least, exactly, within
from tfx.ops.softmax import softmax_forward
from tfx.records import Check

#: Rounding allowed where two ways add the same numbers in another order, in units of machine epsilon.
ROUNDING_EPS = 64.0


@dataclass(frozen=True)
class Case:
    """One row of the table and its check."""

    case: str
    dtype: str
    should: str
    unit: str
    measured: float
    right: bool
    check: Check


def cases(seed: int, tokens: int, pads: int, d_k: int, penalty: float, mask: bool, xp: Any) -> Iterator[Case]:
    """All cases in teaching order.  With mask=False the library runs without any mask."""
    double, single, half = (
        draw_heads(seed, tokens, pads, d_k, dtype, xp) for dtype in ("float64", "float32", "float16")
    )
    yield from right_cases((double, single), mask)
    yield from late_mask_cases((double, single))
    yield from zero_cases((double, single))
    yield from blocked_row_cases(double, single, half, penalty, mask)
    yield from penalty_cases((double, single, half), penalty)


BOTH = "float64, float32"


def right_cases(precisions: tuple[Heads, ...], mask: bool) -> Iterator[Case]:
    """What the library does: exact zeros, not small numbers."""

    def worst(measure: Callable[[Heads], float]) -> float:
        return max(measure(heads) for heads in precisions)

    def use(allowed: Array) -> Array | None:
        return allowed if mask else None

    def case(id: str, title: str, should: str, unit: str, measured: float, tolerance: float = 0.0) -> Case:
        check = within(id, f"{title}: {should}", 0.0, measured, tolerance)
        return Case(title, BOTH, should, unit, measured, check.holds, check)

    yield case(
        "causal",
        "causal mask, future changed",
        "earlier outputs stay bit for bit",
        "largest change",
        worst(lambda h: change_of_earlier_outputs(h, lambda q, k, v: attend(q, k, v, use(h.causal)))),
    )
    leak = worst(lambda h: change_of_earlier_outputs(h, lambda q, k, v: attend(q, k, v, None)))
    yield Case(
        "no mask, future changed",
        BOTH,
        "earlier outputs stay bit for bit",
        "largest change",
        leak,
        leak == 0,
        at_least("no-mask-leaks", "without a mask a changed future reaches earlier outputs", 0.01, leak),
    )
    yield case(
        "padding",
        "padding mask, filling changed",
        "outputs stay bit for bit",
        "largest change",
        worst(lambda h: change_by_filling(h, use(h.padding))),
    )
    yield case(
        "padded-alone",
        "padded batch against alone",
        "equal to rounding",
        "eps",
        worst(lambda h: padded_against_alone(h, use(h.padding)) / h.eps),
        ROUNDING_EPS,
    )
    yield case(
        "combined",
        "causal and padding, each key changed",
        "exactly the allowed queries feel it",
        "wrong pairs",
        worst(lambda h: pairs_against_mask(h, h.both, use(h.both))),
    )
    yield case(
        "gradient",
        "gradient at blocked scores and padded keys",
        "exactly zero",
        "largest",
        worst(lambda h: gradient_through_mask(h, h.both, use(h.both))),
    )


def late_mask_cases(precisions: tuple[Heads, ...]) -> Iterator[Case]:
    """Masking after the softmax, and normalising over the wrong axis."""
    heads = precisions[0]
    late = wrong_masks.softmax_then_mask
    smallest = min(float(late(h.scores, h.causal).sum(axis=-1).min()) for h in precisions)
    yield Case(
        "mask after the softmax",
        BOTH,
        "rows sum to 1",
        "smallest row sum",
        smallest,
        abs(smallest - 1) <= ROUNDING_EPS * heads.eps,
        at_least("late-loses", "masked after the softmax, some row loses a tenth of its weight", 0.1, 1 - smallest),
    )
    leak = max(
        change_of_earlier_outputs(h, lambda q, k, v, m=h.causal: late(scaled_scores(q, k), m) @ v)  # type: ignore[misc]
        for h in precisions
    )
    yield Case(
        "mask after the softmax, future changed",
        BOTH,
        "earlier outputs stay bit for bit",
        "largest change",
        leak,
        leak == 0,
        at_least("late-leaks", "masked after the softmax, the future still stands in the denominator", 0.01, leak),
    )
    repaired = max(
        largest(wrong_masks.softmax_then_mask_then_divide(h.scores, h.causal) - weights(h, h.causal)) / h.eps
        for h in precisions
    )
    check = within("late-divide", "masked after, then divided: as masked before", 0.0, repaired, ROUNDING_EPS)
    yield Case("mask after, then divide by the row sum", BOTH, "equal to rounding", "eps", repaired, check.holds, check)
    sums = [wrong_masks.softmax_over_queries(h.scores, h.causal).sum(axis=-1) for h in precisions]
    off = max(largest(s - 1) for s in sums)
    yield Case(
        "softmax over queries instead of keys",
        BOTH,
        "rows sum to 1",
        "largest error",
        off,
        off <= ROUNDING_EPS * heads.eps,
        at_least("wrong-axis", "normalised over queries, some row sum is far from 1", 0.1, off),
    )


def zero_cases(precisions: tuple[Heads, ...]) -> Iterator[Case]:
    """Scores of padding set to zero before the softmax: each pad keeps exp(0) / Z."""
    leak, error = 0.0, 0.0
    for heads in precisions:
        pads = slice(heads.lengths[0], None)
        found = to_numpy(wrong_masks.zero_scores(heads.scores, heads.padding))[0, :, :, pads]
        real = to_numpy(heads.scores)[0, :, :, : heads.lengths[0]].astype(np.float64)
        predicted = 1.0 / (np.exp(real).sum(axis=-1, keepdims=True) + found.shape[-1])
        leak = max(leak, float(found.mean()))
        error = max(error, float(abs(found - predicted).max()) / heads.eps)
    yield Case(
        "padding scores set to 0",
        BOTH,
        "no weight on padding",
        "mean weight per pad",
        leak,
        leak == 0,
        within("zero-leaks", "each pad keeps exp(0) / Z of the weight (error in eps)", 0.0, error, ROUNDING_EPS),
    )


def blocked_row_cases(double: Heads, single: Heads, half: Heads, penalty: float, mask: bool) -> Iterator[Case]:
    """A query that may attend to nothing at all: ours, -inf, and a finite penalty in three precisions."""
    should = "zeros"
    nothing = xp_of(double.q).zeros((1, 1), dtype=bool)
    ours = max(largest(attend(h.q, h.k, h.v, nothing if mask else None)) for h in (double, single, half))
    check = within("blocked-ours", "a fully blocked row gives zeros", 0.0, ours, 0.0)
    yield Case("fully blocked row, ours", BOTH + ", float16", should, "largest output", ours, check.holds, check)

    bare = min(nan_share(wrong_masks.block_with_inf(h.scores, nothing)) for h in (double, single, half))
    yield Case(
        "fully blocked row, bare -inf",
        BOTH + ", float16",
        should,
        "share of NaN",
        bare,
        False,
        exactly("blocked-inf", "-inf without care: a fully blocked row is all NaN", 1.0, bare),
    )
    uniform = 1.0 / single.k.shape[-2]
    from_uniform = largest(wrong_masks.add_penalty(single.scores, nothing, penalty) - uniform) / single.eps
    yield Case(
        f"fully blocked row, {penalty:g} added",
        "float32",
        should,
        "eps from uniform",
        from_uniform,
        False,
        within("blocked-single", f"{penalty:g} swallows float32 scores: uniform", 0.0, from_uniform, ROUNDING_EPS),
    )
    plain, _ = softmax_forward(double.scores)
    from_plain = largest(wrong_masks.add_penalty(double.scores, nothing, penalty) - plain)
    yield Case(
        f"fully blocked row, {penalty:g} added",
        "float64",
        should,
        "from unmasked softmax",
        from_plain,
        False,
        within("blocked-double", f"{penalty:g} cancels in float64: the unmasked softmax", 0.0, from_plain, 1e-6),
    )
    halves = nan_share(wrong_masks.add_penalty(half.scores, nothing, penalty))
    yield Case(
        f"fully blocked row, {penalty:g} added",
        "float16",
        should,
        "share of NaN",
        halves,
        False,
        exactly("blocked-half", f"{penalty:g} is -inf in float16: NaN", 1.0, halves),
    )


def penalty_cases(precisions: tuple[Heads, ...], penalty: float) -> Iterator[Case]:
    """Rows with something visible: a large penalty is as good as -inf, a small one is not."""
    names = BOTH + ", float16"
    different = max(
        largest(wrong_masks.add_penalty(h.scores, h.causal, penalty) - wrong_masks.block_with_inf(h.scores, h.causal))
        for h in precisions
    )
    check = within("penalty-normal", f"with a visible key {penalty:g} gives what -inf gives", 0.0, different, 0.0)
    yield Case(
        f"some keys blocked, {penalty:g} added", names, "as with -inf", "largest change", different, check.holds, check
    )
    double = precisions[0]
    root = math.sqrt(double.q.shape[-1])
    after, before = blocked_weight(double, -30.0), blocked_weight(double, -30.0 / root)
    for title, id, leak, statement in (
        ("some keys blocked, -30 added", "small-leaks", after, "-30 leaves some weight on blocked keys"),
        ("... before dividing by sqrt(d_k)", "before-division", before, "a penalty before the division is divided too"),
    ):
        bound = 0.0 if id == "small-leaks" else 10 * after
        holds = leak > bound
        said = Check(id, statement, f"> {bound:.3g}", leak, "none", holds)
        yield Case(title, "float64", "no weight on blocked keys", "largest weight", leak, leak == 0, said)
