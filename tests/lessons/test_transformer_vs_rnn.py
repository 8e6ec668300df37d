"""transformer-vs-rnn: each row of the comparison is measured, and each check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.attention.transformer_vs_rnn import lesson as topic
from lessons.walk import generator_of
from tests.lessons.steps import checks, failed, failed_in, sentences, steps_of
from tfx.efficient.causal_product import causal_product_forward
from tfx.lab.sequences.sequence_layers import Recurrent, SelfAttention
from tfx.measure.measuring import Timing
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.recurrence.rnn import rnn_backward
from tfx.records import Question, Said, Step, Table

QUICK = {"rnn": Timing(2e-3, 1e-4), "attention": Timing(1e-3, 1e-4)}


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Tests of numbers do not wait for the clock; the lab's own test does."""
    times = dict(QUICK)
    monkeypatch.setattr(topic, "seconds", lambda rng, layers, n, d: times)
    return times


def named(shown: list[Step], name: str) -> Step:
    return next(step for step in shown if step.name == name)


def rows(step: Step, number: int = 0) -> list[dict]:
    return [record for record in step.records if isinstance(record, Table)][number].rows


def said(step: Step) -> str:
    return next(record.truth for record in step.records if isinstance(record, Said))


@pytest.mark.parametrize("seed", range(5))
def test_every_check_holds_for_every_seed(seed):
    shown = steps_of("rnn", seed=seed)
    assert failed(shown) == []
    ids = "waits rnn-decays attention-flat ordered equivariant rnn-orders equal depth blocks gradcheck"
    assert list(checks(shown)) == ids.split()


@pytest.mark.parametrize(
    "pairs", [["d=2"], ["n=4"], ["d=2", "n=4"], ["radius=0.1"], ["radius=3"], ["d=3", "n=32", "radius=0.95"], ["n=256"]]
)
def test_every_check_holds_at_the_ends_of_the_settings(pairs):
    for seed in range(3):
        assert failed(steps_of("rnn", *pairs, seed=seed)) == []


def test_a_radius_near_one_promises_no_decay():
    assert not {"rnn-decays", "attention-flat"} & set(checks(steps_of("rnn", "radius=1.2")))


def failing(monkeypatch, name: str, wrong) -> set[str]:
    monkeypatch.setattr(topic, name, wrong)
    return {check.id for check in failed(steps_of("rnn"))}


def test_layers_in_each_others_place_fail_what_tells_them_apart(monkeypatch):
    sizes = topic.gradient_by_distance

    def swapped(layer, x, rng):
        run = topic.Run(topic.Request(None, 0, topic.Settings()))
        return sizes(run.attention if isinstance(layer, Recurrent) else run.rnn, x, rng)

    assert {"rnn-decays", "attention-flat", "ordered"} <= failing(monkeypatch, "gradient_by_distance", swapped)


def blocks_lost(q, k, v, chunk=64):
    y, cache = causal_product_forward(q, k, v, chunk=chunk)
    return (y if chunk == 1 else 1.001 * y), cache


@pytest.mark.parametrize("kept", [63, 0])
def test_an_rnn_that_made_fewer_states_than_tokens_is_seen(kept):
    class Fewer(Recurrent):
        def forward(self, x):
            h, cache = super().forward(x)
            return h, cache._replace(time=cache.time._replace(steps=cache.time.steps[:kept]))

    run = topic.Run(topic.Request(None, 0, topic.Settings()))
    assert not failed_in(topic.all_at_once, run)
    run.rnn = Fewer(run.rnn.w_x, run.rnn.w_h)
    assert failed_in(topic.all_at_once, run) == {"waits"}


@pytest.mark.parametrize(
    ("name", "wrong", "ids"),
    [
        ("order_gap", lambda layer, x, shuffle: 1e-9, {"equivariant", "rnn-orders"}),
        ("order_gap", lambda layer, x, shuffle: math.nan, {"equivariant", "rnn-orders"}),
        ("order_gap", lambda layer, x, shuffle: 1.0, {"equivariant"}),
        ("order_gap", lambda layer, x, shuffle: 0.0, {"rnn-orders"}),
        ("recurrence", lambda n, d: (), {"equal"}),
        (
            "through_depth",
            lambda layers, x, rng, residual: [{"depth": 1, "spread": 1.0, "gradient": 1.0}] * 2,
            {"depth"},
        ),
        ("rnn_backward", lambda dh, cache: rnn_backward(1.001 * dh, cache), {"gradcheck"}),
        ("causal_product_forward", blocks_lost, {"blocks"}),
    ],
)
def test_what_is_measured_wrongly_fails_its_own_check(monkeypatch, name, wrong, ids):
    if name == "recurrence":
        monkeypatch.setattr(topic, "recurrence", lambda n, d: topic.projections(n, d))
        assert {check.id for check in failed(steps_of("rnn"))} == ids
    else:
        assert failing(monkeypatch, name, wrong) == ids


