import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, times
from tfx.lab import frame
from tfx.lab.attention import attention_as_kernel
from tfx.lab.attention.attention_as_kernel_plots import smoothed

PLACE = "tfx.lab.attention.attention_as_kernel"
SMALL = replace(attention_as_kernel.Settings(), draws=4)


def changed_head(case, change):
    """q, k, v of this case are changed before they are measured."""

    def make(original):
        def head(run, which, draw):
            found = original(run, which, draw)
            return change(*found) if which == case else found

        return head

    return {f"{PLACE}.head": make}


def of(case, **changes):
    return lambda row: {**row, **changes} if row["matrices"] == case else row


BREAKS = Table(
    SMALL,
    Broken("scores near 0: all keys alike", {"lopsided"}, factor=0.1),
    Broken("two matrices that are one", {"lopsided"}, planted=changed_head("two", lambda q, k, v: (q, q, v))),
    Broken("keys of their own", {"symmetric"}, planted=changed_head("one", lambda q, k, v: (q, q + 1e-6 * v, v))),
    Broken(
        "signs turned in one matrix",
        {"positive"},
        planted=changed_head("one", lambda q, k, v: (q, q * np.where(np.arange(16) % 2, -1, 1), v)),
    ),
    Broken("no sign is turned", {"not-positive"}, planted=changed_head("one, turned", lambda q, k, v: (q, q, v))),
    Broken(
        "keys of many lengths",
        {"gaussian"},
        planted=changed_head("one, equal", lambda q, k, v: (q * np.linspace(0.5, 1, 24)[:, None],) * 2 + (v,)),
    ),
    Broken("keys of equal length everywhere", {"lengths"}, row=of("one", gaussian=0.0)),
    Broken(
        "twice the scale",
        {"smoother", "gaussian"},
        planted={f"{PLACE}.attention_forward": lambda o: lambda q, k, v: o(q, k, v, scale=0.5)},
    ),
    Broken(
        "NaN in every row",
        {"smoother", "lopsided", "symmetric", "positive", "not-positive", "gaussian", "lengths"},
        row=times(math.nan, "smoother", "asymmetry", "most_asymmetry", "least", "gaussian", "most_gaussian"),
    ),
)  # fmt: skip


def run(settings=SMALL, seed=0, **asked):
    return frame.run(attention_as_kernel, settings, seed, **asked)


@pytest.mark.parametrize("seed", range(5))
def test_all_checks_hold(seed):
    found = run(attention_as_kernel.Settings(), seed, quick=True)
    assert not [check for check in found.checks if not check.holds]


def test_the_smoother_is_written_out_for_one_query():
    rng = np.random.default_rng(0)
    kernel, v = rng.uniform(0.1, 1, (2, 3)), rng.standard_normal((3, 2))
    by_hand = sum(kernel[1, j] * v[j] for j in range(3)) / sum(kernel[1])
    np.testing.assert_allclose(attention_as_kernel.smooth(kernel, v)[1], by_hand, rtol=1e-14)


def test_a_matrix_is_lopsided_by_0_with_its_mirror_image_and_by_2_against_it():
    a = np.random.default_rng(0).standard_normal((4, 4))
    assert attention_as_kernel.lopsided(a + a.T) == pytest.approx(0, abs=1e-15)
    assert attention_as_kernel.lopsided(a - a.T) == pytest.approx(2)


def test_the_smallest_kernel_that_is_symmetric_and_not_positive():
    """Two inputs that score better with each other than with themselves: [[1, e], [e, 1]] has the eigenvalue 1 - e."""
    q, k = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])
    found = attention_as_kernel.measure(q * 2**0.25, k * 2**0.25, np.eye(2))
    assert found["asymmetry"] == 0 and found["negative"] == 1
    assert found["least"] == pytest.approx((1 - math.e) / (1 + math.e))


def test_a_narrow_kernel_finds_the_nearest_value_and_a_wide_one_the_mean():
    angles, values = np.array([0.0, 1.0, 2.0]), np.array([3.0, 5.0, 10.0])
    np.testing.assert_allclose(smoothed(angles, angles, values, 1e5), values)
    np.testing.assert_allclose(smoothed(angles, angles, values, 1e-9), 6.0)


def test_what_is_said_is_what_was_measured():
    found = run(attention_as_kernel.Settings(), 0, quick=True)
    table = {row["matrices"]: row for row in found.rows}
    assert found.question.answer == table["one, turned"]["negative"]
    worst = max(row["smoother"] for row in found.rows)
    assert found.notes[0].text == (
        f"Attention is a kernel smoother to {worst:.0e}. Its kernel is not symmetric with two matrices (asymmetry "
        f"{table['two']['asymmetry']:.2f} of 1.41); with one it is, with 0 eigenvalues below 0."
    )


def test_more_heads_are_drawn_in_full():
    assert attention_as_kernel.Settings().full().draws == 1000
