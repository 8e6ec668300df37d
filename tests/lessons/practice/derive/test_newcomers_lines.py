"""Usual mistakes of people who see the grammar for the first time, and what is said to them."""

from __future__ import annotations

import pytest

from lessons.practice.derive.derivation import find_derivation
from lessons.practice.derive.judging import Attempt


def attempt(name: str) -> Attempt:
    return Attempt(find_derivation(name))


@pytest.mark.parametrize(
    ("name", "line", "evidence"),
    [
        ("softmax", "dS = P*dP - sum(P)*P*dP", "it is 0 everywhere."),
        ("cross-entropy", "dz = (P - Y)/(N - 1)", "it is 1/(N - 1) * N times what is right, everywhere."),
        ("label-smoothing", "Q = (1 - eps)*Y + eps/N", "it is off by the same number everywhere."),
        ("dot-product-variance", "v1 = a", "it is 1/b times what is right."),
        ("rope", "dq1 = dy2*cos(theta) - dy1*sin(theta)", "it is what dq2 has to be."),
        ("attention", "dK = P.T @ dO", "it is what dV has to be."),
        (
            "mean-pool",
            "dx = keep*dy*sum(keep)",
            "sum runs along the last axis, which has size 1 here: name another one, as in sum(x, N).",
        ),
    ],
)
def test_what_a_wrong_line_is_instead_is_said(name, line, evidence):
    verdict = attempt(name).judge(line)
    assert verdict.kind in ("wrong", "shapes") and evidence in verdict.evidence, verdict.evidence


def test_one_number_is_not_called_some_number_times_another():
    verdict = attempt("dot-product-variance").judge("v1 = (a + b)/2")
    assert verdict.evidence == (verdict.evidence[0],) and verdict.evidence[0].startswith("v1 is ")
    told = attempt("adam-bias").judge("Em = 1 - beta1^t")
    assert told.says == "this gives a number, and Em is (D)."


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("softmax", "softmax(S)", "a line has a sign = in it, such as dS = ... or one for a name of your own."),
        ("softmax", "dS = P^{T}", "to transpose, write X.T or X^T."),
        ("softmax", "dS = P/sqrt{N}", "sqrt is a function: write sqrt(...), with brackets."),
        ("softmax", "dS = P/P.shape[0]", "A size is written by its letter, as in sqrt(D)."),
        (
            "softmax",
            "dS = P/len(P)",
            'no function is called "len" here. A size is written by its letter, as in sqrt(D).',
        ),
        ("softmax", "dS = P\u1d40dP", "a sign is missing before this: write * (entry by entry) or @ (of matrices)."),
        ("softmax", "dS == P", "one sign = is enough."),
        ("softmax", "dS = sum(P, keepdims=maybe)", "here stands True or False."),
        ("softmax", "dS = sum(P, ())", "here an axis is missing: its name, or its number such as -1."),
        ("softmax", "dS_ij = P", "indices are not written: begin the line with dS = "),
        ("softmax", "dS = P_ij*dP_ij", "indices are not written: P is the whole array."),
        ("softmax", "dS = sum P*dP", "sum is a function: write sum(...), with brackets."),
        ("softmax", "dS = PdP", 'nothing is called "PdP" here. To multiply, write P*dP.'),
        ("softmax", "dS = softmax", "softmax is a function: write softmax(...), with brackets."),
        ("softmax", "dS = P.T() @ dP", ".T has no brackets."),
        ("attention", "dk = dS", "dk is another name of D. D has a meaning already. Did you mean dK?"),
        (
            "attention",
            "W = 3",
            "W is another name of P. P is given: the weights; each row sums to 1. Call yours something else.",
        ),
        ("rms-norm", "dx = x/norm(x)", 'no function is called "norm" here. Write sqrt(sum(x^2)).'),
        (
            "softmax",
            "dS = P*(dP - sum(dP*P)[:, None])",
            '":" is no sign of a formula. Parts of an array are not taken: what is summed keeps its axis, so that '
            "[:, None] is not needed.",
        ),
    ],
)
def test_usual_mistakes_of_writing_are_told_what_to_write(name, line, says):
    verdict = attempt(name).judge(line)
    assert (verdict.kind, verdict.says) == ("unreadable", says)


def test_a_helper_with_the_name_of_a_target_in_other_letters_is_told_so():
    assert attempt("softmax").judge("ds = P").evidence == (
        "dS, which is looked for, is another name: capital letters count.",
    )


@pytest.mark.parametrize("sign", [":=", "<-", "\u2190", "\u2254"])
def test_other_signs_for_the_sign_of_a_line_are_read(sign):
    assert attempt("linear").judge(f"dx {sign} dy @ W.T").kind == "holds"
    assert attempt("linear").judge("dJ/dx = dy @ W.T").kind == "holds"
