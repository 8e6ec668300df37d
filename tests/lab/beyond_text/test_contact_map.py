"""Places that touch change together, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.lab.beyond_text.contact_map import coupling, partners, related_chains


def test_partners_are_found_where_letters_fit_and_not_where_they_are_drawn():
    chains = related_chains(400, 10, 0.9, np.random.default_rng(0))
    assert partners(coupling(chains)).tolist() == list(range(9, -1, -1))
    assert ((chains + chains[:, ::-1] == 3).mean(axis=0) > 0.85).all()
    free = coupling(related_chains(400, 10, 0.0, np.random.default_rng(0)))
    assert free.max() < 0.15 < 0.3 < coupling(chains).max()


def test_coupling_by_hand():
    """Two places that always hold 0 3 or 1 2, equally often: four deviations of a quarter."""
    assert coupling(np.array([[0, 3], [1, 2]])) == pytest.approx(np.array([[0, 0.5], [0.5, 0]]))
