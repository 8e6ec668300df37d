"""One verdict for each line: what holds, what is a helper, which slip it is, and what an unknown line has in common
with the right one."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.practice.derive.derivation import find_derivation
from lessons.practice.derive.judging import MOST_LINES, Attempt


def attempt(name: str, *lines: str) -> Attempt:
    one = Attempt(find_derivation(name))
    for line in lines:
        one.judge(line)
    return one


def test_lines_are_found_one_after_another_and_later_ones_use_earlier_ones():
    one = attempt("attention")
    kinds = [
        one.judge(line).kind
        for line in (
            "dV = P.T @ dO",
            "dP = dO @ V.T",
            "c = sum(dP*P)",
            "dS = P*(dP - c)",
            "s = 1/sqrt(D)",
            "dQ = s * dS @ K",
        )
    ]
    assert kinds == ["holds", "holds", "defined", "holds", "defined", "holds"] and not one.passed
    assert (
        one.verdicts[2].says == "c is a helper: (N, 1)."
        and one.verdicts[0].says == "dV holds: the gradient for the values."
    )
    assert one.judge("dK = s * dS.T @ Q").kind == "holds" and one.passed and one.ends_well


def test_a_target_cannot_be_used_before_a_line_for_it_holds():
    one = attempt("attention", "dS = dP*P")
    assert (one.verdicts[0].kind, one.verdicts[0].at) == ("unreadable", 5)
    assert one.verdicts[0].says == "dP cannot be used yet: a line for it has to hold first."
    one.judge("dP = dO @ V.T / sqrt(D)")
    assert one.judge("dS = dP*P").kind == "unreadable", "a wrong line defines nothing"
    assert one.judge("dQ = dQ").kind == "unreadable"


def test_a_wrong_line_after_a_right_one_is_no_end_but_what_held_stays():
    one = attempt("softmax", "dS = P*(dP - sum(dP*P))")
    assert one.passed and one.ends_well
    one.judge("dS = dP*P")
    assert one.passed and not one.ends_well
    one.judge("dS = P*dP - P*sum(P*dP)")
    assert one.ends_well


def test_other_spellings_of_names_are_one_name():
    one = attempt(
        "adam-bias", "m\u0302 = m/(1 - \u03b2\u2081^t)", "vhat = v/(1 - beta_2^t)", "E_m = \u03bc*(1 - b1**t)"
    )
    assert [verdict.name for verdict in one.verdicts] == ["m_hat", "v_hat", "Em"]
    assert one.judge("step = lr*mhat/(\u221a(v_hat) + epsilon)").kind == "holds" and one.passed
    two = attempt("layer-norm", "d\u03b2 = \u03a3(dy, tokens)", "dL/d\u03b3 = (dy*x\u0302).sum(axis=0)")
    assert list(two.held) == ["dbeta", "dgamma"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("P = dP", "P is given: the weights; each row sums to 1. Call yours something else."),
        ("N = dP", "N has a meaning already. Call yours something else."),
        ("sum = dP", "sum has a meaning already. Call yours something else."),
        ("pi = dP", "pi has a meaning already. Call yours something else."),
        ("T = dP", "T has a meaning already. Call yours something else."),
    ],
)
def test_a_name_that_is_taken_is_refused(line, says):
    verdict = attempt("softmax").judge(line)
    assert (verdict.kind, verdict.says, verdict.at) == ("unreadable", says, 0)


def test_a_slip_is_named_by_its_value_alone():
    verdict = attempt("softmax").judge("dS = P*dP - P*P*dP")
    assert verdict.kind == "wrong" and verdict.slip is not None
    assert verdict.slip.id == "derive/softmax/cross-terms-missing" and verdict.candidates == ()


def test_a_product_that_does_not_fit_is_named_by_its_two_arrays_whatever_stands_around():
    for line in ("dV = P @ dO", "dV = 3*(P @ dO)/D + V", "A2 = 1"):
        verdict = attempt("attention").judge(line)
        if line[1] == "V":
            assert (
                verdict.kind == "shapes"
                and verdict.slip is not None
                and verdict.slip.id == "derive/attention/dv-transpose-missing"
            )
    told = attempt("attention").judge("dV = P @ dO")
    assert told.at == 7 and told.evidence == (
        "with the left side transposed it would fit: (M, N) @ (N, E) gives (M, E).",
    )
    other = attempt("attention").judge("dV = P @ O")
    assert other.kind == "shapes" and other.slip is None, "another product that does not fit is not that slip"


def test_a_product_of_matrices_that_is_written_entry_by_entry_is_told_so():
    for line in ("dP = dO \u00b7 V\u1d40", "dP = dO*V.T"):
        verdict = attempt("attention").judge(line)
        assert verdict.kind == "shapes" and verdict.says == "(N, E) * (E, M) does not fit, entry by entry."
        assert verdict.evidence == ("the product of matrices, written @, would fit: it gives (N, M).",)
    assert attempt("attention").judge("dP = dO*V").evidence == ()


def test_a_result_of_another_shape_tells_both_with_letters():
    verdict = attempt("linear").judge("dW = dy.T @ x")
    assert (verdict.kind, verdict.says) == ("shapes", "this gives (E, D), and dW is (D, E).")
    assert verdict.evidence == ("it is the transpose of what is right.",)
    assert verdict.slip is not None and verdict.slip.id == "derive/linear/dw-transposed"
    summed = attempt("linear").judge("db = dy")
    assert "summed over N it would be db." in summed.evidence


def test_what_is_not_finite_is_said():
    verdict = attempt("softmax").judge("dS = P/(dP - dP)")
    assert (verdict.kind, verdict.says) == ("not finite", "from here on an entry is infinite, or no number.")
    assert verdict.at == 6
    hidden = attempt("softmax").judge("dS = P*(dP - sum(dP*P)) + 1/(1/0)")
    assert (hidden.kind, hidden.at) == ("not finite", 30)
    assert attempt("softmax").judge("c = log(-P)").kind == "not finite"


def test_a_helper_that_is_a_target_is_told_so():
    verdict = attempt("softmax").judge("g = P*(dP - sum(dP*P))")
    assert verdict.kind == "defined" and verdict.evidence == ("it is what dS has to be: begin the line with dS = ",)


@pytest.mark.parametrize(
    ("name", "before", "line", "evidence"),
    [
        (
            "attention",
            ("dP = dO @ V.T", "dS = P*(dP - sum(dP*P))"),
            "dQ = dS @ K * D^-1.5",
            "it is 1/D times what is right, everywhere.",
        ),
        ("attention", (), "dV = P.T @ dO * sqrt(N*M)", "it is sqrt(M) * sqrt(N) times what is right, everywhere."),
        ("softmax", (), "dS = -2*P*(dP - sum(dP*P))", "it is -2 times what is right, everywhere."),
        ("softmax", (), "dS = 1.7*P*(dP - sum(dP*P))", "it is 1.7 times what is right, everywhere."),
        (
            "softmax",
            (),
            "dS = P*(dP - sum(dP*P))*log(N)",
            "it is a number, another one on each drawing, times what is right, everywhere.",
        ),
        ("temperature", (), "dz = P*(dP - sum(dP*P))/sqrt(tau)", "it is sqrt(tau) times what is right, everywhere."),
        (
            "label-smoothing",
            ("Q = (1 - eps)*Y + eps/V",),
            "dz = (P - Q)/N*(1 - eps)",
            "it is (1 - eps) times what is right, everywhere.",
        ),
        (
            "residual",
            ("dh = dy @ U.T",),
            "dx = 3*dy + (dh*(1 - h^2)) @ W.T",
            "what is right is this minus 2 times dy: is a term missing, or one too many?",
        ),
        (
            "softmax",
            (),
            "dS = P*(dP - sum(dP*P) + 1)",
            "what is right is this minus P: is a term missing, or one too many?",
        ),
        (
            "layer-norm",
            ("dxhat = dy*gamma",),
            "dx = r*(dxhat - xhat*mean(dxhat*xhat)) + sum(dy)*r",
            "along D it is off by the same number everywhere: look at the term that has no axis D.",
        ),
        (
            "rms-norm",
            (),
            "dx = r^3*(dy*gamma - x*r^2*mean(dy*gamma*x))",
            "along D it is off by the same factor everywhere: look at the factor that has no axis D.",
        ),
        (
            "rope",
            (),
            "dq1 = dy1*cos(theta) + dy2*sin(theta)*(theta/theta)*(1 + 0*q1) + maximum(q1 - 2, 0)*0 + maximum(dy1, 0)",
            "12 of its 21 numbers are right.",
        ),
    ],
)
def test_the_doctor_says_what_an_unknown_line_has_in_common_with_the_right_one(name, before, line, evidence):
    one = attempt(name, *before)
    assert all(verdict.fine for verdict in one.verdicts)
    verdict = one.judge(line)
    assert verdict.kind == "wrong" and verdict.slip is None and verdict.candidates == ()
    assert evidence in verdict.evidence, verdict.evidence
    assert verdict.evidence[0].startswith(f"counted from 1, {verdict.name}[")


SUBTLE = [
    ("layer-norm", "dxhat = dy*abs(gamma)"),
    ("cross-entropy", "dP = -onehot(minimum(t, 3), V)/P/N"),
    ("softmax", "dS = P*(dP - sum(dP*P)) + 1e-7*P"),
    ("softmax", "dS = P*(dP - sum(dP*P)*(1 + 1e-7))"),
    ("softmax", "dS = P*(dP - sum(dP*P^1.0001))"),
    ("softmax", "dS = P*(dP - sum(dP*P)) + (N - 3)*1e-3"),
    ("attention", "dV = P.T @ dO * 2/sqrt(4.0001)"),
    ("attention", "dV = softmax(S*1.00001).T @ dO"),
    ("gelu", "dx = dy*(Phi(x) + x*exp(-x^2/2)*0.3989)"),
    ("gelu", "dx = dy*(Phi(x) + x*phi(x) + 1e-6*x^2)"),
    ("layer-norm", "dbeta = sum(dy, tokens) + 1e-6"),
    ("layer-norm", "dgamma = sum(dy*(x - mu)/sqrt(v + 1.0001*eps), tokens)"),
    ("cross-entropy", "dz = (P - Y)/(N + 1e-6)"),
    ("cross-entropy", "dz = (P - Y)/3"),
    ("cross-entropy", "dz = (P - Y)/5"),
    ("lora", "dB = alpha/5 * (x @ A).T @ dy"),
    ("rope", "dq1 = dy1*cos(theta) + dy2*sin(theta*0.9999)"),
    ("adam-bias", "m_hat = m/(1 - beta1^(t + 0.001))"),
    ("temperature", "dz = P*(dP - sum(dP*P))/(tau + 1e-6)"),
    ("dot-product-variance", "v1 = a*b + 1e-6"),
    ("dot-product-variance", "var = 3*a*b"),
    ("swiglu", "db = dh*a*s*(1 + 1e-7*a)"),
]


@pytest.mark.parametrize(("name", "line"), SUBTLE)
def test_what_is_nearly_right_is_wrong_and_is_no_known_slip(name, line):
    verdict = attempt(name).judge(line)
    assert verdict.kind == "wrong" and verdict.slip is None and verdict.candidates == ()


def test_sizes_in_the_place_of_letters_fail_on_another_drawing():
    assert attempt("attention").judge("dV = P.T @ dO * N/3").kind == "wrong"


def test_axes_of_size_1_count_for_nothing():
    for line in (
        "dtau = -sum(sum(dz*z), rows)/tau",
        "dtau = -sum(dz*z, all)/tau",
        "dtau = -sum(dz*z, axis=(0, 1), keepdims=False)/tau",
    ):
        one = attempt("temperature", "dz = P*(dP - sum(dP*P))/tau", line)
        assert one.verdicts[1].kind == "holds" and np.shape(one.own[0]["dtau"]) == ()


def test_a_derivation_takes_so_many_lines_and_no_more():
    one = attempt("softmax", *(f"c{number} = P" for number in range(MOST_LINES)))
    verdict = one.judge("dS = P*(dP - sum(dP*P))")
    assert verdict.kind == "unreadable" and verdict.says == "a derivation has at most 200 lines; begin again."


def test_wrong_operands_do_not_make_a_slip_of_another_target():
    """The slip of dQ, typed for dK, is no slip of dK unless dK has it too."""
    one = Attempt.knowing(find_derivation("attention"), but="dK")
    verdict = one.judge("dK = dS @ K / sqrt(D)")
    assert verdict.kind == "shapes" and verdict.slip is None
