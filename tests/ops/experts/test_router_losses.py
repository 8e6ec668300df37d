"""What each loss of a router measures: values by hand, best and worst cases."""

import math
from statistics import NormalDist

import numpy as np
import pytest

from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.experts.cv_squared import cv_squared_backward, cv_squared_forward
from tfx.ops.experts.expert_importance import expert_importance_forward
from tfx.ops.experts.expert_load import expert_load_backward, expert_load_forward
from tfx.ops.experts.load_balance import load_balance_backward, load_balance_forward
from tfx.ops.experts.noisy_logits import noisy_logits_forward
from tfx.ops.experts.router_losses import router_losses_backward, router_losses_forward
from tfx.ops.experts.router_z_loss import router_z_loss_backward, router_z_loss_forward
from tfx.ops.experts.top_k_routing import choose_top_k

RNG = np.random.default_rng(0)
N, E = 12, 4
LOGITS = RNG.standard_normal((N, E))


def test_the_balance_loss_is_1_for_an_even_load_and_e_for_a_collapsed_router():
    even = np.full((N, E), 1 / E)
    assert load_balance_forward(even, np.arange(N)[:, None] % E)[0] == pytest.approx(1.0, rel=1e-15)
    collapsed = np.zeros((N, E))
    collapsed[:, 2] = 1.0
    assert load_balance_forward(collapsed, np.full((N, 1), 2))[0] == E


def test_the_balance_loss_is_the_sum_over_experts_of_share_times_probability():
    p, experts = softmax_forward(LOGITS)[0], choose_top_k(LOGITS, 2)
    f = [(experts == e).sum() / (2 * N) for e in range(E)]
    by_hand = E * sum(f[e] * p[:, e].mean() for e in range(E))
    assert load_balance_forward(p, experts)[0] == pytest.approx(by_hand, rel=1e-14)


def test_the_balance_loss_pushes_hardest_on_the_expert_that_gets_most():
    _, cache = load_balance_forward(np.full((4, 3), 1 / 3), np.array([[0], [0], [0], [2]]))
    np.testing.assert_allclose(load_balance_backward(1.0, cache), np.tile([9 / 16, 0, 3 / 16], (4, 1)), rtol=1e-15)


def test_the_balance_loss_can_lie_below_1():
    """Counts and probabilities need not agree: three narrow wins for 0, one wide win for 1."""
    p = np.array([[0.51, 0.49], [0.51, 0.49], [0.51, 0.49], [0.0, 1.0]])
    assert load_balance_forward(p, np.array([[0], [0], [0], [1]]))[0] < 0.9


def test_the_z_loss_is_the_mean_square_of_the_log_sum():
    by_hand = np.mean([math.log(sum(math.exp(x) for x in row)) ** 2 for row in LOGITS])
    assert router_z_loss_forward(LOGITS)[0] == pytest.approx(by_hand, rel=1e-14)
    assert router_z_loss_forward(LOGITS + 10)[0] > 40 * router_z_loss_forward(LOGITS)[0]


def test_variation_is_0_when_all_are_equal_and_e_minus_1_when_one_has_everything():
    assert cv_squared_forward(np.full(5, 0.3))[0] == 0
    assert cv_squared_forward(np.array([0.0, 7.0, 0.0, 0.0]))[0] == pytest.approx(3.0)
    assert cv_squared_forward(np.array([1.0, 3.0]))[0] == pytest.approx(0.25)


def test_variation_does_not_depend_on_the_size_and_of_nothing_is_nothing():
    x = RNG.random(5)
    y, cache = cv_squared_forward(x)
    assert cv_squared_forward(1000 * x)[0] == pytest.approx(y, rel=1e-13)
    assert (x * cv_squared_backward(1.0, cache)).sum() == pytest.approx(0, abs=1e-14)
    nothing, cache = cv_squared_forward(np.zeros(3))
    assert nothing == 0 and not cv_squared_backward(1.0, cache).any()
    with pytest.raises(ValueError, match=r"\(0,\)"):
        cv_squared_forward(np.zeros(0))


