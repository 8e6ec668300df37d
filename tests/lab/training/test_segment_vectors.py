"""The order of two sentences: told by segments or by places, and by nothing else."""

from __future__ import annotations

import pytest

from tfx.lab.training.segment_vectors import order_told


@pytest.mark.parametrize(("segments", "places"), [(True, False), (False, True), (True, True)])
def test_segments_or_places_tell_the_order(segments, places):
    assert order_told(segments, places, 60, 300, seed=3) > 0.95


def test_without_both_it_is_a_guess_and_without_training_too():
    assert 0.38 < order_told(False, False, 60, 300, seed=3) < 0.62
    assert order_told(True, False, 0, 300, seed=3) < 0.9
    assert order_told(True, False, 30, 300, seed=4) == order_told(True, False, 30, 300, seed=4)
