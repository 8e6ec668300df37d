import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.sequences import gradient_distance
from tfx.lab.sequences.gradient_distance import make_layer, slopes

PLACE = "tfx.lab.sequences.gradient_distance"
DEFAULT = gradient_distance.Settings()
SMALL = replace(DEFAULT, distances=(4, 8, 16, 32), draws=8, width=16)


def of(way, **changed):
    """Rows in which that one is another."""
    return lambda row: (
        {**row, **{key: change(row[key]) for key, change in changed.items()}} if row["way"] == way else row
    )


def causes(kind, change):
    """Layers of that kind that are changed after they are made."""

    def make(original):
        def made(settings, way, rng):
            layer = original(settings, way, rng)
            return change(layer) if way == kind else layer

        return made

    return {f"{PLACE}.make_layer": make}


class Far:
    """A layer whose gradients, seen from the last place, are multiplied by this."""

    def __init__(self, layer, factor):
        self.layer, self.factor = layer, factor

    def forward(self, x):
        return self.layer.forward(x)

    def backward(self, dy, cache):
        back = np.arange(dy.shape[1])[::-1]
        return self.layer.backward(dy, cache) * self.factor(back)[:, None]


def stretched(layer):
    layer.cell.w_h.value *= 1.01
    return layer


BREAKS = Table(
    SMALL,
    Broken("a forget gate that forgets nothing", {"lstm-vanishes"}, forget=8.0),
    Broken("weights that are larger than said", {"linear"}, planted=causes("linear RNN", stretched)),
    Broken("tanh that adds to a gradient", {"tanh-takes"}, row=of("tanh RNN", above=lambda above: 0.1)),
    Broken(
        "tanh for small numbers",
        {"tanh-vanishes", "lstm-helps"},
        planted=causes("tanh RNN", lambda layer: Far(layer, lambda k: 1.4**k)),
    ),
    Broken("an LSTM that forgets at once", {"lstm-helps"}, forget=-5.0),
    Broken(
        "the gates of another offset",
        {"gates"},
        planted={f"{PLACE}.lstm_backward": lambda o: lambda *a: o(*a)._replace(dc0=2 * o(*a).dc0)},
    ),
    Broken(
        "a GRU whose gradient falls like 1 / k^8",
        {"exponential"},
        planted=causes("GRU", lambda layer: Far(layer, lambda k: (1.0 + k) ** -8 * 1.53**k)),
    ),
    Broken(
        "attention that falls exponentially",
        {"attention-law", "attention-power", "diluted"},
        planted=causes("attention, n grows", lambda layer: Far(layer, lambda k: 0.8 ** len(k) + 0 * k)),
    ),
    Broken("sums for means", {"attention-power"}, row=of("attention, n grows", power=lambda power: power + 1)),
    Broken("half of the gradient nowhere", {"diluted"}, row=of("attention, n grows", log_32=lambda log: log - 2)),
    Broken(
        "attention with a sense of distance",
        {"no-distance"},
        planted=causes("attention, n fixed", lambda layer: Far(layer, lambda k: 0.8**k)),
    ),
)  # fmt: skip


def rows_of(settings, seed=0):
    return {row["way"]: row for row in frame.run(gradient_distance, settings, seed).rows}


def test_slopes_are_found_back_with_their_error():
    x = np.array([1.0, 2.0, 4.0, 8.0])
    rng = np.random.default_rng(0)
    exact = slopes(x, 3 - 0.5 * x + np.zeros((5, 1)))
    assert exact == pytest.approx((-0.5, 0.0, 0.0), abs=1e-12)
    scattered = 3 + np.outer(-0.5 + 0.1 * rng.standard_normal(2000), x)
    slope, error, _ = slopes(x, scattered)
    assert slope == pytest.approx(-0.5, abs=0.01) and error == pytest.approx(0.1 / math.sqrt(2000), rel=0.1)
    assert slopes(x, np.log10(x) + np.zeros((5, 1)))[2] > 0.01


def test_the_gradient_of_a_linear_rnn_is_that_of_its_matrices():
    layer = make_layer(DEFAULT, "linear RNN", np.random.default_rng(1))
    x = np.random.default_rng(2).standard_normal((1, 4, DEFAULT.width))
    y, cache = layer.forward(x)
    dy = np.zeros_like(y)
    dy[0, -1, 0] = 1.0
    w_x, w_h = layer.cell.w_x.value, layer.cell.w_h.value
    by_hand = dy[0, -1] @ w_h.T @ w_h.T @ w_h.T @ w_x.T
    assert layer.backward(dy, cache)[0, 0] == pytest.approx(by_hand)
    assert np.linalg.norm(by_hand) == pytest.approx(DEFAULT.gain**3)


def test_equal_scores_dilute_a_gradient_to_exactly_one_in_n():
    layer = make_layer(DEFAULT, "attention, n grows", np.random.default_rng(0))
    equal = replace(layer, w_q=0 * layer.w_q, w_v=np.eye(DEFAULT.width))
    x = np.random.default_rng(1).standard_normal((1, 9, DEFAULT.width))
    found = gradient_distance.gradient_by_distance(equal, x, np.random.default_rng(0), 2)
    assert found[1:] == pytest.approx(np.full(8, 1 / 9))


def test_a_larger_forget_gate_keeps_more():
    few = replace(SMALL, draws=4)
    kept = [rows_of(replace(few, forget=forget))["LSTM"]["per_token"] for forget in (-1.0, 1.0, 3.0)]
    assert kept == sorted(kept) and kept[2] > 0.9


def test_what_is_said():
    result = BREAKS.run(gradient_distance)
    rows = {row["way"]: row for row in result.rows}
    assert rows["linear RNN"]["fall"] == "1.10^k" and rows["attention, n fixed"]["fall"] == "no fall"
    tanh, gru, lstm = (rows[way]["per_token"] for way in ("tanh RNN", "GRU", "LSTM"))
    last = rows["attention, n grows"]
    assert result.notes[0].text == (
        f"A token more multiplies a gradient by {tanh:.2f} in a tanh RNN, {gru:.2f} in a GRU, {lstm:.2f} in an LSTM: "
        f"32 tokens back 10^{rows['LSTM']['log_32']:.0f} is left. Attention leaves 10^{last['log_32']:.1f}, a power: "
        f"n^{last['power']:.2f}."
    )
    assert result.question.prompt == "From 5 to 33 tokens: by what is attention's gradient to one divided?"
    assert result.question.answer == pytest.approx(10 ** (last["log_4"] - last["log_32"]))


def test_the_same_seed_gives_the_same_rows():
    few = replace(SMALL, draws=4)
    assert rows_of(few, 3) == rows_of(few, 3) and rows_of(few, 3) != rows_of(few, 4)
