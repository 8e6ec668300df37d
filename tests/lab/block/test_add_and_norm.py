"""A stack with and without "add" and "norm": equal to the library's blocks, and its gradient to differences."""

import numpy as np
import pytest

from tfx.lab.block import add_and_norm
from tfx.lab.block.add_and_norm import WAYS, through_sublayers


@pytest.mark.parametrize("way", WAYS)
def test_the_stream_and_the_gradient_are_written_out_once_more(way):
    """Two sub-layers by hand; the gradient as the length of all slopes of <dy, y>, from central differences."""
    rng = np.random.default_rng(3)
    first, dy = rng.standard_normal((2, 2, 4))
    dy /= np.linalg.norm(dy)
    layers = [add_and_norm.FeedForward(4, 16, rng, "relu", "float64") for _ in range(2)]
    add, behind, before = WAYS[way]

    def norm(x):
        return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)

    def through(x):
        for layer in layers:
            f = np.maximum((norm(x) if before else x) @ layer.first.w.value, 0) @ layer.second.w.value
            x = x + f if add else f
            x = norm(x) if behind else x
        return x

    passed = through_sublayers(way, 2, 4, np.random.default_rng(3), rows=2)
    y = through(first)
    assert passed.size[[0, -1]] == pytest.approx([np.sqrt((x * x).mean()) for x in (first, y)])
    cosines = [a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(first, y, strict=True)]
    assert passed.kept == pytest.approx(np.mean(cosines))
    steps = 1e-6 * np.eye(8).reshape(8, 2, 4)
    slopes = [(dy * (through(first + step) - through(first - step))).sum() / 2e-6 for step in steps]
    assert passed.gradient[0] == pytest.approx(np.linalg.norm(slopes), rel=1e-5) and passed.gradient[-1] == 1


def test_equal_generators_draw_equal_stacks_whatever_the_way():
    sizes = {way: through_sublayers(way, 1, 8, np.random.default_rng(5)).size[0] for way in WAYS}
    assert len(set(sizes.values())) == 1
