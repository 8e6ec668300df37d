"""Gaps in texts of doubled tokens: the partner tells, where it can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.training import fill_the_gap
from tfx.lab.training.fill_the_gap import draw, filled, most


def test_a_text_is_of_pairs_with_one_of_the_middle_two_hidden():
    gaps = draw(400, 5, np.random.default_rng(0))
    assert (gaps.text[:, 0::2] == gaps.text[:, 1::2]).all() and set(gaps.text.ravel()) == set(range(5))
    assert (gaps.hidden.sum(axis=1) == 1).all() and (gaps.hidden[:, 2:4].sum(axis=1) == 1).all()
    assert (gaps.ids[gaps.hidden] == 5).all() and (gaps.ids == gaps.text)[~gaps.hidden].all()
    assert np.array_equal(gaps.first, gaps.hidden[:, 2]) and 100 < gaps.first.sum() < 300


def test_the_most_that_a_causal_reader_fills_is_counted():
    """A reader who copies the token before, and else always says 0."""
    gaps = draw(40_000, 4, np.random.default_rng(1))
    said = np.where(gaps.first, 0, gaps.text[:, 2])
    assert (said == gaps.text[:, 3]).mean() == pytest.approx(most(4), abs=0.01)
    assert most(4) == 0.625


@pytest.mark.parametrize("symbols", [3, 10])
def test_without_a_mask_every_gap_is_filled_and_with_one_half_of_them(symbols):
    free, causal = (filled(mask, symbols, 80, 1000, seed=5) for mask in (False, True))
    assert free == (1.0, 1.0) and causal.before == 1.0
    assert causal.after == pytest.approx(1 / symbols, abs=0.08)
    assert filled(True, symbols, 80, 1000, seed=5) == causal


def test_what_is_before_and_what_is_after_are_not_mixed_up(monkeypatch):
    """Without training both are guesses; with the text left whole both are copies of the place itself."""
    fresh = filled(False, 4, 0, 2000, seed=0)
    assert max(fresh) < 0.6
    hiding = fill_the_gap.draw

    def half_whole(*given):
        gaps = hiding(*given)
        return gaps._replace(ids=np.where(gaps.first[:, None], gaps.text, gaps.ids))

    monkeypatch.setattr(fill_the_gap, "draw", half_whole)
    assert filled(True, 4, 80, 500, seed=0).after == 1.0
