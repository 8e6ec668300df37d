"""transfer-learning: the text is computed, and every check can fail."""

from __future__ import annotations

import pytest

import lessons.adaptation.transfer_learning.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
TOLD = {topic.SCRATCH: 0.7, topic.TUNE: 0.9, topic.FROZEN: 0.95}
ALL = TOLD | {topic.FAR: 0.65}


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def told(**shares):
    def spoil(run, patch, by):
        run.told = TOLD | {way: share if by == by else by for way, share in shares.items()}

    return spoil


def known(way, labels, steps, asked, seed):
    return ALL[way]


def less(run, patch, by):
    run.told = TOLD | {topic.FROZEN: 0.719 if by == by else by}


class TestTransferLearning(TopicTests):
    lesson, steps = topic, 7
    changed = [["labels=8", "steps=200"], ["labels=20", "steps=300"]]
    refused = ["labels=7", "labels=21", "steps=149", "steps=301"]
    known = {"named": known}
    spoilt = {
        "seen": Spoilt("two_stages", of_run("seen", lambda seen, by: seen + 1), no_nan="a count"),
        "grouped": Spoilt("company", of_run("alike", lambda alike, by: alike | {"after": 0.79 * by / by})),
        "random": Spoilt("company", of_run("alike", lambda alike, by: alike | {"before": 0.51 * by / by})),
        "ahead": Spoilt("same_labels", told(**{topic.TUNE: 0.719})),
        "head": Spoilt("same_labels", less),
        "head-size": Spoilt("ways", result(topic, "Part", lambda part, by: type("P", (), {
            "n_parameters": part.n_parameters + 1})), no_nan="a count"),
        "near": Spoilt("another_world", of_run("far", lambda far, by: 0.89 * by / by), also={"far"}),
        "far": Spoilt("another_world", of_run("far", lambda far, by: 0.44 * by / by), nan_also={"near"}),
        "jump": Spoilt("too_strong", result(topic, "expected_exact_match", lambda share, by: by / by * share**0.5)),
    }  # fmt: skip


def test_the_labelled_texts_are_shown_word_by_word():
    run = run_of("labels=8")
    shown = records_of(topic.two_stages, run)
    for row, ids, subject in zip(tables(shown)[0].rows, run.few.ids, run.few.subjects, strict=False):
        words = row["text"].split()
        assert [12 * "ABCD".index(word[0]) + int(word[1:]) - 1 for word in words] == ids.tolist()
        assert row["label"] == "ABCD"[subject]
    n = len({int(id) for text in run.few.ids for id in text})
    assert sentences(shown)[-1] == (
        f"They hold {n} of the 48 words. From labels alone the other {48 - n} mean nothing."
    )


def test_what_was_learned_is_told(monkeypatch):
    monkeypatch.setattr(topic, "named", known)
    run = run_of()
    shown = records_of(topic.same_labels, run)
    assert [(row["way"], row["right"]) for row in tables(shown)[0].rows] == [
        ("scratch", 70), ("fine-tuned", 90), ("frozen", 95),
    ]  # fmt: skip
    assert sentences(shown)[1].startswith("Pre-training is worth 20 points here")
    assert [row["right"] for row in tables(records_of(topic.another_world, run))[0].rows] == [70, 65, 90]


def test_answers_are_worked_out_again():
    run = run_of()
    assert ask(topic.company, run).answer == pytest.approx(11 / 47)
    assert ask(topic.same_labels, run).answer == 25 and ask(topic.ways, run).answer == 4 * (16 + 1)
    assert ask(topic.too_strong, run).answer == pytest.approx(0.8**20)
    c, f, words = 16, 32, 48
    body = (words + 1) * c + 4 * (c * c + c) + 2 * c * f + c + f + 3 * 2 * c
    counts = [row["count"] for row in tables(records_of(topic.ways, run))[0].rows]
    assert counts == [f"{body + 68:,}", "68", "few", "0"]
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["false", "too strong"]
