"""Reach: shortest paths in the graph of a pattern."""

import numpy as np
import pytest

from tfx.measure.reach import layers_between, layers_until_all


def test_layers_until_all_pairs_have_met():
    ring = np.eye(6, dtype=bool) | np.eye(6, k=1, dtype=bool) | np.eye(6, k=-1, dtype=bool)
    assert layers_until_all(ring) == 5 and layers_until_all(np.ones((4, 4), bool)) == 1
    assert layers_until_all(np.eye(3, dtype=bool)) == -1


@pytest.mark.parametrize("seed", range(3))
def test_layers_are_those_of_a_walk_from_place_to_place(seed):
    mask = np.random.default_rng(seed).random((9, 9)) < 0.2
    layers = layers_between(mask)
    for start in range(9):
        seen, edge = {start: 0}, [start]
        while edge:
            new = sorted({j for i in edge for j in range(9) if mask[i, j]} - seen.keys())
            seen |= dict.fromkeys(new, seen[edge[0]] + 1)
            edge = new
        assert list(layers[start]) == [seen.get(j, -1) for j in range(9)]
