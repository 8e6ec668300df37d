"""Verdicts: decided from the numbers, and never by a number that is not there."""

import math

import numpy as np
import pytest

from tfx.measure.verdicts import agree, at_least, at_most, between, exactly, largest, near, smallest, within

NAN = math.nan


def test_agree_measures_the_largest_absolute_difference():
    check = agree("same", "two ways agree", [[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.5], [3.0, 3.75]], to=0.5)
    assert check == type(check)("same", "two ways agree", 0.0, 0.5, 0.5, True)
    assert not agree("same", "two ways agree", [1.0, 2.0], [1.0, 2.5], to=0.4).holds


def test_agree_takes_a_number_for_all_entries_and_0_unless_told():
    assert agree("sums", "rows sum to 1", np.ones(3), 1.0).holds
    assert agree("zero", "the gap is nothing", 1e-13).holds and not agree("zero", "the gap is nothing", -1e-11).holds


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("side", [0, 1])
def test_a_nan_in_any_place_of_either_side_disagrees(place, side):
    sides = [np.arange(4.0), np.arange(4.0)]
    sides[side][place] = NAN
    check = agree("same", "two ways agree", *sides, to=1e300)
    assert not check.holds and math.isnan(check.measured)


def test_equal_infinities_agree_and_unequal_ones_do_not():
    blocked = [0.5, -math.inf]
    assert agree("same", "masked scores", blocked, blocked).holds
    assert not agree("same", "masked scores", blocked, [0.5, math.inf], to=1e300).holds
    assert not agree("same", "masked scores", blocked, [0.5, 0.0], to=1e300).holds


def test_shapes_that_differ_are_refused_even_where_numpy_would_stretch_them():
    with pytest.raises(ValueError, match=r"measured \(2, 3\), expected \(3,\)"):
        agree("same", "two ways agree", np.ones((2, 3)), np.ones(3))
    with pytest.raises(ValueError, match="nothing to compare"):
        agree("same", "two ways agree", np.ones((0, 3)), 1.0)


def test_near_counts_in_standard_errors():
    check = near("sum", "Var(q.k) = d_k", 64, 64.4, 0.1)
    assert check.holds and check.tolerance == "5 standard errors of 0.1" and check.measured == 64.4
    assert not near("sum", "Var(q.k) = d_k", 64, 64.6, 0.1).holds
    assert near("sum", "Var(q.k) = d_k", 64, 64.6, 0.1, times=7).holds


@pytest.mark.parametrize(
    "check",
    [
        agree("x", "x", NAN),
        agree("x", "x", 0.0, NAN),
        near("x", "x", 1.0, NAN, 1.0),
        near("x", "x", 1.0, 1.0, NAN),
        near("x", "x", NAN, 1.0, 1.0),
        within("x", "x", 0.0, NAN, math.inf),
        within("x", "x", 0.0, 0.0, NAN),
        exactly("x", "x", NAN, NAN),
        at_least("x", "x", -math.inf, NAN),
        at_most("x", "x", math.inf, NAN),
        between("x", "x", -math.inf, math.inf, NAN),
        at_most("x", "x", 1.0, largest([0.0, NAN])),
        at_most("x", "x", 1.0, largest([NAN, 0.0])),
    ],
)
def test_what_is_not_a_number_fails_every_verdict(check):
    assert check.holds is False


def test_pythons_max_and_min_drop_a_nan_and_largest_and_smallest_do_not():
    assert max([1.0, NAN]) == min([1.0, NAN]) == 1.0
    assert all(math.isnan(of(values)) for of in (largest, smallest) for values in ([1.0, NAN], [NAN, 1.0]))
    assert smallest(iter((2, -1, 3))) == -1.0
    assert largest(x * x for x in (1, -3)) == 9.0


def test_numpys_booleans_do_not_leak_into_a_verdict():
    assert at_most("x", "x", np.float64(1.0), np.float64(0.5)).holds is True
