"""Slopes of the truth are its gradients: compared with the backwards of the library, which are derived by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.practice.exercise import Exercise, Given, find_exercise
from lessons.practice.slopes import gradient_of, pulls_of, slope_at_0, slopes_of
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward


def attention(up, q, k, v, mask=None):
    """The weights are an output too: that of attention whose values are a unit matrix."""
    dq, dk, dv = attention_backward(up["[0]"], attention_forward(q, k, v, mask)[1])
    unit = np.broadcast_to(np.eye(k.shape[-2]), (*k.shape[:-1], k.shape[-2]))
    more_q, more_k, _ = attention_backward(up["[1]"], attention_forward(q, k, unit, mask)[1])
    return {"q": dq + more_q, "k": dk + more_k, "v": dv}


def layer_norm(up, x, gamma, beta, eps=1e-5):
    found = layer_norm_backward(up[""], layer_norm_forward(x, gamma, beta, eps)[1])
    return dict(zip(("x", "gamma", "beta"), found, strict=True))


def cross_entropy(up, logits, targets, smoothing=0.0, keep=None):
    return {"logits": cross_entropy_backward(up[""], cross_entropy_forward(logits, targets, smoothing, keep)[1])}


@pytest.mark.parametrize(
    ("name", "backward"), [("attention", attention), ("layer-norm", layer_norm), ("cross-entropy", cross_entropy)]
)
def test_slopes_are_those_of_the_backward_on_every_input(name, backward):
    exercise = find_exercise(name)
    known, judged, missing = slopes_of(exercise), 0, 0
    types = [
        {str(one.dtype) for one in case.arguments.values() if isinstance(one, np.ndarray)} for case in exercise.cases
    ]
    assert len(known) == sum("float32" not in some for some in types) > 15, "all but those in float32"
    for pull in known:
        right = backward(pull.upstream, **exercise.cases[pull.place].arguments)
        largest = max(float(np.abs(one).max()) for one in right.values())
        assert pull.arguments.keys() == right.keys()
        for path, slopes in pull.arguments.items():
            missing += not slopes
            for direction, slope in slopes:
                judged += 1
                off = abs(float((right[path] * direction).sum()) - slope.value)
                assert off <= 1e-9 * largest + 10 * slope.error, (exercise.cases[pull.place].about, path)
                assert slope.error <= 1e-3 * max(largest, abs(slope.value)) + 1e-6
    assert judged > 3 * len(right) * (len(known) - 2) and missing <= 1


def test_the_whole_gradient_is_that_of_the_backward():
    exercise = find_exercise("layer-norm")
    pull = pulls_of(exercise)[0]
    right = layer_norm(pull.upstream, **exercise.cases[pull.place].arguments)
    for path, want in right.items():
        found = gradient_of(exercise, pull, path)
        assert found is not None and np.abs(found - want).max() <= 1e-9 * np.abs(want).max()


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (math.sin, 1.0),
        (lambda x: math.exp(3 * x), 3.0),
        (lambda x: 7.0, 0.0),
        (lambda x: x * x, 0.0),
        (lambda x: 1e9 + x, 1.0),
    ],
)
def test_the_slope_of_a_smooth_function_is_found_with_its_error(function, slope):
    found = slope_at_0(function)
    assert found is not None and abs(found.value - slope) <= max(10 * found.error, 1e-12)


@pytest.mark.parametrize("function", [abs, lambda x: max(x, 0.0), lambda x: float(x > 0), lambda x: x + abs(x) / 50])
def test_where_there_is_a_kink_or_a_jump_there_is_no_slope(function):
    assert slope_at_0(function) is None


def test_what_works_out_a_gradient_itself_and_what_holds_no_floats_is_asked_for_none():
    for name in ("softmax-backward", "attention-backward", "layer-norm-backward", "sinusoidal"):
        assert pulls_of(find_exercise(name)) == ()
    about = [find_exercise("softmax").cases[pull.place].about for pull in pulls_of(find_exercise("softmax"))]
    assert "float32" not in about and "a row of -inf alone" not in about and len(about) > 12


def test_a_tree_of_arguments_has_a_path_for_each_array():
    exercise = Exercise("mixed", "Mixed", ["x is any."], ["a", "b"], "mixed.", ["y: one", "z: one"])
    exercise.stub(lambda weights, x: None)
    exercise.solution(lambda weights, x: (weights["w"][0] * x, float(weights["b"])))
    given = {"weights": {"w": [np.array([2.0, 3.0])], "b": np.array(4.0)}, "x": np.array([1.0, 5.0])}
    exercise.inputs(lambda rng: iter([Given("two numbers", given)]))
    (pull,) = slopes_of(exercise)
    assert list(pull.upstream) == ["[0]", "[1]"] and list(pull.arguments) == ["weights.w[0]", "weights.b", "x"]
    found = gradient_of(exercise, pull, "weights.w[0]")
    assert found is not None and np.allclose(found, pull.upstream["[0]"] * [1.0, 5.0], rtol=1e-9)
