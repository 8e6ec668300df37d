"""decoding-non-autoregressive: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.generating.non_autoregressive.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
LEARNT = {"all answers": (0.1246, 0.694), "one answer": (0.9999, 1e-5)}


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def learnt(which, **changed):
    """What was trained on that has another share or loss."""

    def spoil(run, patch, by):
        share, loss = LEARNT[which]
        values = {"share": share, "loss": loss} | {name: value * by for name, value in changed.items()}
        run.trained = LEARNT | {which: (values["share"], values["loss"])}

    return spoil


class Lopsided:
    """numpy, in which a product is off."""

    def __init__(self, by):
        self.by = by

    def __getattr__(self, name):
        return (lambda *a: self.by * np.prod(*a)) if name == "prod" else getattr(np, name)


class TestNonAutoregressive(TopicTests):
    lesson, steps = topic, 8
    changed = [["answers=4", "tokens=2"], ["answers=3", "tokens=6"]]
    refused = ["answers=1", "answers=5", "tokens=1", "tokens=7"]
    known = {
        "all_at_once": lambda answers, steps, seed: (
            (len(answers) ** (1.0 - answers.shape[1]), math.log(len(answers)))
            if len(answers) > 1
            else LEARNT["one answer"]
        )
    }
    spoilt = {
        "passes": Spoilt("one_pass", instead(
            topic, "greedy", lambda by: lambda reader, ids, n: KEPT["greedy"](reader, ids, n - 1)), no_nan="a count"),
        "half": Spoilt("by_hand", instead(topic, "VALID", lambda by: {"AB": 0.5 * by, "BA": 0.5}), also={"margins"}),
        "margins": Spoilt("by_hand", instead(topic, "VALID", lambda by: {"AB": 0.5 * by, "BA": 0.5}), also={"half"}),
        "law": Spoilt("longer", instead(topic, "np", Lopsided)),
        "shares": Spoilt("trained", learnt("all answers", share=0.125)),
        "loss": Spoilt("trained", learnt("all answers", loss=0.694)),
        "one-answer": Spoilt("trained", learnt("one answer", share=0.7)),
        "again": Spoilt("mended", instead(topic, "np", Lopsided)),
        "exact": Spoilt("speculative", instead(
            topic, "judge", lambda by: lambda p, q, ahead, chance: (1, 0)), no_nan="tokens"),
        "tokens": Spoilt("often_said", result(topic, "expected_tokens")),
    }  # fmt: skip


def test_two_answers_are_mixed_in_half_of_the_texts():
    run = run_of()
    assert ask(topic.by_hand, run).answer == 0.5
    rows = tables(records_of(topic.by_hand, run))[0].rows
    assert [(r["text"], r["right"], r["once"]) for r in rows] == [
        ("AA", 0, 0.25), ("AB", 0.5, 0.25), ("BA", 0.5, 0.25), ("BB", 0, 0.25),
    ]  # fmt: skip
    assert ask(topic.one_pass, run).answer == 30


@pytest.mark.parametrize(("answers", "tokens"), [(2, 4), (3, 2)])
def test_whole_texts_are_counted(answers, tokens):
    run = run_of(f"answers={answers}", f"tokens={tokens}")
    texts = list(itertools.product(range(answers), repeat=tokens))
    share = sum(len(set(text)) == 1 for text in texts) / len(texts)
    shown = records_of(topic.longer, run)
    assert ask(topic.longer, run).answer == pytest.approx(share)
    assert sentences(shown)[1].startswith(
        f"Counted: of {len(texts):,} texts {answers} are whole, together {share:.4g} of the chance."
    )
    assert tables(shown)[0].rows[1]["share"] == pytest.approx(100 * share)
    assert ask(topic.trained, run).answer == pytest.approx(math.log(answers))
    assert (
        f"once a text, {math.log(answers) / tokens:.3f} nats a token." in sentences(records_of(topic.trained, run))[1]
    )


def test_a_drafted_token_is_kept_or_redrawn_by_hand():
    shown = records_of(topic.speculative, run_of())
    large, small = (0.6, 0.3, 0.1), (0.4, 0.2, 0.4)
    keep = [min(1.0, p / q) for p, q in zip(large, small, strict=True)]
    rejected = sum(q * (1 - k) for q, k in zip(small, keep, strict=True))
    rest = [max(0.0, p - q) / rejected for p, q in zip(large, small, strict=True)]
    for row, p, q, k, r in zip(tables(shown)[0].rows, large, small, keep, rest, strict=True):
        assert (row["kept"], row["rest"], row["out"]) == pytest.approx((k, r, q * k + rejected * r))
        assert row["out"] == pytest.approx(p)
    assert ask(topic.speculative, run_of()).answer == pytest.approx(1 - rejected) == pytest.approx(0.7)
    assert f"its pass gives {sum(0.7**i for i in range(5)):.2f} tokens." in sentences(shown)[1]
    assert ask(topic.often_said, run_of()).answer == pytest.approx(1 + 0.8 + 0.64)


def test_what_was_trained_is_told():
    run = run_of()
    run.trained = LEARNT
    rows = tables(records_of(topic.trained, run))[0].rows
    assert [x for row in rows for x in (row["share"], row["loss"])] == pytest.approx([12.46, 0.694, 99.99, 1e-5])
    assert ask(topic.mended, run).answer == 4
    said = next(r for r in records_of(topic.often_said, run) if isinstance(r, Said))
    assert (
        said.truth
        == "Where several answers are right, they mix. With one in the data 100.0% of the texts here are whole."
    )
