"""A pre-LN stack: its sizes are those between the blocks, and filling moves real tokens only without a mask."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.block.pre_norm_stack import FILLING, through_stack
from tfx.lab.block.small_transformer import HEADS, INNER, WIDTH, WORDS
from tfx.models import Encoder

SRC = np.array([[3, 9, 5, 6]])


def test_the_sizes_are_those_before_and_behind_each_block():
    model = Encoder(WORDS, WIDTH, n_heads=HEADS, d_ff=INNER, n_layers=3, max_len=16, dtype="float64", seed=2)
    x, sizes = model.input.forward(SRC)[0], []
    for block in (*model.stack.blocks, None):
        sizes.append(np.linalg.norm(x) / np.sqrt(x.size))
        x = block.forward(x)[0] if block is not None else x
    found = through_stack(SRC, 3, 2)
    assert found.sizes == pytest.approx(sizes) and found.shape == (1, 4, WIDTH)
    assert found.last == pytest.approx(1, abs=1e-3) and found.sizes[-1] > 1.15


def test_filling_moves_real_tokens_only_without_a_mask():
    model = Encoder(WORDS, WIDTH, n_heads=HEADS, d_ff=INNER, n_layers=2, max_len=16, dtype="float64", seed=1)
    longer = np.concatenate([SRC, np.zeros((1, FILLING), int)], axis=1)
    apart = np.abs(model.encode(longer)[0][0, :4] - model.encode(SRC)[0][0]).max()
    found = through_stack(SRC, 2, 1)
    assert found.masked < 1e-12 and found.unmasked == pytest.approx(apart) and apart > 0.01