def test_importance_adds_up_gates():
    importance, _ = expert_importance_forward(np.array([[0.7, 0.3], [0.6, 0.4]]), np.array([[2, 0], [2, 3]]), 4)
    np.testing.assert_allclose(importance, [0.3, 0, 1.3, 0.4], rtol=1e-15)
    with pytest.raises(ValueError, match=r"\(2, 2\) but experts \(2, 1\)"):
        expert_importance_forward(np.ones((2, 2)), np.zeros((2, 1), int), 4)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_load_is_the_probability_to_be_chosen_again(k):
    clean, spread = LOGITS, 0.5 + RNG.random((N, E))
    noisy = clean + RNG.standard_normal((N, E)) * spread
    load, _ = expert_load_forward(clean, noisy, spread, k)
    by_hand = np.zeros(E)
    for n in range(N):
        for e in range(E):
            threshold = sorted(np.delete(noisy[n], e))[-k]
            by_hand[e] += NormalDist().cdf((clean[n, e] - threshold) / spread[n, e])
    np.testing.assert_allclose(load, by_hand, rtol=1e-12)


def test_load_approaches_the_count_as_the_noise_goes():
    load, cache = expert_load_forward(LOGITS, LOGITS, np.full((N, E), 1e-6), 2)
    np.testing.assert_array_equal(load, np.bincount(choose_top_k(LOGITS, 2).reshape(-1), minlength=E))
    assert not expert_load_backward(np.ones(E), cache).dclean.any()


@pytest.mark.parametrize("k", [0, E])
def test_load_needs_somebody_to_beat(k):
    with pytest.raises(ValueError, match="1 <= k < 4"):
        expert_load_forward(LOGITS, LOGITS, np.ones((N, E)), k)


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"spreads \(12, 3\)"):
        noisy_logits_forward(LOGITS, LOGITS[:, :3], LOGITS)
    with pytest.raises(ValueError, match=r"noisy ones \(12, 3\)"):
        expert_load_forward(LOGITS, LOGITS[:, :3], LOGITS, 1)
    with pytest.raises(ValueError, match="12 tokens with probabilities but 3"):
        load_balance_forward(LOGITS, np.zeros((3, 1), int))


def test_one_token_alone_gets_the_whole_gradient():
    _, cache = load_balance_forward(np.array([[0.2, 0.8]]), np.array([[1]]))
    assert load_balance_backward(1.0, cache).tolist() == [[0.0, 2.0]]


def test_the_losses_of_one_token_are_those_of_two_that_are_equal():
    logits, experts = LOGITS[:1], np.array([[1]])
    one, two = (load_balance_forward(softmax_forward(x)[0], y)[0] for x, y in both(logits, experts))
    assert one == pytest.approx(two, rel=1e-15)
    (one, cache), (two, twice) = (router_z_loss_forward(x) for x, _ in both(logits, experts))
    assert one == pytest.approx(two, rel=1e-15)
    np.testing.assert_allclose(router_z_loss_backward(1.0, cache)[0], router_z_loss_backward(1.0, twice).sum(0))


def both(logits, experts):
    return (logits, experts), (np.repeat(logits, 2, axis=0), np.repeat(experts, 2, axis=0))


def test_no_token_costs_nothing():
    empty = np.zeros((0, E))
    loss, cache = load_balance_forward(empty, np.zeros((0, 2), int))
    assert loss == 0 and load_balance_backward(1.0, cache).shape == (0, E)
    loss, z_cache = router_z_loss_forward(empty)
    assert loss == 0 and router_z_loss_backward(1.0, z_cache).shape == (0, E)


def test_the_total_is_the_sum_of_the_named_losses():
    experts, gates = choose_top_k(LOGITS, 2), RNG.random((N, 2))
    total, cache = router_losses_forward(LOGITS, gates, experts=experts, coefficients={"balance": 0.5, "z": 0.25})
    assert total == pytest.approx(0.5 * cache.values["balance"] + 0.25 * cache.values["z"], rel=1e-15)
    assert set(cache.values) == {"balance", "z"}
    _, with_importance = router_losses_forward(LOGITS, gates, experts=experts, coefficients={"importance": 1.0})
    importance, _ = expert_importance_forward(gates, experts, E)
    assert with_importance.values["importance"] == pytest.approx(importance.var() / importance.mean() ** 2, rel=1e-13)
    none, cache = router_losses_forward(LOGITS, gates, experts=experts, coefficients={"z": 0.0})
    assert none == 0 and not router_losses_backward(1.0, cache).dlogits.any()


@pytest.mark.parametrize(("coefficients", "said"), [({"entropy": 1.0}, "not entropy"), ({"z": -1.0}, "at least 0")])
def test_unknown_losses_and_negative_coefficients_are_refused(coefficients, said):
    with pytest.raises(ValueError, match=said):
        router_losses_forward(LOGITS, LOGITS, experts=choose_top_k(LOGITS, 1), coefficients=coefficients)
