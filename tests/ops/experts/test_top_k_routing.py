"""Who is chosen, with what weight, and what the router hears of it."""

import math

import numpy as np
import pytest

from tfx.ops.experts.top_k_routing import choose_top_k, gates_backward, gates_forward, top_k_routing_backward
from tfx.ops.experts.top_k_routing import top_k_routing_forward as route

LOGITS = np.random.default_rng(0).standard_normal((6, 5))


def by_hand(logits, k, renormalise):
    """Gates as a dense (N, E) table, by loops."""
    table = np.zeros(logits.shape)
    for n, row in enumerate(logits):
        p = [math.exp(x) / sum(math.exp(y) for y in row) for x in row]
        best = sorted(range(len(row)), key=lambda e: (-row[e], e))[:k]
        for e in best:
            table[n, e] = p[e] / sum(p[b] for b in best) if renormalise else p[e]
    return table


def dense(gates, experts, n_experts=5):
    table = np.zeros((len(gates), n_experts))
    np.put_along_axis(table, experts, gates, axis=1)
    return table


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("renormalise", [True, False])
def test_gates_are_the_published_formula(k, renormalise):
    gates, cache = route(LOGITS, k, renormalise)
    np.testing.assert_allclose(dense(gates, cache.experts), by_hand(LOGITS, k, renormalise), atol=1e-15)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_renormalised_gates_sum_to_one_and_others_to_less(k):
    np.testing.assert_allclose(route(LOGITS, k)[0].sum(-1), 1, atol=1e-15)
    rest = route(LOGITS, k, renormalise=False)[0].sum(-1)
    assert (rest < 1).all() if k < 5 else np.allclose(rest, 1)


def test_choices_come_in_falling_order_and_ties_go_to_the_lower_number():
    assert choose_top_k(np.array([[0.0, 2.0, 1.0, 2.0], [1.0, 1.0, 1.0, 1.0]]), 3).tolist() == [[1, 3, 2], [0, 1, 2]]


@pytest.mark.parametrize("k", [1, 2, 4])
@pytest.mark.parametrize("renormalise", [True, False])
def test_the_gradient_is_that_of_the_gates_with_the_choice_frozen(k, renormalise):
    gates, cache = route(LOGITS, k, renormalise)
    dgates = np.random.default_rng(1).standard_normal(gates.shape)
    frozen, frozen_cache = gates_forward(LOGITS, cache.experts, renormalise)
    np.testing.assert_array_equal(frozen, gates)
    np.testing.assert_array_equal(top_k_routing_backward(dgates, cache), gates_backward(dgates, frozen_cache))


def test_at_a_tie_the_output_jumps_and_the_gradient_does_not_know():
    """The second-best expert changes from one side of the tie to the other."""
    below, above = np.array([[3.0, 1.0 - 1e-9, 1.0]]), np.array([[3.0, 1.0 + 1e-9, 1.0]])
    assert route(below, 2)[1].experts.tolist() == [[0, 2]] and route(above, 2)[1].experts.tolist() == [[0, 1]]
    one = [top_k_routing_backward(np.array([[1.0, 0.0]]), route(x, 2)[1])[0] for x in (below, above)]
    assert abs(one[0] - one[1]).max() > 0.1


def test_a_renormalised_top_1_gate_is_always_1_and_teaches_the_router_nothing():
    gates, cache = route(LOGITS, 1)
    assert (gates == 1).all()
    assert not top_k_routing_backward(np.ones_like(gates), cache).any()
    _, switch = route(LOGITS, 1, renormalise=False)
    assert np.abs(top_k_routing_backward(np.ones_like(gates), switch)).min() > 1e-3


def test_renormalised_gates_give_experts_that_were_not_chosen_no_gradient():
    gates, cache = route(LOGITS, 2)
    dlogits = top_k_routing_backward(np.random.default_rng(1).standard_normal(gates.shape), cache)
    assert ((dlogits != 0).sum(-1) == 2).all()


def test_one_expert_alone_has_no_choice():
    assert choose_top_k(np.array([[3.0], [-1.0]]), 1).tolist() == [[0], [0]]


def test_no_token_is_fine():
    gates, cache = route(np.zeros((0, 5)), 2)
    assert gates.shape == (0, 2) and top_k_routing_backward(gates, cache).shape == (0, 5)


@pytest.mark.parametrize(
    ("shape", "k", "said"), [((3, 0), 1, "no expert"), ((3, 4), 5, "1 to 4 of 4 experts, not 5"), ((3, 4), 0, "not 0")]
)
def test_impossible_choices_are_refused(shape, k, said):
    with pytest.raises(ValueError, match=said):
        choose_top_k(np.zeros(shape), k)


def test_logits_and_experts_must_belong_to_the_same_tokens():
    with pytest.raises(ValueError, match=r"\(6,\) tokens in logits but \(4,\)"):
        gates_forward(LOGITS, np.zeros((4, 2), int))
