"""Tokens find their experts and come back."""

import numpy as np
import pytest

from tfx.ops.experts.expert_capacity import within_capacity
from tfx.ops.experts.expert_dispatch import combine_forward, dispatch_backward, dispatch_forward, plan_dispatch

RNG = np.random.default_rng(0)
EXPERTS = np.argsort(RNG.random((7, 4)), axis=1)[:, :2]
X, GATES = RNG.standard_normal((7, 3)), RNG.random((7, 2))


def test_each_expert_has_its_tokens_as_neighbours_in_their_order():
    plan = plan_dispatch(EXPERTS, 4)
    slots, _ = dispatch_forward(X, plan)
    stop = 0
    for expert, count in enumerate(plan.counts):
        start, stop = stop, stop + int(count)
        np.testing.assert_array_equal(slots[start:stop], X[np.any(expert == EXPERTS, axis=1)])
    assert stop == len(slots) == 14


def test_dispatch_and_combine_are_the_dense_products_of_the_papers():
    """Masks (N, E, capacity) as in GShard, which are never built here."""
    keep = within_capacity(EXPERTS, 4, 3)
    plan = plan_dispatch(EXPERTS, 4, keep)
    slots, _ = dispatch_forward(X, plan)
    scale = np.array([2.0, -1.0, 0.5, 3.0])  # what the experts do
    out, mask, places = np.zeros_like(slots), np.zeros((7, 4, 3)), [0] * 4
    for n in range(7):
        for expert in sorted(EXPERTS[n][keep[n]]):
            mask[n, expert, places[expert]] = 1
            places[expert] += 1
    stops = np.cumsum(plan.counts)
    for expert, (stop, count) in enumerate(zip(stops, plan.counts, strict=True)):
        out[stop - count : stop] = scale[expert] * slots[stop - count : stop]
    y, _ = combine_forward(out, GATES, plan)
    gate = np.zeros((7, 4))
    np.put_along_axis(gate, EXPERTS, GATES, axis=1)
    dense_slots = np.einsum("nec,nd->ecd", mask, X)
    dense = np.einsum("nec,ecd->nd", mask * gate[:, :, None], scale[:, None, None] * dense_slots)
    np.testing.assert_allclose(y, dense, atol=1e-14)
    assert (~keep).sum() > 0


def test_dropped_pairs_come_last_and_are_not_counted():
    keep = np.ones((7, 2), bool)
    keep[2, 1] = keep[5, 0] = False
    plan = plan_dispatch(EXPERTS, 4, keep)
    assert plan.counts.sum() == 12 and sorted(plan.tokens[12:].tolist()) == [2, 5]
    assert (plan.rows[keep] < 12).all() and (plan.rows[~keep] >= 12).all()


def test_rows_and_pairs_undo_each_other():
    plan = plan_dispatch(EXPERTS, 4)
    np.testing.assert_array_equal(plan.rows.reshape(-1)[plan.pairs], np.arange(14))
    np.testing.assert_array_equal(dispatch_backward(dispatch_forward(X, plan)[0], plan), 2 * X)


def test_an_expert_without_tokens_and_a_batch_without_tokens_are_fine():
    assert plan_dispatch(np.array([[3], [3]]), 5).counts.tolist() == [0, 0, 0, 2, 0]
    plan = plan_dispatch(np.zeros((0, 2), int), 4)
    out, _ = dispatch_forward(np.zeros((0, 3)), plan)
    assert combine_forward(out, np.zeros((0, 2)), plan)[0].shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plan_dispatch(EXPERTS, 4, np.ones((7, 1), bool)), r"keep is \(7, 1\)"),
        (lambda: dispatch_forward(X[:5], plan_dispatch(EXPERTS, 4)), "5 tokens but the plan has 7"),
        (lambda: combine_forward(X, GATES, plan_dispatch(EXPERTS, 4)), "7 rows but the plan has 14"),
        (lambda: combine_forward(np.zeros((14, 3)), GATES[:, :1], plan_dispatch(EXPERTS, 4)), r"gates are \(7, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
