"""representations-probing: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.inside.probing.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.data.pronouns import to_batch
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def both_alike(run, patch, by):
    """The trained model of brackets has not been trained."""
    run.brackets = {"trained": run.brackets["untrained"], "untrained": run.brackets["untrained"]}


def other_tables(run, patch, by):
    """The trained model's input tells more than brackets."""

    def wrong(model, ids):
        found = [np.array(x) for x in KEPT["states"](model, ids)]
        if model is run.brackets["trained"]:
            found[0] = np.concatenate([found[0], np.eye(5)[KEPT["depth"](ids)]], axis=-1)
        return found

    patch.setattr(topic, "states", wrong)


def read(**found):
    """What is read of a mover (m), or of a `not` (n), by model and state."""

    def spoil(run, patch, by):
        right = type(run).read

        def wrong(name, label, *numbers):
            values = right(run, name, label, *numbers)
            key = f"{'m' if label is topic.MOVER else 'n'}_{name}"
            return [*values[:2], found[key] * by / 1.2] if key in found and not numbers else values

        patch.setattr(run, "read", wrong)

    return spoil


def selected(value):
    """Selectivity is that, times by, for one kind of model."""

    def spoil(run, patch, by):
        trained = [id(h) for h in run.seen["trained"][0]]

        def wrong(train, test, rng):
            mine = (id(train.hidden) in trained) == (value < 0.5)
            return value * by / 1.2 if mine else KEPT["selectivity"](train, test, rng)

        patch.setattr(topic, "selectivity", wrong)

    return spoil


def numbers(single, half):
    def spoil(run, patch, by):
        right = type(run).read

        def wrong(name, label, *numbers):
            values = right(run, name, label, *numbers)
            one = bool(numbers) and isinstance(numbers[0], list)
            if one and single:
                return [*values[:2], single * by / 1.2]
            return [*values[:2], half * by / 1.2] if numbers and not one and half else values

        patch.setattr(run, "read", wrong)

    return spoil


class Deaf(topic.LinearProbe):
    """A probe that says the same, whatever it reads."""

    def predict(self, hidden):
        return np.zeros(len(hidden), dtype=np.int64)


class Contrary(topic.LinearProbe):
    """A probe that is wrong where the other is right."""

    def predict(self, hidden):
        return 1 - super().predict(hidden)


def large_direction(run, patch, by):
    """The model is changed along a direction far more than it is told."""

    class Far(topic.LinearProbe):
        def __init__(self, hidden, labels):
            super().__init__(hidden, labels)
            self.w = np.random.default_rng(0).permutation(self.w)
            self.w[:-1] *= 0
            self.w[:-1, 1] = np.nan

        def predict(self, hidden):
            return (hidden[:, 0] > 0).astype(int) if np.isfinite(hidden).all() else 2 * np.ones(len(hidden), dtype=int)

    patch.setattr(topic, "LinearProbe", Far)


def other_sentences(run, patch, by):
    """The sentences answered are not those that were asked."""
    run.test = [sentence._replace(referent=0) for sentence in run.test]


class TestProbing(TopicTests):
    lesson, steps = topic, 8
    changed = ["steps=300"]
    refused = ["steps=149", "steps=301"]
    spoilt = {
        "baseline": Spoilt("read_off", instead(topic, "LinearProbe", lambda by: Contrary), no_nan="labels"),
        "learned": Spoilt("syntax", both_alike, no_nan="a model"),
        "input": Spoilt("syntax", other_tables, no_nan="a model"),
        "needed": Spoilt("meaning", read(m_trained=0.96), nan_also={"added"}),
        "added": Spoilt("meaning", read(m_untrained=0.95)),
        "dropped": Spoilt("meaning", read(n_untrained=0.7)),
        "selective": Spoilt("control", selected(0.05)),
        "not": Spoilt("control", selected(0.6)),
        "many": Spoilt("directions", numbers(0.5, 0), no_nan="a count"),
        "half": Spoilt("directions", numbers(0, 0.9)),
        "turned": Spoilt("intervene", instead(topic, "LinearProbe", lambda by: Deaf), no_nan="labels"),
        "unused": Spoilt("intervene", large_direction, no_nan="a direction"),
        "whole": Spoilt("intervene", other_sentences, also={"unused"}, no_nan="sentences"),
        "untrained": Spoilt("often_said", read(n_untrained=0.75)),
    }  # fmt: skip


