"""The GPT on one page: equal to the model class bit for bit, to difference quotients, and to its own docstring."""

from __future__ import annotations

import doctest
import inspect
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tfx.models.one_page_gpt as page
from tests.shape_comments import broken_promises
from tfx.gradcheck import check_gradients
from tfx.models import GPT
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim.adam import Adam
from tfx.params import flatten

V, M, C, F, H, L = 11, 9, 12, 10, 3, 2
IDS = np.random.default_rng(1).integers(V, size=(4, 8))  # (B, T + 1)

#: The page's names for what the class calls otherwise.
NAMES_IN_THE_CLASS = {
    "E": "embedding.table",
    "P": "input.positions.table",
    "gamma": "stack.norm.gamma",
    "beta": "stack.norm.beta",
    **{
        f"{i}.{here}": f"stack.blocks.{i}.{there}"
        for i in range(L)
        for here, there in {
            "gamma_1": "norm1.gamma",
            "beta_1": "norm1.beta",
            "W_q": "attention.query.w",
            "b_q": "attention.query.b",
            "W_k": "attention.key.w",
            "b_k": "attention.key.b",
            "W_v": "attention.value.w",
            "b_v": "attention.value.b",
            "W_o": "attention.output.w",
            "b_o": "attention.output.b",
            "gamma_2": "norm2.gamma",
            "beta_2": "norm2.beta",
            "W_1": "feed_forward.first.w",
            "b_1": "feed_forward.first.b",
            "W_2": "feed_forward.second.w",
            "b_2": "feed_forward.second.b",
        }.items()
    },
}


def gpt_class(seed=0, dtype="float64"):
    """The model class with the sizes above, as it starts."""
    return GPT(V, C, H, F, L, M, seed=seed, dtype=dtype)


def moved(model, seed=2):
    """The model with every parameter away from its first value: gains of 1 and offsets of 0 hide mistakes."""
    rng = np.random.default_rng(seed)
    for parameter in model.parameters().values():
        parameter.value = (parameter.value + 0.3 * rng.standard_normal(parameter.shape)).astype(parameter.value.dtype)
    return model


def parameters_of(model):
    state = model.state()
    return {here: state[there] for here, there in NAMES_IN_THE_CLASS.items()}


def loss_and_gradients_of(model, ids):
    logits, cache = model.forward(ids[:, :-1])
    loss, entropy = cross_entropy_forward(logits, ids[:, 1:])
    model.backward(cross_entropy_backward(1.0, entropy), cache)
    gradients = model.parameters()
    return logits, loss, {here: gradients[there].grad for here, there in NAMES_IN_THE_CLASS.items()}


def test_the_page_has_every_parameter_of_the_class_and_no_other():
    first = page.initial_parameters(V, M, C, F, L, np.random.default_rng(0))
    assert first.keys() == NAMES_IN_THE_CLASS.keys()
    assert sorted(NAMES_IN_THE_CLASS.values()) == sorted(gpt_class().parameters())


def test_the_same_seed_draws_the_first_values_of_the_class():
    first = page.initial_parameters(V, M, C, F, L, np.random.default_rng(5))
    for name, value in parameters_of(gpt_class(seed=5)).items():
        np.testing.assert_allclose(first[name], value, rtol=1e-15, err_msg=name)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_logits_loss_and_every_gradient_are_those_of_the_class_bit_for_bit(dtype):
    model = moved(gpt_class(dtype=dtype))
    w = parameters_of(model)
    logits, loss, gradients = loss_and_gradients_of(model, IDS)
    np.testing.assert_array_equal(page.gpt_forward(IDS[:, :-1], w, H)[0], logits)
    loss_here, gradients_here = page.loss_and_gradients(IDS, w, H)
    assert loss_here == loss and loss_here.dtype == dtype
    assert gradients_here.keys() == gradients.keys()
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradients_here[name], gradient, err_msg=name)


def loss_as_a_pair(ids, **w):
    """The loss with its gradients for a cache, as the checker wants it."""
    return page.loss_and_gradients(ids, w, H)


def times(dloss, gradients):
    return {name: dloss * gradient for name, gradient in gradients.items()}


def test_every_gradient_is_the_slope_of_the_loss():
    w = parameters_of(moved(gpt_class()))
    forward = partial(loss_as_a_pair, IDS)
    assert check_gradients(forward, times, w, max_elements=3).worst < 1e-9
    assert check_gradients(forward, times, w, directions=1, method="complex").worst < 1e-12


