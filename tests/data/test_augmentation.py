"""Augmentation: what may change does, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.data.augmentation import delete_tokens, mask_tokens, replace_tokens, span_cutoff, swap_tokens

IDS = np.arange(1, 41).reshape(4, 10)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_masked_tokens_are_about_the_rate_and_only_where_allowed():
    many = np.ones((200, 50), dtype=int)
    assert (mask_tokens(many, 0.3, 0, rng()) == 0).mean() == pytest.approx(0.3, abs=0.02)
    allowed = np.arange(10) % 2 == 0
    assert ((mask_tokens(IDS, 1.0, 0, rng(), np.broadcast_to(allowed, IDS.shape)) == 0) == allowed).all()
    np.testing.assert_array_equal(mask_tokens(IDS, 0.0, 0, rng()), IDS)


def test_deleted_tokens_close_up_and_keep_their_order():
    for row, given in zip(delete_tokens(IDS, 0.4, 0, rng()), IDS, strict=True):
        left = row[row != 0]
        assert (row[len(left) :] == 0).all() and (np.diff(left) > 0).all() and np.isin(left, given).all()
    assert (delete_tokens(IDS, 1.0, 0, rng()) == 0).all()


def test_swaps_keep_the_words():
    swapped = swap_tokens(IDS, 2, rng())
    np.testing.assert_array_equal(np.sort(swapped, axis=1), IDS)
    assert ((swapped != IDS).sum(axis=1) <= 4).all() and (swapped != IDS).any()


def test_replacements_are_synonyms():
    synonyms = np.stack([np.arange(41) + 100, np.arange(41) + 200], axis=1)
    replaced = replace_tokens(IDS, 0.5, synonyms, rng())
    np.testing.assert_array_equal(replaced % 100, IDS)
    assert {0, 1, 2} == set(np.unique(replaced // 100))


@pytest.mark.parametrize(("share", "width"), [(0, 0), (0.3, 3), (1, 10)])
def test_a_cut_span_is_one_run_of_its_width(share, width):
    keep = span_cutoff(500, 10, share, rng())
    assert ((~keep).sum(axis=1) == width).all()
    assert (np.abs(np.diff(keep.astype(int), axis=1)).sum(axis=1) <= 2).all(), "one run"
    if 0 < width < 10:
        assert not keep.all(axis=0).any(), "every place is cut in some row"


def test_a_share_beyond_the_text_is_refused():
    with pytest.raises(ValueError, match="0 to 1"):
        span_cutoff(1, 5, 1.5, rng())
