"""training-backprop: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
import pytest

import lessons.training.backprop.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.training import one_page_gradients as lab
from tfx.models.one_page_gpt import gpt_forward
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def off(right, by):
    """A backward of a map that is wrong by a little."""
    dx, dw, *rest = right
    return dx, dw * (1 + (by - 1) * 1e-6), *rest


def parts(first, second):
    return lambda right, by: (right[0] * (by if first else 1), right[1] + (by - 1 if second else 0))


def worst(report, by):
    """Its worst error is 0.009, or NaN."""
    any_one = next(iter(report.inputs.values()))
    return dataclasses.replace(report, inputs={"E": dataclasses.replace(any_one, error=0.009 if by == by else by)})


def one_more(report, by):
    return dataclasses.replace(report, inputs=report.inputs | {"one more": report.inputs["E"]})


def dearer(counted, by):
    return counted._replace(embedding=round(by * counted.embedding))


def bad(report, by):
    broken = dataclasses.replace(report.inputs["P"], error=2e-9 * by)
    return dataclasses.replace(report, inputs=report.inputs | {"P": broken})


def gradient_off(right, by):
    return right | {"E": right["E"] * by}


def barely(run, patch, by):
    patch.setattr(topic, "descend", lambda *rest: [1.0, 0.96 if by == by else by])


class TestTrainingBackprop(TopicTests):
    lesson, steps = topic, 8
    changed = [["layers=1", "width=16"], asked("layers=3", text="Attention is all you need, they say.")]
    refused = ["layers=0", "layers=4", "width=12", asked(text="12 ab 34")]
    spoilt = {
        "start": Spoilt("one_number", result(topic, "loss_of")),
        "p-onehot": Spoilt("where_it_starts", result(topic, "cross_entropy_backward"), also={"slope"}),
        "slope": Spoilt("where_it_starts", result(topic, "numeric_gradient")),
        "map": Spoilt("each_operation", result(topic, "linear_backward", off)),
        "tensors": Spoilt("every_tensor_proved", of_run("report", one_more), no_nan="a count"),
        "gradients": Spoilt("every_tensor_proved", of_run("report", bad)),
        "two-tables": Spoilt("one_table", result(topic, "two_tables", worst)),
        "sum": Spoilt("one_table", result(topic, "gradients_of", gradient_off)),
        "unread": Spoilt("one_table", result(topic, "two_uses", parts(False, True)), also={"sum"}),
        "seen": Spoilt("forgotten", result(topic, "every_tensor", worst)),
        "learns": Spoilt("forgotten", barely),
        "spared": Spoilt("who_ties", result(topic, "count", dearer), no_nan="a count"),
    }  # fmt: skip


def test_the_first_gradient_is_computed_by_hand():
    (table,) = tables(records_of(topic.where_it_starts, run_of()))
    scores = [row["score"] for row in table.rows]
    chances = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
    assert [row["g"] for row in table.rows] == pytest.approx([chances[0] - 1, *chances[1:]])
    told = sentences(records_of(topic.where_it_starts, run_of()))
    assert told[1].startswith(f"Three tokens, the first is right: L = {-math.log(chances[0]):.3f}. ")
    assert ask(topic.where_it_starts, run_of()).answer == pytest.approx(chances[0] - 1)


def test_a_map_is_taken_back_by_hand():
    told = sentences(records_of(topic.each_operation, run_of()))[1]
    pair = r"\((-?[\d.]+), (-?[\d.]+)\)"
    x, dy, row = ([float(number) for number in each] for each in re.findall(pair, told))
    assert f"({x[0]:g})({dy[1]:g}) = {x[0] * dy[1]:.2f}. " in told
    by_hand = f"({dy[0]:g})({row[0]:g}) + ({dy[1]:g})({row[1]:g}) = {dy[0] * row[0] + dy[1] * row[1]:.2f}"
    assert told.endswith(f"dx_1 = {by_hand}.")


@pytest.mark.parametrize(("layers", "width"), [(1, 16), (2, 8)])
def test_tensors_and_their_numbers_are_counted_again(layers, width):
    run = run_of(f"layers={layers}", f"width={width}")
    c = width
    maps, networks = layers * 4 * c * c, layers * 2 * c * 4 * c
    tables_, rest = (27 + 24) * c, layers * (5 * c + 4 * c + 4 * c) + 2 * c
    (shown,) = tables(records_of(topic.every_tensor_proved, run))
    assert [row["n"] for row in shown.rows] == [tables_, maps, networks, rest]
    assert [row["tensors"] for row in shown.rows] == [2, 4 * layers, 2 * layers, 10 * layers + 2]
    n = tables_ + maps + networks + rest
    assert sentences(records_of(topic.one_number, run))[0].endswith(f"{16 * layers + 4} tensors with {n:,} numbers.")
    assert ask(topic.every_tensor_proved, run).answer == 2 * n


def test_the_parts_of_the_table_are_differences_of_the_loss():
    run = run_of()
    output, look_up = lab.two_uses(run.ids, run.away)
    rows = tables(records_of(topic.one_table, run))[0].rows
    assert [(row["letter"], row["times"]) for row in rows] == [('" "', 5), ('"a"', 0)]
    blank, step = lab.ALPHABET.index(" "), 1e-5

    def loss(look, out):
        _, cache = gpt_forward(run.ids[:, :-1], run.away | {"E": look}, 2)
        logits = cache[-1].x[0] @ out.T
        return float(np.mean([math.log(np.exp(s).sum()) - s[i] for s, i in zip(logits, run.ids[0, 1:], strict=True)]))

    def slope(which, j):
        there, back = ([run.away["E"].copy(), run.away["E"].copy()] for _ in range(2))
        there[which][blank, j] += step
        back[which][blank, j] -= step
        return (loss(*there) - loss(*back)) / (2 * step)

    assert look_up[blank] == pytest.approx([slope(0, j) for j in range(8)], abs=1e-8)
    assert output[blank] == pytest.approx([slope(1, j) for j in range(8)], abs=1e-8)
    sizes = [rows[0][key] for key in ("out", "look", "all")]
    assert sizes == pytest.approx([np.linalg.norm(part[blank]) for part in (output, look_up, output + look_up)])


def test_descent_is_done_again():
    run = run_of()
    w, before = dict(run.w), lab.loss_of(run.ids, run.w)
    w = {name: w[name] - 0.5 * g for name, g in lab.gradients_of(run.ids, w).items()}
    assert lab.descend(run.ids, run.w, 1, 0.5) == [before, lab.loss_of(run.ids, w)]
    rows = tables(records_of(topic.forgotten, run))[0].rows
    assert [row["before"] for row in rows] == [before, before] and [row["where"] for row in rows] == ["-", "E"]
    assert rows[0]["after"] == pytest.approx(lab.descend(run.ids, run.w, 40, 0.5)[-1])


def test_what_tying_spares_is_counted_again():
    rows = tables(records_of(topic.who_ties, run_of()))[0].rows
    assert [row["one"] for row in rows] == [50257 * 768 / 1e6, 32000 * 4096 / 1e6]
    assert rows[0]["tied"] == pytest.approx(124.44, abs=0.005) and rows[1]["tied"] == pytest.approx(
        6738.4 - 131.1, abs=0.1
    )
    assert [row["share"] for row in rows] == pytest.approx([100 * r["one"] / (r["one"] + r["tied"]) for r in rows])
    said = [r for r in records_of(topic.who_ties, run_of()) if isinstance(r, Said)]
    assert [each.verdict for each in said] == ["false", "too strong"]


def test_answers_have_their_reasons():
    run = run_of()
    assert ask(topic.one_number, run).answer == math.log(27) and ask(topic.one_table, run).answer == 0
    assert ask(topic.each_operation, run).answer == 2
    assert topic.kind_of("0.W_q") == "maps of attention" and topic.kind_of("P") == "tables E, P"
