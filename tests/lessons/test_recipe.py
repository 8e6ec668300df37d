"""training-recipe: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import pytest

import lessons.training.recipe.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training.recipe import RECIPES, Judged
from tfx.records import Question, Said

run_of = runs_of(topic)
FOUND = ((0.95, 0.8), (0.16, 0.17), (0.2, 0.17), (0.99, 0.9), (0.9, 0.85), (1.0, 0.9))
COOKED = {recipe: Judged(*found) for recipe, found in zip(RECIPES, FOUND, strict=True)}


def cooked(recipe, right):
    def spoil(run, patch, by):
        run.cooked = COOKED | {recipe: Judged(right if by == by else by, 0.5)}

    return spoil


def grad(heads):
    """The gradient with those heads is off by a little."""

    def spoil(run, patch, by):
        kept = topic.grad_of_first
        patch.setattr(
            topic, "grad_of_first", lambda seed, w: kept(seed, w) * (1 + (by - 1) * 1e-9 if w == heads else 1)
        )

    return spoil


def pulled(at, place):
    """Loss or gradient of that gamma is off by a little."""

    def spoil(run, patch, by):
        kept = topic.pull

        def wrong(p, gamma):
            found = list(kept(p, gamma))
            found[place] *= 1 + (by - 1) * 1e-9 * (gamma == at)
            return tuple(found)

        patch.setattr(topic, "pull", wrong)

    return spoil


def rates(run, patch, by):
    kept = topic.noam
    patch.setattr(topic, "noam", lambda step, *more: kept(step, *more) * (1 if step == topic.WARM else 2 * by))


def standing_in(*pairs):
    run = run_of(*pairs)
    run.cooked = COOKED
    return run


def ask(step, run=None):
    return next(r for r in records_of(step, run or standing_in()) if isinstance(r, Question))


class TestRecipe(TopicTests):
    lesson, steps = topic, 7
    changed = [["gamma=0.5", "billions=0.1"], ["gamma=5", "billions=1000"]]
    refused = ["gamma=0.4", "gamma=5.1", "billions=0", "billions=1001"]
    spoilt = {
        "peak": Spoilt("two_recipes", result(topic, "noam"), nan_also={"highest"}),
        "highest": Spoilt("two_recipes", rates),
        "whole": Spoilt("taken_away", cooked("all of it", 0.74)),
        "warmup": Spoilt("taken_away", cooked("no warm-up", 0.51)),
        "skip": Spoilt("taken_away", cooked("no skip paths", 0.61)),
        "pre": Spoilt("taken_away", cooked("pre-LN, no warm-up", 0.74)),
        "norm": Spoilt("taken_away", cooked("no LayerNorm", 0.59)),
        "averages": Spoilt("memory", lambda run, patch, by: patch.setattr(topic.Adam, "averages", ("mean",)),
            no_nan="a count"),
        "each": Spoilt("memory", instead(topic, "BYTES", lambda by: topic.BYTES | {"copy": 2}), no_nan="a count"),
        "sum": Spoilt("auxiliary", grad((0.1, 0.2, 0.3, 1.0))),
        "alone": Spoilt("auxiliary", grad(None)),
        "direction": Spoilt("auxiliary", result(topic, "cosine", lambda right, by: 0.91 * by)),
        "discount": Spoilt("focal", pulled(2.0, 0)),
        "plain": Spoilt("focal", pulled(0.0, 1)),
    }  # fmt: skip


def test_numbers_of_2017_and_of_memory_are_computed_again():
    assert ask(topic.two_recipes).answer == pytest.approx(1000 / (512 * 4000) ** 0.5)
    run = standing_in("billions=13")
    assert ask(topic.memory, run).answer == 16
    assert sentences(records_of(topic.memory, run))[1].startswith("For 13 billion parameters that is 208 GB")
    assert ask(topic.taken_away, run).answer == pytest.approx(100 / 6)


def test_what_was_cooked_stands_in_the_table():
    rows = tables(records_of(topic.taken_away, standing_in()))[0].rows
    assert [(row["recipe"], row["right"], row["sure"]) for row in rows] == [
        (name, pytest.approx(100 * COOKED[name].right), COOKED[name].sure) for name in RECIPES
    ]


@pytest.mark.parametrize("gamma", [0.5, 3.0])
def test_focal_loss_and_its_gradient_are_computed_again(gamma):
    rows = tables(records_of(topic.focal, standing_in(f"gamma={gamma}")))[0].rows

    def loss(s):
        p = 1 / (1 + math.exp(-s))
        return -((1 - p) ** gamma) * math.log(p)

    for row in rows:
        p = row["p"]
        s, h = math.log(p / (1 - p)), 1e-5
        assert row["ratio"] == pytest.approx((1 - p) ** gamma)
        assert row["focal"] == pytest.approx((loss(s + h) - loss(s - h)) / (2 * h), rel=1e-4)
    assert ask(topic.focal, standing_in(f"gamma={gamma}")).answer == pytest.approx(0.1**gamma)


def test_gradients_of_single_heads_are_those_of_the_table():
    rows = tables(records_of(topic.auxiliary, standing_in()))[0].rows
    parts = [topic.grad_of_first(0, tuple(float(i == j) for j in range(4))) for i in range(4)]
    assert [row["size"] for row in rows] == pytest.approx([math.sqrt(float(part @ part)) for part in parts])
    lengths = [math.sqrt(float(part @ part)) for part in parts]
    assert [row["cosine"] for row in rows] == pytest.approx(
        [float(part @ parts[3]) / length / lengths[3] for part, length in zip(parts, lengths, strict=True)]
    )


def test_sayings_and_answers_have_their_reasons():
    steps = (topic.memory, topic.focal)
    said = [r.verdict for step in steps for r in records_of(step, standing_in()) if isinstance(r, Said)]
    assert said == ["false", "false"]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY
    assert "does not go below 0.50 with ten classes" in sentences(records_of(topic.interview, run_of()))[1]


WHY = {
    "two_recipes": "1 / sqrt(512 * 4000) = 0.00070.",
    "taken_away": "One of 6.",
    "memory": "2 + 2 + 4 + 4 + 4.",
    "focal": "(1 - 0.9)^2.",
}
