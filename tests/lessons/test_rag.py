"""rag: the text is computed, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.adaptation.rag.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def twice(run, patch, by):
    pairs = run.store.pairs.copy()
    pairs[1] = pairs[0]
    run.store = run.store._replace(pairs=pairs)


def answer(**change):
    """What was found for question 1 is something else."""

    def spoil(run, patch, by):
        run.answer = run.answer._replace(**{key: new(getattr(run.answer, key), by) for key, new in change.items()})

    return spoil


def shuffled(wrong):
    """The answers of one kind of store: those of another question where wrong(store, run) is true."""

    def spoil(run, patch, by):
        right = topic.answered

        def other(store, questions, k, trust):
            found = right(store, questions, k, trust)
            return found._replace(answers=np.roll(found.answers, 1, axis=0)) if wrong(store, run) else found

        patch.setattr(topic, "answered", other)

    return spoil


def kept(run, patch, by):
    """Mixed names change nothing: the store is as it was."""
    patch.setattr(topic, "stored", lambda pairs, values: run.store)


def always(run, patch, by):
    right = topic.answered
    patch.setattr(topic, "answered", lambda store, questions, k, trust: right(store, run.questions, k, trust))


class TestRag(TopicTests):
    lesson, steps = topic, 8
    changed = [["facts=30", "k=5"], ["facts=55", "k=2"]]
    refused = ["facts=29", "facts=56", "k=1", "k=6"]
    spoilt = {
        "store": Spoilt("where_it_stands", twice, no_nan="a count"),
        "score": Spoilt("find", result(topic, "counts", lambda held, by: by * held)),
        "first": Spoilt("find", answer(found=lambda found, by: found[:, ::-1]), also={"score"}, no_nan="a place"),
        "sum": Spoilt("read", answer(chances=lambda p, by: p[:, ::-1] * by), no_nan="chances of NaN everywhere"),
        "with": Spoilt("with_and_without", shuffled(lambda store, run: store is run.store), no_nan="a share"),
        "changed": Spoilt("with_and_without", shuffled(lambda store, run: (store.values != run.store.values).all()),
                          no_nan="a share"),
        "mixed": Spoilt("with_and_without", kept, no_nan="a share"),
        "more": Spoilt("not_found", always, also={"vague"}, no_nan="a share"),
        "vague": Spoilt("not_found", always, also={"more"}, no_nan="a share"),
        "pull": Spoilt("trained_by_answers", result(
            topic, "marginal_likelihood_backward", lambda g, by: (g[0] * by, g[1]))),
        "learns": Spoilt("trained_by_answers", instead(topic, "retriever_learns", lambda by: lambda on, seed: 0.0 * by),
                         nan_also={"frozen"}),
        "frozen": Spoilt("trained_by_answers", instead(topic, "retriever_learns", lambda by: lambda on, seed: 1.0 * by),
                         nan_also={"learns"}),
    }  # fmt: skip


@pytest.mark.parametrize("seed", [0, 2])
def test_the_first_question_is_looked_up_by_hand(seed):
    run = run_of(seed=seed)
    entity, relation = run.store.pairs[0]
    with_land, with_relation = (int((run.store.pairs[:, i] == x).sum()) for i, x in ((0, entity), (1, relation)))
    rare = math.log(50 / with_land), math.log(50 / with_relation)
    shown = records_of(topic.find, run)
    assert ask(topic.find, run).answer == pytest.approx(rare[0] ** 2 + rare[1] ** 2)
    assert f"Land {entity + 1} stands in {with_land} documents ({rare[0]:.3f})" in sentences(shown)[0]
    rows = tables(shown)[0].rows
    chances = np.exp([row["score"] for row in rows]) / np.exp([row["score"] for row in rows]).sum()
    assert [row["p"] for row in rows] == pytest.approx(chances) and rows[0]["document"] == 1
    true = run.store.values[0]
    said = [0.91 if run.store.values[row["document"] - 1] == true else 0.01 for row in rows]
    assert ask(topic.read, run).answer == pytest.approx(float(chances @ said))


def test_with_and_without_is_counted_again():
    run = run_of("facts=40")
    rows = tables(records_of(topic.with_and_without, run))[0].rows
    assert [row["right"] for row in rows[:3]] == [10, 100, 100] and rows[3]["right"] < 40
    vague = tables(records_of(topic.not_found, run))[0].rows
    of_a_land = [int((run.store.pairs[:, 0] == entity).sum()) for entity in run.store.pairs[:, 0]]
    assert vague[0]["found"] == pytest.approx(100 * sum(1 / n for n in of_a_land) / 40)
    assert ask(topic.not_found, run).answer == 420 and ask(topic.where_it_stands, run).answer == 10


def test_posterior_and_sayings():
    run = run_of()
    rows = tables(records_of(topic.trained_by_answers, run))[0].rows
    assert [row["posterior"] for row in rows] == pytest.approx([0.9 / 1.1, 0.1 / 1.1, 0.1 / 1.1])
    assert [row["pull"] for row in rows] == pytest.approx([0.9 / 1.1 - 1 / 3, 0.1 / 1.1 - 1 / 3, 0.1 / 1.1 - 1 / 3])
    assert ask(topic.trained_by_answers, run).answer == pytest.approx(0.9 / 1.1)
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["true", "too strong", "too strong"]
