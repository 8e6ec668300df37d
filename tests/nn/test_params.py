"""Parameters, layers that own them, and the flat buffer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.strict_device import StrictArray, xp
from tfx.models import DecoderOnly, EncoderDecoder
from tfx.nn.linear import Linear
from tfx.params import Buffer, Layer, Parameter, flatten


class Pair(Layer):
    def __init__(self, shared: bool) -> None:
        rng = np.random.default_rng(0)
        self.first = Linear(3, 4, rng, dtype="float64")
        self.second = self.first if shared else Linear(3, 4, rng, dtype="float64")
        self.rest = [Parameter(np.ones(2)), Linear(4, 1, rng, bias=False, dtype="float64")]


def test_parameters_have_dotted_names_in_definition_order():
    names = list(Pair(shared=False).parameters())
    assert names == ["first.w", "first.b", "second.w", "second.b", "rest.0", "rest.1.w"]


def test_a_shared_layer_is_listed_and_counted_once():
    pair = Pair(shared=True)
    assert list(pair.parameters()) == ["first.w", "first.b", "rest.0", "rest.1.w"]
    assert pair.n_parameters == 12 + 4 + 2 + 4


def test_gradients_of_two_uses_add_up():
    layer = Linear(3, 4, np.random.default_rng(0), dtype="float64")
    x1, x2, dy = (np.random.default_rng(n).standard_normal(s) for n, s in ((1, (5, 3)), (2, (5, 3)), (3, (5, 4))))
    _, cache1 = layer.forward(x1)
    _, cache2 = layer.forward(x2)
    layer.backward(dy, cache1)
    alone = layer.w.grad.copy()
    layer.backward(2 * dy, cache2)
    np.testing.assert_allclose(layer.w.grad, alone + 2 * x2.T @ dy, rtol=1e-14)


def test_flattened_parameters_are_views_of_one_buffer_with_unchanged_values():
    model = DecoderOnly(7, d_model=6, n_heads=3, d_ff=8, n_layers=1)
    before = model.state()
    flat = flatten(model)
    assert flat.value.size == flat.grad.size == model.n_parameters
    for name, parameter in model.parameters().items():
        assert np.shares_memory(parameter.value, flat.value) and np.shares_memory(parameter.grad, flat.grad)
        np.testing.assert_array_equal(parameter.value, before[name])
        np.testing.assert_array_equal(flat.view(flat.value, name), before[name])


def test_writing_into_the_buffer_changes_the_model():
    model = DecoderOnly(7, d_model=6, n_heads=3, d_ff=8, n_layers=1)
    flat = flatten(model)
    flat.value[...] = 0.25
    assert all((parameter.value == 0.25).all() for parameter in model.parameters().values())


def test_flattening_twice_gives_the_same_buffer():
    model = DecoderOnly(7, d_model=6, n_heads=3, d_ff=8, n_layers=1)
    assert flatten(model).value is flatten(model).value
    assert flatten(model).grad is flatten(model).grad


def test_flattening_mixed_dtypes_is_refused():
    model = Pair(shared=False)
    model.second.w = Parameter(model.second.w.value.astype("float32"))
    with pytest.raises(ValueError, match="mixed dtypes"):
        flatten(model)


def test_zero_grad_clears_every_gradient():
    model = Pair(shared=True)
    for parameter in model.parameters().values():
        parameter.grad += 1
    model.zero_grad()
    assert all((parameter.grad == 0).all() for parameter in model.parameters().values())


def test_astype_converts_values_and_gradients():
    model = EncoderDecoder(5, d_model=4, n_heads=2, d_ff=6, n_layers=1).astype("float64")
    assert {p.value.dtype.name for p in model.parameters().values()} == {"float64"}
    assert {p.grad.dtype.name for p in model.parameters().values()} == {"float64"}
    assert model.config["dtype"] == "float64"


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_values_of_another_model_are_refused_and_nothing_changes(change):
    model = Pair(shared=False)
    before, state = model.state(), {name: value + 1 for name, value in model.state().items()}
    if change == "missing":
        del state["first.b"]
    elif change == "unknown":
        state["third.w"] = np.ones(3)
    else:
        state["rest.1.w"] = np.ones((4, 2))
    with pytest.raises(ValueError, match=r"first.b|third.w|rest.1.w"):
        model.load_state(state)
    for name, value in model.state().items():
        np.testing.assert_array_equal(value, before[name])


class Counting(Layer):
    """A layer with one parameter and one buffer."""

    def __init__(self):
        self.w = Parameter(np.ones(3))
        self.seen = Buffer(np.zeros(2))


def test_a_buffer_is_state_and_no_parameter():
    layer = Counting()
    assert list(layer.parameters()) == ["w"] and list(layer.buffers()) == ["seen"]
    assert list(layer.state()) == ["w", "seen"] and layer.n_parameters == 3
    assert flatten(layer).names == ("w",)


def test_a_buffer_takes_its_next_value_when_told():
    layer = Counting()
    layer.seen.next = layer.seen.next + 1
    assert np.array_equal(layer.seen.value, [0, 0])
    layer.update_buffers()
    assert np.array_equal(layer.seen.value, [1, 1])


def test_a_buffer_is_loaded_and_converted_with_the_rest():
    layer = Counting()
    layer.seen.next = np.full(2, 9.0)
    layer.load_state({"w": np.zeros(3), "seen": np.array([4, 5])})
    layer.update_buffers()
    assert np.array_equal(layer.seen.value, [4, 5]) and layer.seen.value.dtype == np.float64
    assert layer.astype("float32").seen.value.dtype == np.float32
    with pytest.raises(ValueError, match=r"missing \['seen'\]"):
        layer.load_state({"w": np.zeros(3)})


def test_the_state_is_a_copy_of_a_buffer_too():
    layer = Counting()
    layer.state()["seen"][:] = 7
    assert not layer.seen.value.any()


class Hidden(Layer):
    """Everything that an attribute can be: shared layers, a buffer, fixed arrays in a table and in a pair, a method."""

    def __init__(self) -> None:
        self.pair, self.counting = Pair(shared=True), Counting()
        self.table = {"speeds": np.arange(3.0), "name": "table"}
        self.pieces = (np.ones(2), 5)
        self.teacher = Linear(2, 2, np.random.default_rng(1)).forward
        self.config = {"widths": (3, 4)}


def test_a_layer_moves_to_a_device_with_all_that_it_owns_and_back():
    layer = Hidden()
    before = {name: value.copy() for name, value in layer.state().items()}
    assert layer.to_device(xp) is layer
    owned = {**layer.parameters(), **layer.buffers()}
    assert all(isinstance(one.value, StrictArray) for one in owned.values())
    assert all(isinstance(one.grad, StrictArray) for one in layer.parameters().values())
    assert layer.pair.first is layer.pair.second and layer.counting.seen.next is layer.counting.seen.value
    assert isinstance(layer.table["speeds"], StrictArray) and isinstance(layer.pieces[0], StrictArray)
    assert isinstance(layer.teacher.__self__.w.value, StrictArray)
    assert (layer.table["name"], layer.pieces[1], layer.config) == ("table", 5, {"widths": (3, 4)})
    layer.to_device(np)
    assert all(np.array_equal(value, before[name]) for name, value in layer.state().items())
    assert isinstance(layer.pieces[0], np.ndarray) and isinstance(layer.teacher.__self__.w.grad, np.ndarray)


def test_a_state_is_loaded_where_the_model_is():
    here, there = Counting(), Counting()
    there.to_device(xp)
    flat = flatten(there)
    assert flatten(there).value is flat.value, "flattening again gives the same buffers on a device too"
    state = {"w": np.array([1.0, 2.0, 3.0]), "seen": np.array([4.0, 5.0])}
    there.load_state(state)
    assert flat.value.tolist() == [1, 2, 3] and there.seen.value.tolist() == [4, 5]
    here.load_state(there.state())
    assert isinstance(here.w.value, np.ndarray) and here.seen.value.tolist() == [4, 5]
