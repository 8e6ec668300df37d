"""Readers of models whose parameters are on a device: the same texts, and one wait for each token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.strict_device import synced, xp
from tfx.generate import beam_search, greedy_seq2seq, sample
from tfx.models import ConvolutionDecoder, DecoderOnly, EncoderDecoder, RecurrentLanguageModel

V = 9
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 6, "d_ff": 10, "n_layers": 2, "max_len": 8, "dtype": "float64"}
MODELS: dict[str, Any] = {
    "rotary": lambda: DecoderOnly(V, **SIZE, positions="rotary", attention={"n_kv_heads": 2}, tied=False),
    "learned": lambda: DecoderOnly(V, **SIZE, positions="learned", tied=False),
    "lstm": lambda: RecurrentLanguageModel(V, 12, dtype="float64"),
    "convolutions": lambda: ConvolutionDecoder(V, 12, dtype="float64"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_on_a_device_writes_what_it_writes_here_and_is_waited_for_once_a_token(name):
    here, there = MODELS[name](), MODELS[name]()
    there.to_device(xp)
    want = sample(here, [[1, 2], [3, 4]], 9, 0).ids  # two tokens more than the window of 8 holds
    waits = synced.count
    have = sample(there, [[1, 2], [3, 4]], 9, 0).ids
    assert synced.count - waits == 9
    np.testing.assert_array_equal(have, want)
    assert beam_search(there, [1, 2], 6, 3)[0].ids == beam_search(here, [1, 2], 6, 3)[0].ids


def test_filling_in_front_and_sources_work_there_too():
    here, there = MODELS["learned"](), MODELS["learned"]()
    there.to_device(xp)
    for one, other in zip(sample(here, [[1], [2, 3]], 9, 0).ids, sample(there, [[1], [2, 3]], 9, 0).ids, strict=True):
        np.testing.assert_array_equal(one, other)
    here, there = (EncoderDecoder(V, **SIZE, tied=False) for _ in range(2))
    there.to_device(xp)
    src, lengths = np.random.default_rng(0).integers(V, size=(2, 5)), np.array([5, 3])
    have, want = (greedy_seq2seq(model, src, 5, 1, src_lengths=lengths) for model in (there, here))
    np.testing.assert_array_equal(have, want)