@pytest.mark.parametrize(
    ("id", "layer", "tokens", "sizes"),
    [
        ("rnn-decays", Recurrent, 64, np.ones(64)),
        ("rnn-decays", Recurrent, 64, np.full(64, np.nan)),
        ("attention-flat", SelfAttention, 64, np.exp(-0.1 * np.arange(64))),
        ("attention-flat", SelfAttention, 64, np.full(64, np.nan)),
        ("ordered", Recurrent, 33, np.ones(33)),
        ("ordered", Recurrent, 33, np.full(33, np.nan)),
    ],
)
def test_gradients_of_the_wrong_size_fail_exactly_the_check_that_reads_them(monkeypatch, id, layer, tokens, sizes):
    right = topic.gradient_by_distance

    def wrong(asked, x, rng):
        return sizes if isinstance(asked, layer) and x.shape[1] == tokens else right(asked, x, rng)

    with np.errstate(all="ignore"):
        assert failing(monkeypatch, "gradient_by_distance", wrong) == {id}


def test_inputs_of_size_1_lose_more_of_the_gradient_than_tiny_ones():
    for row in rows(named(steps_of("rnn"), "the_power")):
        assert 0 < row["bent"] < row["share"]


def test_equal_shares_would_not_be_ordered(monkeypatch):
    assert "ordered" in failing(
        monkeypatch, "gradient_by_distance", lambda layer, x, rng: np.linspace(1, 2, x.shape[1])
    )


def test_the_states_are_made_one_after_the_other():
    step = named(steps_of("rnn", "n=7"), "all_at_once")
    assert said(step) == (
        "It feeds the true text. Here, too, all 7 inputs were known, and the states were still made in 7 steps, "
        "one by one."
    )
    assert [(row["rnn"], row["attention"]) for row in rows(step)] == [(7, 1), (6, 1)]


def test_the_work_is_counted_as_the_operations_do_it():
    d = 32
    for row in rows(named(steps_of("rnn"), "the_work")):
        n = row["n"]
        assert row["rnn"] == n * d * d + n * d * d  # every token, and every state, through a d x d matrix
        x = np.zeros((n, d))
        out, cache = attention_forward(x, x, x)
        assert row["attention"] == cache.weights.size * d + out.size * n
        assert row["whole"] == row["attention"] + 4 * n * d * d and row["ratio"] == n / d


def test_the_cache_is_what_keys_and_values_take():
    step = named(steps_of("rnn", "d=16"), "the_memory")
    for row in rows(step):
        keys, values, state = (np.zeros(shape, np.float32) for shape in ((row["n"], 16), (row["n"], 16), 16))
        assert (row["attention"], row["rnn"]) == (keys.nbytes + values.nbytes, state.nbytes)
    n, d = 64, 16
    assert said(step) == (
        f"For writing. For learning it keeps what every step made: here {2 * n * d + d:,} numbers for 64 tokens, and "
        f"attention {3 * n * d + n * n:,}, of which {n * n:,} are weights."
    )


def test_the_gradient_of_attention_is_shared_by_all_tokens():
    for row in rows(named(steps_of("rnn"), "the_dilution")):
        assert row["times"] == row["n"] * row["size"] and 0.5 < row["times"] < 3


def test_a_tiny_signal_leaves_a_power_of_the_radius():
    step = rows(named(steps_of("rnn"), "the_power"))
    constant = step[2]["share"]  # radius 1
    for row in step:
        assert row["share"] == pytest.approx(constant * row["power"], rel=1e-3) and row["power"] == row["radius"] ** 31


