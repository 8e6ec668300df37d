"""A GPT of letters: what it learns, writes, and how its stream starts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx.lab.training.letter_gpt import LAYERS, LetterGPT, stream_size

TEXT = "a dog, a cat. "


def test_letters_are_numbered_in_the_order_of_the_alphabet():
    gpt = LetterGPT(TEXT, 0)
    assert gpt.letters == " ,.acdgot" and "".join(gpt.letters[id] for id in gpt.ids) == TEXT
    assert gpt.losses == [] and len(gpt.model.stack.blocks) == LAYERS


def test_it_learns_its_text_by_heart_and_goes_on_with_it():
    gpt = LetterGPT(TEXT, 1)
    gpt.learn(150)
    assert len(gpt.losses) == 150 and gpt.losses[0] == pytest.approx(math.log(9), abs=0.15) and gpt.losses[-1] < 0.4
    assert gpt.write(8) == TEXT[8:]
    again = LetterGPT(TEXT, 1)
    again.learn(150)
    assert again.losses == gpt.losses


def test_known_pairs_are_counted_in_the_ring():
    gpt = LetterGPT("abc", 0)
    assert gpt.known_pairs("abcab") == 1.0 and gpt.known_pairs("aabb") == pytest.approx(1 / 3)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_scaled_start_keeps_the_size_of_the_stream(seed):
    """Not scaled, 2 L outputs of one size are added to a stream: its square grows in a straight line."""
    scaled = [stream_size(n, True, 32, seed) for n in (2, 8)]
    plain = [stream_size(n, False, 32, seed) for n in (2, 8, 14)]
    assert scaled[1] == pytest.approx(scaled[0], rel=0.15) and plain[1] > 1.3 * plain[0]
    squares = np.square(plain)
    assert squares[2] - squares[1] == pytest.approx(squares[1] - squares[0], rel=0.3)
    assert stream_size(2, True, 32, seed) == scaled[0]
