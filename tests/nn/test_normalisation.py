"""Every norm behind one face."""

import numpy as np
import pytest

from tfx.nn.normalisation import NORMS, evaluating, make_norm, set_training
from tfx.nn.power_norm import PowerNorm
from tfx.params import Layer

X = np.random.default_rng(0).standard_normal((2, 5, 8))


@pytest.mark.parametrize("kind", NORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_norm_has_the_same_face(kind, dtype):
    norm = make_norm(kind, 8, dtype)
    y, cache = norm.forward(X.astype(dtype))
    dx = norm.backward(y, cache)
    assert y.shape == dx.shape == X.shape and y.dtype == dx.dtype == dtype
    assert all(parameter.value.dtype == dtype for parameter in norm.parameters().values())


def test_only_layer_norm_has_an_offset_to_leave_out():
    assert list(make_norm("layer_norm", 8).parameters()) == ["gamma", "beta"]
    assert list(make_norm("layer_norm", 8, bias=False).parameters()) == ["gamma"]
    assert list(make_norm("rms_norm", 8).parameters()) == ["gamma"]
    assert list(make_norm("scale_norm", 8).parameters()) == ["g"]


def test_the_eps_arrives():
    for kind in NORMS:
        assert not np.allclose(make_norm(kind, 8, eps=1.0).forward(X)[0], make_norm(kind, 8).forward(X)[0])


def test_an_unknown_norm_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r'one of layer_norm, rms_norm, scale_norm.*, not "group"'):
        make_norm("group", 8)


def batch(seed):
    return 3.0 + 2.0 * np.random.default_rng(seed).standard_normal((4, 5, 8))


@pytest.mark.parametrize("kind", ["batch_norm", "power_norm"])
def test_running_statistics_move_once_a_step_and_only_in_training(kind):
    norm = make_norm(kind, 8, "float64")
    first = norm.state()
    norm.backward(*norm.forward(batch(0)))
    assert all(np.array_equal(norm.state()[name], first[name]) for name in first), "forward alone moves no value"
    norm.update_buffers()
    second = norm.state()
    assert all(not np.array_equal(second[name], first[name]) for name in norm.buffers())
    norm.training = False
    norm.backward(*norm.forward(batch(1)))
    norm.update_buffers()
    assert all(np.array_equal(norm.state()[name], second[name]) for name in second)


def test_two_micro_batches_move_the_statistics_twice():
    once, twice = make_norm("batch_norm", 8, "float64"), make_norm("batch_norm", 8, "float64")
    twice.forward(batch(0))
    twice.forward(batch(1))
    twice.update_buffers()
    for seed in (0, 1):
        once.forward(batch(seed))
        once.update_buffers()
    np.testing.assert_array_equal(once.mean.value, twice.mean.value)
    np.testing.assert_array_equal(once.variance.value, twice.variance.value)


@pytest.mark.parametrize("kind", ["batch_norm", "power_norm"])
def test_after_many_steps_evaluation_normalises_as_training_did(kind):
    norm = make_norm(kind, 8, "float64")
    for seed in range(200):
        norm.backward(*norm.forward(batch(seed)))
        norm.update_buffers()
    norm.training = False
    y = norm.forward(np.concatenate([batch(seed) for seed in range(500, 600)]))[0].reshape(-1, 8)
    np.testing.assert_allclose((y * y).mean(axis=0), 1, atol=0.2)
    if kind == "batch_norm":
        np.testing.assert_allclose(y.mean(axis=0), 0, atol=0.2)


def test_power_norm_with_batch_statistics_is_the_papers_pn_v():
    norm = PowerNorm(8, "float64", batch_statistics=True)
    y, _ = norm.forward(batch(0))
    np.testing.assert_allclose((y * y).mean(axis=(0, 1)), 1, rtol=1e-4)
    assert not np.allclose(PowerNorm(8, "float64").forward(batch(0))[0], y)


def test_set_training_reaches_every_norm_of_a_model():
    class Two(Layer):
        def __init__(self):
            self.norms = [make_norm("batch_norm", 8), make_norm("power_norm", 8), make_norm("layer_norm", 8)]

    model = Two()
    set_training(model, False)
    assert [norm.training for norm in model.norms[:2]] == [False, False]
    set_training(model, True)
    assert [norm.training for norm in model.norms[:2]] == [True, True]


def test_after_evaluating_every_norm_is_as_it_was_whatever_happened():
    norm, switched_off = make_norm("batch_norm", 8), make_norm("power_norm", 8)
    switched_off.training = False

    class Two(Layer):
        def __init__(self):
            self.norms = [norm, switched_off]

    with evaluating(Two()):
        assert not norm.training and not switched_off.training
    assert norm.training and not switched_off.training
    with pytest.raises(ValueError, match="x has width 3"), evaluating(Two()):
        norm.forward(np.ones((2, 3)))
    assert norm.training
