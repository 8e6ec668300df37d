import functools
import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.attention import qk_symmetry
from tfx.lab.attention.directed_relation import train

PLACE = "tfx.lab.attention.qk_symmetry"
TRAINED = f"{PLACE}.trained"
SMALL = qk_symmetry.Settings(tokens=6, d_k=6, steps=100, seeds=3)
FLOORS = {"circle", "circle-open", "partner-open"}


def with_two(relation, own):
    """One matrix that is really two, for this relation."""

    def make(original):
        def trained(settings, which, matrices, key, seed):
            there = settings.steps and which == relation and key == own
            return original(settings, which, "two" if there else matrices, key, seed)

        return trained

    return {
        TRAINED: make,
        f"{PLACE}.scores": instead(lambda head: np.eye(2)),
    }


def of(row, **changes):
    return lambda found: {**found, **changes} if all(found[key] == value for key, value in row.items()) else found


BREAKS = Table(
    SMALL,
    Broken("no time to learn", {"partner", "two"}, steps=5),
    Broken("two matrices on the circle", {"circle"}, planted=with_two("the next one", "closed")),
    Broken("... with the own key open", {"circle-open"}, planted=with_two("the next one", "open")),
    Broken("two matrices for partners", {"partner-open"}, planted=with_two("the partner", "open")),
    Broken("partners are hard", {"partner"}, row=of({"relation": "the partner", "matrices": "one"}, worst=0.7)),
    Broken("one matrix for two", {"two"}, row=of({"matrices": "two"}, worst=0.7)),
    Broken("the keys' matrix moves alone", {"symmetric"}, row=of({"matrices": "one"}, asymmetry=0.3)),
    Broken("nothing of its own", {"own-first"}, row=of({"matrices": "one"}, own_first=0.2)),
    Broken("one matrix at first", {"own-chance"}, row=of({"matrices": "two"}, own_first=0.9)),
    Broken(
        "NaN in every loss",
        {*FLOORS, "partner", "two"},
        row=lambda row: {**row, "least": math.nan, "worst": math.nan},
    ),
    always={TRAINED: functools.cache},
)


def run(settings=SMALL, seed=0, **asked):
    return frame.run(qk_symmetry, settings, seed, **asked)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = run(qk_symmetry.Settings(), seed, quick=True)
    assert not [check for check in found.checks if not check.holds]


def test_no_scores_of_one_matrix_get_below_the_floors_whatever_their_size():
    """Random W, by bare NumPy: the mean loss of each relation against the log of the keys that score alike."""
    rng = np.random.default_rng(0)
    n = 6
    for size in (0.1, 1.0, 4.0):
        for _ in range(40):
            q = size * rng.standard_normal((n, 5))
            for relation, own in qk_symmetry.ALIKE:
                s = q @ q.T + (0 if own == "open" else np.diag([-math.inf] * n))
                after = np.roll(np.arange(n), -1) if relation == "the next one" else np.arange(n) ^ 1
                log_p = s - s.max(axis=1, keepdims=True)
                log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
                loss = -log_p[np.arange(n), after].mean()
                assert loss >= math.log(qk_symmetry.ALIKE[relation, own]) - 1e-12


def test_a_row_is_what_its_heads_are():
    row = qk_symmetry.measure_row(frame.prepare(qk_symmetry, SMALL, 4), "the next one", "one", "closed")
    seeds = frame.prepare(qk_symmetry, SMALL, 4).generator().integers(2**31, size=3)
    targets = [qk_symmetry.follows(6, np.random.default_rng(int(seed))) for seed in seeds]
    heads = [train(t, True, 6, 100, int(seed)) for t, seed in zip(targets, seeds, strict=True)]
    assert row["loss"] == pytest.approx(np.mean([head.losses[-1] for head in heads]), rel=1e-9)
    assert row["right"] == pytest.approx(np.mean([head.accuracy for head in heads]))
    assert row["asymmetry"] == 0 and row["floor"] == math.log(2)


def test_the_answer_is_nearly_a_half():
    found = run(qk_symmetry.Settings(), 0, quick=True)
    assert found.question.answer == pytest.approx(math.exp(-found.rows[0]["loss"])) == pytest.approx(0.5, abs=0.02)
    circle, free = found.rows[0], found.rows[2]
    assert found.plots[0].title == (
        f"With one matrix the loss on a circle ends at {circle['loss']:.3f}, above log 2 = 0.693; with two at "
        f"{free['loss']:.2g}"
    )
    assert found.plots[0].series[0].y[-1] == circle["loss"] and found.plots[0].series[0].x[-1] == 200


def test_an_odd_number_of_tokens_is_refused():
    with pytest.raises(BadInput, match="tokens are paired, but 7 is odd"):
        run(replace(SMALL, tokens=7))


def test_more_heads_are_trained_in_full():
    assert qk_symmetry.Settings().full().seeds == 40 and qk_symmetry.Settings().full().steps == 1000
