"""Squeezed memories: what is named and what is found."""

import numpy as np
import pytest

from tfx.lab.cost.squeezed_memory import recall


@pytest.mark.parametrize("rate", [1, 2, 4])
def test_of_a_group_one_token_is_named(rate):
    exact, group = recall(rate, 32, 64, np.random.default_rng(rate))
    assert exact == pytest.approx(group / rate, abs=0.05) and group > 0.9
