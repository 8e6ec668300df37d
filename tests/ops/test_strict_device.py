"""Every operation on a device that does not mix with the host, without making it wait once."""

import math

import numpy as np
import pytest

from tests.ops.arrays import arrays_in
from tests.ops.test_every_op import OPS, problem_of, run
from tests.strict_device import StrictArray, download, synced, upload, xp
from tfx.backend import as_number, is_array, on_host, read, to_device, to_numpy, xp_of
from tfx.ops.attention.masks import causal_mask, combine_masks, from_additive, from_blocked, padding_mask, window_mask
from tfx.ops.basics.dropout import dropout_mask
from tfx.ops.basics.embedding import embedding_forward
from tfx.ops.basics.softmax import softmax_jacobian
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.ops.positions.positions import sinusoidal_positions


@pytest.mark.parametrize("case", OPS, ids=lambda case: f"{case.op}: {case.variant}")
def test_an_op_runs_both_ways_on_the_device_without_waiting(case):
    problem, dy = problem_of(case)
    want = run(problem, dy)
    there = problem._replace(
        inputs={name: upload(value) for name, value in problem.inputs.items()},
        fixed={name: upload(value) for name, value in problem.fixed.items()},
    )
    waits = synced.count
    y, cache, grads = run(there, upload(dy))
    assert synced.count == waits, "something made the device wait"
    assert all(isinstance(array, StrictArray) for array in [y, *grads, *arrays_in(cache)])
    for a, b in zip([want[0], *want[2]], [y, *grads], strict=True):
        np.testing.assert_allclose(download(b), a, rtol=1e-13, atol=1e-13)


def test_masks_and_tables_are_made_on_the_device():
    waits = synced.count
    made = {
        "causal": causal_mask(3, 5, past=2, xp=xp),
        "window": window_mask(4, left=1, right=1, xp=xp),
        "padding": padding_mask([3, 1], 4, xp=xp),
        "padding, lengths there": padding_mask(upload(np.array([3, 1])), 4, xp=xp),
        "combined": combine_masks(causal_mask(4, xp=xp), padding_mask([3, 1], 4, xp=xp)),
        "blocked": from_blocked(upload(np.array([True, False]))),
        "additive": from_additive(upload(np.array([0.0, -math.inf]))),
        "positions": sinusoidal_positions(5, 4, xp=xp),
        "dropout": dropout_mask((2, 3), 0.5, np.random.default_rng(0), xp=xp),
        "jacobian": softmax_jacobian(upload(np.array([0.25, 0.75]))),
    }
    assert synced.count == waits
    assert all(isinstance(array, StrictArray) for array in made.values())
    assert np.array_equal(made["causal"].get(), causal_mask(3, 5, past=2))
    assert np.array_equal(made["padding"].get(), made["padding, lengths there"].get())
    assert np.array_equal(made["dropout"].get(), dropout_mask((2, 3), 0.5, np.random.default_rng(0)))
    assert np.array_equal(made["positions"].get(), sinusoidal_positions(5, 4))


def test_ids_from_the_host_meet_a_table_on_the_device():
    table = np.arange(12.0).reshape(4, 3)
    y, _ = embedding_forward(np.array([3, 1]), upload(table))
    assert np.array_equal(y.get(), table[[3, 1]])


def test_a_wrong_id_on_the_device_is_loud_without_waiting():
    waits = synced.count
    y, _ = embedding_forward(upload(np.array([1, 4])), upload(np.ones((4, 3))))
    loss, cache = cross_entropy_forward(upload(np.zeros((2, 4))), upload(np.array([1, 4])))
    assert synced.count == waits
    assert np.isnan(y.get()[1]).all() and not np.isnan(y.get()[0]).any()
    assert math.isnan(float(loss)) and np.array_equal(np.isnan(cache.token_losses.get()), [False, True])


def test_targets_and_keep_from_the_host_meet_logits_on_the_device():
    logits, targets, keep = np.eye(3), np.array([0, -1, 2]), np.array([True, False, True])
    loss, _ = cross_entropy_forward(upload(logits), targets, keep=keep)
    assert float(loss) == pytest.approx(cross_entropy_forward(logits, targets, keep=keep)[0], rel=1e-15)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda x: np.asarray(x),
        lambda x: x + np.ones(3),
        lambda x: np.ones(3) + x,
        lambda x: np.exp(x),
        lambda x: xp.where(np.array([True, False, True]), x, 0),
        lambda x: x[np.array([0, 1])],
        lambda x: xp.errstate(),
        lambda x: xp.maximum(x, np.zeros(3)),
        lambda x: xp.add(x, x, where=x > 1),
        lambda x: xp.exp(x, order="F"),
        lambda x: x.max(initial=0.0),
        lambda x: xp.multiply.at(x, upload(np.array([0, 0])), 2.0),
        lambda x: xp.maximum.reduce(x),
        lambda x: xp.argsort(x, kind="quicksort"),
        lambda x: x.__setitem__(upload(np.array([1, 1])), upload(np.array([2.0, 3.0]))),
        lambda x: xp.matmul(xp.diag(x), x, out=x),
    ],
)
def test_the_strict_device_refuses_what_a_card_refuses(mistake):
    with pytest.raises((TypeError, AttributeError, ValueError, IndexError, NotImplementedError)):
        mistake(upload(np.arange(3.0)))


def test_the_strict_device_counts_every_wait():
    x = upload(np.arange(3.0))
    waits = synced.count
    float(x.sum()), int(x.max()), bool(x[0] == 0), list(x), x.get(), x.tolist()
    assert synced.count == waits + 6


def test_the_strict_device_knows_what_a_view_is_a_view_of():
    x = xp.zeros(6)
    view = x[2:].reshape(2, 2)
    assert view.base is x and x.base is None and xp.zeros(3).base is None
    view[0] = 1.0
    assert x.tolist() == [0, 0, 1, 1, 0, 0]


def test_numbers_from_the_device_are_read_in_one_go():
    x, waits = upload(np.array([1.0, 2.5], dtype="float32")), synced.count
    assert as_number(np.float32(2.5)) == 2.5 and isinstance(as_number(np.float32(2.5)), float)
    assert isinstance(as_number(x.sum()), StrictArray) and as_number(x.sum()).dtype == "float64"
    assert synced.count == waits
    assert read(x.sum(), 0.1, x.max()) == [3.5, 0.1, 2.5]
    assert synced.count == waits + 1
    assert read(np.float32(3), 0.1) == [3.0, 0.1]


def test_the_backend_knows_where_an_array_lives():
    x = upload(np.arange(3.0))
    assert xp_of(x) is xp and not on_host(x)
    assert xp_of(np.arange(3.0)) is np and on_host(np.arange(3.0))
    assert isinstance(to_numpy(x), np.ndarray)
    assert is_array(x) and is_array(np.zeros(2)) and not is_array(1.0) and not is_array("x")
    assert to_device(x, xp)._host is x._host and isinstance(to_device(x, np), np.ndarray)
    assert isinstance(to_device(np.zeros(2), xp), StrictArray)
