"""When a text is finished."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.generate import Stopping, WholePass
from tfx.generate.greedy import most_likely
from tfx.generate.writing import as_prompts, write


def counting_up(n_tokens: int = 10) -> WholePass:
    """After t comes t + 1."""
    return WholePass(lambda ids, _: np.eye(n_tokens)[(ids + 1) % n_tokens])


def written(prompts, n, **stopping):
    return write(counting_up(), as_prompts(prompts), n, most_likely, Stopping(**stopping))


def test_each_row_ends_for_its_own_reason_and_the_token_that_ended_it_is_its_last():
    have = written([[1], [4], [6], [9]], 4, end=6, sequences=[(8, 9)])
    assert [row.tolist() for row in have.ids] == [[2, 3, 4, 5], [5, 6], [7, 8, 9], [0, 1, 2, 3]]
    assert have.reasons == ("length", "end", "stop", "length")


def test_several_tokens_may_end_a_text():
    assert written([1], 9, end=(7, 3)).ids[0].tolist() == [2, 3]


def test_a_stop_sequence_has_to_be_written_and_not_only_to_straddle_the_prompt():
    assert written([1, 2], 5, sequences=[(2, 3)]).reasons == ("length",)
    assert written([1], 5, sequences=[(2, 3)]).ids[0].tolist() == [2, 3]


def test_a_stop_sequence_stands_in_its_order_and_at_the_end():
    assert written([1], 5, sequences=[(3, 2), (4, 2), (2, 4)]).reasons == ("length",)
    assert Stopping(sequences=[(2, 3)]).reason([2, 3, 4]) is None


def test_an_end_token_in_the_prompt_ends_nothing():
    assert written([5, 5], 3, end=5).ids[0].tolist() == [6, 7, 8]


def test_nothing_is_read_when_all_rows_have_ended():
    calls = []

    def logits_of(ids, _):
        calls.append(ids.shape)
        return np.eye(10)[(ids + 1) % 10]

    write(WholePass(logits_of), as_prompts([[1], [2]]), 100, most_likely, Stopping(4))
    assert calls == [(2, 1), (2, 2), (1, 3)]


def test_an_empty_stop_sequence_is_refused():
    with pytest.raises(ValueError, match="empty stop sequence"):
        Stopping(sequences=[[]])
    assert Stopping(3).reason([]) is None
