"""What lies inside the receptive field can be learnt, and what lies one token outside it cannot."""

import math

import numpy as np
import pytest

from tfx.models import ConvolutionDecoder
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward
from tfx.optim import AdamW
from tfx.schedule import warmup_cosine

N_SYMBOLS, LENGTH, STEPS = 5, 20, 150


def echo(rng: np.random.Generator, lag: int, rows: int) -> np.ndarray:
    """(rows, LENGTH) ids: every token from place `lag` on repeats the token `lag` places before it."""
    ids = rng.integers(N_SYMBOLS, size=(rows, LENGTH))
    for place in range(lag, LENGTH):
        ids[:, place] = ids[:, place - lag]
    return ids


def trained_on(lag: int) -> tuple[float, float]:
    """Loss and accuracy on fresh rows, over the tokens that an echo decides."""
    model = ConvolutionDecoder(N_SYMBOLS, d_model=32, kernel=2, dilations=(1, 2, 4))
    assert model.receptive_field == 8
    optimizer = AdamW(model)
    decided = np.arange(1, LENGTH) >= lag
    for step in range(1, STEPS + 1):
        ids = echo(np.random.default_rng((0, step)), lag, 32)
        keep = np.broadcast_to(decided, (32, LENGTH - 1))
        model.zero_grad()
        logits, cache = model.forward(ids[:, :-1])
        _, loss_cache = cross_entropy_forward(logits, ids[:, 1:], keep=keep)
        model.backward(cross_entropy_backward(1.0, loss_cache), cache)
        optimizer.step(warmup_cosine(step, 1e-2, 20, STEPS))
    ids = echo(np.random.default_rng(99), lag, 200)
    logits, _ = model.forward(ids[:, :-1])
    loss, _ = cross_entropy_forward(logits, ids[:, 1:], keep=np.broadcast_to(decided, (200, LENGTH - 1)))
    right = logits.argmax(axis=-1) == ids[:, 1:]
    return float(loss), float(right[:, decided].mean())


@pytest.mark.parametrize("lag", [3, 8])
def test_an_echo_inside_the_receptive_field_is_learnt(lag):
    loss, accuracy = trained_on(lag)
    assert accuracy > 0.99 and loss < 0.1


def test_an_echo_one_token_outside_it_is_not():
    loss, accuracy = trained_on(9)
    assert loss > 0.9 * math.log(N_SYMBOLS) and accuracy < 1.5 / N_SYMBOLS
