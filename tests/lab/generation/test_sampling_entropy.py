"""Temperature, top-k and top-p: entropy by its slope, and what is kept by counting."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.generation import sampling_entropy
from tfx.lab.generation.sampling_entropy import kept_by_normal_scores

PLACE = "tfx.lab.generation.sampling_entropy"

BREAKS = Table(
    sampling_entropy.Settings(draws=20, temperatures=(0.02, 1, 100)),
    Broken("one kind of distribution", {"top-k-varies", "top-p-varies"}, sharp=0.5),
    Broken("a top-k that keeps all", {"top-k-varies"}, k=1000),
    Broken("temperatures near 1", {"hottest", "coldest"}, temperatures=(0.5, 1, 2)),
    Broken(
        "the mean square for the variance",
        {"slope"},
        planted={f"{PLACE}.variance_under": instead(lambda p, x: (p * x * x).sum(axis=1))},
    ),
    Broken(
        "a temperature that cools",
        {"grows"},
        row=lambda row: row if row["value"] != 1 else {**row, "entropy_flat": 0.0},
    ),
    Broken("another likeliest token", {"same-first"}, row=lambda row: {**row, "moved_sharp": 1}),
    Broken(
        "the law of another spread", {"top-k-flat"}, planted={f"{PLACE}.kept_by_normal_scores": instead(lambda f, s: f)}
    ),
    Broken("a token more", {"top-k-counts"}, row=lambda row: {**row, "tokens_flat": row["tokens_flat"] + 1}),
    Broken("a top-p of more", {"top-p-least"}, planted={f"{PLACE}.top_p": lambda o: lambda x, p: o(x, p + 0.03)}),
    Broken("as many tokens either way", {"top-p-varies"}, row=times(100.0, "tokens_sharp")),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(sampling_entropy, sampling_entropy.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_the_law_of_normal_scores_is_that_of_very_many_tokens():
    x = np.sort(np.random.default_rng(0).standard_normal(1_000_000))[::-1]
    for spread in (0.5, 1.0, 2.0):
        p = np.exp(spread * x)
        assert kept_by_normal_scores(0.04, spread) == pytest.approx(p[:40_000].sum() / p.sum(), rel=0.02)
    assert kept_by_normal_scores(0.04, 0.0) == pytest.approx(0.04)
    assert kept_by_normal_scores(1.0, 3.0) == 1.0


def test_a_k_above_the_vocabulary_is_refused():
    with pytest.raises(BadInput, match="k must be at most vocab, 30, but is 40"):
        frame.run(sampling_entropy, replace(sampling_entropy.Settings(), vocab=30), 0)


def test_what_is_said_is_what_was_measured():
    """By bare sums over the scores of the same draws."""
    settings = BREAKS.settings
    found = BREAKS.run(sampling_entropy)
    normal = frame.Run(settings).generator(0).standard_normal((20, 1000))

    def softmax(x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def entropy(p):
        return float(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1).mean())

    kept = {s: 100 * np.sort(softmax(s * normal))[:, -40:].sum(axis=1).mean() for s in (0.5, 3.0)}
    cold, hot = entropy(softmax(150 * normal)), entropy(softmax(0.03 * normal))
    assert found.notes[0].text == (
        f"Sharp entropy rises from {cold:.2f} nats at T = 0.02 to {hot:.2f} at T = 100. The top 40 keep "
        f"{kept[0.5]:.2g}% of a flat distribution, {kept[3.0]:.2g}% of a sharp one."
    )
    assert found.question.answer == pytest.approx(kept[0.5])
    assert hot == pytest.approx(math.log(1000), rel=1e-3)
