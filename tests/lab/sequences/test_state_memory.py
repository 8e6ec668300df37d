"""What a state still tells about its words: a state that holds nothing tells nothing, one that holds all tells all."""

import numpy as np
import pytest

from tfx.lab.sequences.sequence_layers import Recurrent
from tfx.lab.sequences.state_memory import read_back

WORDS, LENGTH = 5, 6


def named(w_x: np.ndarray, w_h: np.ndarray) -> np.ndarray:
    return read_back(Recurrent(w_x, w_h), np.eye(WORDS, len(w_h)), LENGTH, np.random.default_rng(0), sentences=2000)


def test_a_state_that_forgets_at_once_tells_the_last_word_only():
    right = named(np.eye(WORDS), np.zeros((WORDS, WORDS)))
    assert right[0] == 1 and right.shape == (LENGTH,)
    assert right[1:] == pytest.approx(1 / WORDS, abs=0.06)  # guessing


def test_a_state_that_keeps_two_words_apart_tells_two():
    """Five numbers for the word, five for the one before: W_h moves them over."""
    w_h = np.kron([[0, 1], [0, 0]], np.eye(WORDS))
    w_x = np.eye(2 * WORDS)
    right = named(w_x, w_h)
    assert list(right[:2]) == [1, 1] and right[2:] == pytest.approx(1 / WORDS, abs=0.06)


def test_a_state_that_holds_nothing_tells_nothing():
    assert named(np.zeros((WORDS, WORDS)), np.eye(WORDS)) == pytest.approx(1 / WORDS, abs=0.06)
