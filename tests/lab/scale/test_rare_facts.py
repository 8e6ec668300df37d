"""A world of rare facts: theory, learners that really ask, and a rule that fails beyond its points."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, times
from tfx.lab import frame
from tfx.lab.scale import rare_facts
from tfx.lab.scale.rare_facts import error_of_learner, error_of_memory, errors_of_askers, frequencies, seen_once
from tfx.measure.power_laws import fit_log_rule, fit_loss_law

BEYOND = "tfx.lab.scale.rare_facts.beyond"


def foretelling(power, rule):
    """What the power law and the log rule foretell, so many times as large."""

    def make(beyond):
        def told(rows, settings):
            far, true, by_power, by_rule = beyond(rows, settings)
            return far, true, power * by_power, rule * by_rule

        return told

    return make


BREAKS = Table(
    rare_facts.Settings(),
    Broken("a small world", {"memory", "foretold"}, facts=40_000),
    Broken("frequencies that fall slowly", {"memory", "data", "log-rule"}, a=0.1),
    Broken("askers that forget", {"asked"}, row=times(1.2, "asked")),
    Broken("a learner that forgets", {"data", "asked"}, row=lambda row: {**row, "learner": row["memory"]}),
    Broken(
        "a memory that half forgets",
        {"memory", "foretold"},
        row=lambda row: {**row, "memory": row["memory"] * row["n"] ** 0.1},
    ),
    Broken("a power law that foretells twice as much", {"foretold"}, planted={BEYOND: foretelling(2.0, 1.0)}),
    Broken("a log rule that foretells well", {"log-rule"}, planted={BEYOND: foretelling(1.0, -0.1)}),
    quick=True,
)


@pytest.mark.parametrize("a", [0.5, 1.0])
def test_rare_facts_make_power_laws_of_memory_and_of_data_with_the_exponents_of_theory(a):
    slots = np.unique(np.logspace(1, 3, 9).astype(int))
    n_facts = 1_000_000
    assert fit_loss_law(slots, error_of_memory(slots, n_facts, a), floors=1).alpha == pytest.approx(a, rel=0.1)
    seen = np.unique(np.logspace(2, 4, 7).astype(int))
    errors = error_of_learner(seen, n_facts, a)
    assert fit_loss_law(seen, errors, floors=1).alpha == pytest.approx(a / (1 + a), rel=0.15)


def test_the_error_of_a_larger_memory_is_foretold_by_the_power_law_and_not_by_the_log_rule():
    """Fitted on memories of 10 to 1000 facts, asked about 10 000."""
    slots = np.unique(np.logspace(1, 3, 9).astype(int))
    errors, large = error_of_memory(slots, 1_000_000, 0.5), error_of_memory(np.array([10_000]), 1_000_000, 0.5)[0]
    assert fit_loss_law(slots, errors).at(10_000) == pytest.approx(large, rel=0.25)
    assert fit_log_rule(slots, errors).at(10_000) < 0


def test_a_learner_that_asks_at_random_comes_out_as_expected():
    p, rng, errors = frequencies(1000, 1.0), np.random.default_rng(0), []
    for _ in range(200):
        unseen = np.ones(1000, dtype=bool)
        unseen[rng.choice(1000, size=50, p=p)] = False
        errors.append(p[unseen].sum())
    assert np.mean(errors) == pytest.approx(error_of_learner(np.array([50]), 1000, 1.0)[0], rel=0.05)


def test_frequencies_sum_to_one_and_a_memory_of_everything_makes_no_error():
    assert frequencies(50, 0.7).sum() == pytest.approx(1)
    assert error_of_memory(np.array([50]), 50, 0.7)[0] == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="positive"):
        frequencies(5, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(rare_facts, rare_facts.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_askers_meet_what_chance_says_and_a_wrong_world_is_noticed():
    errors = errors_of_askers(50, 1000, 1.0, 400, np.random.default_rng(0))
    assert errors.mean() == pytest.approx(error_of_learner(np.array([50]), 1000, 1.0)[0], rel=0.05)
    found = frame.run(rare_facts, rare_facts.Settings(draws=20), 0)
    wrong = [{**row, "asked": 1.2 * row["asked"]} for row in found.rows]
    run = frame.Run(rare_facts.Settings(), rows=wrong)
    assert [check.id for check in rare_facts.checks(run) if not check.holds] == ["asked"]


def test_what_is_said_is_what_was_measured():
    """The fits by numpy, the truth by a bare sum over the facts that are not stored."""
    found = BREAKS.run(rare_facts)
    n = np.array([row["n"] for row in found.rows])
    memory, learner = (np.array([row[key] for row in found.rows]) for key in ("memory", "learner"))
    (slope, start), (by_data, _) = (np.polyfit(np.log(n), np.log(errors), 1) for errors in (memory, learner))
    down, level = np.polyfit(np.log(n), memory, 1)
    share = np.arange(1, 1_000_001) ** -1.5
    true = share[32_000:].sum() / share.sum()
    power, rule = math.exp(start + slope * math.log(32_000)), level + down * math.log(32_000)
    assert found.notes[0].text == (
        f"The error of a memory of N facts falls like N^{slope:.2f}, that of a learner after D questions like "
        f"D^{by_data:.2f}, without any network."
    )
    assert found.notes[1].text == (
        "Within the points a power law and a - b log N look alike. Asked about 32,000 facts, the power law says "
        f"{power:.2g} and the log rule {rule:.2g}, where {true:.2g} is true: an error below 0 cannot be."
    )
    assert found.plots[0].title == (
        f"Rare facts alone: error like N^{slope:.2f} of memory, like D^{by_data:.2f} of data"
    )


def test_the_share_seen_once_estimates_what_is_unseen():
    """sum of D p (1 - p)^(D - 1) over D questions: within its error of the chance of a new fact, which has a p less."""
    n, facts = 200, 500
    p = frequencies(facts, 0.5)
    found = seen_once(n, facts, 0.5, 400, np.random.default_rng(0))
    expected, error = (p * (1 - p) ** (n - 1)).sum(), found.std() / 20
    assert abs(found.mean() - expected) < 4 * error
    assert expected == pytest.approx(error_of_learner(np.array([n]), facts, 0.5)[0], rel=0.03)
    assert seen_once(1, 5, 1.0, 3, np.random.default_rng(0)).tolist() == [1, 1, 1]
