"""What changes each verdict about tuning, prompts and retrieval, and what is true of this section alone."""

import numpy as np
import pytest

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.transfer_and_prompting import conditional_entropy, source, sums_right
from tfx.data.toys.addition import Addition
from tfx.lab.sequences.digit_tables import sums

PLACE = "tfx.claims.transfer_and_prompting"
EVEN = {f"{PLACE}.second_order": lambda draw: lambda n, certain, length, rng: draw(n, 1 / n, length, rng)}

BREAKS = {
    "C285": {f"{PLACE}.LoraWeight": lambda made: lambda weight, rank, rng: made(weight, 2, rng)},
    "C286": {f"{PLACE}.PrefixedAttention": instead(lambda layer, n, rng: layer)},
    "C287": {
        "tfx.lab.beyond_text.in_context_regression.through_attention": lambda read: (
            lambda *asked, **named: 1.01 * read(*asked, **named)
        )
    },
    "C295": EVEN,
    "C297": {f"{PLACE}.Blobs": lambda made: lambda n, spread, seed: made(n, spread=spread, seed=(*seed[:2], 1))},
    "C299": EVEN,
    "C300": {f"{PLACE}.nearest": instead(lambda asked, passages: np.zeros((len(asked), 1), int))},
    "C301": {f"{PLACE}.sums_right": lambda right: lambda trial, n, asked_digits=2: right(trial, 40)},
}


def test_a_source_of_two_tokens_has_the_entropy_that_its_chances_have():
    p = source(Trial(4))
    joint = p / 25
    assert conditional_entropy(joint) == pytest.approx(-(0.9 * np.log(0.9) + 0.1 * np.log(0.025)))
    assert conditional_entropy(joint.sum(axis=0)) == pytest.approx(np.log(5)), "one token alone tells nothing"


def test_the_digits_of_a_sum_stand_last_first():
    for pairs, digits in sums(Addition(2), 20, np.random.default_rng(0), held_out=False):
        one, other = (sum(pair[side] * 10**place for place, pair in enumerate(pairs)) for side in (0, 1))
        assert one + other == sum(digit * 10**place for place, digit in enumerate(digits))


def test_more_examples_hold_more_patterns():
    found = [sums_right(Trial(3), n) for n in (20, 200, 3000)]
    assert found == sorted(found) and found[-1] == 1.0
