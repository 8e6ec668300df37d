"""Runs of tokens are cut out, and nothing is lost."""

import numpy as np
import pytest

from tfx.data.span_corruption import corrupt_spans, restore_spans

SENTINELS = tuple(range(1000, 980, -1))


def corrupted(n, seed=0, **options):
    return corrupt_spans(np.arange(n), SENTINELS, np.random.default_rng(seed), **options)


@pytest.mark.parametrize("n", [2, 3, 7, 20, 57, 100])
@pytest.mark.parametrize("seed", range(5))
def test_source_and_target_together_hold_the_whole_text(n, seed):
    source, target = corrupted(n, seed)
    np.testing.assert_array_equal(restore_spans(source, target, SENTINELS), np.arange(n))
    of_text = [token for token in (*source, *target) if token not in SENTINELS]
    assert sorted(of_text) == list(range(n))


def test_as_many_tokens_and_runs_are_cut_as_was_asked_for():
    source, target = corrupted(100)
    assert len([token for token in target if token not in SENTINELS]) == 15
    assert [token for token in source if token in SENTINELS] == list(SENTINELS[:5])
    assert [token for token in target if token in SENTINELS] == list(SENTINELS[:6])
    assert source[0] == 0 and target[0] == SENTINELS[0] and target[-1] == SENTINELS[5]


def test_two_runs_never_touch():
    for seed in range(50):
        source, _ = corrupted(40, seed, rate=0.5, mean_length=2.0)
        places = np.flatnonzero(np.isin(source, SENTINELS))
        assert (np.diff(places) > 1).all()


def test_every_token_but_the_first_is_cut_about_equally_often():
    gone = np.zeros(30)
    for seed in range(3000):
        _, target = corrupted(30, seed, rate=0.2, mean_length=2.0)
        gone[[token for token in target if token not in SENTINELS]] += 1
    share = gone / 3000
    assert share[0] == 0
    assert share.sum() == pytest.approx(6)
    assert share[10:25].std() < 0.03 and share[10:25].mean() == pytest.approx(0.2, abs=0.04)


def test_the_same_seed_gives_the_same_bytes():
    for first, again in zip(corrupted(60, 3), corrupted(60, 3), strict=True):
        assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 1}, "cannot lose one and keep one"),
        ({"n": 20, "rate": 0.0}, "between 0 and 1"),
        ({"n": 20, "mean_length": 0.5}, "at least 1"),
        ({"n": 90, "rate": 0.5, "mean_length": 1.0}, "sentinels"),
        ({"n": 1001, "rate": 0.01}, "holds a sentinel"),
    ],
)
def test_what_cannot_be_done_is_said(options, words):
    with pytest.raises(ValueError, match=words):
        corrupted(**options)
