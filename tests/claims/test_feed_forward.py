"""What changes each verdict of the claims about feed-forward networks."""

import pytest

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.feed_forward import ratio_of, slope_jump, unexplained

PLACE = "tfx.claims.feed_forward"
LAYER = "tfx.nn.feed_forward.FeedForward.forward"


def mixed(forward):
    """A network that adds the mean over positions."""

    def mixing(self, x, *rest):
        y, cache = forward(self, x, *rest)
        return y + x.mean(axis=-2, keepdims=True), cache

    return mixing


BREAKS = {
    "C128": {f"{PLACE}.within": lambda within: lambda id, words, wanted, found, to: within(
        id, words, wanted, 0.9 * found, to)},
    "C129": {f"{PLACE}.ratio_of": instead(lambda name: 4.0)},
    "C130": {f"{PLACE}.network": lambda network: lambda trial, width, d_ff, bias: network(trial, width, d_ff)},
    "C131": {LAYER: mixed},
    "C132": {LAYER: mixed},
    "C140": {f"{PLACE}.slope_jump": instead(lambda name: 1.0)},
    "C141": {f"{PLACE}.unexplained": instead(lambda trial, d_ff, activation="relu": 0.5)},
    "C142": {f"{PLACE}.unexplained": instead(lambda trial, d_ff, activation="relu": 9.0 - d_ff**0.1)},
}  # fmt: skip


def test_what_is_left_of_a_teacher_falls_with_the_width():
    left = [unexplained(Trial(3), d_ff) for d_ff in (8, 32, 128)]
    assert 1 > left[0] > left[1] > left[2] > 0


def test_the_sizes_are_those_of_the_papers():
    assert ratio_of("GPT-3") == 4 and ratio_of("T5-11B") == 64
    assert slope_jump("relu") == 1 and slope_jump("gelu") == pytest.approx(0.0016, abs=1e-4)
