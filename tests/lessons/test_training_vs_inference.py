"""training-vs-inference: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.generating.training_vs_inference.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, asked, of_run, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def one_place_less(run, patch, by):
    run.ids = run.ids[:-1]


def touched(places, size):
    """What one pass says there is off, in each text in which a token is replaced."""

    def spoil(run, patch, by):
        read = type(run).read

        def wrong(ids):
            found = np.array(read(run, ids))
            found[:, places(run)] *= size * by if size else by
            return found

        patch.setattr(run, "read", wrong)

    return spoil


def unmoved(run, patch, by):
    run.read = lambda ids: np.tile(run.at_once, (len(ids), 1, 1)) * (1 if by == 1.2 else by)


def leaking(run, patch, by):
    """The first sequence takes a little of the second."""

    def wrong(q, k, v, *mask):
        o, cache = KEPT["attention_forward"](q, k, v, *mask)
        return o + (by - 1) * 1e-3 * v[1:].mean(), cache

    patch.setattr(topic, "attention_forward", wrong)


def masked_off(run, patch, by):
    """Where there is a mask the output is off by a little."""

    def wrong(q, k, v, *mask):
        o, cache = KEPT["attention_forward"](q, k, v, *mask)
        return (o * (1 + (by - 1) * 1e-9) if mask else o), cache

    patch.setattr(topic, "attention_forward", wrong)


def longer(way, extra):
    def spoil(run, patch, by):
        right = KEPT["lab"].chains

        def wrong(settings):
            found = right(settings)
            chain = found[way]
            return found | {way: lambda n: (chain(n)[0] + extra(n), None)}

        patch.setattr(topic.lab, "chains", wrong)

    return spoil


def exposed(forced, free):
    return lambda run, patch, by: setattr(run, "counted", topic.Exposure(np.array(forced) * by / 1.2, np.array(free)))


class TestTrainingVsInference(TopicTests):
    lesson, steps = topic, 8
    changed = [["place=2", "error=0.2"], ["place=5", "error=0.01"], asked(text="the dog saw a cat and the cat saw it")]
    refused = ["place=1", "place=6", "error=0.3", asked(text="too short"), asked(text="word " * 65)]
    spoilt = {
        "asked": Spoilt("two_ways", of_run("at_once", lambda p, by: p[:-1]), no_nan="a count"),
        "same": Spoilt("same_answer", of_run("one_by_one", lambda p, by: p * (1 + (by - 1) * 1e-6))),
        "row": Spoilt("last_row", masked_off, nan_also={"other"}),
        "other": Spoilt("last_row", leaking, nan_also={"row"}),
        "reads": Spoilt("parallel", longer(topic.lab.READS, lambda n: n), no_nan="a count"),
        "writes": Spoilt("parallel", longer(topic.lab.WRITES, lambda n: 1), no_nan="a count"),
        "before": Spoilt("wrong_token", touched(lambda run: slice(0, 2), 0)),
        "after": Spoilt("wrong_token", unmoved, nan_also={"before"}),
        "law": Spoilt("mistakes", exposed([0.95] * 20, [0.95] * 20), no_nan="below"),
        "first": Spoilt("mistakes", exposed([0.95] * 20, [0.94] * 19 + [0.36])),
        "gap": Spoilt("what_helps", exposed([0.9] * 20, [0.9] * 20)),
    }  # fmt: skip


def test_a_pass_over_the_text_is_read_by_hand():
    run = run_of()
    logits = run.model.forward(run.ids[None])[0][0]
    rows = tables(records_of(topic.same_answer, run))[0].rows
    for i, row in enumerate(rows):
        log_p = logits[i, run.ids[i + 1]] - math.log(sum(math.exp(x) for x in logits[i]))
        assert row["once"] == pytest.approx(log_p) and row["by_one"] == pytest.approx(log_p)
        assert (row["behind"], row["next"]) == tuple(run.words[run.ids[j]] for j in (i, i + 1))
    assert ask(topic.two_ways, run).answer == len(run.ids) - 1 == 14
    assert ask(topic.last_row, run).answer == 15


def test_the_chain_of_writing_is_counted():
    shown = records_of(topic.parallel, run_of())
    assert [(row["four"], row["eight"]) for row in tables(shown)[0].rows] == [(12, 12), (13, 13), (52, 104)]
    assert ask(topic.parallel, run_of()).answer == 16 * (2 * 6 + 1)


def test_what_a_wrong_token_costs_is_computed_again():
    run = run_of("place=4", seed=1)
    shown = records_of(topic.wrong_token, run, seed=1)
    others = (run.ids[3] + generator_of(1, "wrong_token").integers(1, len(run.words), 40)) % len(run.words)
    lost = np.zeros(len(run.ids) - 1)
    for other in others:
        ids = run.ids.copy()
        ids[3] = other
        logits = run.model.forward(ids[None])[0][0]
        log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        lost += [run.at_once[i, run.ids[i + 1]] - log_p[i, run.ids[i + 1]] for i in range(len(lost))]
    rows = tables(shown)[0].rows
    assert [row["lost"] for row in rows] == pytest.approx(list(lost[2:7] / 40), abs=1e-9)
    told = f"it loses {lost[3] / 40:.2f} nats, over the whole rest {lost[3:].mean() / 40:.2f} a place."
    assert f"Behind the wrong token {told}" in sentences(shown)[1]


@pytest.mark.parametrize(("error", "free"), [(0.05, 0.358), (0.2, 0.0115)])
def test_mistakes_are_multiplied(error, free):
    run = run_of(f"error={error}")
    shown = records_of(topic.mistakes, run)
    assert ask(topic.mistakes, run).answer == pytest.approx(free, abs=5e-4)
    rows = tables(shown)[0].rows
    assert [row["n"] for row in rows] == [1, 5, 20]
    assert all(row["forced"] == pytest.approx(100 * (1 - error)) for row in rows)
    assert all(row["law"] == pytest.approx(100 * math.exp(row["n"] * math.log1p(-error))) for row in rows)


def test_a_text_is_right_as_long_as_it_counts_on():
    found, starts = topic.counting_model(0.05, 3), np.arange(1000)
    wrong = set(np.random.default_rng(3).permutation(1000)[:50].tolist())
    still = [all((start + i) % 1000 not in wrong for i in range(20)) for start in starts]
    assert found.free_running[-1] == pytest.approx(np.mean(still), abs=0.01) and found.teacher_forced[7] == 0.95
    run = run_of()
    assert f"its gap is {100 * run.counted.gap:.0f} points." in records_of(topic.what_helps, run)[0].truth
