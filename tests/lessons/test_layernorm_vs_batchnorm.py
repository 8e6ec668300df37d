"""layernorm-vs-batchnorm: every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest

import lessons.block.layernorm_vs_batchnorm.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, tables
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


@pytest.mark.parametrize("tokens", [32, 4096])
@pytest.mark.parametrize("padding", [0.05, 0.9])
def test_every_check_holds_for_changed_settings(tokens, padding):
    assert not failed_in(topic.padding, run_of(f"tokens={tokens}", f"padding={padding}", seed=1))


def other_norm(name, added):
    """A norm that gives something more, a little or not a number."""
    return lambda run, patch, by: patch.setattr(topic, name, lambda x: KEPT[name](x) + added(x, by))


def row(**times):
    """Other measurements of one change of the batch."""

    def spoil(run, patch, by):
        right = run.row

        def wrong(changed, amount):
            found = right(changed, amount)
            for key, (least, plus) in times.items():
                found[key] = by * (plus + found[key]) if amount >= least else found[key]
            return found

        run.row = wrong

    return spoil


def reads_the_batch(run, patch, by):
    class Reads(KEPT["BatchNorm"]):
        def forward(self, x, keep=None):
            y, cache = super().forward(x, keep)
            return y + by * 1e-6 * len(x), cache

    patch.setattr(topic, "BatchNorm", Reads)


def forgets_the_batch(run, patch, by):
    patch.setattr(topic, "batch_norm", lambda x: by / by * KEPT["layer_norm"](x))


def other_eps(run, patch, by):
    patch.setattr(topic, "layer_norm_forward", lambda x, eps: KEPT["layer_norm_forward"](x, eps=by * eps))


class TestLayernormVsBatchnorm(TopicTests):
    lesson, steps = topic, 7
    refused = ["tokens=31", "tokens=4097", "padding=0", "padding=0.91"]
    spoilt = {
        "row": Spoilt("two_ways", other_norm("layer_norm", lambda x, by: by * 1e-6)),
        "column": Spoilt("two_ways", other_norm("batch_norm", lambda x, by: by * 1e-6)),
        "layer": Spoilt("padding", row(layer=(0.7, 1e-6))),
        "mask": Spoilt("padding", row(masked=(0.7, 1e-6))),
        "grown": Spoilt("padding", row(training=(0.0, 0.1))),
        "use": Spoilt("two_functions", reads_the_batch),
        "one": Spoilt("two_functions", other_norm("batch_norm", lambda x, by: by * 1e-6)),
        "four": Spoilt("two_functions", other_norm("layer_norm", lambda x, by: by * 1e-6 * len(x))),
        "noise": Spoilt("noise", row(training=(2, 0.1)), nan_also={"falls"}),
        "falls": Spoilt("noise", row(training=(128, 0.5))),
        "blind": Spoilt("the_leak", other_norm("layer_norm", lambda x, by: by * 1e-6 * x.mean())),
        "leaks": Spoilt("the_leak", forgets_the_batch),
        "eps": Spoilt("too_strong", other_eps),
    }


def test_the_two_means_are_those_of_a_row_and_a_column():
    run = run_of(seed=3)
    shown = records_of(topic.two_ways, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    column = [float(n) for n in asked.prompt.split("values ")[1].split(". Which")[0].split(", ")]
    assert column == run.x[:, 0].tolist() and asked.answer == pytest.approx(statistics.fmean(column))
    assert f"token 1 has the mean {statistics.fmean(run.x[0]):.3f} over its 3 features." in sentences(shown)[1]
    token = run.x[0]
    by_row, by_column = ((token[0] - those.mean()) / those.std() for those in (token, run.x[:, 0]))
    assert sentences(shown)[2] == (
        f"Its first number becomes {by_row:.3f} with LayerNorm and {by_column:.3f} with BatchNorm."
    )


def test_the_growth_by_padding_is_that_of_the_variance_of_ones_and_zeros():
    run = run_of("padding=0.75")
    shown = records_of(topic.padding, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    batch = [1.0, -1.0] + 6 * [0.0]
    assert asked.answer == pytest.approx(1 / statistics.pstdev(batch) - 1)
    measured = []
    for n in range(20):
        x = np.random.default_rng((0, n)).standard_normal((64, 16))
        padded = np.concatenate([x, np.zeros((192, 16))])
        before, after = (x - x.mean(axis=0)) / x.std(axis=0), (x - padded.mean(axis=0)) / padded.std(axis=0)
        measured.append(((after - before) ** 2).sum() / (before**2).sum())
    change = math.sqrt(statistics.fmean(measured))
    assert tables(shown)[0].rows[1]["training"] == pytest.approx(change)
    assert sentences(shown)[1].startswith(f"At 75% padding BatchNorm's outputs change by {change:.1%}, LayerNorm's by ")


def test_what_is_stored_is_an_average_over_the_last_batches():
    run, rng = run_of(), generator_of(0, "two_functions")
    mean, variance = np.zeros(3), np.ones(3)
    for _ in range(200):
        x = rng.standard_normal((32, 3)) + 1
        mean, variance = 0.9 * mean + 0.1 * x.mean(axis=0), 0.9 * variance + 0.1 * x.var(axis=0, ddof=1)
    (table,) = tables(records_of(topic.two_functions, run))
    used = (run.x[0, 0] - mean[0]) / math.sqrt(variance[0])
    column = run.x[:, 0]
    trained = (column[0] - column.mean()) / column.std()
    assert [row["y"] for row in table.rows] == pytest.approx([trained, 0, used, used])


def test_the_leak_is_seen_by_moving_the_last_token():
    run = run_of(seed=1)
    shown = records_of(topic.the_leak, run)
    slopes = []
    for feature in range(3):
        step = np.zeros((4, 3))
        step[3, feature] = 1e-5
        up, down = ((x[0, 0] - x[:, 0].mean()) / x[:, 0].std() for x in (run.x + step, run.x - step))
        slopes.append(abs(up - down) / 2e-5)
    assert f"with respect to token 4 is up to {max(slopes):.3f}." in sentences(shown)[1]


def test_where_eps_stands_is_worked_out():
    said = [r for r in records_of(topic.too_strong, run_of()) if isinstance(r, Said)][-1]
    assert said.truth == (
        "Some programs do. The usual formula has sqrt(variance + eps): at a deviation of 0.001 and eps 0.00001 the "
        f"output has size {0.001 / math.sqrt(0.001**2 + 0.00001):.2f}; with eps outside it would have {1 / 1.01:.2f}."
    )
