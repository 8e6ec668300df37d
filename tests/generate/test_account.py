"""The account of a text."""

from __future__ import annotations

import numpy as np
import pytest

from tests.generate.tables import next_of, reader_of_table, table
from tfx.generate import Shaping
from tfx.generate.account import account
from tfx.generate.beam import log_probability

LOGITS = table(4, 0)


def test_every_token_gets_the_probability_that_it_was_drawn_with():
    ids, text = [2, 0, 3], [1]
    shaping = Shaping(temperature=0.5, top_k=3)
    for one in account(reader_of_table(LOGITS), [1], ids, shaping):
        p = next_of(LOGITS, text)
        sharp = np.where(p >= np.sort(p)[1], p**2, 0)
        assert one.probability == pytest.approx(p[one.id])
        assert one.shaped == pytest.approx(sharp[one.id] / sharp.sum())
        assert (one.rank, one.kept) == (1 + sorted(p, reverse=True).index(p[one.id]), 3)
        assert one.likeliest == p.argmax()
        text.append(one.id)
    assert text == [1, *ids]


def test_the_logarithms_add_up_to_that_of_the_text():
    told = account(reader_of_table(LOGITS), [1, 3], [2, 0, 0])
    total = sum(np.log(one.probability) for one in told)
    assert total == pytest.approx(log_probability(reader_of_table(LOGITS), [1, 3], [2, 0, 0]), abs=1e-13)
    assert account(reader_of_table(LOGITS), [1], []) == []
