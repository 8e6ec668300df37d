"""applications: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.inside.applications.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def more_labels(by):
    return lambda words, n_outputs, **sizes: KEPT["Encoder"](words, n_outputs=4, **sizes)


class SourceAgain(topic.EncoderDecoder):
    def forward(self, src, tgt):
        return super().forward(src, src)


def reading(number, wrong):
    """The call of that number reads something else."""

    def spoil(run, patch, by):
        calls = []

        def read(asked, passages, answers, found):
            calls.append(answers)
            return wrong(answers) if len(calls) == number else KEPT["read"](asked, passages, answers, found)

        patch.setattr(topic, "read", read)

    return spoil


def other_squares(by):
    words, pictures, *others = KEPT["KINDS"]
    return (words, pictures._replace(patch=4), *others)


def own_blocks(run, patch, by):
    run.readers = KEPT["Readers"](False, "learned", np.random.default_rng(0))


def mixed(run, patch, by):
    run.chains = np.roll(run.chains, 1, axis=1)


def stretched(by):
    class Stretched(KEPT["Series"]):
        def centres(self):
            return by * super().centres()

    return Stretched


def folded_too(by):
    return lambda n, length, fits, rng: KEPT["related_chains"](n, length, 0.8, rng)


class Flat(topic.Series):
    """With eight steps, values that are the middle of one."""

    def values(self, n, rng):
        return super().values(n, rng) * 0 + 0.2 if self.n_bins == 8 else super().values(n, rng)


class TestApplications(TopicTests):
    lesson, steps = topic, 8
    changed = ["chains=100", "chains=2000"]
    refused = ["chains=99", "chains=2001"]
    spoilt = {
        "label": Spoilt("three_shapes", instead(topic, "Encoder", more_labels), no_nan="a shape"),
        "pair": Spoilt("three_shapes", instead(topic, "EncoderDecoder", lambda by: SourceAgain), no_nan="a shape"),
        "found": Spoilt("retrieval", reading(1, lambda answers: answers + 1), no_nan="ids"),
        "lot": Spoilt("retrieval", reading(2, lambda answers: answers), no_nan="ids"),
        "follows": Spoilt("retrieval", reading(3, lambda answers: answers + 1), no_nan="ids"),
        "tokens": Spoilt("four_kinds", instead(topic, "KINDS", other_squares), no_nan="a count"),
        "shared": Spoilt("four_kinds", own_blocks, no_nan="a count"),
        "touch": Spoilt("contacts", mixed, no_nan="a count"),
        "both-ways": Spoilt("contacts", result(
            topic, "coupling", lambda s, by: s * np.where(np.triu(np.ones_like(s)), by, 1)), nan_also={"touch"}),
        "half": Spoilt("time_series", instead(topic, "Series", stretched), also={"coarse"}),
        "coarse": Spoilt("time_series", instead(topic, "Series", lambda by: Flat), no_nan="steps"),
        "folded": Spoilt("often_said", instead(topic, "related_chains", folded_too), no_nan="letters"),
    }  # fmt: skip


def test_shapes_and_tokens_by_hand():
    run = run_of()
    rows = tables(records_of(topic.three_shapes, run))[0].rows
    assert [row["out"] for row in rows] == ["(1, 3)", "(1, 6, 30)", "(1, 4, 30)"]
    assert ask(topic.three_shapes, run).answer == 180
    rows = tables(records_of(topic.four_kinds, run))[0].rows
    assert [(row["kind"], row["tokens"], row["numbers"], row["out"]) for row in rows] == [
        ("text", 7, 14, "(2, 2)"), ("pictures", 16, 4, "(2, 2)"), ("sounds", 8, 8, "(2, 4)"), ("DNA", 8, 4, "(2, 2)"),
    ]  # fmt: skip
    block = 4 * (32 * 32 + 32) + 2 * 32 * 64 + 64 + 32 + 4 * 32
    assert f"The blocks, {block + 64:,} of {run.readers.n_parameters:,} parameters, are shared." in sentences(
        records_of(topic.four_kinds, run)
    )[1] and ask(topic.four_kinds, run).answer == 16  # fmt: skip


def test_the_map_is_counted_again():
    run = run_of()
    shown = next(r for r in records_of(topic.contacts, run) if isinstance(r, Matrix)).values
    first, last = run.chains[:, 0], run.chains[:, 9]
    a, b = (np.eye(4)[column] for column in (first, last))
    both = a.T @ b / len(a) - np.outer(a.mean(axis=0), b.mean(axis=0))
    assert shown[0, 9] == pytest.approx(np.sqrt((both**2).sum()), abs=0.005)
    assert ask(topic.contacts, run).answer == 7 == np.argmax(shown[3]) + 1


def test_percents_and_steps_by_hand():
    run = run_of()
    assert ask(topic.retrieval, run).answer == 6.25
    rows = tables(records_of(topic.retrieval, run))[0].rows
    assert [row["right"] for row in rows[::2]] == [100, 100] and rows[1]["right"] < 30
    errors = tables(records_of(topic.time_series, run))[0].rows
    assert [row["error"] for row in errors] == pytest.approx([0.2, 0.1, 0.025], rel=0.01)
    assert all(row["error"] <= 3.2 / row["bins"] / 2 + 1e-12 for row in errors)
    assert ask(topic.time_series, run).answer == pytest.approx(0.025) and ask(topic.known, run).answer == 1500
