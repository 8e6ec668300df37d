"""Augmentation: what is damaged, how often, and that the rest stays."""

import numpy as np
import pytest

from tfx.data.augmentation import span_cutoff, swap_tokens, token_dropout

RNG = np.random.default_rng
IDS = RNG(0).integers(1, 50, size=(400, 20))
LENGTHS = RNG(1).integers(0, 21, size=400)
BLANK = 0


def test_token_dropout_blanks_its_rate_of_the_tokens_and_spares_special_ones():
    special = {7, 9}
    dropped = token_dropout(IDS, RNG(2), 0.2, BLANK, special)
    changed = dropped != IDS
    assert (dropped[changed] == BLANK).all() and not changed[np.isin(IDS, [7, 9])].any()
    assert changed[~np.isin(IDS, [7, 9])].mean() == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(("rate", "blank"), [(0.0, 0.0), (1.0, 1.0)])
def test_a_rate_of_nothing_or_everything(rate, blank):
    assert (token_dropout(IDS, RNG(0), rate, BLANK) == BLANK).mean() == blank


def test_swaps_make_permutations_and_leave_padding_alone():
    swapped = swap_tokens(IDS, RNG(2), 3, LENGTHS)
    inside = np.arange(20) < LENGTHS[:, None]
    assert np.array_equal(swapped[~inside], IDS[~inside])
    assert np.array_equal(np.sort(swapped, axis=1), np.sort(IDS, axis=1))
    assert 1 < (swapped != IDS).sum(axis=1)[LENGTHS > 10].mean() < 6
    assert np.array_equal(swap_tokens(IDS, RNG(2), 0), IDS)


def test_enough_swaps_bring_every_token_everywhere():
    rows = np.tile(np.arange(4), (4000, 1))
    where = (swap_tokens(rows, RNG(3), 20) == 0).mean(axis=0)
    np.testing.assert_allclose(where, 0.25, atol=0.04)


def test_a_cutoff_is_one_stretch_of_its_share_within_the_row():
    cut = span_cutoff(IDS, RNG(2), 0.3, BLANK, LENGTHS)
    for row, length in zip(cut, LENGTHS, strict=True):
        places = np.flatnonzero(row == BLANK)
        assert len(places) == round(0.3 * int(length))
        if len(places):
            assert places[-1] - places[0] == len(places) - 1 and places[-1] < length
    assert np.array_equal(cut[cut != BLANK], IDS[cut != BLANK])


def test_every_start_of_a_cutoff_is_equally_likely():
    starts = (span_cutoff(np.ones((6000, 6), int), RNG(4), 0.5, BLANK) == BLANK).argmax(axis=1)
    np.testing.assert_allclose(np.bincount(starts, minlength=4) / 6000, 0.25, atol=0.03)


@pytest.mark.parametrize(
    "damage",
    [
        lambda ids, rng: token_dropout(ids, rng, 0.5, BLANK),
        lambda ids, rng: swap_tokens(ids, rng, 2),
        lambda ids, rng: span_cutoff(ids, rng, 0.5, BLANK),
    ],
)
def test_equal_seeds_give_equal_rows_and_the_input_is_not_touched(damage):
    before = IDS.copy()
    assert np.array_equal(damage(IDS, RNG(5)), damage(IDS, RNG(5)))
    assert np.array_equal(IDS, before) and not np.array_equal(damage(IDS, RNG(5)), IDS)
    for shape in ((0, 4), (3, 0)):
        assert damage(np.zeros(shape, int), RNG(0)).shape == shape


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="rate"):
        token_dropout(IDS, RNG(0), 1.5, BLANK)
    with pytest.raises(ValueError, match="swaps"):
        swap_tokens(IDS, RNG(0), -1)
    with pytest.raises(ValueError, match="share"):
        span_cutoff(IDS, RNG(0), -0.1, BLANK)
