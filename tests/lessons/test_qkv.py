"""attention-qkv: who responds to what, what tying costs, and that only the product of W_Q and W_K counts."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from lessons.attention.qkv.relation import follows, partner, train
from lessons.attention.qkv.tying import asymmetry, run_all
from lessons.attention.qkv.walkthrough import Settings, values, walkthrough
from lessons.course import Request
from tests.lessons.steps import all_text, failed, steps_of
from tfx.errors import BadInput
from tfx.gradcheck import check_gradients
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward
from tfx.settings import apply_settings

LOG_2 = math.log(2)


@pytest.mark.parametrize("seed", range(5))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(walkthrough, Request(None, seed, Settings()))
    assert 6 <= len(steps) <= 9 and not failed(steps)


@pytest.mark.parametrize(
    "pairs", [["edit=1"], ["tokens=4", "d_k=4"], ["tokens=16", "d_k=4", "steps=200"], ["tokens=16", "d_k=64"]]
)
def test_every_check_holds_for_changed_settings(pairs):
    settings = apply_settings(Settings(), pairs, "tfx explain attention-qkv")
    assert not failed(steps_of(walkthrough, Request(None, 2, settings)))


@pytest.mark.parametrize("pairs", [["edit=0"], ["edit=5"], ["tokens=5"], ["tokens=18"], ["d_k=2"], ["steps=9999"]])
def test_settings_out_of_range_are_refused(pairs):
    settings = apply_settings(Settings(), pairs, "tfx explain attention-qkv")
    with pytest.raises(BadInput):
        next(walkthrough(Request(None, 0, settings)))


@pytest.mark.parametrize("seed", range(5))
def test_a_directed_relation_is_learned_with_two_matrices_and_not_with_one(seed):
    runs = run_all(8, 8, 300, seed)
    assert runs.follows_untied.losses[-1] < 0.05 and runs.follows_untied.accuracy == 1
    assert min(runs.follows_tied.losses) >= LOG_2 - 1e-9 and runs.follows_tied.accuracy < 1
    assert runs.follows_tied.losses[-1] < LOG_2 + 0.05  # it did learn all that symmetric scores can


def test_who_responds_to_an_edit_is_the_same_for_every_seed():
    for seed in range(300):
        steps = islice(walkthrough(Request(None, seed, Settings(edit=seed % 4 + 1))), 5)
        assert not failed(list(steps))


def test_a_relation_without_direction_is_learned_even_with_one_matrix():
    runs = run_all(8, 8, 300, 0)
    assert runs.partner_tied.losses[-1] < 0.05 and runs.partner_tied.accuracy == 1


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
        assert sorted(walk) == list(range(8))
        assert (mate[mate] == np.arange(8)).all() and (mate != np.arange(8)).all()


def test_training_gives_the_same_numbers_again():
    targets = follows(6, np.random.default_rng(1))
    assert train(targets, True, 4, 30, 1).losses == train(targets, True, 4, 30, 1).losses


def test_asymmetry_is_zero_for_symmetric_scores_only():
    s = np.random.default_rng(0).standard_normal((5, 5))
    assert asymmetry(s + s.T) < 1e-15 and asymmetry(s) > 0.1


def test_gradients_of_projections_and_attention_agree_with_finite_differences():
    rng = np.random.default_rng(4)
    inputs = {
        name: rng.standard_normal(shape)
        for name, shape in {"x": (5, 4), "w_q": (4, 3), "w_k": (4, 3), "w_v": (4, 2)}.items()
    }
    assert check_gradients(self_attention_forward, self_attention_backward, inputs).worst < 1e-9


def test_forgetting_one_of_the_three_uses_of_x_is_caught():
    rng = np.random.default_rng(4)
    inputs = {
        name: rng.standard_normal(shape)
        for name, shape in {"x": (5, 4), "w_q": (4, 3), "w_k": (4, 3), "w_v": (4, 2)}.items()
    }

    def forgetful(dout, cache):
        dx, dw_q, dw_k, dw_v = self_attention_backward(dout, cache)
        return dx - (dout @ cache.value.w.T), dw_q, dw_k, dw_v

    assert not check_gradients(self_attention_forward, forgetful, inputs).passes


def test_numbers_of_the_lesson_are_finite_and_as_told():
    numbers = values()
    assert all(math.isfinite(x) for x in numbers.values())
    assert numbers["tied_loss"] >= LOG_2 > 0.1 > numbers["untied_loss"]


def test_all_text_is_ascii():
    assert all_text(steps_of(walkthrough, Request(None, 0, Settings()))).isascii()