#: A line of the page, the line with a term dropped, and a gradient that is wrong then.
DROPPED = [
    ("dr = dy + dr", "dr = dr", "0.W_q"),
    ("return dr + dx, g", "return dx, g", "0.W_2"),
    ("da = da_q + (da_k + da_v)", "da = da_q + da_v", "E"),
    ("dq = (ds @ k) * scale", "dq = ds @ k", "1.W_q"),
    ('g["E"] = g["E"] + embedding_backward(dx, lookup)', 'g["E"] = g["E"]', "E"),
    ("ds = softmax_backward(dp, softmax)", "ds = dp * p", "0.W_k"),
]


@pytest.mark.parametrize(("line", "wrong", "name"), DROPPED)
def test_a_term_that_is_dropped_from_the_backward_is_caught_by_both(line, wrong, name):
    source = Path(page.__file__).read_text(encoding="utf-8")
    assert source.count(f"    {line}") == 1
    broken = {"__name__": page.__name__}
    exec(compile(source.replace(f"    {line}", f"    {wrong}"), page.__file__, "exec"), broken)
    model = moved(gpt_class())
    w = parameters_of(model)
    right = loss_and_gradients_of(model, IDS)[2]
    _, gradients = broken["loss_and_gradients"](IDS, w, H)
    assert np.abs(gradients[name] - right[name]).max() > 1e-3 * np.abs(right[name]).max()
    report = check_gradients(
        lambda **w: broken["loss_and_gradients"](IDS, w, H), times, w, directions=1, method="complex"
    )
    assert not report.passes and report.worst > 1e-3


def test_steps_of_training_are_those_of_the_class_with_its_optimiser():
    model = moved(gpt_class())
    now = page.start(parameters_of(model))
    flatten(model)
    adam = Adam(model)
    for step in range(3):
        now, loss = page.training_step(now, IDS, H, rate=0.01)
        model.zero_grad()
        _, loss_of_class, _ = loss_and_gradients_of(model, IDS)
        adam.step(0.01)
        assert loss == pytest.approx(loss_of_class, rel=1e-12), step
    for name, value in parameters_of(model).items():
        if not name.endswith("b_k"):  # softmax cancels it: its gradient is rounding, which Adam makes large
            np.testing.assert_allclose(now.parameters[name], value, rtol=1e-9, atol=1e-10, err_msg=name)


def test_a_later_token_changes_nothing_earlier():
    w = parameters_of(moved(gpt_class()))
    before, _ = page.gpt_forward(IDS, w, H)
    for t in range(1, IDS.shape[1]):
        changed = IDS.copy()
        changed[:, t:] = (changed[:, t:] + 1) % V
        after, _ = page.gpt_forward(changed, w, H)
        np.testing.assert_array_equal(after[:, :t], before[:, :t])
        assert (after[:, t] != before[:, t]).any()


def test_nothing_that_is_handed_in_is_written_to():
    w = parameters_of(moved(gpt_class()))
    ids = IDS.copy()
    for array in (ids, *w.values()):
        array.flags.writeable = False
    now, _ = page.training_step(page.start(w), ids, H, rate=0.01)
    assert page.continued(ids[0, :2], 3, now.parameters, H).shape == (5,)


def test_the_example_of_the_page_learns_its_text():
    failed, tried = doctest.testmod(page)
    assert tried >= 6 and failed == 0


def test_it_is_one_page():
    lines = Path(page.__file__).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200


SIZES = {"B": 4, "T": 7, "C": C, "H": H, "D": C // H, "F": F, "V": V, "M": M, "L": L}


@pytest.mark.parametrize("name", ["gpt_block_forward", "gpt_block_backward", "gpt_forward", "gpt_backward"])
def test_the_shape_behind_every_line_is_the_one_that_comes_about(name):
    function = getattr(page, name)
    source = inspect.getsource(function)
    w = parameters_of(gpt_class())
    assert broken_promises(function, lambda: page.loss_and_gradients(IDS, w, H), SIZES) == []
    computed = [
        line for line in source.splitlines() if re.search(r"_(for|back)ward\((?!x: |dy: |ids: |dlogits: )| @ ", line)
    ]
    assert [line for line in computed if "->" not in line] == []
