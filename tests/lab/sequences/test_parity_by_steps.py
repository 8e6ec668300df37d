"""Parity at once and by steps: both networks, on every text of a length."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.sequences.parity_by_steps import at_once, by_steps, every_text, zigzag


@pytest.mark.parametrize("length", [1, 4, 7])
def test_both_are_right_on_every_text_of_the_length_they_are_made_for(length):
    bits = every_text(length)
    assert len({tuple(text) for text in bits.tolist()}) == 2**length
    assert np.array_equal(at_once(bits, length), bits.sum(axis=1) % 2)
    assert np.array_equal(by_steps(bits), np.cumsum(bits, axis=1) % 2)


def test_at_once_is_wrong_beyond_its_bends():
    bits = every_text(6)
    right = (at_once(bits, 3) > 0.5) == bits.sum(axis=1) % 2
    assert right[bits.sum(axis=1) <= 3].all() and not right.all()
    assert zigzag(3)[0].shape == (1, 3)
    with pytest.raises(ValueError, match="at least one bit, not 0"):
        zigzag(0)
