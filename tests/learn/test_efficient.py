"""Every kind of efficient attention trains a small model, and each is tried where its idea must fail.

Two tasks ask for different things.  PARTNER: each of four symbols stands in two places, in two colours; a place has to
name the colour of the other one, so it must look for content.  PREVIOUS: name the token before, so look at a place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder
from tfx.optim import AdamW
from tfx.schedule import constant
from tfx.train import LabelledBatch, labelling_loss, next_token_loss, train

SYMBOLS, COLOURS, LENGTH = 8, 4, 8
SMALL: dict[str, Any] = {"d_model": 24, "n_heads": 2, "d_ff": 32}
RATE = partial(constant, learning_rate=0.01)
Task = Callable[..., LabelledBatch]
#: tests/efficient proves that outputs and gradients are those of plain attention: that it learns follows.
EQUALS_PLAIN = pytest.mark.slow


def partner(rng: np.random.Generator, rows: int = 32) -> LabelledBatch:
    half = np.argsort(rng.random((rows, SYMBOLS)), axis=1)[:, : LENGTH // 2]
    symbols, colours = np.concatenate((half, half), axis=1), rng.integers(COLOURS, size=(rows, LENGTH))
    order = np.argsort(rng.random((rows, LENGTH)), axis=1)
    ids, targets = symbols * COLOURS + colours, np.roll(colours, LENGTH // 2, axis=1)
    return LabelledBatch(np.take_along_axis(ids, order, 1), np.take_along_axis(targets, order, 1))


def previous(rng: np.random.Generator, rows: int = 32) -> LabelledBatch:
    ids = rng.integers(6, size=(rows, 7))
    return LabelledBatch(ids, np.roll(ids, 1, axis=1))


def majority(rng: np.random.Generator, rows: int = 32) -> LabelledBatch:
    """Every place names the most frequent of three symbols."""
    ids = rng.integers(3, size=(rows, 7))
    most = (ids[..., None] == np.arange(3)).sum(axis=1).argmax(axis=1)
    return LabelledBatch(ids, np.repeat(most[:, None], 7, axis=1))


def twice(rng: np.random.Generator, rows: int = 32) -> np.ndarray:
    """Five random symbols, then the same five."""
    first = rng.integers(6, size=(rows, 5))
    return np.concatenate((first, first), axis=1)


def learned(task: Task, vocab: int, kernel: Any, steps: int = 200, **settings: Any) -> float:
    """Accuracy of a trained encoder on sequences that it has not seen."""
    model = Encoder(vocab, **{**SMALL, "n_layers": 1, **settings}, attention={"kernel": kernel})
    list(train(model, task, labelling_loss(), AdamW(model), RATE, steps))
    batch = task(np.random.default_rng(99), 256)
    return float((model.forward(batch.ids)[0].argmax(-1) == batch.targets).mean())


find_partner = partial(learned, partner, SYMBOLS * COLOURS, positions="none")
find_previous = partial(learned, previous, 6)


@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param({"name": "tiled", "block_q": 3, "block_k": 3}, marks=EQUALS_PLAIN),
        {"name": "memory_efficient", "chunk": 3},
        {"name": "linear"},
        {"name": "performer", "n_features": 64},
        {"name": "nystrom", "n_landmarks": LENGTH},
    ],
    ids=lambda kernel: kernel["name"],
)
def test_what_makes_weights_of_queries_and_keys_finds_the_partner(kernel):
    assert find_partner(kernel) > 0.9


@pytest.mark.parametrize(
    "kernel",
    [
        {"name": "performer", "n_features": 1},
        {"name": "nystrom", "n_landmarks": 1},
        {"name": "linformer", "max_len": LENGTH, "rank": 1},
        {"name": "random_synthesizer", "max_len": LENGTH},
        {"name": "dense_synthesizer", "max_len": LENGTH},
        "fourier",
    ],
    ids=lambda kernel: kernel if isinstance(kernel, str) else kernel["name"],
)
def test_where_all_queries_read_alike_or_none_looks_at_the_keys_the_partner_is_not_found(kernel):
    """One feature, one landmark or one mixed key leave one row of weights; the others never look at content."""
    assert find_partner(kernel) < 0.75


@pytest.mark.parametrize(
    "kernel",
    [
        {"name": "random_synthesizer", "max_len": 7},
        {"name": "random_synthesizer", "max_len": 7, "rank": 4},
        {"name": "dense_synthesizer", "max_len": 7},
    ],
    ids=["random", "factorised", "dense"],
)
def test_a_synthesizer_learns_to_look_at_a_place(kernel):
    assert find_previous(kernel) > 0.97


def test_a_linformer_learns_to_look_at_a_place_if_it_mixes_enough_keys():
    many, two = ({"name": "linformer", "max_len": 7, "rank": rank} for rank in (7, 2))
    assert find_previous(many, 300) > 0.85
    assert find_previous(two, 300) < 0.7


def test_scores_that_are_fixed_do_not_learn_where_to_look():
    assert find_previous({"name": "random_synthesizer", "max_len": 7, "learned": False}) < 0.7


def test_fourier_mixing_learns_what_all_tokens_say_together():
    assert learned(majority, 3, "fourier", 300, n_layers=2) > 0.93


@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param({"name": "tiled", "causal": True, "block_q": 4, "block_k": 4}, marks=EQUALS_PLAIN),
        {"name": "linear", "causal": True, "chunk": 4},
        pytest.param({"name": "performer", "causal": True, "n_features": 64}, marks=pytest.mark.slow),
        {"name": "random_synthesizer", "max_len": 9},
        {"name": "dense_synthesizer", "max_len": 9, "hidden": 24},
    ],
    ids=lambda kernel: kernel["name"],
)
def test_a_language_model_learns_to_repeat_what_it_read_and_cannot_guess_what_comes_first(kernel):
    model = DecoderOnly(6, **SMALL, n_layers=1, positions="learned", attention={"kernel": kernel})
    list(train(model, twice, next_token_loss(), AdamW(model), RATE, 300))
    ids = twice(np.random.default_rng(99), 256)
    right = model.forward(ids[:, :-1])[0].argmax(-1) == ids[:, 1:]
    assert right[:, 4:].mean() > 0.9, "the second five"
    assert right[:, :4].mean() < 0.3, "the first five are random: more than a sixth would be a leak"
