"""Greedy decoding is the definition: run the whole model, take the most likely token, append it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.generate import greedy, greedy_seq2seq
from tfx.models import DecoderOnly, EncoderDecoder

SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 8}


def test_every_new_token_is_the_most_likely_one_after_all_before_it():
    model = DecoderOnly(30, tied=False, **SIZE)
    prompt = np.array([4, 8, 1])
    new = greedy(model, prompt, 5)
    text = prompt.tolist()
    for token in new:
        assert token == model.forward(np.array([text]))[0][0, -1].argmax()
        text.append(int(token))
    assert new.shape == (5,)


def test_a_batch_says_what_its_rows_say_alone():
    model = DecoderOnly(30, tied=False, dtype="float64", **SIZE)
    prompts = np.random.default_rng(0).integers(30, size=(4, 3))
    together = greedy(model, prompts, 5)
    for row, prompt in enumerate(prompts):
        np.testing.assert_array_equal(together[row], greedy(model, prompt, 5))


def test_the_model_sees_at_most_its_window():
    model = DecoderOnly(30, tied=False, positions="learned", **SIZE)
    new = greedy(model, np.arange(20), 4)
    np.testing.assert_array_equal(new, greedy(model, np.arange(12, 20), 4))


def test_the_stop_token_ends_a_row_and_then_the_whole_batch():
    model = DecoderOnly(6, tied=False, **SIZE)
    prompts = np.random.default_rng(0).integers(6, size=(8, 3))
    free = greedy(model, prompts, 6)
    stop = int(free[0, 2])
    stopped = greedy(model, prompts, 6, stop=stop)
    for row, unstopped in zip(stopped, free, strict=True):
        ends = np.flatnonzero(unstopped[: len(row)] == stop)
        upto = len(row) if len(ends) == 0 else ends[0] + 1
        np.testing.assert_array_equal(row[:upto], unstopped[:upto])
        assert (row[upto:] == stop).all()
    assert len(greedy(model, prompts[0], 6, stop=stop)) == free[0].tolist().index(stop) + 1


def test_translation_reads_the_source_once_and_starts_with_the_start_token():
    model = EncoderDecoder(30, tied=False, dtype="float64", **SIZE)
    src, lengths = np.random.default_rng(0).integers(30, size=(3, 6)), np.array([6, 2, 4])
    new = greedy_seq2seq(model, src, 4, start=7, src_lengths=lengths)
    for row, length in enumerate(lengths):
        text = [7]
        for token in new[row]:
            logits, _ = model.forward(src[row : row + 1, :length], np.array([text]))
            assert token == logits[0, -1].argmax()
            text.append(int(token))


def test_nothing_asked_for_is_nothing_written_and_an_empty_prompt_is_refused():
    model = DecoderOnly(6, **SIZE)
    assert greedy(model, np.array([1]), 0).shape == (0,)
    with pytest.raises(ValueError, match="prompt is empty"):
        greedy(model, np.array([], dtype=int), 3)
