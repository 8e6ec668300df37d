"""data-strategies: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.training.data_strategies.lesson as topic
from lessons.writing import as_record
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
RIGHT = {"none": 0.7, "mask": 0.73, "synonyms": 0.86, "any word": 0.72}
ORDERED = {"short first": (60, 12512, 0.55), "long first": (60, 12512, 0.35), "full length": (49, 12544, 0.6)}


def right(way, value):
    def spoil(run, patch, by):
        run.right = RIGHT | {way: value if by == by else by}

    return spoil


def ordered(way, *wrong):
    def spoil(run, patch, by):
        run.ordered = ORDERED | {way: tuple(v if by == by else by for v in wrong)}

    return spoil


def edit(name, change):
    """The edit of that name leaves change(ids, copy, by)."""

    def spoil(run, patch, by):
        kept = getattr(topic, name)
        patch.setattr(topic, name, lambda ids, *args, **more: change(ids, kept(ids, *args, **more), by))

    return spoil


def standing_in(*pairs, **more):
    run = run_of(*pairs, **more)
    run.right, run.ordered = RIGHT, ORDERED
    return run


def ask(step, run=None):
    return next(r for r in records_of(step, run or standing_in()) if isinstance(r, Question))


class TestDataStrategies(TopicTests):
    lesson, steps = topic, 8
    changed = [["rate=0.1", "examples=400"], ["rate=0.5", "examples=6"]]
    refused = ["rate=0.09", "rate=0.6", "examples=5", "examples=401"]
    spoilt = {
        "blanked": Spoilt("edits", edit("mask_tokens", lambda ids, copy, by: np.where(
            np.arange(7) == 0, 7, copy)), no_nan="a count"),
        "swap": Spoilt("edits", edit("swap_tokens", lambda ids, copy, by: np.minimum(copy, 5)), no_nan="a count"),
        "lost": Spoilt("the_label", edit("delete_tokens", lambda ids, copy, by: np.where(copy == 3, 4, copy)),
            no_nan="a count"),
        "safe": Spoilt("the_label", instead(topic, "mask_tokens", lambda by: unsafe), no_nan="a count"),
        "synonyms": Spoilt("what_it_brings", right("synonyms", 0.76)),
        "blank": Spoilt("what_it_brings", right("mask", 0.86)),
        "tokens": Spoilt("saves", result(topic, "growing_length", lambda n, by: 1024 * 0.3802**0.5 * by / 1.2),
            nan_also={"pairs"}),
        "pairs": Spoilt("saves", result(topic, "growing_length", lambda n, by: n + 40 * by * (1 if n > 576 else -1)),
            nan_also={"tokens"}),
        "same": Spoilt("does_it_help", ordered("long first", 60, 12513, 0.35), nan_also={"order"}),
        "fair": Spoilt("does_it_help", ordered("full length", 49, 12769, 0.6)),
        "order": Spoilt("does_it_help", ordered("long first", 60, 12512, 0.54), nan_also={"same"}),
    }  # fmt: skip


def unsafe(ids, rate, filler, rng, may_change=None):
    return np.where(rng.random(ids.shape) < rate, filler, ids)


def test_copies_are_made_of_the_sentence():
    shown = records_of(topic.edits, run_of(seed=2))
    rows = {row["how"]: row["text"].split() for row in tables(shown)[0].rows}
    words = ["the", "film", "was", "not", "good", "at", "all"]
    assert rows["as it is"] == words and rows["synonyms"] == ["the", "movie", *words[2:4], "great", *words[5:]]
    assert all(a in (b, "___") for a, b in zip(rows["blank"], words, strict=True))
    assert [word for word in words if word in rows["delete"]] == rows["delete"]
    assert sorted(rows["swap two"]) == sorted(words)
    blank = [i for i, word in enumerate(rows["span masking"]) if word == "___"]
    assert blank == [*range(blank[0], blank[0] + round(7 * 0.3))]
    assert ask(topic.edits, run_of()).answer == pytest.approx(2.1)


def test_the_share_that_loses_its_not_is_drawn_again():
    shown = [as_record(each) for each in topic.the_label(run_of(), np.random.default_rng(3))]
    lost = np.random.default_rng(3).random((20_000, 7))[:, 3] < 0.3
    assert f"Drawn: {lost.mean():.3f} of 20,000 copies." in sentences(shown)[1] and "loses 0." in sentences(shown)[1]
    assert '"the film was good at all"' in sentences(shown)[0]


def test_what_was_measured_is_told():
    run = standing_in()
    assert sentences(records_of(topic.what_it_brings, run))[1] == (
        "Synonyms bring 16 points: they show words that no example holds, and that knowledge comes from the list. "
        "Blanked words bring 3. Any word for any brings 2: a blank that sometimes lies, since praise may turn into "
        "blame."
    )
    assert sentences(records_of(topic.does_it_help, run))[1] == (
        "Short last costs 20 points: a model is as good as what it read lately. But short first is no better here than "
        "the full length from the start, 55% against 60%."
    )


def test_savings_are_summed_again():
    lengths = [128 + (1024 - 128) * (step - 1) // 999 for step in range(1, 1001)]
    tokens, pairs = sum(lengths) / 1000 / 1024, sum(n * n for n in lengths) / 1000 / 1024**2
    shown = sentences(records_of(topic.saves, run_of()))
    assert f"{tokens:.3f} of the tokens, {pairs:.3f} of the pairs" in shown[1]
    assert ask(topic.saves).answer == pytest.approx((1 + 1 / 8 + 1 / 64) / 3)
    assert f"has let in {(0.01 + 0.99 / 4) ** 0.5:.0%} of the examples" in shown[2]


def test_sayings_and_answers_have_their_reasons():
    steps = (topic.the_label, topic.does_it_help, topic.after)
    said = [r.verdict for step in steps for r in records_of(step, standing_in()) if isinstance(r, Said)]
    assert said == ["true with conditions", "true with conditions", "false"]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY


WHY = {
    "edits": "7 * 0.3.",
    "the_label": "It is one word like the others.",
    "saves": "(1 + 0.125 + 0.015625) / 3.",
}
