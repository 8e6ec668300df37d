"""A relation with a direction is learned with two projections, and not with one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.lab.attention.directed_relation import FLOOR, asymmetry, compare, follows, partner, train
from tfx.ops.attention.scaled_dot_product import attention_forward

LOG_2 = math.log(2)


@pytest.mark.parametrize("seed", range(5))
def test_a_directed_relation_is_learned_with_two_matrices_and_not_with_one(seed):
    runs = compare(8, 8, 300, seed)
    assert runs.follows_untied.losses[-1] < 0.05 and runs.follows_untied.accuracy == 1
    assert min(runs.follows_tied.losses) >= LOG_2 - 1e-9 and runs.follows_tied.accuracy < 1
    assert runs.follows_tied.losses[-1] < LOG_2 + 0.05  # it did learn all that symmetric scores can
    assert runs.follows_tied.lead <= 0 < 0.9 < runs.follows_untied.lead


def test_a_relation_without_direction_is_learned_even_with_one_matrix():
    runs = compare(8, 8, 300, 0)
    assert runs.partner_tied.losses[-1] < 0.05 and runs.partner_tied.accuracy == 1


@pytest.mark.parametrize("tokens", [4, 6, 8])
def test_with_its_own_key_open_a_tied_head_cannot_even_learn_partners(tokens):
    """s_ii + s_jj >= 2 s_ij, so P_ij P_ji <= 1/4: no pair can weigh more for each other."""
    run = compare(tokens, 8, 300, 0).partner_open
    mate = partner(tokens, np.random.default_rng(0))
    assert min(run.losses) >= LOG_2 - 1e-9
    assert (run.weights[np.arange(tokens), mate] * run.weights[mate, np.arange(tokens)]).max() <= 0.25 + 1e-12
    assert (run.weights.diagonal() > 0).all()
    assert train(mate, False, 8, 300, 0, own_key=True).losses[-1] < 0.05  # two matrices: the own key does no harm


def test_a_tied_run_keeps_one_matrix_and_an_untied_one_two():
    targets = follows(6, np.random.default_rng(0))
    tied, free = (train(targets, choice, 4, 20, 0) for choice in (True, False))
    assert tied.w_q is tied.w_k and not np.allclose(free.w_q, free.w_k)


def test_the_circle_is_one_circle_and_the_pairs_are_pairs():
    for seed in range(5):
        after, mate = follows(8, np.random.default_rng(seed)), partner(8, np.random.default_rng(seed))
        walk = [0]
        while after[walk[-1]] != 0:
            walk.append(int(after[walk[-1]]))
        assert sorted(walk) == list(range(8)) and compare(8, 4, 1, seed).circle.tolist() == walk
        assert (mate[mate] == np.arange(8)).all() and (mate != np.arange(8)).all()


def test_an_odd_number_of_tokens_cannot_be_paired():
    with pytest.raises(ValueError, match="5 tokens cannot be paired"):
        compare(5, 4, 1, 0)


def test_training_gives_the_same_numbers_again():
    targets = follows(6, np.random.default_rng(1))
    assert train(targets, True, 4, 30, 1).losses == train(targets, True, 4, 30, 1).losses


def test_losses_accuracy_and_lead_are_those_of_the_weights():
    targets = follows(6, np.random.default_rng(2))
    run = train(targets, True, 4, 40, 2)
    on_target = [run.weights[i, targets[i]] for i in range(6)]
    others = [max(run.weights[i, j] for j in range(6) if j != targets[i]) for i in range(6)]
    assert len(run.losses) == 41 and run.losses[-1] == pytest.approx(-np.log(on_target).mean())
    assert run.lead == pytest.approx(min(a - b for a, b in zip(on_target, others, strict=True)))
    assert run.accuracy == np.mean([a > b for a, b in zip(on_target, others, strict=True)])
    assert run.weights.diagonal().tolist() == [0.0] * 6


def test_the_first_step_is_one_step_down_the_slope():
    """The loss after a tiny step falls by rate times the squared gradient, for tied and for untied matrices."""
    targets = follows(6, np.random.default_rng(3))
    for tied in (True, False):
        still, moved = train(targets, tied, 4, 0, 3), train(targets, tied, 4, 1, 3, rate=1e-5)
        step_q, step_k = moved.w_q - still.w_q, moved.w_k - still.w_k
        squared = (step_q**2).sum() * (2 if tied else 1) + (0 if tied else (step_k**2).sum())
        assert moved.losses[0] - moved.losses[1] == pytest.approx(squared / 1e-5, rel=1e-3)


def test_no_symmetric_scores_get_below_the_floor():
    rng = np.random.default_rng(4)
    after = np.roll(np.arange(6), -1)
    for spread in (0.1, 1.0, 5.0):
        for _ in range(50):
            s = spread * rng.standard_normal((6, 6))
            weights = attention_forward(s + s.T, np.eye(6), np.eye(6), mask=~np.eye(6, dtype=bool), scale=1.0)[0]
            assert -np.log(weights[np.arange(6), after]).mean() >= FLOOR - 1e-12


def test_asymmetry_is_zero_for_symmetric_scores_only():
    s = np.random.default_rng(0).standard_normal((5, 5))
    assert asymmetry(s + s.T) < 1e-15 and asymmetry(s) > 0.1
    assert math.isnan(asymmetry(s * np.nan))
