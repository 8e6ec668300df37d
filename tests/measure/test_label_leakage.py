"""What an honest model can reach on a text of copies, and which place sees its answer."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest

from tfx.measure.label_leakage import copying_entropy, sees_answer, uniform_floor


@pytest.mark.parametrize(("n_tokens", "repeats"), [(2, 0.5), (5, 0.8), (7, 0.0)])
def test_the_entropy_of_the_next_token_is_that_of_its_chances(n_tokens, repeats):
    chances = [(1 - repeats) / n_tokens + repeats * (token == 0) for token in range(n_tokens)]
    assert sum(chances) == pytest.approx(1)
    assert copying_entropy(n_tokens, repeats) == pytest.approx(-sum(p * math.log(p) for p in chances))
    assert copying_entropy(n_tokens, 0.0) == pytest.approx(uniform_floor(n_tokens))


def test_the_entropy_of_a_row_is_that_of_its_first_token_and_of_each_next_one():
    total = 0.0
    for row in product(range(3), repeat=3):
        chance = math.prod([1 / 3, *(0.1 + 0.7 * (a == b) for a, b in pairwise(row))])
        total -= chance * math.log(chance)
    assert uniform_floor(3) + 2 * copying_entropy(3, 0.7) == pytest.approx(total)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("shifted", [True, False])
def test_a_place_sees_its_answer_where_the_rule_says_so(masked, shifted):
    wanted = []
    for place in range(1, 7):
        stands = place + 1 if shifted else place  # the input in which the answer stands, counted from 1
        wanted.append(stands <= 6 and (not masked or stands <= place))
    assert np.array_equal(sees_answer(masked, shifted, 6), wanted)
