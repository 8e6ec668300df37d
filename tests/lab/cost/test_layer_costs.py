from dataclasses import replace

import pytest

from tests.lab.breaking import Broken, Table, exact_clock
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.cost import layer_costs
from tfx.measure.counting_array import counted
from tfx.measure.measuring import Timing

DEFAULT = layer_costs.Settings()
SMALL = replace(DEFAULT, lengths=(3, 8, 20), widths=(4, 8, 12), heads=2, kv_heads=2, turns=3)
#: Of the crossings, those that attention with its maps has a part in.
WITH_MAPS = {"gru-cross", "lstm-cross"}


def of(way, **changed):
    return lambda row: (
        {**row, **{key: change(row[key]) for key, change in changed.items()}} if row["way"] == way else row
    )


def counted_more(more):
    """A layer that takes so many multiply-adds more than it does; more(x): of its inputs."""

    def make(original):
        def forward(self, x, *rest, **named):
            counted.multiply_adds += more(x)
            return original(self, x, *rest, **named)

        return forward

    return make


def instead_of_cell(cell, other):
    return lambda o: lambda name, *rest, **named: o(other if name == cell else name, *rest, **named)


CELL = "tfx.lab.cost.layer_costs.RecurrentCell"

BREAKS = Table(
    SMALL,
    Broken("keys and values shared", {"attention", "formulas", *WITH_MAPS}, kv_heads=1),
    Broken("one key more", {"scores"}, row=of("scores and sum", nnd=lambda a: a * 1.01)),
    Broken(
        "scores for a causal half",
        {"scores", "formulas", "scores-cross", "two-terms"},
        planted={
            "tfx.lab.cost.layer_costs.attention_forward": lambda o: lambda q, k, v: (
                o(q, k[..., : max(k.shape[-2] // 2, 1), :], v[..., : max(k.shape[-2] // 2, 1), :])
            )
        },
    ),
    Broken("an LSTM for a GRU", {"gru", "gru-cross"}, planted={CELL: instead_of_cell("gru", "lstm")}),
    Broken("a GRU for an LSTM", {"lstm", "lstm-cross"}, planted={CELL: instead_of_cell("lstm", "gru")}),
    Broken(
        "a GRU for an RNN",
        {"rnn", "formulas", "rnn-cross", "scores-cross"},
        planted={CELL: instead_of_cell("rnn", "gru")},
    ),
    Broken(
        "a tap too many",
        {"convolution"},
        planted={"tfx.lab.cost.layer_costs.Convolution1d": lambda o: lambda i, j, taps, rng: o(i, j, taps + 1, rng)},
    ),
    Broken("counts that no two terms explain", {"two-terms"}, row=lambda row: {**row, "off": row["off"] + 1e-3}),
    Broken(
        "a cost of its own for each token",
        {"convolution", "two-terms"},
        planted={"tfx.nn.convolution.Convolution1d.forward": counted_more(lambda x: x.shape[1] * 5)},
    ),
    Broken(
        "the output map forgotten in the formula",
        {"formulas"},
        planted={"tfx.measure.counting.projections": lambda o: lambda n, d: o(n, d)[:3]},
    ),
    Broken("an RNN that is more dear than it is", {"rnn-cross"}, row=of("RNN", below=lambda below: below + 0.5)),
    Broken("a crossing at 2 d", {"gru-cross"}, row=of("GRU", below=lambda below: 2 * below)),
    Broken("a crossing at d", {"lstm-cross"}, row=of("LSTM", below=lambda below: below / 2)),
    Broken("a crossing at once", {"scores-cross"}, row=of("scores and sum", below=lambda below: 0.0)),
    always=exact_clock(lambda name: 1e-3),
)  # fmt: skip


def rows_of(settings):
    return {row["way"]: row for row in frame.run(layer_costs, settings, 0).rows}


def test_one_count_by_hand():
    """5 tokens of width 4 in two heads: four maps, then 5 x 5 scores and sums of 2 numbers in each head."""
    assert layer_costs.multiply_adds(SMALL, "attention", 5, 4) == 4 * 5 * 4 * 4 + 2 * (2 * 5 * 5 * 2)
    assert layer_costs.multiply_adds(SMALL, "scores and sum", 5, 4) == 2 * (2 * 5 * 5 * 2)
    assert layer_costs.multiply_adds(SMALL, "RNN", 5, 4) == 5 * 4 * 4 + 5 * (4 * 4)


def test_two_terms_are_found_back_and_what_does_not_fit_is_said():
    sizes = [(n, d) for n in (3, 8, 20) for d in (4, 8)]
    assert layer_costs.terms({(n, d): 3 * n * n * d + 5 * n * d * d for n, d in sizes}) == pytest.approx(
        (3, 5, 0), abs=1e-9
    )
    assert layer_costs.terms({(n, d): n * n * d + 100 * n for n, d in sizes})[2] > 0.1


def test_powers_lie_between_those_of_the_two_terms():
    rows = rows_of(SMALL)
    assert rows["scores and sum"]["power_n"] == pytest.approx(2) and rows["scores and sum"]["power_d"] == pytest.approx(
        1
    )
    assert rows["LSTM"]["power_n"] == pytest.approx(1) and rows["LSTM"]["power_d"] == pytest.approx(2)
    assert 1 < rows["attention"]["power_n"] < 2 and 1 < rows["attention"]["power_d"] < 2


def test_what_is_said():
    result = BREAKS.run(layer_costs)
    assert result.question.answer == 2 and result.question.explanation == (
        "2 n*n*d + 4 n*d*d is less than 8 n*d*d as long as that."
    )
    assert result.notes[0].text == (
        "With its maps attention takes fewer multiply-adds than an LSTM below n = 2 d, than a GRU below n = d, than a "
        "simple RNN never. Scores and sum alone take fewer than an RNN below n = d."
    )
    assert result.plots[0].title == "With its maps attention takes fewer multiply-adds than an LSTM below n = 2 d = 24"


def test_times_that_scatter_are_not_compared():
    def row(ms, half):
        return {"ms": ms, "ms_half_range": half}

    said = layer_costs.time_said({"attention": row(4, 0.5), "RNN": row(2, 0.5)}, 8, 4)
    assert "At n = 8 and d = 4, on one core, attention takes 2 times as long as the RNN" in said
    assert "cannot be told apart" in layer_costs.time_said({"attention": row(4, 1), "RNN": row(2, 1)}, 8, 4)
    assert Timing(4e-3, 1e-3).median == 4e-3


@pytest.mark.parametrize(
    ("change", "said"),
    [({"heads": 3}, "heads must divide every width"), ({"kv_heads": 4}, "kv_heads must divide heads")],
)
def test_heads_that_do_not_divide_are_refused(change, said):
    with pytest.raises(BadInput, match=said):
        frame.run(layer_costs, replace(SMALL, **change), 0)
