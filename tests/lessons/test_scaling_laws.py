"""scaling-laws: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.scale.scaling_laws.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run=None):
    return next(r for r in records_of(getattr(topic, step), run or run_of()) if isinstance(r, Question))


def law_with(**changed):
    """The law of 2024 with constants that are off."""
    return instead(
        topic, "BESIROGLU", lambda by: topic.BESIROGLU._replace(**{k: v * by / by for k, v in changed.items()})
    )


def fourth(run, patch, by):
    """The line does not bend: the fourth model lies on the line of the first three."""
    right = topic.fit_power_law(run.sizes[:3], run.above[:3])
    run.above[3] = right.coefficient * run.sizes[3] ** right.exponent * by / by
    run.__dict__["law"] = topic.fit_power_law(run.sizes, [*run.above[:3], 0.226])


def chance(run, patch, by):
    """Tokens gain next to nothing with size."""
    patch.setattr(topic, "chance_of_a_token", lambda n, exponent: 0.5 * by / by + 1e-3 * math.log10(n))


def steep(run, patch, by):
    patch.setattr(topic, "expected_exact_match", lambda p, n: p * by / by)


def off(run, patch, by):
    """Draws that are right too often."""
    right = topic.mean_with_error
    patch.setattr(topic, "mean_with_error", lambda x: (right(x)[0] * (1.5 * by / by), right(x)[1]))


class TestScalingLaws(TopicTests):
    lesson, steps = topic, 8
    changed = [["budget=1e18", "length=5"], ["budget=1e26", "length=50"]]
    refused = ["budget=1e17", "budget=1e27", "length=4", "length=51"]
    spoilt = {
        "ten": Spoilt("power", instead(topic, "kaplan_loss", lambda by: lambda n, d: (8.8e13 / n) ** (0.076 * by))),
        "slope": Spoilt("line", lambda run, patch, by: patch.setitem(
            run.__dict__, "law", topic.PowerLaw(run.law.exponent * by, 1.0, 0.0, 0.0))),
        "flat": Spoilt("line", instead(topic, "RECORDED_FLOOR", lambda by: 0.5 * by), raises=ValueError),
        "bends": Spoilt("line", fourth, no_nan="no fit to a number that is none"),
        "two": Spoilt("cost", result(topic, "total_matmul_flops")),
        "six": Spoilt("cost", result(topic, "training_operations")),
        "optimum": Spoilt("split", result(topic, "optimum", lambda best, by: best._replace(
            n_parameters=best.n_parameters * by)), nan_also={"worse"}),
        "worse": Spoilt("split", instead(topic, "row", lambda by: lambda run, what, size: {
            "what": what, "size": size, "tokens": 1.0, "loss": 2.0 * by})),
        "twenty": Spoilt("ratio", law_with(beta=0.28)),
        "drift": Spoilt("ratio", instead(topic, "HOFFMANN", lambda by: topic.BESIROGLU._replace(e=by) if by == by else (
            topic.BESIROGLU._replace(alpha=by)))),
        "fewer": Spoilt("data", law_with(a=100.0), nan_also={"data"}),
        "data": Spoilt("data", law_with(b=300.0), nan_also={"fewer"}),
        "drawn": Spoilt("emergence", off),
        "rise": Spoilt("emergence", chance, nan_also={"late"}),
        "late": Spoilt("emergence", steep),
    }  # fmt: skip


def test_the_line_is_fitted_again():
    run = run_of()
    slope = np.polyfit(np.log(run.sizes), np.log(run.above), 1)[0]
    whole = np.polyfit(np.log(run.sizes), np.log(np.array(run.above) + 3.208), 1)[0]
    first = np.polyfit(np.log(run.sizes[:3]), np.log(run.above[:3]), 1)
    told = math.exp(np.polyval(first, math.log(run.sizes[3])))
    assert sentences(records_of(topic.line, run))[1:] == [
        f"A line through all of them gives {-slope:.2f}. With the floor left in it is {-whole:.2f}: a forgotten floor "
        "makes the law look flat. "
        f"Beyond its points it is a guess: the first three foretell {told:.3f} for the fourth, which has 0.204.",
    ]
    assert ask("line").answer == pytest.approx(math.log(0.858 / 0.204) / math.log(4368 / 378))


def test_splits_are_found_by_trying():
    run = run_of()
    sizes = np.geomspace(1e8, 1e12, 40_001)
    for record, a, b, alpha, beta in ((1, 482.01, 2085.43, 0.3478, 0.3658), (0, 406.4, 410.7, 0.34, 0.28)):
        row = tables(records_of(topic.ratio, run))[0].rows[record]
        for column, work in (("small", 1e19), ("large", 5.88e23)):
            tokens = work / 6 / sizes
            best = (a / sizes**alpha + b / tokens**beta).argmin()
            assert row[column] == pytest.approx(tokens[best] / sizes[best], rel=0.01)
    rows = tables(records_of(topic.split, run))[0].rows
    for row in rows:
        assert row["size"] * row["tokens"] == pytest.approx(1e22 / 6)
        assert row["loss"] == pytest.approx(
            1.8172 + 482.01 * row["size"] ** -0.3478 + 2085.43 * row["tokens"] ** -0.3658
        )
    assert ask("split").answer == pytest.approx(0.3658 / 0.7136)
    assert ask("ratio").answer == pytest.approx(70)


def test_fewer_tokens_reach_the_same_loss():
    run = run_of()
    tokens = 1e9 * ask("data", run).answer
    goal = 482.01 * 1e9**-0.3478 + 2085.43 * 2e10**-0.3658
    assert goal == pytest.approx(482.01 * 1e10**-0.3478 + 2085.43 * tokens**-0.3658)
    said = sentences(records_of(topic.data, run))
    assert said[0].startswith(f"A billion parameters reach {goal + 1.8172:.3f} nats")
    assert said[1].endswith(f"The work is {10 * tokens / 2e10:.1f} times as much.")
    assert f"gets below {1.8172 + 2085.43 * 1e9**-0.3658:.2f} nats" in said[2]


def test_answers_of_the_other_steps():
    assert ask("power").answer == pytest.approx(10**-0.076) and ask("cost").answer == pytest.approx(5.88)
    assert ask("emergence", run_of("length=7")).answer == pytest.approx(math.prod([0.9] * 7))
    for row in tables(records_of(topic.emergence, run_of("length=7")))[0].rows:
        p = math.exp(-((row["size"] / 1e6) ** -0.25))
        assert row["token"] == pytest.approx(100 * p) and row["exact"] == pytest.approx(100 * math.prod([p] * 7))
    for step in (topic.ratio, topic.emergence):
        assert [r.verdict for r in records_of(step, run_of()) if isinstance(r, Said)] == ["true with conditions"]
