import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.sequences import path_length
from tfx.lab.sequences.path_length import layers, layers_until_everywhere
from tfx.ops.attention.masks import causal_mask, window_mask

PLACE = "tfx.lab.sequences.path_length"
DEFAULT = path_length.Settings()
SMALL = replace(DEFAULT, lengths=(5, 9, 16, 30))


def diagonal(original):
    """Attention in which every token reads itself alone, but for the first and the last, which read all."""

    def attention(q, k, v, mask=None):
        out, cache = original(q, k, v, mask)
        return np.where(np.isin(np.arange(len(v)), (0, len(v) - 1))[:, None], out, v), cache

    return attention


def skipping(h):
    """(n * n, 1) states -> those of one place before, (n * n, 1, 1)."""
    side = math.isqrt(len(h))
    return np.roll(h.reshape(side, side), 1, axis=0).reshape(-1, 1, 1)


def wider(original):
    return lambda *arrays, window, **settings: original(*arrays, window=window + 1, **settings)


BREAKS = Table(
    SMALL,
    Broken("no dilation", {"dilated"}, dilated=False),
    Broken("no global token", {"global-token"}, global_token=False),
    Broken(
        "a state that skips a place",
        {"rnn"},
        planted={f"{PLACE}.rnn_forward": lambda o: lambda x, h, *w, **s: (o(x, h, *w, **s)[0] + skipping(h), None)},
    ),
    Broken(
        "a dilation of 2 where there should be none",
        {"convolution", "dilated"},
        planted={f"{PLACE}.convolution_forward": lambda o: lambda x, w, **s: o(x, w, **{**s, "dilation": 2})},
    ),
    Broken("attention to the ends alone", {"attention"}, planted={f"{PLACE}.attention_forward": diagonal}),
    Broken(
        "a window that is one wider",
        {"window"},
        planted={f"{PLACE}.longformer_attention_forward": wider},
    ),
)


def rows_of(settings, seed=0):
    return {row["way"]: row for row in frame.run(path_length, settings, seed).rows}


@pytest.mark.parametrize("window", [1, 3, 50])
@pytest.mark.parametrize("kernel", [3, 5, 9])
def test_the_formulas_hold_for_any_kernel_and_window(kernel, window):
    result = frame.run(path_length, replace(DEFAULT, lengths=(4, 7, 16, 33), kernel=kernel, window=window), 0)
    assert all(check.holds for check in result.checks), result.checks


@pytest.mark.parametrize("n", [4, 17])
def test_marks_arrive_where_a_boolean_power_of_the_pattern_says(n):
    """Matrix powers instead of layers."""
    pattern = {
        path_length.RNN: window_mask(n, left=1, right=1),
        path_length.CONVOLUTION: window_mask(n, left=1, right=1),
        path_length.ATTENTION: np.ones((n, n), dtype=bool),
        path_length.WINDOW: window_mask(n, left=DEFAULT.window, right=DEFAULT.window),
    }
    for way, reads in pattern.items():
        power, needed = np.eye(n, dtype=bool), 0
        while not power.all():
            power, needed = reads @ power, needed + 1
        assert layers_until_everywhere(layers(DEFAULT)[way], n) == needed, way


def test_under_a_causal_mask_news_never_goes_back():
    mask = causal_mask(6)
    assert layers_until_everywhere(lambda marks, number: mask @ marks, 6) is None


def test_a_global_token_adds_few_pairs_to_what_a_window_reads():
    rows, n, w = rows_of(SMALL), 30, SMALL.window
    pairs = n * (2 * w + 1) - w * (w + 1)
    assert rows[path_length.WINDOW]["share"] == pytest.approx(100 * pairs / n**2)
    assert rows[path_length.GLOBAL]["share"] == pytest.approx(100 * (pairs + 2 * (n - 1 - w)) / n**2)
    assert rows[path_length.ATTENTION]["share"] == 100


def test_an_even_kernel_is_refused():
    with pytest.raises(BadInput, match="kernel must be odd, but is 4"):
        frame.run(path_length, replace(DEFAULT, kernel=4), 0)


def test_the_answer_is_what_convolutions_need_and_the_finding_names_all():
    result = frame.run(path_length, DEFAULT, 0, quick=True)
    assert result.question.answer == 127 and result.question.prompt.endswith("each of 128 tokens know all?")
    assert result.notes[0].text == (
        "News is everywhere among 128 tokens after 127 steps of an RNN, 127 layers of convolution, 7 dilated ones, 32 "
        "of windows, 2 with a global token, 1 of attention."
    )
    assert math.log2(128) == 7


def test_a_way_without_an_end_is_said_to_be_one_and_is_not_drawn(monkeypatch):
    monkeypatch.setattr(path_length, "attention_forward", lambda q, k, v: (v, None))
    result = frame.run(path_length, SMALL, 0)
    assert "never of attention" in result.notes[0].text
    assert [series.label for series in result.plots[0].series] == [
        "convolution, and RNN in steps", "dilated convolution", "window attention", "window and global token",
    ]  # fmt: skip
