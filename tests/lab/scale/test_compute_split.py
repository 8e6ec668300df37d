"""The split of a budget: what breaks each check, and the two laws at one budget."""

import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.scale import compute_split
from tfx.lab.scale.chinchilla import BESIROGLU, HOFFMANN, optimum

PLACE = "tfx.lab.scale.compute_split"
SMALL = compute_split.Settings(steps=4, splits=401)

BREAKS = Table(
    SMALL,
    Broken("the constants as first printed", {"twenty", "proportion"}, refit=False),
    Broken("another exponent", {"twenty", "proportion"}, beta=0.2),
    Broken("a law of other data", {"optimum"}, row=lambda row: {**row, "tried": 1.2 * row["tried"]}),
    Broken("printed constants that say twenty", {"printed"}, planted={f"{PLACE}.HOFFMANN": instead(BESIROGLU)}),
)


def test_no_other_split_of_the_budget_has_less_loss():
    for budget in (1e19, 1e24):
        best = optimum(budget)
        for share in (0.7, 0.99, 1.01, 1.4):
            n = share * best.n_parameters
            assert BESIROGLU.loss(n, budget / (6 * n)) > best.loss


def test_the_two_fits_disagree_by_a_factor_of_five_at_the_budget_of_chinchilla():
    ratios = [optimum(compute_split.CHINCHILLA, law).tokens_per_parameter for law in (HOFFMANN, BESIROGLU)]
    assert ratios == pytest.approx([92.8, 18.4], rel=0.01)


def test_a_budget_is_a_key_so_that_rows_can_be_shared_out():
    assert len(frame.run(compute_split, SMALL).rows) == 4
