"""A tiny T5 fills the gap in a text that has a rhythm; one that cannot tell places apart does not."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.data.span_corruption import corrupt_spans
from tfx.generate import greedy_seq2seq
from tfx.models import T5, EncoderDecoder
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import PairBatch, train, translation_loss

LETTERS, LENGTH, PERIOD = 8, 12, 3
SENTINELS = (8, 9)
START = 10
V = 11


def rhythm(rng: np.random.Generator, held_out: bool) -> np.ndarray:
    """Three different letters, again and again.  A sixth of all triples is never trained."""
    while True:
        motif = rng.permutation(LETTERS)[:PERIOD]
        if (int(motif @ (1, 5, 3)) % 6 == 0) == held_out:
            return np.tile(motif, LENGTH // PERIOD)


def pairs(rng: np.random.Generator, n: int = 64, held_out: bool = False) -> PairBatch:
    """One run of three tokens is cut out of each text, anywhere but at its start."""
    made = [corrupt_spans(rhythm(rng, held_out), SENTINELS, rng, rate=1 / 4, mean_length=3.0) for _ in range(n)]
    src = np.stack([pair.source for pair in made])
    tgt = np.stack([np.concatenate(([START], pair.target)) for pair in made])
    return PairBatch(src, tgt)


STEPS = 250


def learn(model: Any, steps: int = STEPS) -> float:
    """-> the last loss."""
    schedule = partial(warmup_cosine, peak=8e-3, warmup=STEPS // 10, total=STEPS)
    *_, last = train(model, pairs, translation_loss(), AdamW(model), schedule, steps)
    return last.loss


def whole_targets(model: Any) -> float:
    """The share of held-out texts whose gap is filled right, written token by token."""
    asked = pairs(np.random.default_rng(99), 300, held_out=True)
    written = greedy_seq2seq(model, asked.src, asked.tgt.shape[1] - 1, START)
    return float((written == asked.tgt[:, 1:]).all(axis=1).mean())


def t5(seed: int) -> T5:
    return T5(V, d_model=32, n_heads=4, d_ff=64, n_layers=1, seed=seed)


def test_the_loss_soon_falls_below_that_of_a_guess_among_the_letters():
    assert learn(t5(0), 80) < 0.75  # the sentinels cost nothing: 3 of 5 tokens at log 8 are 1.25


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gaps_in_rhythms_that_were_never_seen_are_filled_but_not_without_positions(seed):
    model = t5(seed)
    learn(model)
    assert whole_targets(model) > 0.9
    blind = EncoderDecoder(V, 32, 4, 64, 1, positions="none", activation="relu", norm="rms_norm", bias=False, seed=seed)
    learn(blind)
    assert whole_targets(blind) < 0.3
