"""A block line by line: the last line is what the block gives, an add is a sum, and a norm is a norm."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.block.line_by_line import line_by_line
from tfx.lab.block.small_transformer import WIDTH, small_transformer
from tfx.ops.attention.masks import causal_mask

MODEL = small_transformer(4)
X, MEMORY = np.random.default_rng(0).standard_normal((2, 1, 5, WIDTH))


def test_the_lines_of_an_encoder_block_are_wired_as_in_2017():
    lines = line_by_line(MODEL.encoder.blocks[0], X)
    assert [name for name, _ in lines] == ["x", "self-attention", "add", "norm", "feed-forward", "add", "norm"]
    _check(lines)
    assert lines[-1][1] == pytest.approx(MODEL.encoder.blocks[0].forward(X)[0], abs=1e-14)


def test_those_of_a_decoder_block_too_and_both_masks_are_kept():
    block, mask = MODEL.decoder.blocks[1], causal_mask(5)
    lines = line_by_line(block, X, MEMORY[:, :3], mask)
    assert [name for name, _ in lines[1::3]] == ["self-attention", "cross-attention", "feed-forward"]
    _check(lines)
    assert lines[-1][1] == pytest.approx(block.forward(X, MEMORY[:, :3], mask=mask)[0], abs=1e-14)
    assert np.abs(line_by_line(block, X, MEMORY[:, :3])[1][1] - lines[1][1]).max() > 1e-3
    assert np.abs(line_by_line(block, X, MEMORY, mask)[4][1] - lines[4][1]).max() > 1e-3


def _check(lines):
    values = [y for _, y in lines]
    for i in range(0, len(values) - 1, 3):
        x, given, added, normed = values[i : i + 4]
        assert added == pytest.approx(x + given)
        expected = (added - added.mean(-1, keepdims=True)) / np.sqrt(added.var(-1, keepdims=True) + 1e-5)
        assert normed == pytest.approx(expected)
