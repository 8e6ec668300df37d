"""pretraining-objectives: the text is computed, and every check can fail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.adaptation.pretraining.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Formula, Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def empty_first(run, patch, by):
    run.ids = np.array([7] * 3).repeat(6).view(Blank)


class Blank(np.ndarray):
    """Nothing stands before the second word either."""

    def __getitem__(self, key):
        return [] if key == slice(None, 1, None) else super().__getitem__(key)


def off(name):
    """A source whose tables are as they are, and that name of which is by more."""

    class Off(KEPT["MarkovTexts"]):
        by = 1.0

        def __init__(self, *given):
            super().__init__(*given)
            setattr(self, name, getattr(self, name) * self.by)

    return lambda run, patch, by: (setattr(Off, "by", by), patch.setattr(topic, "MarkovTexts", Off))


def everywhere(run, patch, by):
    """The loss counts at all places, whatever keep says: its value moves when other scores do."""
    right = KEPT["cross_entropy_forward"]

    def wrong(logits, targets, keep):
        return right(logits, targets)[0], right(logits, targets, keep=keep)[1]

    patch.setattr(topic, "cross_entropy_forward", wrong)


def dearer(run, patch, by):
    result(topic, "cross_entropy_backward", lambda right, by: right + by * 1e-9)(run, patch, by)


def one_less(found, by):
    return found._replace(target=found.target[:-2])


def cut_less(run, patch, by):
    run.cut = run.cut._replace(source=run.cut.source[1:])


def longer(run, patch, by):
    run.cut = run.cut._replace(target=np.append(run.cut.target, run.cut.target[-1]))


class TestPretraining(TopicTests):
    lesson, steps = topic, 7
    changed = [["rate=0.1", "span=1"], ["rate=0.5", "span=5"]]
    refused = ["rate=0.05", "rate=0.6", "span=0.5", "span=6"]
    spoilt = {
        "pairs": Spoilt("own_questions", empty_first, no_nan="a count"),
        "product": Spoilt("next_token", instead(topic, "math", lambda by: type("M", (), {
            "log": math.log, "exp": staticmethod(lambda x: by * math.exp(x))}))),
        "entropy": Spoilt("next_token", off("entropy")),
        "places": Spoilt("hidden_tokens", everywhere, no_nan="a comparison of two"),
        "zero": Spoilt("hidden_tokens", dearer),
        "left": Spoilt("hidden_tokens", result(topic, "draw", lambda gaps, by: gaps._replace(
            first=gaps.first & (np.arange(len(gaps.first)) % 5 > 0))), no_nan="true or false"),
        "restored": Spoilt("cut_spans", instead(topic, "restore_spans", lambda by: lambda s, t, sentinels: np.append(
            KEPT["restore_spans"](s, t, sentinels)[:-1], -1)), no_nan="a count"),
        "length": Spoilt("cut_spans", longer, no_nan="a count"),
        "masked": Spoilt("answers", result(topic, "mask_tokens", lambda found, by: found._replace(
            chosen=found.chosen & (np.arange(found.chosen.size) > 40))), no_nan="a count"),
        "shorter": Spoilt("answers", result(topic, "corrupt_spans", lambda found, by: found._replace(
            source=found.source[:300])), no_nan="a count"),
    }  # fmt: skip


def test_spans_are_cut_from_the_readers_own_words():
    run = run_of("rate=0.5", text="one two three four five six seven eight")
    lines = [r.text for r in records_of(topic.cut_spans, run) if isinstance(r, Formula)]
    source, target = (line.split()[1:] for line in lines)
    spans, at = {}, ""
    for word in target:
        at = word if word.startswith("<") else at
        spans.setdefault(at, []).extend([word] * (word != at))
    back = [word for token in source for word in (spans.get(token, [token]))]
    assert back == ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    assert ask(topic.cut_spans, run).answer == len(source) + len(target)


def test_the_known_source_is_scored_by_hand():
    run = run_of(seed=2)
    shown = records_of(topic.next_token, run, seed=2)
    rows = tables(shown)[0].rows
    assert all(row["loss"] == pytest.approx(-math.log(row["p"])) for row in rows)
    assert all(one["next"] == other["read"] for one, other in itertools.pairwise(rows))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx(math.prod(row["p"] for row in rows))
    mean, perplexity = (sentences(shown)[-1].split(word)[1].split()[0].rstrip(":,") for word in ("mean is", "of it,"))
    assert float(perplexity) == pytest.approx(math.exp(float(mean)), abs=0.01)


def test_answers_are_counted_again():
    shown = records_of(topic.answers, run_of())
    rows = {row["way"]: (row["read"], row["asked"]) for row in tables(shown)[0].rows}
    cut, runs = round(0.15 * 512), round(round(0.15 * 512) / 3)
    spans = (512 - cut + runs, cut + runs + 1)
    assert rows == {"next token": (512, 511), "hidden tokens": (512, 77), "cut spans": spans}
    assert f"gets {511 / 77:.1f} times as many answers" in sentences(shown)[-1]
    assert ask(topic.answers, run_of()).answer == 77


def test_what_is_hidden_and_asked_is_said():
    run = run_of("rate=0.2")
    hidden = next(r.text for r in records_of(topic.hidden_tokens, run) if isinstance(r, Formula)).split()
    assert len(hidden) == 18 and hidden.count("[MASK]") == round(0.2 * 18)
    assert all(a in (b, "[MASK]") for a, b in zip(hidden, run.words, strict=True))
    assert ask(topic.hidden_tokens, run).answer == pytest.approx(0.5 + 0.5 / 6)
    assert ask(topic.own_questions, run).answer == 17
    verdicts = [r.verdict for r in records_of(topic.why_it_helps, run) if isinstance(r, Said)]
    assert verdicts == ["true", "false", "false"]
