"""The 80/10/10 rule: counted, and never applied to a special token."""

import math

import numpy as np
import pytest

from tfx.data.masked_tokens import mask_tokens

PAD, CLS, SEP, MASK = range(4)
VOCAB = 104
SPECIAL = (PAD, CLS, SEP)
IDS = np.random.default_rng(0).integers(4, VOCAB, size=(2000, 64))
IDS[:, 0], IDS[:, 40], IDS[:, 60:] = CLS, SEP, PAD
N_ORDINARY = 64 - 6


def masked(seed=0, **settings):
    return mask_tokens(IDS, np.random.default_rng(seed), VOCAB, MASK, SPECIAL, **settings)


def near(share, wanted, n):
    """Within four standard deviations of a count of n."""
    return abs(share - wanted) < 4 * math.sqrt(wanted * (1 - wanted) / n)


def test_every_row_has_fifteen_percent_of_its_ordinary_tokens_chosen():
    assert set(masked().chosen.sum(axis=1).tolist()) == {round(0.15 * N_ORDINARY)}


@pytest.mark.parametrize(("length", "n"), [(1, 1), (2, 1), (6, 1), (10, 2), (20, 3), (47, 7)])
def test_a_short_row_has_at_least_one_place_chosen(length, n):
    ids = IDS[:5, 1 : 1 + length].copy()
    ids[ids < 4] = 9
    chosen = mask_tokens(ids, np.random.default_rng(0), VOCAB, MASK, SPECIAL).chosen
    assert (chosen.sum(axis=1) == n).all()


def test_every_ordinary_place_is_chosen_equally_often_and_no_special_one_ever():
    chosen = masked().chosen
    special = np.isin(IDS, (*SPECIAL, MASK))
    assert not chosen[special].any()
    share = chosen.mean(axis=0)[~special[0]]
    rate = round(0.15 * N_ORDINARY) / N_ORDINARY
    assert all(near(s, rate, len(IDS)) for s in share)


def test_of_the_chosen_places_eight_in_ten_are_masked_one_is_random_and_one_is_kept():
    ids, targets, chosen = masked()
    n, originals = chosen.sum(), targets[chosen]
    read = ids[chosen]
    kept, hidden = read == originals, read == MASK
    by_chance = 0.1 / (VOCAB - 4)  # a random token may be the original
    assert near(hidden.mean(), 0.8, n)
    assert near(kept.mean(), 0.1 + by_chance, n)
    assert near((~kept & ~hidden).mean(), 0.1 - by_chance, n)


def test_a_random_token_may_be_any_ordinary_one_and_never_a_special_one():
    ids, _, chosen = masked(masked=0.0, random=1.0)
    counts = np.bincount(ids[chosen], minlength=VOCAB)
    assert not counts[:4].any()
    expected = chosen.sum() / (VOCAB - 4)
    assert (abs(counts[4:] - expected) < 5 * math.sqrt(expected)).all()


def test_nothing_changes_where_nothing_was_chosen_and_the_input_stays_as_it_was():
    before = IDS.copy()
    ids, targets, chosen = masked()
    assert np.array_equal(IDS, before) and np.array_equal(targets, before)
    assert np.array_equal(ids[~chosen], before[~chosen])


def test_the_rates_can_be_all_or_nothing():
    assert not masked(rate=0.0).chosen.any()
    everything = masked(rate=1.0, masked=1.0, random=0.0)
    ordinary = ~np.isin(IDS, SPECIAL)
    assert np.array_equal(everything.chosen, ordinary) and (everything.ids[ordinary] == MASK).all()
    assert np.array_equal(masked(masked=0.0, random=0.0).ids, IDS)


def test_a_row_of_special_tokens_and_no_row_at_all_work():
    assert not mask_tokens(np.full((1, 5), PAD), np.random.default_rng(0), VOCAB, MASK, SPECIAL).chosen.any()
    assert mask_tokens(IDS[:0], np.random.default_rng(0), VOCAB, MASK, SPECIAL).ids.shape == (0, 64)


def test_the_same_seed_masks_the_same_places():
    first, same, other = masked(1), masked(1), masked(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first.chosen, other.chosen)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rate": 1.5}, "rate must be between 0 and 1, not 1.5"),
        ({"masked": 0.9, "random": 0.2}, "0.9 and random 0.2"),
        ({"masked": -0.1}, "-0.1"),
    ],
)
def test_shares_that_are_no_shares_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        masked(**settings)


def test_a_vocabulary_of_special_tokens_is_refused():
    with pytest.raises(ValueError, match="all 4 tokens"):
        mask_tokens(np.zeros((1, 2), dtype=int), np.random.default_rng(0), 4, MASK, SPECIAL)
