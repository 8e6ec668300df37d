"""decoding-beam: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.generating.beam.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def other_beam(**changed):
    """The best text of every beam has something changed."""

    def spoil(run, patch, by):
        def wrong(*args, **options):
            best, *others = KEPT["beam_search"](*args, **options)
            return [best._replace(**{name: change(best, by) for name, change in changed.items()}), *others]

        patch.setattr(topic, "beam_search", wrong)

    return spoil


def by_width(width, change):
    def spoil(run, patch, by):
        run.found = run.found | {width: change(run, by)}

    return spoil


def short_mean(run, patch, by):
    def wrong(model, prompt, n, width, stop, divisor, **options):
        return KEPT["beam_search"](model, prompt, 1 if divisor == "mean" else n, width, stop, divisor, **options)

    patch.setattr(topic, "beam_search", wrong)


class TestBeam(TopicTests):
    lesson, steps = topic, 7
    changed = [["tokens=4", "spread=0.5"], ["tokens=12", "spread=3"], asked(text="x"), asked(text="return true if")]
    refused = ["tokens=3", "tokens=13", "spread=0.4", asked(text="word " * 65), asked(text=" ")]
    spoilt = {
        "greedy": Spoilt("leads_nowhere", result(topic, "log_p_of_beam", lambda right, by: right * (1 + (by - 1) / 9))),
        "two": Spoilt("by_hand", other_beam(log_probability=lambda best, by: best.log_probability * by)),
        "which": Spoilt("by_hand", other_beam(ids=lambda best, by: best.ids[::-1]), no_nan="ids"),
        "beyond": Spoilt("every_text", of_run("best", lambda best, by: best - (by - 1)), nan_also={"wider"}),
        "wider": Spoilt("every_text", by_width(16, lambda run, by: run.found[1] * (by / by)), nan_also={"beyond"}),
        "one": Spoilt("wider", instead(
            topic, "greedy", lambda by: lambda model, prompt, n: KEPT["greedy"](model, prompt, n + 1)), no_nan="ids"),
        "log": Spoilt("wider", result(topic, "log_probability")),
        "longer": Spoilt("divided", short_mean, no_nan="a count"),
        "scores": Spoilt("divided", other_beam(score=lambda best, by: best.score * by)),
        "more": Spoilt("often_said", by_width(16, lambda run, by: run.found[1] - (by - 1))),
    }  # fmt: skip


def test_greedy_takes_a_and_the_best_is_b_a():
    shown = records_of(topic.leads_nowhere, run_of())
    assert [(r["first"], r["second"], round(r["both"], 6)) for r in tables(shown)[0].rows] == [
        ("A", "A", 0.2), ("A", "B", 0.2), ("B", "A", 0.36), ("B", "B", 0.02),
    ]  # fmt: skip
    assert ask(topic.leads_nowhere, run_of()).answer == pytest.approx(0.2, abs=1e-6)
    assert "B A has 0.36, 1.8 times as much." in sentences(shown)[1]
    rows = tables(records_of(topic.by_hand, run_of()))[0].rows
    assert [(row["text"], row["kept"]) for row in rows] == [
        ("B A", "yes"),
        ("A A", "yes"),
        ("A B", "no"),
        ("A C", "no"),
    ]
    assert [row["log"] for row in rows] == pytest.approx([math.log(0.36)] + 3 * [math.log(0.2)])


def test_every_text_of_a_small_model_is_counted_by_hand():
    run = run_of("spread=2")
    tree = run.trees[3]

    def log_p(text):
        node, total = 0, 0.0
        for t, word in enumerate(text):
            total += tree.log_p[t][node, word]
            node = node * 4 + word
        return total

    every = {text: log_p(text) for text in itertools.product(range(4), repeat=5)}
    assert len(every) == ask(topic.every_text, run).answer == 1024
    assert run.best[3] == pytest.approx(max(every.values()))
    assert min(abs(run.found[2][3] - p) for p in every.values()) < 1e-9
    rows = tables(records_of(topic.every_text, run))[0].rows
    for row in rows:
        lost = run.best - run.found[row["width"]]
        assert row["found"] == (lost < 1e-9).sum() and row["short"] == pytest.approx(lost.mean(), abs=1e-12)
        assert row["worse"] == (run.found[row["width"]] < run.found[1] - 1e-9).sum()


def test_what_the_language_model_writes_has_its_log_p():
    run = run_of()
    rows = tables(records_of(topic.wider, run))[0].rows
    logits = run.shipped.model.forward(np.array([[*run.prompt, *run.texts[4].ids[:-1]]]))[0][0, len(run.prompt) - 1 :]
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    assert rows[2]["log"] == pytest.approx(sum(log_p[i, id] for i, id in enumerate(run.texts[4].ids)))
    assert [row["n"] for row in rows] == [len(row["text"].split()) for row in rows]
    one = run.texts[1]
    assert ask(topic.wider, run).answer == pytest.approx(8 * rows[0]["log"] / len(one.ids))
    assert ("Width 2 found a less probable text than greedy did: a beam is no guarantee." in sentences(
        records_of(topic.wider, run))[1]) == (rows[1]["log"] < rows[0]["log"])  # fmt: skip


def test_scores_are_divided_by_hand():
    run = run_of()
    none, power, mean = tables(records_of(topic.divided, run))[0].rows
    assert none["score"] == pytest.approx(run.texts[16].log_probability)
    assert ask(topic.divided, run).answer == pytest.approx(none["score"] / none["n"])
    assert mean["score"] >= none["score"] / none["n"] and power["score"] >= none["score"] / ((5 + none["n"]) / 6) ** 0.6
    said = next(r for r in records_of(topic.often_said, run) if isinstance(r, Said))
    assert said.truth.endswith(f"greedy's text has {len(run.texts[1].ids)} tokens here, width 16's {none['n']}.")
