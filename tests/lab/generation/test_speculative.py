"""Draft and verify: the formula of Leviathan et al., and a distribution that stays the target's."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tfx.generate.speculative import acceptance_rate
from tfx.lab import frame
from tfx.lab.generation import speculative

PLACE = "tfx.lab.generation.speculative"
RULES = "tfx.generate.speculative"

BREAKS = Table(
    speculative.Settings(texts=4, rates=(0.3, 0.7)),
    Broken("nothing is drafted", {"saves"}, drafted=0),
    Broken("drafts that are hardly ever right", {"saves"}, rates=(0.1, 0.2)),
    Broken(
        "every drafted token stays",
        {"target-kept", "formula", "uneven"},
        planted={f"{RULES}.acceptance": instead(lambda p, q, token: 1.0)},
    ),
    Broken("p instead of the residual", {"target-kept"}, planted={f"{RULES}.residual": instead(lambda p, q: p)}),
    Broken(
        "one token fewer in the formula",
        {"sum", "formula"},
        row=lambda row: {**row, "by_formula": row["by_formula"] - 1},
    ),
    Broken("uneven texts by the formula of the mean", {"uneven"}, row=times(1.2, "uneven_law")),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(speculative, speculative.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.95, 1.0])
def test_a_draft_is_as_far_away_as_asked(rate):
    p = np.array([0.5, 0.3, 0.15, 0.05])
    q = speculative.draft_of(p, rate)
    assert q.sum() == pytest.approx(1) and q.min() >= 0
    assert acceptance_rate(p, q) == pytest.approx(rate)
    assert acceptance_rate(p, speculative.draft_of(p, 0.01)) == pytest.approx(0.05)  # no draft is farther


def test_the_error_by_theory_is_the_scatter_of_many_texts():
    settings = speculative.Settings(texts=1, tokens=200)
    p = np.array([0.4, 0.3, 0.2, 0.1])
    run, q = frame.Run(settings), speculative.draft_of(p, 0.7)
    found = [speculative.tokens_a_pass(run, p, q, (text,)) for text in range(60)]
    assert np.std(found) == pytest.approx(speculative.error_by_theory(0.7, settings), rel=0.35)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(speculative)
    row = found.rows[1]
    assert row["by_formula"] == pytest.approx(sum(0.7**i for i in range(5)))
    assert row["uneven_law"] == pytest.approx((sum(0.55**i for i in range(5)) + sum(0.85**i for i in range(5))) / 2)
    assert row["speed_up"] == pytest.approx(row["by_formula"] / 1.4)
    assert found.question.answer == row["alike"] and abs(row["alike"] / row["by_formula"] - 1) < 0.1
    assert found.notes[0].text == (
        f"Where 70% of the drafted tokens stay, a pass gives {row['alike']:.3g} tokens, not one. Counted over "
        "all paths, short texts have the target's distribution."
    )
