"""in-context-learning: the text is computed, and every check can fail."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lessons.adaptation.in_context.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(shown):
    return next(r for r in shown if isinstance(r, Question))


def read(change, layers=None, causal=None):
    """What attention with so many layers answers."""

    def spoil(run, patch, by):
        def wrong(tasks, n, rate, causal_=False, **named):
            right = KEPT["through_attention"](tasks, n, rate, **named)
            return change(right, by) if layers in (None, n) and causal in (None, named.get("causal", False)) else right

        patch.setattr(topic, "through_attention", wrong)

    return spoil


def near_steps(run, patch, by):
    """The softmax answers what one step does."""
    patch.setattr(topic, "by_softmax", lambda tasks: topic.by_descent(tasks, 1, run.settings.rate) * by / by)


def unlike(run, patch, by):
    def wrong(tasks, n, rate, causal=False):
        return by / by * topic.by_descent(tasks, n, rate)

    patch.setattr(topic, "through_attention", wrong)


def left(change):
    return result(topic, "left", change)


class TestInContext(TopicTests):
    lesson, steps = topic, 8
    changed = [["examples=16", "width=5", "rate=0.5"], ["examples=40", "width=2", "rate=0.2"]]
    refused = ["examples=15", "examples=41", "width=1", "width=6", "rate=0.1", "rate=0.6"]
    spoilt = {
        "slope": Spoilt("one_step", result(topic, "by_descent"), also={"sum"}),
        "sum": Spoilt("one_step", result(topic, "by_descent"), also={"slope"}),
        "same": Spoilt("same_as_attention", read(lambda y, by: y * (1 + by * 1e-6)), nan_also={"law"}),
        "law": Spoilt("same_as_attention", instead(topic, "left_by_one_step", lambda by: lambda d, n, r: by * 0.8)),
        "steps": Spoilt("more_layers", read(lambda y, by: y * (1 + by * 1e-6), 8), nan_also={"deeper"}),
        "deeper": Spoilt("more_layers", left(lambda found, by: (found[0] ** 0.1 * by / by, found[1]))),
        "one-shot": Spoilt("more_examples", left(lambda found, by: (1.5 * by * found[0], found[1])),
                            nan_also={"shots"}),
        "shots": Spoilt("more_examples", left(lambda found, by: (87.5 * by / by, found[1])), nan_also={"one-shot"}),
        "all-seen": Spoilt("conditions", read(lambda y, by: y + by * 1e-6, causal=False)),
        "causal": Spoilt("conditions", unlike, nan_also={"all-seen"}),
        "softmax": Spoilt("conditions", near_steps),
    }  # fmt: skip


@pytest.mark.parametrize("seed", [0, 3])
def test_one_step_is_worked_out_by_hand(seed):
    shown = records_of(topic.one_step, run_of("rate=0.4"), seed=seed)
    text = sentences(shown)
    a, b, c, d, q = (float(x) for x in re.findall(r"-?\d+", text[0].split("pairs")[1].split(". Look")[0]))
    slope = 0.4 * (a * b + c * d) / 2
    assert ask(shown).answer == pytest.approx(slope * q)
    assert text[1].startswith(
        f"= 0.4 * (({b:g})({a:g}) + ({d:g})({c:g})) / 2 = {slope:g}. The true slope is {b / a:g}."
    )


def test_attention_is_compared_with_a_regression_of_its_own():
    run = run_of("width=2")
    shown = records_of(topic.same_as_attention, run)
    for row in tables(shown)[0].rows:
        x, y = run.tasks.x[row["rule"] - 1], run.tasks.y[row["rule"] - 1, :, 0]
        answer = 0.5 * (y[:-1, None] * x[:-1]).mean(axis=0) @ x[-1]
        assert row["read"] == pytest.approx(answer) and row["stepped"] == pytest.approx(answer)
        assert row["true"] == pytest.approx(np.linalg.lstsq(x[:-1], y[:-1], rcond=None)[0] @ x[-1])
    assert ask(shown).answer == pytest.approx(100 * (0.25 + 0.25 * 3 / 20))
    read = 100 * (topic.by_descent(run.tasks, 1, 0.5) - run.tasks.y[:, -1, 0]) ** 2
    assert f"Measured: {read.mean():.1f} +- {read.std(ddof=1) / 20:.1f}." in sentences(shown)[-1]


def test_few_examples_leave_what_they_do_not_fix():
    run = run_of()
    shown = records_of(topic.more_examples, run)
    assert ask(shown).answer == 87.5
    rows = tables(shown)[0].rows
    tasks = run.prompts(4, 8)
    best = [float(np.linalg.lstsq(x[:-1], y[:-1], rcond=None)[0][:, 0] @ x[-1]) for x, y in zip(*tasks, strict=True)]
    assert rows[2]["left"] == pytest.approx(100 * ((np.array(best) - tasks.y[:, -1, 0]) ** 2).mean(), rel=0.25)
    assert [row["shots"] for row in rows] == [1, 2, 4, 8, 16]


def test_shots_and_sayings():
    run = run_of()
    shown = records_of(topic.from_the_prompt, run)
    assert [(row["examples"], row["prompt"].count("-> ch"), row["changed"]) for row in tables(shown)[0].rows] == [
        (0, 0, 0), (1, 1, 0), (2, 2, 0),
    ]  # fmt: skip
    assert ask(shown).answer == 0
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["false", "true with conditions", "too strong", "false"]
