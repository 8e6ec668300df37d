"""What holds for every operation, tried on every case of the gradient-check registry."""

import numpy as np
import pytest

from tests.ops.arrays import LAYOUTS, arrays_in, as_dtype, laid_out
from tfx.gradcheck import CASES

OPS = [case for case in CASES if "." not in case.op]
every_case = pytest.mark.parametrize("case", OPS, ids=lambda case: f"{case.op}: {case.variant}")


def problem_of(case, change=lambda value: value):
    """The case's problem with every input and setting passed through `change`, and an upstream gradient."""
    problem = case.build(np.random.default_rng(3))
    inputs = {name: change(value) for name, value in problem.inputs.items()}
    fixed = {name: change(value) for name, value in problem.fixed.items()}
    y, _ = problem.forward(**problem.inputs, **problem.fixed)
    dy = change(np.random.default_rng(4).standard_normal(np.shape(y)))
    return problem._replace(inputs=inputs, fixed=fixed), dy if dy.ndim else float(dy)


def run(problem, dy):
    y, cache = problem.forward(**problem.inputs, **problem.fixed)
    return y, cache, list(arrays_in(problem.backward(dy, cache)))


@every_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_dtype_that_goes_in_comes_out(case, dtype):
    y, cache, grads = run(*problem_of(case, lambda value: as_dtype(value, dtype)))
    assert y.dtype == dtype
    assert {grad.dtype for grad in grads} == {np.dtype(dtype)}
    floats = {array.dtype for array in arrays_in(cache) if array.dtype.kind == "f"}
    assert floats <= {np.dtype(dtype)}, "something in the cache was widened"


@every_case
def test_float32_and_float64_tell_the_same_story(case):
    wide = run(*problem_of(case))
    narrow = run(*problem_of(case, lambda value: as_dtype(value, "float32")))
    for exact, rounded in zip([wide[0], *wide[2]], [narrow[0], *narrow[2]], strict=True):
        np.testing.assert_allclose(rounded, exact, atol=2e-4 * max(1.0, np.abs(exact).max()))


@every_case
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_makes_no_difference_and_nothing_is_written(case, layout):
    plain, plain_dy = problem_of(case)
    changed, dy = problem_of(case, lambda value: laid_out(value, layout))
    want, have = run(plain, plain_dy), run(changed, dy)
    for a, b in zip([want[0], *want[2]], [have[0], *have[2]], strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


@every_case
def test_backward_twice_gives_equal_bits_and_leaves_the_cache_alone(case):
    problem, dy = problem_of(case)
    _, cache = problem.forward(**problem.inputs, **problem.fixed)
    before = [array.copy() for array in arrays_in(cache)]
    first, second = (list(arrays_in(problem.backward(dy, cache))) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, arrays_in(cache), strict=True))


@every_case
def test_each_gradient_has_the_shape_of_its_input(case):
    problem, dy = problem_of(case)
    grads = run(problem, dy)[2]
    assert sorted(grad.shape for grad in grads) == sorted(x.shape for x in problem.inputs.values())


@every_case
def test_the_gradient_equals_the_complex_step_derivative(case):
    """Im f(x + i h) / h has no subtraction, so it is exact to rounding: a second proof by other means."""
    problem, dy = problem_of(case)
    rng, h = np.random.default_rng(5), 1e-30
    directions = {name: rng.standard_normal(x.shape) for name, x in problem.inputs.items()}
    lifted = {name: x + 1j * h * directions[name] for name, x in problem.inputs.items()}
    _, cache = problem.forward(**problem.inputs, **problem.fixed)
    slope = (dy * problem.forward(**lifted, **problem.fixed)[0].imag).sum() / h
    grads = problem.backward(dy, cache)
    named = hasattr(grads, "_fields")
    grads = {f[1:]: g for f, g in zip(grads._fields, grads, strict=True)} if named else list(arrays_in(grads))
    pairs = ((grads[name] if named else grads[i], directions[name]) for i, name in enumerate(problem.inputs))
    terms = [grad * direction for grad, direction in pairs]
    size = sum(np.abs(term).sum() for term in terms)
    assert slope == pytest.approx(sum(term.sum() for term in terms), abs=1e-13 * size)
