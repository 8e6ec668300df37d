"""rnn-baseline: states, cells and what comes back are found another way, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.before.rnn_baseline.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said, Source

KEPT = dict(vars(topic))
MEASURE, COUNT = topic.gradient_distance.measure_row, topic.sequential_steps.measure_row
run_of = runs_of(topic)


def other_cell(run, patch, by):
    class Cache:
        last = (None, np.full((1, 1), 1.75 * by))

    patch.setattr(topic, "lstm_forward", lambda *a: (None, Cache))


def gradients(way, far):
    def spoil(run, patch, by):
        def wrong(run, asked):
            row = MEASURE(run, asked)
            return row | {"log_32": far + math.log10(by)} if asked == way else row

        patch.setattr(topic.gradient_distance, "measure_row", wrong)

    return spoil


def clip(change):
    def spoil(run, patch, by):
        def wrong(grad, limit):
            norm = KEPT["clip_by_norm"](grad, limit)
            change(grad, norm, by)
            return norm

        patch.setattr(topic, "clip_by_norm", wrong)

    return spoil


def too_long(grad, norm, by):
    grad *= by if norm > 1 else 1


def revived(grad, norm, by):
    grad *= by if norm < 1 else 1


def count(way, key):
    def spoil(run, patch, by):
        def wrong(settings, asked):
            row = COUNT(settings, asked)
            return row | {key: by * row[key] + (by - 1)} if asked == way else row

        patch.setattr(topic.sequential_steps, "measure_row", wrong)

    return spoil


class TestRnnBaseline(TopicTests):
    lesson, steps = topic, 7
    changed = [["weight=0", "forget=-2"], ["weight=2", "forget=8"]]
    changed_seeds = range(3)
    refused = ["weight=-1", "weight=3", "forget=-3", "forget=9"]
    by = 1.1
    spoilt = {
        "recurrence": Spoilt("state", output(topic, "rnn_forward")),
        "cell": Spoilt("gates", other_cell),
        "vanishes": Spoilt("measured", gradients(topic.gradient_distance.TANH, -2.0), nan_also={"attention"}),
        "attention": Spoilt("measured", gradients(topic.gradient_distance.ATTENTION, -9.0)),
        "down": Spoilt("clipping", clip(too_long)),
        "untouched": Spoilt("clipping", clip(revived)),
        "chain": Spoilt("waiting", count(topic.sequential_steps.RNN, "n_64")),
        "others": Spoilt("waiting", count(topic.sequential_steps.CONVOLUTION, "per_token")),
    }


@pytest.mark.parametrize("weight", [0.5, 1.5])
def test_the_states_are_worked_out_one_by_one(weight):
    shown = records_of(topic.state, run_of(f"weight={weight}"))
    h = [math.tanh(1.0)]
    for _ in range(3):
        h.append(math.tanh(weight * h[-1]))
    (asked,), (said,) = ([r for r in shown if isinstance(r, kind)] for kind in (Question, Said))
    assert [row["h"] for row in tables(shown)[0].rows] == pytest.approx(h) and asked.answer == pytest.approx(h[1])
    assert (
        said.truth
        == f"It depends on all words: with a 0 in place of the 1, the last state here would differ by {h[-1]:.2g}."
    )


def test_the_cell_and_its_powers():
    shown = records_of(topic.gates, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    left = 1.0
    for _ in range(10):
        left *= 0.9
    assert asked.answer == pytest.approx(1.8 - 0.05)
    assert sentences(shown)[1].startswith("By hand: 0.9 * 2 + 0.1 * (-0.5) = 1.75.")
    assert f"0.9 leaves {left:.2f} after 10 steps and {left**10:.1e} after 100" in sentences(shown)[1]


def test_the_table_of_gradients_is_in_numbers_and_not_in_logarithms():
    run = run_of()
    shown = records_of(topic.measured, run)
    prepared = topic.frame.prepare(topic.gradient_distance, run.settings, 0)
    tanh, gru, lstm, _ = (MEASURE(prepared, row["way"]) for row in tables(shown)[0].rows)
    assert tables(shown)[0].rows[0]["k16"] == pytest.approx(10 ** tanh["log_16"])
    lost = [10 ** row["log_8"] / 10 ** row["log_32"] for row in (tanh, lstm)]
    assert sentences(shown)[1].startswith(
        f"From 8 to 32 words the RNN loses a factor of {lost[0]:.2g}, the LSTM {lost[1]:.2g}."
    )
    assert run.settings.gain == 1
    (said,) = (r for r in shown if isinstance(r, Said))
    kept = [row["per_token"] for row in (tanh, gru, lstm)]
    assert said.truth == (
        "If all begin with orthogonal weights, as here. The more gates keep, the more is left: a word more leaves "
        f"{kept[0]:.2f} in the RNN, {kept[1]:.2f} in the GRU, {kept[2]:.2f} in the LSTM."
    )


def test_the_forget_gate_is_not_ascribed_to_the_paper_of_1997_alone():
    sources = [(r.authors, r.year) for r in records_of(topic.gates, run_of()) if isinstance(r, Source)]
    assert sources == [("Hochreiter and Schmidhuber", 1997), ("Gers et al.", 2000)]


def test_the_cells_of_a_gru_wait_twice_only_when_the_reset_comes_first():
    text = " ".join(sentences(records_of(topic.waiting, run_of())))
    assert (
        "(GRU: two, as one gate, made from the state, is applied to the state before the next matrix; where it is "
        "applied behind that matrix, one.)" in text
    )
    settings, gru = topic.sequential_steps.Settings, topic.sequential_steps.GRU
    counted = [COUNT(settings(topic.LENGTHS, reset_first=first), gru)["per_token"] for first in (True, False)]
    assert counted == [2, 1]


def test_lengths_before_and_after_clipping():
    rows = tables(records_of(topic.clipping, run_of()))[0].rows
    assert [(row["before"], row["after"]) for row in rows] == [
        (pytest.approx(size), pytest.approx(min(size, 1.0))) for size in (1e6, 0.5, 1e-6)
    ]
