"""Sparse attention and memories learn a dependency that they can reach, and not one that they cannot.

Recall: the last token has to be answered with the token `distance` places before it.  One layer, so that a dependency
is reached in one step or not at all; guessing gives 1 in 6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tfx.efficient.big_bird import big_bird_blocks
from tfx.models import Encoder, TransformerXL
from tfx.nn.compressive_memory import CompressiveMemory
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine
from tfx.train import LossValue, train

N_SYMBOLS, LENGTH = 6, 16
SMALL: dict[str, Any] = {"d_model": 24, "n_heads": 2, "d_ff": 32, "n_layers": 1}
LEARNT, GUESSED = 0.9, 0.4

LONGFORMER = {"name": "longformer", "window": 3}
STRIDED = {"name": "sparse_transformer", "stride": 4, "part": "distant"}
FIXED = {"name": "sparse_transformer", "stride": 4, "part": "split", "pattern": "fixed"}
BIG_BIRD = {"name": "big_bird", "block": 2, "n_global": 0, "n_random": 0}
#: One bucket in chunks of four tokens is a window: the chunk itself and the one before.
LSH = {"name": "lsh", "n_buckets": 1, "chunk": 4}


def answer(model: Any, logits: Any, cache: Any, targets: np.ndarray) -> LossValue:
    """The loss at the last place, and its backward."""
    value, ce = cross_entropy_forward(logits[:, -1], targets)
    dlogits = np.zeros_like(logits)
    dlogits[:, -1] = cross_entropy_backward(1.0, ce)
    model.backward(dlogits, cache)
    return LossValue(float(value), len(targets))


def fit(model: Any, batches: Any, loss: Any, steps: int) -> None:
    for _ in train(model, batches, loss, AdamW(model), lambda step: warmup_cosine(step, 1e-2, 10, steps), steps):
        pass


def recall(distance: int, kernel: dict[str, Any], steps: int = 120) -> float:
    """The share of answers that are right after training."""
    model = Encoder(N_SYMBOLS, max_len=LENGTH, positions="learned", attention={"kernel": kernel}, **SMALL)

    def batches(rng: np.random.Generator, size: int = 32) -> np.ndarray:
        return rng.integers(N_SYMBOLS, size=(size, LENGTH))

    def loss(model: Encoder, ids: np.ndarray, rng: np.random.Generator) -> LossValue:
        return answer(model, *model.forward(ids), ids[:, -1 - distance])

    fit(model, batches, loss, steps)
    ids = batches(np.random.default_rng(99), 300)
    return float((model.forward(ids)[0][:, -1].argmax(axis=-1) == ids[:, -1 - distance]).mean())


@pytest.mark.parametrize(
    ("kernel", "distance"),
    [
        ({**LONGFORMER, "global_places": (0,)}, 15),
        (STRIDED, 12),
        ({**BIG_BIRD, "n_global": 1}, 15),
        (LSH, 7),
        pytest.param(LONGFORMER, 3, marks=pytest.mark.slow),
        pytest.param({**LONGFORMER, "dilation": 4}, 12, marks=pytest.mark.slow),
        pytest.param(BIG_BIRD, 3, marks=pytest.mark.slow),
        pytest.param(FIXED, 12, marks=pytest.mark.slow),
        pytest.param({**LSH, "chunk": 16}, 15, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_what_is_in_reach_is_learnt(kernel, distance):
    assert recall(distance, kernel) > LEARNT


@pytest.mark.parametrize(
    ("kernel", "distance"),
    [
        (LONGFORMER, 15),
        (STRIDED, 11),
        (BIG_BIRD, 15),
        (LSH, 8),
        pytest.param(LONGFORMER, 4, marks=pytest.mark.slow),
        pytest.param({**LONGFORMER, "dilation": 4}, 11, marks=pytest.mark.slow),
        pytest.param(FIXED, 11, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_what_is_out_of_reach_is_guessed(kernel, distance):
    assert recall(distance, kernel) < GUESSED


@pytest.mark.slow
def test_a_random_block_is_a_short_cut_for_those_who_drew_it():
    last = big_bird_blocks(LENGTH // 2, 3, 0, 2)[-1]
    drawn, not_drawn = (int(np.flatnonzero(blocks[:6])[0]) for blocks in (last, ~last))
    kernel = {**BIG_BIRD, "n_random": 2}
    assert recall(LENGTH - 1 - 2 * drawn, kernel) > LEARNT
    assert recall(LENGTH - 1 - 2 * not_drawn, kernel) < GUESSED


N_KEYS, N_VALUES = 6, 3


def pairs(rng: np.random.Generator, size: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Every key once, each with a value, in any order; then a question for one key -> ids and the value of that key."""
    keys = rng.permuted(np.tile(np.arange(N_KEYS), (size, 1)), axis=1)
    values, asked = rng.integers(N_VALUES, size=keys.shape), rng.integers(N_KEYS, size=(size, 1))
    question = N_KEYS * N_VALUES + np.take_along_axis(keys, asked, axis=1)
    ids = np.concatenate((keys * N_VALUES + values, question), axis=1)
    return ids, np.take_along_axis(values, asked, axis=1)[:, 0]


