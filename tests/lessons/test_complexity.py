"""complexity: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import pytest

import lessons.cost.complexity.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.cost.layer_costs import ATTENTION, CORE
from tfx.records import Formula, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def one_more(*, of):
    """A count of that layer is one too many."""

    def spoil(run, patch, by):
        patch.setattr(topic, "multiply_adds", lambda s, name, t, c: KEPT["multiply_adds"](s, name, t, c) + (name == of))

    return spoil


def crossed(*, at):
    """Attention overtakes one token later, against a network of that width."""

    def spoil(run, patch, by):
        patch.setattr(
            topic,
            "attention_overtakes",
            lambda c, h, d_ff: KEPT["attention_overtakes"](c, h, d_ff) + (bool(d_ff) == at),
        )

    return spoil


def longer(module, name):
    """What that function of the experiment counts is one more."""

    def spoil(run, patch, by):
        right = getattr(module, name)
        patch.setattr(module, name, lambda *given: right(*given) + 1)

    return spoil


def one_more_in_a_row(run, patch, by):
    right = topic.sequential_steps.chains(topic.sequential_steps.Settings())
    more = {way: (lambda n, chain=chain: (chain(n)[0] + 1, None)) for way, chain in right.items()}
    patch.setattr(topic.sequential_steps, "chains", lambda settings: more)


class TestComplexity(TopicTests):
    lesson, steps = topic, 8
    seeds = range(2)
    changed = [["length=64", "width=16", "heads=8"], ["length=300", "width=128", "heads=1"]]
    refused = ["length=63", "length=1025", "width=48", "heads=3"]
    spoilt = {
        "ran": Spoilt("every_pair", one_more(of=CORE), no_nan="a count"),
        "layer": Spoilt("the_rest", one_more(of=ATTENTION), no_nan="a count"),
        "maps-cross": Spoilt("crossing", crossed(at=False), no_nan="a count"),
        "block-cross": Spoilt("crossing", crossed(at=True), no_nan="a count"),
        "kept": Spoilt("memory", result(topic, "held_bytes")),
        "rnn-waits": Spoilt("against", one_more_in_a_row, no_nan="a count"),
        "path": Spoilt("against", longer(topic.path_length, "layers_until_everywhere"), no_nan="a count"),
        "equal": Spoilt("cheaper", result(topic, "recurrence", lambda costs, by: costs[:1]), no_nan="a count"),
    }  # fmt: skip


def test_a_cost_is_counted_again():
    run = run_of("length=96", "width=32", "heads=2")
    t, c = 96, 32
    assert run.parts(t) == (2 * t * t * c, 4 * t * c * c, 8 * t * c * c)
    assert ask(topic.every_pair, run).answer == 4
    old, new = (2 * n * n * c + 12 * n * c * c for n in (t, 2 * t))
    assert ask(topic.the_rest, run).answer == pytest.approx(new / old)
    text = " ".join(sentences(records_of(topic.the_rest, run)))
    assert f"scores and sum 2 * 96^2 * 32 = {2 * t * t * c:,}; maps 4 * 96 * 32^2 = {4 * t * c * c:,}." in text
    assert "Twice the text: 4 times the scores, 2 times the rest." in text


def test_shares_at_the_crossings():
    (shown,) = tables(records_of(topic.crossing, run_of("width=16")))
    assert [(row["t"], row["of"]) for row in shown.rows] == [(16, "C"), (32, "2 C"), (96, "6 C")]
    assert [row["share"] for row in shown.rows] == pytest.approx([100 * 2 / 14, 100 * 4 / 16, 50])
    assert [r.text for r in records_of(topic.crossing, run_of()) if isinstance(r, Formula)] == [
        "2 T^2 C = 4 T C^2 at T = 2 C", "2 T^2 C = (4 + 8) T C^2 at T = 6 C",
    ]  # fmt: skip


def test_bytes_are_counted_again():
    run = run_of("length=64", "width=32", "heads=8")
    rows = tables(records_of(topic.memory, run))[0].rows
    for row, t in zip(rows, (64, 128), strict=True):
        assert (row["weights"], row["qkv"], row["cache"]) == (4 * 8 * t * t, 12 * t * 32, 8 * t * 32)
    assert ask(topic.memory, run).answer == rows[0]["weights"]


def test_three_layers_are_told_apart():
    shown = records_of(topic.against, run_of())
    rows = {row["layer"]: row for row in tables(shown)[0].rows}
    assert {name: (row["waits"], row["far"]) for name, row in rows.items()} == {
        "attention": (4, 1), "RNN": (16, 15), "convolution": (1, 15),
    }  # fmt: skip
    reach, layers = 0, 0
    while reach < 15:
        reach, layers = reach + 2**layers, layers + 1
    assert f"(dilated) needs {layers} layers in place of 15" in " ".join(sentences(shown))
    cheap = tables(records_of(topic.cheaper, run_of("width=32")))[0].rows
    assert [tuple(row.values())[1:] for row in cheap] == [(2 * x, 2 * x + 4, 2, 3) for x in (0.5, 1, 2)]


def test_sayings():
    said = [r for r in records_of(topic.often_said, run_of()) if isinstance(r, Said)]
    assert [(r.claim, r.verdict) for r in said] == [
        ("C147", "false"), ("C148", "true with conditions"), ("C161", "true with conditions"),
        ("C155", "true with conditions"), ("C164", "false"),
    ]  # fmt: skip
    assert said[2].truth.endswith(f"scores and sum are {2048 / (6 * 4096):.2f} of the rest.")
