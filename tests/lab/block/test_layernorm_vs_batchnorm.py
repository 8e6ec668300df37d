"""LayerNorm and BatchNorm when only the rest of the batch changes: laws, controls, and what is said."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.block import layernorm_vs_batchnorm
from tfx.lab.block.layernorm_vs_batchnorm import noise_of_batch, padded_change

PLACE = "tfx.lab.block.layernorm_vs_batchnorm"


def one_norm_for_all(forward):
    """A LayerNorm that takes its statistics over the batch."""
    return lambda x, eps: ((x - x.mean()) / x.std(), None)


def forgets_what_is_stored(forward):
    return lambda x, gamma, beta, running=None, keep=None, eps=0.0: forward(x, gamma, beta, None, keep, eps)


def unbiased(forward):
    """Training divides by n - 1."""

    def normed(x, gamma, beta, running=None, keep=None, eps=0.0):
        y, cache = forward(x, gamma, beta, running, keep, eps)
        return (y if running is not None or len(x) < 2 else y * math.sqrt((len(x) - 1) / len(x))), cache

    return normed


def never_zero(forward):
    def normed(x, gamma, beta, running=None, keep=None, eps=0.0):
        y, cache = forward(x, gamma, beta, running, keep, eps)
        return (y + 1.0 if len(x) == 1 and running is None else y), cache

    return normed


BREAKS = Table(
    layernorm_vs_batchnorm.Settings(sizes=(1, 4, 32), padding=(0.5,), tokens=32, width=8, draws=25),
    Broken("no mask", {"mask"}, mask=False),
    Broken("eps as large as a tenth", {"padding"}, eps=0.1),
    Broken("LayerNorm over the batch", {"layer-norm"}, {f"{PLACE}.layer_norm_forward": one_norm_for_all}),
    Broken("evaluation over the batch", {"evaluation", "batch-noise"}, {
        f"{PLACE}.batch_norm_forward": forgets_what_is_stored}),
    Broken("a variance of n - 1", {"mask", "padding"}, {f"{PLACE}.batch_norm_forward": unbiased}),
    Broken("the law of large batches", {"batch-noise"}, {f"{PLACE}.noise_of_batch": instead(lambda n: 1 / n)}),
    Broken("the law of another share", {"padding"}, {
        f"{PLACE}.padded_change": lambda law: lambda tokens, share: law(tokens, share / 2)}),
    Broken("one token that gives ones", {"one-token"}, {f"{PLACE}.batch_norm_forward": never_zero}),
    Broken("the same token again", {"neighbours"}, {
        f"{PLACE}.batches": lambda batches: lambda settings, what, amount, rng: (
            (lambda before, after, stay: (before, before if what == "another token" else after, stay))
            (*batches(settings, what, amount, rng)))}),
)  # fmt: skip


def test_zeros_in_half_of_a_batch_halve_the_variance():
    tokens = np.array([[-1.0, 1.0], [1.0, -1.0]])
    assert padded_change(tokens, 0.5) == pytest.approx(math.sqrt(2) - 1)
    assert padded_change(tokens, 0.75) == pytest.approx(1.0)
    moved = tokens + 1.0  # mean 1 and variance 1 become 0.5 and 0.75
    after = (moved - 0.5) / math.sqrt(0.75)
    assert padded_change(moved, 0.5) == pytest.approx(np.linalg.norm(after - tokens) / 2)


def test_the_noise_of_a_batch_falls_like_three_halves_over_its_size():
    assert noise_of_batch(2) == pytest.approx(2 - 2 / math.sqrt(math.pi))
    assert noise_of_batch(10_000) == pytest.approx(1.5e-4, rel=1e-3)
    assert noise_of_batch(1) == 1


@pytest.mark.parametrize("mean", [-3.0, 0.5])
def test_the_law_of_padding_holds_for_any_mean(mean):
    settings = layernorm_vs_batchnorm.Settings(sizes=(1, 8), tokens=32, draws=10, mean=mean)
    found = frame.run(layernorm_vs_batchnorm, settings, 0)
    assert all(check.holds for check in found.checks), found.checks
    assert found.question.explanation == "The zeros move the mean and change the variance."


def test_without_a_batch_of_one_nothing_is_said_of_it():
    settings = layernorm_vs_batchnorm.Settings(sizes=(2, 8), tokens=32, draws=10)
    found = frame.run(layernorm_vs_batchnorm, settings, 0)
    assert "one-token" not in [check.id for check in found.checks]


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(layernorm_vs_batchnorm)
    padded, last = found.rows[3]["training"], found.rows[2]["training"]
    assert found.question.answer == padded == pytest.approx(math.sqrt(2) - 1, abs=0.02)
    assert found.notes[0].text == (
        f"50% padding changes BatchNorm's output by {padded:.0%} of its size in training, and a batch of 1 by 100%, "
        f"one of 32 by {last:.1%}. LayerNorm's output does not change."
    )
    assert [plot.title for plot in found.plots] == [
        f"BatchNorm in training is off by 100% in a batch of 1, by {last:.1%} in one of 32; LayerNorm by nothing",
        f"Padding changes BatchNorm's output in training by up to {padded:.0%}; LayerNorm's by nothing",
    ]