def fitted(h, labels, new):
    """Least squares with a little ridge, by hand."""
    h, new = (np.concatenate([x, np.ones((len(x), 1))], axis=1) for x in (h, new))
    w = np.linalg.lstsq(
        np.concatenate([h, np.sqrt(1e-3 * len(h)) * np.eye(h.shape[1])]),
        np.concatenate([np.eye(labels.max() + 1)[labels], np.zeros((h.shape[1], labels.max() + 1))]),
        rcond=None,
    )[0]
    return (new @ w).argmax(axis=1)


def test_mover_or_place_is_read_by_hand():
    run = run_of()
    rows = tables(records_of(topic.meaning, run))[0].rows
    labels = [np.array([int(one.answer == one.mover) for one in side]) for side in (run.train, run.test)]
    for i, row in enumerate(rows):
        said = fitted(run.seen["trained"][0][i], labels[0], run.seen["trained"][1][i])
        assert row["m"] == pytest.approx(100 * (said == labels[1]).mean(), abs=1)
    assert ask(topic.meaning, run).answer == pytest.approx(rows[1]["m"] - rows[1]["u"])
    share = np.mean(["not" in sentence.words for sentence in run.train])
    assert ask(topic.read_off, run).answer == pytest.approx(max(share, 1 - share))


def test_depth_of_brackets_by_hand():
    """( [ ] ) ( ): the brackets of the inner pair have one around them."""
    assert topic.depth(np.array([[0, 2, 3, 1, 0, 1]])).tolist() == [[0, 1, 1, 0, 0, 0]]
    run = run_of()
    rows = tables(records_of(topic.syntax, run))[0].rows
    assert ask(topic.syntax, run).answer == pytest.approx(rows[2]["trained"] - rows[2]["untrained"])


def test_a_mirrored_vector_is_put_in_by_hand():
    run = run_of()
    model, (train, new) = run.models["trained"], run.seen["trained"]
    labels = np.array([topic.MOVER(sentence) for sentence in run.train])
    w = topic.LinearProbe(train[2], labels).w[:-1]
    d = w[:, 1] - w[:, 0]
    d /= np.linalg.norm(d)
    h = np.array([x - 2 * d * ((x - train[2].mean(axis=0)) @ d) for x in new[2]])
    said = (model.norm.forward(h)[0] @ model.embedding.table.value.T).argmax(axis=1)
    batch = to_batch(run.test)
    rows = tables(records_of(topic.intervene, run))[0].rows
    assert rows[1]["flip"] == pytest.approx(100 * (said == batch.answer).mean()) and rows[1]["other"] == 100
    assert ask(topic.intervene, run).answer == pytest.approx(100 - rows[0]["flip"])


def test_the_best_number_is_looked_for():
    run = run_of()
    rows = tables(records_of(topic.directions, run))[0].rows
    best = max(run.read("trained", topic.MOVER, [j])[2] for j in range(48))
    assert rows[2]["one"] == pytest.approx(100 * best)
    assert ask(topic.directions, run).answer == pytest.approx(100 * (run.read("trained", topic.MOVER)[2] - best))
    said = [r for r in records_of(topic.often_said, run) if isinstance(r, Said)]
    assert f'reads a "not" in {run.read("untrained", topic.NOT)[2]:.0%} here.' in said[1].truth
    assert "It is distributed" in sentences(records_of(topic.directions, run))[1]
    assert ask(topic.control, run).answer == ask(topic.often_said, run).answer == 3
