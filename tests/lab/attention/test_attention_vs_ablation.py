import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, times
from tfx.lab import frame
from tfx.lab.attention import attention_vs_ablation
from tfx.lab.attention.leave_one_out import LeavingOut
from tfx.measure.rank_agreement import kendall_tau

PLACE = "tfx.lab.attention.attention_vs_ablation"
SMALL = replace(attention_vs_ablation.Settings(), heads=60, sentences=15)

OF_MODELS = attention_vs_ablation.of_models


@functools.cache
def read_once(name, seed):
    """What the models say depends on nothing that a broken run changes."""
    settings = replace(SMALL, heads=10)
    return tuple(OF_MODELS(frame.prepare(attention_vs_ablation, settings, seed), name))


def of(what, **changes):
    return lambda row: {**row, **changes} if row["what"] == what else row


BREAKS = Table(
    SMALL,
    Broken("values as wide as keys are many", {"others"}, d_v=31),
    Broken("values of one length", {"values"}, uneven=0.0),
    Broken(
        "a key left out, the others as they were",
        {"closed-form"},
        planted={f"{PLACE}.head_without_each": lambda o: lambda q, k, v: 0.9 * o(q, k, v)},
    ),
    Broken(
        "weights of another output",
        {"same-output", "others", "unique"},
        planted={f"{PLACE}.other_weights": lambda o: lambda p, v: np.roll(p, 1)},
    ),
    Broken("free in wide values", {"unique"}, row=of("one, wide", moved=0.1)),
    Broken("a model that looks elsewhere", {"one-layer"}, row=of("pointing, last", top=0.4)),
    Broken("no other layer", {"not-words"}, row=of("plain, both", order=0.9)),
    Broken(
        "NaN in every row",
        {"closed-form", "same-output", "others", "unique", "one-layer", "not-words", "values"},
        row=times(math.nan, "order", "top", "moved", "gone", "off", "formula"),
    ),
    always={f"{PLACE}.of_models": lambda o: lambda run, what: read_once(what, run.seed)},
)


def run(settings=SMALL, seed=0, **asked):
    return frame.run(attention_vs_ablation, settings, seed, **asked)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = run(attention_vs_ablation.Settings(), seed, quick=True)
    assert not [check for check in found.checks if not check.holds]


def test_a_reading_by_hand():
    """Two keys of one value may share the weight in any way; the third one may not."""
    p, v = np.array([0.7, 0.2, 0.1]), np.array([[1.0], [1.0], [5.0]])
    found = attention_vs_ablation.reading(p, np.array([3.0, 1.0, 2.0]), p[None], v[None], 0.0)
    assert found.order == pytest.approx(1 / 3) and found.top == 1
    assert found.moved == pytest.approx(0.7) and found.gone == 1 and found.off < 1e-12


def test_an_untrained_model_depends_on_the_seed_and_a_trained_one_only_by_its_sentences():
    read = [read_once("untrained, last", seed) for seed in (0, 1)]
    assert read[0] != read[1] and len(read[0]) == 15


def test_what_is_said_of_a_model_is_what_its_sentences_say():
    this = frame.prepare(attention_vs_ablation, SMALL, 2)
    seed = int(this.generator(0, 1).integers(2**31))
    asked = LeavingOut(attention_vs_ablation.load("plain").model)
    found = [asked.ask(one) for one in attention_vs_ablation.sentences(15, seed, held_out=True)]
    row = attention_vs_ablation.summed_up("plain, both", list(attention_vs_ablation.of_models(this, "plain, both")))
    assert row["order"] == pytest.approx(
        np.mean([kendall_tau(one.weights.mean(axis=0), one.everywhere) for one in found])
    )
    assert row["top"] == np.mean([one.weights.mean(axis=0).argmax() == one.everywhere.argmax() for one in found])


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(attention_vs_ablation)
    table = {row["what"]: row for row in found.rows}
    plain, both, head = (table[what] for what in ("plain, last", "plain, both", "one head"))
    assert found.notes[0].text == (
        f"Inside the last layer the top word matters most in {plain['top']:.0%} of sentences; closed in both layers, "
        f"in {both['top']:.0%}. In {head['gone']:.0%} of random heads the top key could have weight 0 at the same "
        "output."
    )
    assert found.question.answer == head["gone"]
    assert found.question.explanation == "The output and the sum fix 9 of 32 numbers; the rest is free."


def test_more_is_asked_in_full():
    assert attention_vs_ablation.Settings().full().sentences == 1200
