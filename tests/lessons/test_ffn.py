"""ffn: every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

import lessons.block.ffn.lesson as topic
from lessons.operation import Operation
from tests.lessons.steps import (
    all_text,
    checks,
    failed,
    failed_in,
    records_of,
    request_for,
    sentences,
    steps_of,
    tables,
)
from tfx.errors import BadInput
from tfx.ops.feed_forward.feed_forward import feed_forward_backward, feed_forward_forward
from tfx.records import Matrix, Question, Said

TOPIC = "ffn"
NAMES = ("feed_forward_forward", "planted", "block_row", "FeedForward", "glu_forward", "attention_forward")
KEPT = {name: getattr(topic, name) for name in NAMES}
SHARED = ("gradients", "caught")  # of lessons/operation.py, which test_rms_norm.py spoils


def run_of(*pairs: str, seed: int = 0) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs, seed=seed))


@pytest.mark.parametrize("seed", range(3))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(TOPIC, seed=seed)
    assert len(steps) == 9 and not failed(steps)
    assert set(checks(steps)) == {*SPOILT, *SHARED} and all_text(steps).isascii()


@pytest.mark.parametrize("pairs", [["tokens=3", "width=2", "facts=2"], ["tokens=32", "width=64", "facts=12"]])
def test_every_check_holds_for_changed_settings(pairs):
    assert not failed(steps_of(TOPIC, *pairs, seed=1))


@pytest.mark.parametrize("pair", ["tokens=2", "tokens=33", "width=1", "facts=13"])
def test_settings_out_of_range_are_refused(pair):
    with pytest.raises(BadInput):
        run_of(pair)


def network_that(changed):
    """A network whose output for tokens x is changed; by: how wrong."""

    def spoil(monkeypatch, run, by):
        right = run.through
        run.through = lambda x: changed(right(x), x, by)

    return spoil


def bent_otherwise(activation, changed):
    def spoil(monkeypatch, run, by):
        def wrong(x, w1, b1, w2, b2, how):
            y, cache = KEPT["feed_forward_forward"](x, w1, b1, w2, b2, how)
            return (changed(y, by) if how == activation else y), cache

        monkeypatch.setattr(topic, "feed_forward_forward", wrong)

    return spoil


def other_fit(monkeypatch, run, by):
    right = np.linalg.lstsq
    monkeypatch.setattr(topic.np.linalg, "lstsq", lambda *args, **options: (by * right(*args, **options)[0], None))


def planted_otherwise(**part):
    def spoil(monkeypatch, run, by):
        def wrong(*args):
            memory = KEPT["planted"](*args)
            changes = {name: change(getattr(memory, name), by) for name, change in part.items()}
            return memory._replace(**changes)

        monkeypatch.setattr(topic, "planted", wrong)

    return spoil


def share(kind):
    def spoil(monkeypatch, run, by):
        def wrong(width, which, ratio):
            row = KEPT["block_row"](width, which, ratio)
            return row | {"feed_forward": row["feed_forward"] * (by if which == kind else 1)}

        monkeypatch.setattr(topic, "block_row", wrong)

    return spoil


def counted_otherwise(monkeypatch, run, by):
    class Counted(KEPT["FeedForward"]):
        @property
        def n_parameters(self):
            return by * super().n_parameters if self.gate is not None else super().n_parameters

    monkeypatch.setattr(topic, "FeedForward", Counted)


def other_gate(monkeypatch, run, by):
    monkeypatch.setattr(topic, "glu_forward", lambda a, b, name: (by * KEPT["glu_forward"](a, b, name)[0], None))


def linear_attention(monkeypatch, run, by):
    monkeypatch.setattr(topic, "attention_forward", lambda q, k, v: (by / by * v, None))


def third_reaches_first(y, x, by):
    y = y.copy()
    y[0] += by * 1e-6 * x[2 % len(x)].sum()
    return y


#: check -> its step, and how it is spoilt.
SPOILT = {
    "own": ("alone", network_that(third_reaches_first)),
    "swap": ("alone", network_that(lambda y, x, by: y + by * 1e-6 * np.arange(len(x))[:, None])),
    "rows": ("alone", network_that(lambda y, x, by: y + by * 1e-6 * (len(x) > 1))),
    "xor": ("the_bend", bent_otherwise("relu", lambda y, by: by * y)),
    "collapse": ("the_bend", bent_otherwise("identity", lambda y, by: by * y)),
    "half": ("the_bend", other_fit),
    "facts": ("memory", planted_otherwise(values=lambda v, by: by * v)),
    "deleted": ("memory", planted_otherwise(offset=lambda o, by: o + by * 1e-6)),
    "encoder": ("weights", share("encoder block")),
    "decoder": ("weights", share("decoder block")),
    "equal": ("bends", counted_otherwise),
    "gate": ("bends", other_gate),
    "bends": ("too_strong", linear_attention),
}  # fmt: skip
#: Checks that see the same fault.
ALSO = {"deleted": {"facts"}, "swap": {"rows"}, "own": {"swap", "rows"}}


@pytest.mark.parametrize("by", [1.2, math.nan])
@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(id, by, monkeypatch):
    step, spoil = SPOILT[id]
    run = run_of()
    assert not failed_in(getattr(topic, step), run)
    spoil(monkeypatch, run, by)
    broken = failed_in(getattr(topic, step), run)
    assert id in broken and (math.isnan(by) or broken <= {id} | ALSO.get(id, set()))


def test_a_row_of_the_network_is_worked_out_number_by_number():
    run = run_of("width=3", seed=2)
    w1, b1, w2, _ = run.weights.values()
    units = []
    for column, bias in zip(w1.T, b1, strict=True):
        units.append(max(0.0, sum(x * w for x, w in zip(run.x[1], column, strict=True)) + bias))
    y = [sum(u * w for u, w in zip(units, column, strict=True)) for column in w2.T]
    assert run.through(run.x)[1] == pytest.approx(y)
    shown = records_of(topic.alone, run)
    (asked,) = (r for r in shown if isinstance(r, Question))
    third = run.x.copy()
    third[2] += 1
    moved = [(a != b).any() for a, b in zip(run.through(third), run.through(run.x), strict=True)]
    assert asked.answer == sum(moved) == 1 and asked.tolerance == 0
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert (picture.values[0] > 0).tolist() == moved


def test_exactly_one_of_two_by_hand():
    shown = records_of(topic.the_bend, run_of())
    (table,) = tables(shown)
    for row in table.rows:
        a, b = map(float, row["x"].split(","))
        assert row["want"] == (a != b) == row["y"] and (row["h1"], row["h2"]) == (a + b, max(0, a + b - 1))
        assert row["fit"] == pytest.approx(0.5)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == 2 - 2 * 1


def test_the_weights_are_counted_one_by_one():
    shown = records_of(topic.weights, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == sum(2048 for _ in range(512)) + sum(512 for _ in range(2048)) and asked.tolerance == 0
    assert asked.explanation == "2 * 512 * 2048; biases add F + C more."


def test_the_bends_are_those_of_the_normal_distribution():
    shown = records_of(topic.bends, run_of())
    below = NormalDist().cdf(1)
    assert sentences(shown)[0] == f"Phi(1) = {below:.3f}, so GELU(1) = {below:.3f}, and GELU(-1) = -{1 - below:.3f}."
    for row in tables(shown)[0].rows:
        x = row["x"]
        assert row["relu"] == max(x, 0) and row["gelu"] == pytest.approx(x * NormalDist().cdf(x))
        assert row["silu"] == pytest.approx(x / (1 + math.exp(-x)))
        for name, bend in (("gelu", lambda t: t * NormalDist().cdf(t)), ("silu", lambda t: t / (1 + math.exp(-t)))):
            assert row[f"d{name}"] == pytest.approx((bend(x + 1e-5) - bend(x - 1e-5)) / 2e-5, abs=1e-6)
    assert "at C = 48 from 192 to 128, 18,432 weights against 18,432." in sentences(shown)[-1]
    assert 3 * 48 * 128 == 2 * 48 * 192 == 18_432


def test_twice_the_tokens_miss_twice_the_output():
    run = run_of(seed=3)
    outputs = []
    for x in (run.x, 2 * run.x):
        weights = np.exp(x @ x.T / math.sqrt(6))
        outputs.append(weights / weights.sum(axis=1, keepdims=True) @ x)
    off = np.abs(outputs[1] - 2 * outputs[0]).max()
    said = next(r for r in records_of(topic.too_strong, run) if isinstance(r, Said))
    assert said.truth == (
        "For given weights it is linear in the values. But the weights come from the tokens, by products and softmax: "
        f"twice the tokens miss twice the output by {off:.2f} here."
    )


def test_the_operation_of_the_topic_is_the_one_of_the_library():
    wanted = Operation("feed_forward", feed_forward_forward, feed_forward_backward, topic.network.inputs)
    assert topic.network == wanted