@pytest.mark.parametrize(
    ("attention", "told"),
    [
        (Timing(1e-3, 1e-4), "On one core here, attention: T = 16, 64, 256, 1024."),
        (Timing(9e-3, 1e-4), "On one core here, RNN: T = 16, 64, 256, 1024."),
        (
            Timing(1.9e-3, 1e-4),
            "On one core here, too close to tell: T = 16, 64, 256, 1024 (or this machine is too busy to say).",
        ),
    ],
)
def test_what_a_busy_machine_cannot_tell_is_said(clock, attention, told):
    clock["attention"] = attention
    step = named(steps_of("rnn"), "the_time")
    assert told in said(step)
    assert {row["faster"] for row in rows(step)} == {told.removeprefix("On one core here, ").split(":")[0]}


def test_no_token_stays_where_it_was_when_tokens_are_shuffled(monkeypatch):
    seen = []
    gap = topic.order_gap
    monkeypatch.setattr(topic, "order_gap", lambda layer, x, shuffle: seen.append(shuffle) or gap(layer, x, shuffle))
    for n in (4, 5, 64):
        steps_of("rnn", f"n={n}")
    for shuffle in seen:
        assert sorted(shuffle) == list(range(len(shuffle))) and not (shuffle == np.arange(len(shuffle))).any()


def test_the_power_is_that_of_the_question():
    (asked,) = (r for r in named(steps_of("rnn", "radius=0.7"), "the_gradient").records if isinstance(r, Question))
    left = 1.0
    for _ in range(16):
        left *= 0.7
    assert asked.prompt == "Multiply 1 by 0.7 at each of 16 steps: what is left?"
    assert asked.answer == pytest.approx(left) and asked.tolerance < 0.1


def test_a_recurrence_without_the_bend_gives_the_same_in_blocks():
    """The outputs once more, as a running sum, and how many blocks there are."""
    step = named(steps_of("rnn", "n=20", "d=4"), "since_then")
    q, k, v = generator_of(0, "since_then").standard_normal((3, 20, 4))
    state = np.zeros((4, 4))
    by_hand = []
    for key, value, query in zip(k, v, q, strict=True):
        state += np.outer(key, value)
        by_hand.append(query @ state)
    assert topic.causal_product_forward(q, k, v, chunk=8)[0] == pytest.approx(np.array(by_hand))
    assert sentences(step.records)[1] == (
        "In blocks of 1, 8, 20 tokens it takes 20, 3, 1 steps that wait, and gives the same 20 outputs. So it trains "
        f"like attention and writes like an RNN: {state.size} numbers are kept, whatever T is."
    )


def test_depth_is_shown_for_the_first_and_the_last_layer():
    step = named(steps_of("rnn"), "the_depth")
    first, second, last = rows(step)
    assert [row["depth"] for row in rows(step)] == [1, 2, 8]
    assert first["spread"] == first["kept"] and last["spread"] < 1e-9 < 0.1 < last["kept"]
    assert f"But 8 bare layers leave {last['gradient'] / first['gradient']:.0e} of the gradient of W_Q;" in said(step)
    assert second["gradient"] < first["gradient"]


@pytest.mark.parametrize("radius", ["radius=0.5", "radius=3"])
def test_nothing_is_said_of_fading_that_an_exploding_rnn_refutes(radius):
    steps = steps_of("rnn", radius)
    (asked,) = (r for r in named(steps, "the_gradient").records if isinstance(r, Question))
    assert asked.explanation == "A 16th power. What is measured is also multiplied by tanh', at most 1, at every step."
    assert (
        "That is a power of T; in an RNN that fades, what arrives falls exponentially with the distance. "
        "And training can sharpen a row." in said(named(steps, "the_dilution"))
    )


def test_the_bend_lets_the_gradient_fade_faster_at_every_radius():
    for seed in (0, 1, 2):
        table = rows(named(steps_of("rnn", "d=8", seed=seed), "the_power"))
        assert all(row["bent"] < row["share"] for row in table) and any(
            row["bent"] < 1 < row["radius"] for row in table
        )
    assert (
        "With tiny inputs only a radius near 1 keeps the gradient alive, and training moves the radius. Inputs of size "
        "1 reach where tanh is flatter: there the gradient fades faster, and can fade at a radius above 1 as well."
        in " ".join(sentences(named(steps_of("rnn"), "the_power").records))
    )


def test_an_interview_answer_uses_the_letters_of_the_course():
    assert sentences(named(steps_of("rnn"), "interview").records)[0].startswith(
        "An RNN reads token by token into one state, so it takes T steps for T tokens, and news and gradients"
    )
