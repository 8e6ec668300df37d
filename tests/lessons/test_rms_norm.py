"""rms-norm, and the steps that every topic about one operation shares (lessons/operation.py)."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.block.rms_norm.lesson as rms
import tfx.gradcheck
from lessons.operation import Operation, parts_of, show
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward
from tfx.records import Check, Code, Formula, Matrix, Question

KEPT = dict(vars(rms))
run_of = runs_of(rms)


def keeps_some_mean(by):
    """Layer norm that leaves a part of the mean in."""
    return lambda x: (KEPT["layer_norm_forward"](x)[0] + (by - 1) * x.mean(axis=-1, keepdims=True), None)


def sees_no_other(by):
    """A batch norm that takes its statistics from the token after all."""
    return lambda x, *parameters, eps: (by / by * KEPT["rms_norm_forward"](x)[0], None)


class TestRmsNorm(TopicTests):
    lesson, steps = rms, 8
    seeds = range(5)
    changed = [["width=2", "shift=-1e6"], ["width=64", "shift=1e6"], "shift=0"]
    refused = ["width=1", "width=65", "shift=2e6"]
    elsewhere = ("shapes", "gradients", "caught")  # below
    by = 1.001
    spoilt = {
        "unit": Spoilt("one_token", output(rms, "rms_norm_forward")),
        "blind": Spoilt("the_mean", instead(rms, "layer_norm_forward", keeps_some_mean), nan_also={"centred"}),
        "centred": Spoilt("the_mean", output(rms, "rms_norm_forward")),
        "relative": Spoilt("variants", output(rms, "scale_norm_forward"), nan_also={"others"}),
        "others": Spoilt("variants", instead(rms, "power_norm_forward", sees_no_other)),
    }


def test_a_gradient_of_another_shape_is_counted():
    summed = dataclasses.replace(rms.rms_norm, backward=lambda dy, cache: (rms_norm_backward(dy, cache)[0][:1], dy[0]))
    assert failed_checks(summed.shapes(run_of(), np.random.default_rng(0))) == {"shapes"}
    none = dataclasses.replace(rms.rms_norm, backward=lambda dy, cache: (dy, None))
    assert failed_checks(none.shapes(run_of(), np.random.default_rng(0))) == {"shapes"}
    assert not failed_checks(rms.rms_norm.shapes(run_of(), np.random.default_rng(0)))


@pytest.mark.parametrize("worst", [1e-3, math.nan])
def test_one_wrong_case_among_right_ones_is_seen(worst, monkeypatch):
    reports = [SimpleNamespace(report=SimpleNamespace(worst=error)) for error in (0.0, worst, 0.0)]
    monkeypatch.setattr(tfx.gradcheck, "run_all", lambda names: reports)
    assert failed_checks(rms.rms_norm.proof(run_of())) == {"gradients"}


def test_a_mistake_that_was_missed_or_was_never_made_is_seen(monkeypatch):
    real = list(tfx.gradcheck.run_controls(["rms_norm"]))
    missed = SimpleNamespace(control=real[0].control, caught=False)
    for controls in ([*real, missed], []):
        monkeypatch.setattr(tfx.gradcheck, "run_controls", lambda names, controls=controls: controls)
        assert failed_checks(rms.rms_norm.proof(run_of())) == {"caught"}


def failed_checks(shown):
    return {record.id for record in shown if isinstance(record, Check) and not record.holds}


def test_idea_and_derivation_are_those_of_the_docstring():
    records = records_of(lambda run: rms.rms_norm.idea(run), run_of())
    assert [r.text for r in records if isinstance(r, Formula)] == [
        "r = 1 / sqrt(mean(x^2) + eps)",
        "xhat = x r",
        "y = gamma * xhat",
    ]
    assert any(text.startswith("Source: Zhang and Sennrich 2019") for text in sentences(records))
    assert [r.target for r in records if isinstance(r, Code)] == [rms_norm_forward]
    way_back = records_of(lambda run: rms.rms_norm.derivation(run), run_of())
    assert [r.target for r in way_back if isinstance(r, Code)] == [rms_norm_backward]
    assert "dgamma = sum over tokens of dy * xhat" in [r.text for r in way_back if isinstance(r, Formula)]
    assert not {*sentences(records)} & {*sentences(way_back)}
    told = " ".join(" ".join(line for part in parts_of(rms_norm_forward).values() for line in part).split())
    assert all(text.removesuffix(":") in told for text in sentences(records) + sentences(way_back))


def test_shapes_are_those_of_the_call():
    (shown,) = tables(records_of(lambda run: rms.rms_norm.shapes(run, np.random.default_rng(0)), run_of("width=4")))
    assert [row["shape"] for row in shown.rows] == ["(3, 4)", "(4,)", "(3, 4)"]
    assert [show(np.float64(2)), show(np.zeros(3)), show(np.zeros((2, 1)))] == ["a number", "(3,)", "(2, 1)"]


def test_the_root_mean_square_is_computed_from_the_squares_that_are_shown():
    run = run_of("width=5")
    (asked,) = (record for record in records_of(rms.one_token, run) if isinstance(record, Question))
    squares = [float(x) ** 2 for x in run.x[0]]
    assert f"The squares of 5 coordinates sum to {sum(squares):.3f}." in asked.prompt
    assert asked.answer == pytest.approx(math.sqrt(sum(squares) / 5)) and asked.tolerance < 0.03


def test_an_operation_without_an_offset_is_told_apart_from_layer_norm_only_by_the_mean():
    (shown,) = tables(records_of(rms.the_mean, run_of("shift=3")))
    by_name = {row["norm"]: row for row in shown.rows}
    assert by_name["LayerNorm"]["moved"] < 1e-6 < 0.1 < by_name["RMSNorm"]["moved"]
    x = run_of().x
    hand = [[a / math.sqrt(sum(b * b for b in row) / len(row) + 1e-5) for a in row] for row in (x + 3).tolist()]
    plain = [[a / math.sqrt(sum(b * b for b in row) / len(row) + 1e-5) for a in row] for row in x.tolist()]
    assert by_name["RMSNorm"]["moved"] == pytest.approx(np.abs(np.array(hand) - plain).max())


@pytest.mark.parametrize("width", [2, 5])
def test_the_relatives_are_written_out(width):
    run = run_of(f"width={width}")
    shown = records_of(rms.variants, run)
    (rows,) = (record.values for record in shown if isinstance(record, Matrix))
    x, token = run.x, run.x[0]
    root = math.sqrt(sum(n * n for n in token) / width)
    features = [math.sqrt(sum(x[t, c] ** 2 for t in range(3)) / 3) for c in range(width)]
    assert rows[1] == pytest.approx((token - token.mean()) / token.std())
    assert rows[2] == pytest.approx(token / root) and rows[3] == pytest.approx(token / root)
    assert rows[4] == pytest.approx([n / psi for n, psi in zip(token, features, strict=True)])
    others = 5 * generator_of(0, "variants").standard_normal((2, width))
    moved = max(
        abs(n / math.sqrt((n**2 + a**2 + b**2) / 3) - y) for n, a, b, y in zip(token, *others, rows[4], strict=True)
    )
    assert f"PowerNorm's output moves by {moved:.2f}, while the other three norms' stays." in sentences(shown)[0]


def test_the_operation_of_the_topic_is_the_one_of_the_library():
    assert rms.rms_norm == Operation("rms_norm", rms_norm_forward, rms_norm_backward, rms.rms_norm.inputs)
