"""The grammar of derivations: what it reads is what NumPy gives, and nothing else can be reached."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.practice.derive.formula import read_formula, read_line
from lessons.practice.derive.tokens import CannotRead
from lessons.practice.derive.tree import FUNCTIONS
from lessons.practice.derive.working_out import Misfit, Scope, work_out

SIZES = {"N": 3, "M": 7, "V": 5}
RNG = np.random.default_rng(1)
ARRAYS = {
    "x": RNG.uniform(0.5, 2.0, (3, 7)), "w": RNG.uniform(0.5, 2.0, (3, 7)), "g": RNG.uniform(0.5, 2.0, 7),
    "r": RNG.uniform(0.5, 2.0, (3, 1)), "c": np.float64(0.7), "t": np.array([4.0, 0.0, 2.0]),
}  # fmt: skip


def scope() -> Scope:
    return Scope(
        SIZES, dict(ARRAYS), {"tokens": "N", "keys": "M"}, {"d_k": "M"}, {"dx": "a line for it has to hold first."}
    )


def value(text: str) -> np.ndarray:
    return work_out(read_formula(text), scope())


def written(rng: random.Random, depth: int) -> tuple[str, str]:
    """A random formula in this grammar, and the same in NumPy."""
    if depth == 0 or rng.random() < 0.15:
        leaf = rng.choice(["x", "w", "g", "r", "c", "2", "0.5", "1e-1", "M"])
        return leaf, "np.float64(7)" if leaf == "M" else f"np.float64({leaf})" if leaf[0].isdigit() else leaf
    a, b = written(rng, depth - 1)
    kind = rng.choice(["+", "-", "*", "/", "^", "**", "neg", "call", "sum", "bracket", "product", "plus"])
    if kind in "+-*/":
        c, d = written(rng, depth - 1)
        return f"({a}){kind}({c})", f"({b}){kind}({d})"
    if kind in ("^", "**"):
        return f"({a}){kind}2", f"({b})**np.float64(2)"
    if kind == "neg":
        return f"-({a})", f"-({b})"
    if kind == "plus":
        return f"+[{a}]", f"+({b})"
    if kind == "call":
        name = rng.choice(["exp", "tanh", "sqrt", "abs", "sin", "cos"])
        inner = f"{name}(abs({a})/(1 + abs({a})))"
        return inner, f"np.{name}(np.abs({b})/(1 + np.abs({b})))"
    if kind == "sum":
        name = rng.choice(["sum", "mean", "max"])
        return f"{name}(x*({a}), keys)", f"np.{name}(x*({b}), axis=-1, keepdims=True)"
    if kind == "product":
        return f"((x*({a})) @ w.T @ w)", f"((x*({b})) @ w.T @ w)"
    return f"(({a}))", f"({b})"


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_random_formulas_give_what_numpy_gives(seed):
    rng = random.Random(seed)
    ours, numpys = written(rng, 3)
    with np.errstate(all="ignore"):
        try:
            right = eval(numpys, {"np": np, **ARRAYS})
        except ValueError:
            with pytest.raises(Misfit):
                value(ours)
            return
    np.testing.assert_allclose(value(ours), right, rtol=1e-12)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from(["+", "-", "*", "/", "**"]), min_size=1, max_size=7),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_signs_bind_as_in_python(signs, minus):
    """Without brackets: precedence and order are those that everybody knows from NumPy."""
    names = ["x", "w", "g", "c", "r", "2", "x", "3"]
    parts = [("-" if sign else "") + name for name, sign in zip(names, minus, strict=True)]
    text = parts[0] + "".join(f" {sign} {part}" for sign, part in zip(signs, parts[1:], strict=False))
    text = text.replace("** -", "** ") if text.count("**") > 1 else text
    with np.errstate(all="ignore"):
        right = eval(text.replace("2", "np.float64(2)").replace("3", "np.float64(3)"), {"np": np, **ARRAYS})
        np.testing.assert_allclose(value(text), right, rtol=1e-12)
        np.testing.assert_allclose(value(text.replace("**", "^")), right, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("x.T", "x.T"),
        ("x^T", "x.T"),
        ("x'", "x.T"),
        ("x\u1d40", "x.T"),
        ("x^T @ w", "x.T @ w"),
        ("x.T^2", "x.T**2"),
        ("sum(x)", "x.sum(-1, keepdims=True)"),
        ("x.sum(axis=0)", "x.sum(0, keepdims=True)"),
        ("np.sum(x, axis=-1, keepdims=False)", "x.sum(-1)"),
        ("sum(x, tokens)", "x.sum(0, keepdims=True)"),
        ("sum(x, M)", "x.sum(1, keepdims=True)"),
        ("sum(x, all)", "x.sum(keepdims=True)"),
        ("sum(x, None)", "x.sum()"),
        ("mean(x, axis=(0, 1))", "x.mean(keepdims=True)"),
        ("(x - w).mean(keys)", "(x - w).mean(-1, keepdims=True)"),
        ("max(x)", "x.max(-1, keepdims=True)"),
        ("min(x, 0)", "x.min(0, keepdims=True)"),
        ("softmax(x)", "np.exp(x)/np.exp(x).sum(-1, keepdims=True)"),
        ("softmax(x, tokens)", "np.exp(x)/np.exp(x).sum(0, keepdims=True)"),
        ("logsumexp(x)", "np.log(np.exp(x).sum(-1, keepdims=True))"),
        ("sigmoid(x)", "1/(1 + np.exp(-x))"),
        ("\u03c3(x)", "1/(1 + np.exp(-x))"),
        ("ln(x)", "np.log(x)"),
        ("relu(x - 1)", "np.maximum(x - 1, 0)"),
        ("maximum(x, w)", "np.maximum(x, w)"),
        ("phi(x)", "np.exp(-x*x/2)/np.sqrt(2*np.pi)"),
        ("\u221aM * x", "np.sqrt(7)*x"),
        ("x/sqrt(d_k)", "x/np.sqrt(7)"),
        ("x \u2212 w\u00b2", "x - w**2"),
        ("x \u00b7 w", "x*w"),
        ("x \u2299 w", "x*w"),
        ("x \u00d7 w \u00f7 g", "x*w/g"),
        ("\u03c0*x", "np.pi*x"),
        ("outer(g, t)", "g[:, None]*t"),
        ("diag(g)", "np.diag(g)"),
        ("eye(M)", "np.eye(7)"),
        ("onehot(t, V)", "np.eye(5)[[4, 0, 2]]"),
        ("onehot(t)", "np.eye(5)[[4, 0, 2]]"),
        ("2^3^2", "512."),
        ("-2^2", "-4."),
        ("2^-1", ".5"),
        ("--3", "3."),
        ("6/3*2", "4."),
        ("1 - 2 - 3", "-4."),
        ("2*-3", "-6."),
        ("g @ g", "g @ g"),
        ("x @ g", "x @ g"),
        ("sum(3)", "3."),
        ("2x", "2*x"),
        ("-2x^2", "-2*x**2"),
        ("w - 2x @ w.T @ w", "w - 2*x @ w.T @ w"),
        ("1/\u221a(2\u03c0)", "1/np.sqrt(2*np.pi)"),
        ("x/2 + 0.5(x + w)", "x/2 + 0.5*(x + w)"),
        ("w*2exp(-x)", "w*2*np.exp(-x)"),
        ("2\u221aM", "2*np.sqrt(7)"),
        ("np.sqrt(2*np.pi)*x", "np.sqrt(2*np.pi)*x"),
        ("scipy.special.erf(x) + stats.norm.cdf(0*x)", "value('erf(x)') + 0.5"),
        ("norm.pdf(x)", "np.exp(-x*x/2)/np.sqrt(2*np.pi)"),
    ],
)
def test_what_people_type_is_read_as_they_mean_it(text, python):
    right = eval(python, {"np": np, "value": value, **ARRAYS})
    np.testing.assert_allclose(value(text).squeeze(), np.squeeze(right), rtol=1e-12)


def test_the_normal_distribution_is_that_of_the_standard_library():
    from statistics import NormalDist

    found = work_out(read_formula("Phi(x) + 0*phi(x)"), scope())
    assert np.abs(found - np.vectorize(NormalDist().cdf)(ARRAYS["x"])).max() < 1e-15
    np.testing.assert_allclose(value("cdf(x)"), value("(1 + erf(x/sqrt(2)))/2"), rtol=1e-15)


@pytest.mark.parametrize(
    ("left", "name"),
    [
        ("dS", "dS"),
        ("  d\u03b3 ", "dgamma"),
        ("dL/dx", "dx"),
        ("\u2202L/\u2202x", "dx"),
        ("m\u0302", "mhat"),
        ("\u03b2\u2081", "beta1"),
    ],
)
def test_the_name_on_the_left(left, name):
    assert read_line(f"{left} = x").name == name


@pytest.mark.parametrize(
    ("line", "at", "message"),
    [
        ("y = P*(x - sm(x))", 11, 'no function is called "sm" here. There are: sum, '),
        ("y = soft_max(x)", 4, 'no function is called "soft_max" here. Did you mean softmax?'),
        ("y = X", 4, 'nothing is called "X" here. Did you mean x?'),
        ("y = dx*2", 4, "dx cannot be used yet: a line for it has to hold first."),
        ("y = w x", 6, "a sign is missing before this: write * (entry by entry) or @ (of matrices)."),
        ("y = 2x w", 7, "a sign is missing before this: write * (entry by entry) or @ (of matrices)."),
        ("y = x2", 4, 'nothing is called "x2" here.'),
        ("y = 2 3", 6, "a sign is missing before this: write * (entry by entry) or @ (of matrices)."),
        ("y = 2^3x", 7, "a sign is missing before this: write * (entry by entry) or @ (of matrices)."),
        ("y = 1/2x", 7, "1/2x can be read in two ways: write (1/2)*x, or 1/(2*x)."),
        ("y = 3x/2(x + w)", 8, "1/2x can be read in two ways: write (1/2)*x, or 1/(2*x)."),
        ("E[y] = x", 1, "left of the sign = stands one name alone."),
        ("y + 1 = x", 2, "left of the sign = stands one name alone."),
        ("y = x(2)", 4, 'no function is called "x" here.'),
        ("y = x[0]", 5, "[ after a name takes a part out of it, which is not in this grammar."),
        ("y = (x", 6, "the ( at place 5 is not closed here."),
        ("y = (x w)", 7, "a sign is missing before this"),
        ("y = x)", 5, "this ) closes nothing."),
        ("y = x = w", 6, "there is one sign = in a line."),
        ("y = x +", 7, "here a name, a number or a bracket is missing."),
        ("y = ", 4, "here a name, a number or a bracket is missing."),
        ("y", 1, "a line is NAME = formula, and the sign = is not there."),
        ("", 0, "a line begins with the name that it defines: NAME = formula."),
        ("2 = x", 0, "a line begins with the name that it defines: NAME = formula."),
        ("y = sum(x, width)", 4, 'no axis is called "width". There are: N, M, V, tokens, keys, all.'),
        ("y = sum(x, V)", 4, "(N, M) has no axis V."),
        ("y = sum(x, axis=2)", 4, "(N, M) has no axis 2."),
        ("y = sum(x, 1, M)", 4, "the same axis is named twice."),
        ("y = softmax(x, all)", 4, "softmax runs along one axis."),
        ("y = sum(x, axis=-)", 17, "here an axis is missing: its name, or its number such as -1."),
        ("y = exp(x, w)", 4, "exp takes 1 argument, and here are 2."),
        ("y = exp(x, axis=0)", 11, 'exp has no argument called "axis".'),
        ("y = outer(x)", 4, "outer takes 2 arguments, and here is 1."),
        ("y = onehot(x)", 4, "onehot takes labels, whole numbers from 0 to 4."),
        ("y = eye(c)", 4, "here the size of an axis is asked for, such as its letter."),
        ("y = x.shape", 6, "A size is written by its letter, as in sqrt(D)."),
        ("y = x.size", 6, "after a dot stands T, which transposes, or a function with its brackets."),
        ("y = np.e*x", 7, "only functions are taken from a module."),
        ("y = np.linalg*x", 7, "only functions are taken from a module."),
        ("y = np.linalg.inv(x)", 14, 'no function is called "inv" here.'),
        ("y = x/-2w", 8, "1/2x can be read in two ways"),
    ],
)
def test_what_cannot_be_read_gets_a_caret_and_a_sentence(line, at, message):
    with pytest.raises(CannotRead) as caught:
        work_out(read_line(line).formula, scope())
    assert caught.value.at == at and caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        (
            "x @ w",
            2,
            "(N, M) @ (N, M) does not fit: the last axis on the left has to be the first of the matrix on the right.",
        ),
        ("x * t", 2, "(N, M) * (N) does not fit, entry by entry."),
        ("x + w.T", 2, "(N, M) + (M, N) does not fit, entry by entry."),
        ("g.T", 1, "(M) has one axis, so that there is nothing to transpose; outer(a, b) has all products."),
        ("c @ x", 2, "@ multiplies arrays, and this is a number: write *."),
        ("outer(x, g)", 0, "outer takes two arrays, alike but for their last axes."),
        ("diag(2)", 0, "diag takes an array, and this is a number."),
        ("maximum(x, t)", 0, "(N, M) maximum (N) does not fit, entry by entry."),
    ],
)
def test_shapes_that_do_not_fit_are_told_with_the_letters_of_their_axes(text, at, message):
    with pytest.raises(Misfit) as caught:
        value(text)
    assert (caught.value.at, caught.value.message) == (at, message)


#: of five axes
OUTER = "g"
for _ in range(4):
    OUTER = f"outer({OUTER}, {OUTER})"

HOSTILE = [
    "y = __import__('os').system('id')",
    "y = x.__class__",
    "y = x.T.__init__",
    "y = ().__class__",
    "y = eval(x)",
    "y = exec(x)",
    "y = open(x)",
    "y = lambda: 0",
    "y = [x for x in x]",
    "y = x if x else x",
    "y = {x: x}",
    "y = x; y",
    "y = np.load(x)",
    "y = np.linalg.inv(x)",
    "y = np.__builtins__",
    "y = torch.ops(x)",
    "y = getattr(x, T)",
    "y = 'x'",
    'y = "x"',
    "y = f'{x}'",
    "y = x\x00",
    "\x00 = x",
    "y = x\x1b[2J",
    "y = \u0445",
    "y = \u0445",
    "y = x \u202e w",
    "y = 0x10",
    "y = 1_000",
    "y = 1j*x",
    "y = x // w",
    "y = x % w",
    "y = x < w",
    "y = x == w",
    "y = x and w",
    "y = not x",
    "y = *x",
    "y = @x",
    "y = x!",
    "y = $x",
    "y = `x`",
    "y = x\\w",
    "y = \ud800",
    "y = " + "9" * 30,
    "y = 1e999",
    "y = " + "x" * 30,
    "y = " + "(" * 300,
    "y = " + "-" * 300 + "x",
    "y = " + "(" * 90 + "x" + ")" * 90,
    "y = " + "x^" * 60 + "x",
    "y = " + "x+" * 150 + "x",
    "y = " + "exp(" * 60 + "x" + ")" * 60,
    "y = " + "x" * 500,
    "y = eye(M)@eye(1e9)",
    "y = eye(101)",
    "y = onehot(t, 1e6)",
    f"y = {OUTER}",
    "y = " + "diag(" * 9 + "x" + ")" * 9,
    "y" * 30 + " = x",
    "y = sum(x, axis=99999)",
    "y = .",
    "y = x.",
    "y = ..",
    "y = ,",
    "y = sum(,)",
    "y = sum(x,,0)",
    "y = sum()",
    "y = sum(axis=0)",
    "y = exp()",
    "=",
    "y ==",
    "y =",
    "y = \u221a",
    "y = x'w",
    "y = sum(x, (0",
    "y = sum(x, keepdims)",
    "y = sum(x, keepdims=)",
]


@pytest.mark.parametrize("line", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_else_is_reached(line):
    """A sentence with a place in the line; never another exception, and never an answer."""
    with pytest.raises(CannotRead) as caught:
        work_out(read_line(line).formula, scope())
    assert caught.value.message.endswith(".") and 0 <= caught.value.at <= len(line)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *"xwgrct()[]{}+-*/@^'.,= 01T",
                "**",
                "sum",
                "axis",
                "np",
                "keys",
                "\u03b3",
                "exp",
                "softmax",
                *FUNCTIONS[-6:],
            ]
        ),
        max_size=24,
    )
)
def test_any_row_of_signs_is_read_or_refused(parts):
    refused_or_small("y = " + "".join(parts))


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    refused_or_small(text)


def refused_or_small(line: str) -> None:
    place, found = 0, np.zeros(0)
    try:
        found = work_out(read_line(line).formula, scope())
    except (CannotRead, Misfit) as problem:
        place = problem.at
    assert 0 <= place <= len(line) and found.dtype == np.float64 and found.size <= 100_000


def test_huge_powers_cost_nothing():
    assert np.isinf(value("9^9^9^9")).all() and np.isinf(value("exp(exp(exp(9)))")).all()


def test_a_line_changes_no_array():
    before = {name: np.copy(array) for name, array in ARRAYS.items()}
    found = value("x")
    found += 1
    value("softmax(x) + maximum(x, w) - relu(x) + x.T.T")
    assert all(np.array_equal(before[name], ARRAYS[name]) for name in before)
