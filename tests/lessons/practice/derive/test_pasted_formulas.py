"""Formulas as people paste them from NumPy, PyTorch and papers."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.practice.derive.formula import read_formula
from lessons.practice.derive.working_out import work_out
from tests.lessons.practice.derive.test_formula import ARRAYS, scope, value


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("matmul(x, w.T)", "x @ w.T"),
        ("x.dot(w.T)", "x @ w.T"),
        ("np.dot(x, g)", "x @ g"),
        ("torch.mul(x, w)", "x*w"),
        ("x.pow(2)", "x^2"),
        ("square(x)", "x*x"),
        ("torch.rsqrt(x.pow(2).mean(-1, True) + c)", "1/sqrt(mean(x^2) + c)"),
        ("x @ w.mT @ w", "x @ w.T @ w"),
        ("rsqrt(x)", "1/sqrt(x)"),
        ("silu(x)", "x*sigmoid(x)"),
        ("transpose(x)", "x.T"),
        ("x.transpose(-1, -2)", "x.T"),
        ("np.transpose(x, (1, 0))", "x.T"),
        ("x.t() @ w", "x.T @ w"),
        ("e^-x", "exp(-x)"),
        ("x  # of each token", "x"),
        ("x\u207b\u00b9", "x^-1"),
        ("x\u00b9\u2070", "x^10"),
        ("c^2\u200b", "c*c"),
        ("\uff08\uff58 + \U0001d464\uff09", "x + w"),
        ("\u00bd*x", "x/2"),
        ("outer(r, g)", "r*g"),
        ("diag(r)", "diag(sum(r*(g/g))/7)"),
    ],
)
def test_functions_and_signs_that_people_paste_are_read(text, other):
    np.testing.assert_allclose(value(text), value(other), rtol=1e-12)


def test_a_table_for_each_row_times_that_row():
    right = np.stack([(np.diag(a) - np.outer(a, a)) @ b for a, b in zip(ARRAYS["x"], ARRAYS["w"], strict=True)])
    np.testing.assert_allclose(value("(diag(x) - outer(x, x)) @ w"), right, rtol=1e-12)


def test_a_helper_that_is_called_e_is_no_power_of_the_number():
    own = scope()
    own.arrays["e"] = np.float64(3.0)
    assert work_out(read_formula("e^2"), own) == 9.0


def test_a_sum_that_is_not_what_it_seems_to_be_is_said():
    for text, note in (
        ("np.sum(x)", "sum without an axis runs along the last one here, as sum(x) does; in NumPy it runs over all."),
        ("x.mean()", "mean without an axis runs along the last one here, as mean(x) does; in NumPy it runs over all."),
        ("sum(r)", "sum runs along the last axis, which has size 1 here: name another one, as in sum(x, N)."),
        ("diag(x)", "diag makes a table of each row; the diagonal of a table X is sum(X*eye(N))."),
    ):
        own = scope()
        work_out(read_formula(text), own)
        assert own.notes == [note]
    own = scope()
    work_out(read_formula("sum(x) + np.sum(x, axis=-1) + g.sum() + np.sum(x, all) + x @ diag(g)"), own)
    assert own.notes == []
