"""What changes each verdict on interpretation."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.interpretation import Classified, amplified, classified, differing, surely_lost

PLACE = "tfx.claims.interpretation"
ROWS = f"{PLACE}.weights_and_ablation"


def rows(**changes):
    def changed(original):
        return lambda trial: {what: {**row, **changes.get(what, {})} for what, row in original(trial).items()}

    return {ROWS: changed}


BREAKS = {
    "C316": rows(**{"plain, last": {"top": 0.3}}),
    "C317": rows(**{"plain, both": {"top": 0.95, "order": 0.9}}),
    "C319": {f"{PLACE}.gradient_sign_attack": instead(lambda model, x, labels, eps: x)},
    "C320": {f"{PLACE}.amplified": instead(lambda predicted, label, group: 0.0)},
    "C321": {f"{PLACE}.differing": instead(lambda one, other: 2)},
}


def test_an_attack_is_worse_than_random_signs():
    found = Classified(*(float(right.mean()) for right in classified(Trial(5))))
    assert found.attacked < found.random <= found.clean + 0.05 and found.clean > 0.7


def test_what_is_surely_lost_is_less_than_what_is_lost_and_nothing_where_nothing_is():
    before, after = np.ones(100, dtype=bool), np.arange(100) >= 30
    error = np.std(~after, ddof=1) / 10
    assert np.isclose(surely_lost(before, after), 0.3 - 5 * error) and surely_lost(before, before) == 0


def test_bias_is_amplified_where_all_of_a_group_get_the_label():
    label, group = np.array([1, 1, 0, 1]), np.array([True, True, True, False])
    assert np.isclose(amplified(np.array([1, 1, 1, 0]), label, group), 1 - 2 / 3)


def test_losses_that_differ_are_counted():
    assert differing((1.0, 2.0), (1.0, 2.5)) == 1
