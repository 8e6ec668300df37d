"""Phenomena of learning, each with the control in which it does not happen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.data.augmentation import mask_tokens, span_cutoff
from tfx.data.toys.entities import Entities
from tfx.data.toys.labelled_sequences import LabelledSequences
from tfx.data.toys.melodies import Melodies
from tfx.data.toys.toy import Places
from tfx.measure.covariate_shift import feature_shift
from tfx.measure.emergence import expected_exact_match
from tfx.measure.exposure_bias import exposure
from tfx.measure.forgetting import forgetting
from tfx.measure.head_diversity import head_diversity
from tfx.measure.label_leakage import uniform_floor
from tfx.measure.linear_probe import LinearProbe, Probed, selectivity
from tfx.models import DecoderOnly, Encoder
from tfx.optim import AdamW
from tfx.schedule import constant
from tfx.train import train
from tfx.train.toys import examine, learn_toy, make_model, places_loss

Rng = np.random.Generator


def taught(model: Any, batches: Any, steps: int, rate: float = 6e-3, seed: int = 0) -> list[float]:
    run = train(model, batches, places_loss(), AdamW(model), lambda step: constant(step, rate), steps, seed=seed)
    return [record.loss for record in run]


def test_a_loss_below_the_entropy_of_the_data_gives_a_leak_away():
    """Tokens drawn uniformly cannot be predicted; a model that may look ahead copies the answer."""

    def uniform(rng: Rng) -> Places:
        rows = rng.integers(6, size=(32, 9))
        return Places(rows[:, :-1], rows[:, 1:], np.ones((32, 8), dtype=bool) & (np.arange(8) < 7))

    sizes = {"d_model": 24, "n_heads": 2, "d_ff": 48, "n_layers": 1, "positions": "learned", "tied": False}
    honest = taught(DecoderOnly(6, **sizes), uniform, 150)
    leaking = taught(Encoder(6, n_outputs=6, **sizes), uniform, 150)
    assert np.mean(honest[-20:]) > 0.97 * uniform_floor(6)
    assert np.mean(leaking[-20:]) < 0.5 * uniform_floor(6)


@pytest.mark.slow
def test_a_second_task_makes_a_model_forget_the_first_and_replay_does_not():
    """The second task is the first with all labels exchanged, announced by another first token."""
    toy = LabelledSequences(n_classes=3)

    def task(number: int, n: int, rng: Rng, held_out: bool = False) -> Places:
        drawn = toy.draw(n, rng, held_out)
        ids = drawn.ids.copy()
        ids[:, 0] = number  # <class>, or <not>, which these texts do not hold
        return Places(ids, (drawn.targets + number) % 3, drawn.asked)

    def both(rng: Rng) -> Places:
        return Places(*(np.concatenate(parts) for parts in zip(task(0, 24, rng), task(1, 24, rng), strict=True)))

    def accuracies(second: Any) -> np.ndarray:
        model = make_model(toy, 0)
        found = []
        for batches in (lambda rng: task(0, 48, rng), second):
            taught(model, batches, 150)
            tests = (task(number, 300, np.random.default_rng(9), held_out=True) for number in (0, 1))
            found.append([examine(model, test).accuracy for test in tests])
        return np.array(found)

    alone, replayed = accuracies(lambda rng: task(1, 48, rng)), accuracies(both)
    assert alone[0, 0] > 0.9 and alone[1, 1] > 0.9 and replayed[1, 1] > 0.8
    assert forgetting(alone) > 0.4 and forgetting(replayed) < 0.15


@pytest.mark.slow
def test_writing_alone_drifts_away_from_what_was_taught_with_true_tokens():
    toy = Melodies(n_repeats=6)
    model = learn_toy(toy, 200, n_layers=2, positions="rotary", d_model=24).model
    drawn = toy.draw(300, np.random.default_rng(3), held_out=True)
    rows = np.concatenate([drawn.ids, drawn.targets[:, -1:]], axis=1)
    forced, free = exposure(model, rows, n_given=5)
    assert free[0] == forced[0], "the first token rests on the prompt alone"
    assert free[-3:].mean() < forced[-3:].mean() - 0.1
    assert (free <= forced + 0.05).all()


def test_the_input_of_a_layer_moves_while_those_below_it_learn():
    toy = LabelledSequences(n_classes=3)
    model = make_model(toy, 0, n_layers=2)
    ids = toy.draw(100, np.random.default_rng(1)).ids

    def second_input() -> np.ndarray:
        return model.encode(ids)[1].blocks[1].x

    start = second_input()
    taught(model, lambda rng: toy.draw(48, rng), 30)
    early = second_input()
    frozen = feature_shift(early, second_input())
    assert frozen == 0 and feature_shift(start, early) > 0.1


def test_a_probe_finds_tags_in_the_hidden_states_of_a_trained_model_but_not_in_an_untrained_or_for_random_labels():
    toy = Entities()
    trained, fresh = learn_toy(toy, 150).model, make_model(toy, 0)
    train_part, test_part = (toy.draw(200, np.random.default_rng(seed), seed == 1) for seed in (0, 1))

    def probed(model: Any) -> list[Probed]:
        return [
            Probed(model.encode(part.ids)[0].reshape(-1, 32), part.targets.ravel(), part.ids.ravel())
            for part in (train_part, test_part)
        ]

    def accuracy(train: Probed, test: Probed) -> float:
        return LinearProbe(train.hidden, train.labels).accuracy(test.hidden, test.labels)

    assert accuracy(*probed(trained)) > 0.97 > 0.95 > accuracy(*probed(fresh))
    of_trained, of_fresh = (selectivity(*probed(model), np.random.default_rng(2)) for model in (trained, fresh))
    assert of_trained > of_fresh


@pytest.mark.slow
def test_training_sets_the_heads_of_a_layer_apart():
    toy = Entities()
    ids = toy.draw(50, np.random.default_rng(3)).ids
    diversities = [
        head_diversity(model.forward(ids)[1].blocks[0].weights)
        for model in (make_model(toy, 0), learn_toy(toy, 150).model)
    ]
    assert diversities[1] > 1.5 * diversities[0]


def test_while_single_tokens_get_better_smoothly_whole_answers_come_late():
    toy = Entities()
    model, checkpoints = make_model(toy, 0), []
    test = toy.draw(400, np.random.default_rng(4), held_out=True)
    for part in range(8):
        taught(model, lambda rng: toy.draw(32, rng), 8, rate=4e-3, seed=part)
        checkpoints.append(examine(model, test))
    token, whole = (np.array([getattr(mark, name) for mark in checkpoints]) for name in ("accuracy", "whole"))
    halfway = lambda curve: int((curve - curve[0] >= (curve[-1] - curve[0]) / 2).argmax())  # noqa: E731
    assert halfway(whole) > halfway(token)
    assert np.corrcoef(whole, expected_exact_match(token, test.ids.shape[1]))[0, 1] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("way", ["tokens", "span"])
def test_few_texts_teach_more_when_parts_of_them_are_blanked_out(way):
    toy = LabelledSequences(n_classes=4, words_per_class=10)
    few = toy.draw(96, np.random.default_rng(0))
    filler = toy.n_tokens - 1

    def batch(rng: Rng, change: bool) -> Places:
        chosen = rng.integers(96, size=48)
        ids = few.ids[chosen]
        if change and way == "tokens":
            ids = mask_tokens(ids, 0.2, filler, rng, ~few.asked[chosen])
        elif change:
            ids = np.where(span_cutoff(*ids.shape, 0.1, rng) | few.asked[chosen], ids, filler)
        return Places(ids, few.targets[chosen], few.asked[chosen])

    test = toy.draw(600, np.random.default_rng(1), held_out=True)
    found = {}
    for change in (False, True):
        accuracies = []
        for seed in range(3):
            model = make_model(toy, seed)
            taught(model, lambda rng, change=change: batch(rng, change), 200, seed=seed)
            accuracies.append(examine(model, test).accuracy)
        found[change] = np.mean(accuracies)
    assert found[True] > found[False] + 0.01
