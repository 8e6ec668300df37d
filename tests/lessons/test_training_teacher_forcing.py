"""training-teacher-forcing: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.training.teacher_forcing.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training import teacher_forcing as lab
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def sees_too_much(mask, by):
    return mask | (np.arange(len(mask)) == 1)


def other_answers(run, patch, by):
    run.texts.asked[0, 0] = 0


def losses_off(run, patch, by):
    run.step.losses[0, 0] *= by


def counts_padding(run, patch, by):
    """A loss that has a little of the padded targets in it: too little to move the mean of the others visibly."""
    right = KEPT["cross_entropy_forward"]
    patch.setattr(
        topic,
        "cross_entropy_forward",
        lambda s, ids, keep: (right(s, ids, keep=keep)[0] + by * 1e-14 * ids.sum(), None),
    )


def leaks(run, patch, by):
    """Every place sees the last input a little."""
    patch.setattr(
        topic, "one_pass", lambda model, texts: KEPT["one_pass"](model, texts) + by * 1e-11 * texts.read[0, -1]
    )


def blind(run, patch, by):
    """The last place does not see its own input, or is NaN."""
    first = KEPT["one_pass"](lab.untrained(run.texts, 0), run.texts)
    found = iter([first, first * np.where(np.arange(run.t) == run.t - 1, by / by, 1)])
    patch.setattr(topic, "one_pass", lambda model, texts: next(found))


def longer(way, length, add=1):
    def spoil(run, patch, by):
        right = topic.chains.chains

        def wrong(settings):
            of = right(settings)
            return of | {way: lambda n: (of[way](n)[0] + add * (n == length), None)}

        patch.setattr(topic.chains, "chains", wrong)

    return spoil


def wrote(first, last):
    def spoil(run, patch, by):
        w = run.written
        free = w.free.copy()
        free[0], free[-1] = (
            (free[0] * by if first else free[0]),
            (w.forced.mean() - 0.049 * by / by if last else free[-1]),
        )
        run.written = w._replace(free=free)

    return spoil


WRITTEN = topic.lab.Written(np.full(25, 0.975), np.linspace(0.975, 0.5, 25), (0.5, 0.5))


class TestTrainingTeacherForcing(TopicTests):
    lesson, steps = topic, 8
    changed = [["length=4"], asked("length=32", text="One two, one three; four five six seven eight nine")]
    refused = ["length=3", "length=33", asked(text="alone")]
    spoilt = {
        "seen": Spoilt("aligned", result(topic, "causal_mask", sees_too_much), no_nan="a mask"),
        "shift": Spoilt("aligned", other_answers, no_nan="ids"),
        "mean": Spoilt("one_step", losses_off),
        "padding": Spoilt("one_step", counts_padding, nan_also={"mean"}),
        "same": Spoilt("one_or_many", result(topic, "a_pass_each")),
        "hidden": Spoilt("one_or_many", leaks, also={"same"}, nan_also={"last"}),
        "last": Spoilt("one_or_many", blind, nan_also={"hidden"}),
        "loops": Spoilt("at_once", result(topic, "one_query_at_a_time")),
        "reads": Spoilt("who_waits", longer(topic.chains.READS, 32), no_nan="a count"),
        "rnn": Spoilt("who_waits", longer(topic.chains.RNN, 16), no_nan="a count"),
        "writes": Spoilt("who_waits", longer(topic.chains.WRITES, 16), no_nan="a count"),
        "first": Spoilt("the_cost", wrote(True, False)),
        "gap": Spoilt("the_cost", wrote(False, True)),
    }  # fmt: skip


def test_the_table_is_the_one_of_the_sentence():
    (shown,) = tables(records_of(topic.aligned, run_of()))
    assert [tuple(row.values()) for row in shown.rows] == [
        (1, "<start>", "<start>", "how"),
        (2, "how", "<start> how", "are"),
        (3, "are", "<start> how are", "you"),
        (4, "you", "<start> how are you", "<end>"),
    ]
    asked_for = ask(topic.aligned, run_of())
    assert asked_for.answer == 3 and asked_for.explanation.startswith("<start>, how, and its own, are.")


def test_texts_are_padded_and_shifted():
    texts = lab.texts_of(("a", "b", "a"), ("b",))
    assert texts.vocabulary == ("<start>", "<end>", "<pad>", "a", "b")
    assert texts.read.tolist() == [[0, 3, 4, 3], [0, 4, 2, 2]] and texts.asked.tolist() == [[3, 4, 3, 1], [4, 1, 2, 2]]
    assert texts.kept.tolist() == [[True] * 4, [True, True, False, False]] and texts.lengths.tolist() == [4, 2]


def test_shapes_and_losses_of_a_step_are_computed_again():
    run = run_of(text="a b c d")
    shown = records_of(topic.one_step, run)
    shapes = "(2, 5)   (2, 2, 5, 5)   (2, 2, 5, 5)   (2, 5, 16)   (2, 5, 7)   (2, 5)"
    assert [row["shape"] for row in tables(shown)[0].rows] == shapes.split("   ")
    losses = [
        [math.log(sum(math.exp(s) for s in row)) - row[i] for row, i in zip(*each, strict=True)]
        for each in zip(run.step.logits, run.texts.asked, strict=True)
    ]
    kept = [*losses[0], *losses[1][:2]]
    first, second = (", ".join(f"{x:.2f}" for x in row) for row in (losses[0], losses[1][:2]))
    assert sentences(shown)[1].startswith(
        f"First row: {first}; second: {second}. Their mean, {sum(kept) / 7:.3f} nats, "
    )
    assert ask(topic.one_step, run).answer == 7


def test_losses_of_prefixes_are_those_of_texts_cut_off():
    run = run_of(text="a b c")
    model = lab.untrained(run.texts, 0)
    for t in range(4):
        logits = model.forward(run.texts.read[:1, : t + 1])[0][0, t]
        loss = math.log(np.exp(logits).sum()) - logits[run.texts.asked[0, t]]
        row = tables(records_of(topic.one_or_many, run))[0].rows[t]
        assert (row["once"], row["each"]) == pytest.approx((loss, loss))
    assert ask(topic.one_or_many, run).answer == sum(range(21))


def test_answers_and_sentences_follow_what_was_measured():
    run = run_of("length=8")
    assert ask(topic.at_once, run).answer == 64 and ask(topic.who_waits, run).answer == 8 * 13
    rows = {row["way"]: (row["short"], row["long"]) for row in tables(records_of(topic.who_waits, run))[0].rows}
    assert [*rows] == ["attention layer", "RNN layer", "Transformer reads", "Transformer writes"]
    assert [*rows.values()] == [(4, 4), (8, 16), (13, 13), (104, 208)]
    run.written = WRITTEN
    shown = records_of(topic.the_cost, run)
    assert ask(topic.the_cost, run).answer == pytest.approx(0.975**25)
    assert sentences(shown)[1].endswith(
        "Reading true letters, 97.5% are right; of texts that it wrote itself, 50% end right."
    )
    said = [r for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["false", "false", "too strong"]