def look_up(kernel: dict[str, Any], steps: int) -> float:
    model = Encoder(
        N_KEYS * (N_VALUES + 1), positions="none", tied=False, n_outputs=N_VALUES, attention={"kernel": kernel}, **SMALL
    )

    def loss(model: Encoder, batch: Any, rng: np.random.Generator) -> LossValue:
        return answer(model, *model.forward(batch[0]), batch[1])

    fit(model, pairs, loss, steps)
    ids, values = pairs(np.random.default_rng(99), 300)
    return float((model.forward(ids)[0][:, -1].argmax(axis=-1) == values).mean())


def test_hashing_finds_the_key_that_a_question_is_about():
    """By content, wherever it stands: the question and its key have to learn to point the same way."""
    assert look_up({"name": "lsh", "n_buckets": 4, "n_rounds": 4, "chunk": 7}, 180) > LEARNT


def test_hashing_in_chunks_of_one_finds_it_only_by_luck():
    """The question stands last; a chunk of one token reads one neighbour in the sorted row, a third of all by luck."""
    assert look_up({"name": "lsh", "n_buckets": 1, "chunk": 1}, 180) < 0.65


def remembered(n_memory: int, steps: int = 120) -> float:
    """Two segments of five; the last token has to be answered with the very first one."""
    model = TransformerXL(N_SYMBOLS, n_memory=n_memory, norm_place="pre", **SMALL)

    def batches(rng: np.random.Generator, size: int = 32) -> np.ndarray:
        return rng.integers(N_SYMBOLS, size=(size, 10))

    def loss(model: TransformerXL, ids: np.ndarray, rng: np.random.Generator) -> LossValue:
        _, before = model.forward(ids[:, :5])
        return answer(model, *model.forward(ids[:, 5:], before.memory), ids[:, 0])

    fit(model, batches, loss, steps)
    ids = batches(np.random.default_rng(99), 300)
    _, before = model.forward(ids[:, :5])
    logits, _ = model.forward(ids[:, 5:], before.memory)
    return float((logits[:, -1].argmax(axis=-1) == ids[:, 0]).mean())


def test_a_memory_of_the_whole_segment_remembers_its_first_token():
    assert remembered(5) > LEARNT


def test_a_memory_one_place_too_short_does_not():
    assert remembered(4) < GUESSED


def remembered_squeezed(n_compressed: int, steps: int = 120) -> float:
    """As `remembered`, with two recent places and the three before them squeezed into one, if there is room for it."""
    model = TransformerXL(N_SYMBOLS, n_memory=2, norm_place="pre", **SMALL)
    memory = CompressiveMemory(model.settings, n_compressed, 3, np.random.default_rng(0))

    def before(ids: np.ndarray) -> tuple[Any, ...]:
        _, cache = model.forward(ids[:, :5])
        return memory.push(None, cache.stack.reads)[0].memory

    def batches(rng: np.random.Generator, size: int = 32) -> np.ndarray:
        return rng.integers(N_SYMBOLS, size=(size, 10))

    def loss(model: TransformerXL, ids: np.ndarray, rng: np.random.Generator) -> LossValue:
        return answer(model, *model.forward(ids[:, 5:], before(ids)), ids[:, 0])

    fit(model, batches, loss, steps)
    ids = batches(np.random.default_rng(99), 300)
    logits, _ = model.forward(ids[:, 5:], before(ids))
    return float((logits[:, -1].argmax(axis=-1) == ids[:, 0]).mean())


def test_one_squeezed_place_remembers_what_fell_out_of_the_recent_memory():
    assert remembered_squeezed(1) > LEARNT


def test_without_room_for_it_what_fell_out_is_forgotten():
    assert remembered_squeezed(0) < GUESSED
