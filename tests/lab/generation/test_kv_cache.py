"""Keys and values that are stored: counted work, counted bytes, and the same output."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, exact_clock, instead
from tfx.generate.stored_keys import StoredDecoder
from tfx.lab import frame
from tfx.lab.generation import kv_cache

PLACE = "tfx.lab.generation.kv_cache"


class Forgetful(StoredDecoder):
    """Its stored keys and values are those of another text."""

    def read(self, ids, n_last=None):
        if self.length:
            for each in self.stored:
                each.storage_k[...] = each.storage_k[:, :, ::-1].copy()
        return super().read(ids, n_last)


BREAKS = Table(
    kv_cache.Settings(contexts=(16, 24, 32), d_model=16, heads=2, turns=3),
    Broken("its own key and value forgotten", {"own-appended"}, own=False),
    Broken("keys in another order", {"same-logits"}, planted={f"{PLACE}.StoredDecoder": instead(Forgetful)}),
    Broken("another text", {"same-text"}, row=lambda row: {**row, "same_text": False}),
    Broken("a product more with a cache", {"with"}, row=lambda row: {**row, "stored_count": row["stored_count"] + 16}),
    Broken("a product less without one", {"without"}, row=lambda row: {**row, "whole_count": row["whole_count"] - 16}),
    Broken("keys alone", {"stored"}, row=lambda row: {**row, "kept_bytes": row["kept_bytes"] / 2}),
    Broken("a token that does not see itself", {"own-needed"}, row=lambda row: {**row, "forgotten_off": 0.0}),
    always=exact_clock(lambda name: 1.0 if name == "stored" else 20.0),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(kv_cache, kv_cache.Settings(contexts=(5, 17, 40), d_model=12, heads=3), seed)
    assert all(check.holds for check in found.checks), found.checks


def test_the_formula_is_a_sum_over_the_matrices():
    """4 C^2 for q, k, v and the output, 8 C^2 for the feed-forward layer, n C twice; and the vocabulary."""
    settings = kv_cache.Settings(d_model=16, heads=2, layers=3, vocab=50)
    row = kv_cache.measure_row(frame.Run(settings), 20)
    assert row["stored_count"] == row["by_formula"] == 3 * (12 * 16**2 + 2 * 20 * 16) + 16 * 50
    assert row["whole_count"] == 20 * row["stored_count"] and row["kept_bytes"] == 8 * 2 * 3 * 16 * 20


def test_the_work_of_a_text_is_the_sum_of_its_tokens():
    settings = kv_cache.Settings(d_model=16, heads=2, layers=1, vocab=10)
    steps = np.array([12 * 16**2 + 2 * n * 16 + 160 for n in range(1, 8)])
    assert kv_cache.text_work(7, settings, whole=False) == steps.sum()
    assert kv_cache.text_work(7, settings, whole=True) == (steps * np.arange(1, 8)).sum()


def test_what_is_said_is_what_was_counted():
    found = BREAKS.run(kv_cache)
    one = 2 * (12 * 16**2 + 2 * 32 * 16) + 16 * 128
    assert found.question.answer == 32
    assert found.notes[0].text == (
        f"Token 32 takes {one / 1e6:.3g} million multiply-adds with a cache and {32 * one / 1e6:.3g} million without. "
        f"What is stored for it is {8 * 2 * 2 * 16 * 32 / 1024:.4g} KiB."
    )
