from dataclasses import replace

import numpy as np

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.sequences import sequential_steps
from tfx.measure.dependent_steps import following, following_in
from tfx.nn.recurrent_cell import RecurrentCell

PLACE = "tfx.lab.sequences.sequential_steps"
DEFAULT = sequential_steps.Settings()
SMALL = replace(DEFAULT, lengths=(1, 3, 8), blocks=1)


def more(way, steps):
    """Chains of that row that are longer by so many."""
    return lambda row: (
        {**row, **{key: row[key] + steps for key in row if key.startswith("n_")}} if row["way"] == way else row
    )


def one_by_one(original):
    """Attention whose queries wait for each other."""

    def attention(self, x, *rest, **named):
        y, cache = original(self, x, *rest, **named)
        y.steps += x.shape[1]
        return y, cache

    return attention


BREAKS = Table(
    SMALL,
    Broken("a GRU that resets after its product", {"gru"}, reset_first=False),
    Broken(
        "attention one query after the other",
        {"attention", "reading", "writing", "gradient"},
        planted={"tfx.nn.attention.MultiHeadAttention.forward": one_by_one},
    ),
    Broken("attention without its output map", {"attention", "gradient"}, row=more("attention layer", -1)),
    Broken("taps one after the other", {"convolution", "gradient"}, row=more("convolution layer", 2)),
    Broken("a step more for each state", {"rnn", "gradient"}, row=more("RNN layer", 1)),
    Broken("gates one after the other", {"lstm", "gradient"}, row=more("LSTM layer", 3)),
    Broken("logits in two products", {"reading"}, row=more("Transformer reads", 1)),
    Broken("a prompt that is read first", {"writing"}, row=more("Transformer writes", 13)),
    Broken("a state that is read once more", {"convolutions-write"}, row=more("convolutions write", 1)),
    Broken(
        "a gradient that is not followed",
        {"gradient"},
        row=lambda row: {**row, "with_gradient": row["with_gradient"] and row["with_gradient"] - 1},
    ),
    Broken(
        "every word known beforehand",
        {"writing", "convolutions-write"},
        planted={f"{PLACE}.np.argmax": lambda o: lambda logits, axis: np.zeros(logits.shape[:-1], dtype="int64")},
    ),
)  # fmt: skip


def rows_of(settings, seed=0):
    return {row["way"]: row for row in frame.run(sequential_steps, settings, seed).rows}


def test_a_cell_step_by_step_has_the_chain_of_the_whole_layer():
    """Counted by hand: one product for each step, of the state alone."""
    cell = RecurrentCell("rnn", 8, 8, np.random.default_rng(0))
    x = following(np.arange(8, dtype="float32")[None])
    state = (x,)
    with following_in(cell):
        for _ in range(8):
            state, _ = cell.step(x, state)
    assert state[0].steps == 8 == rows_of(SMALL)["RNN layer"]["n_8"]


def test_more_for_each_token_is_the_slope():
    rows = rows_of(SMALL)
    assert {way: row["per_token"] for way, row in rows.items()} == {
        "attention layer": 0, "convolution layer": 0, "RNN layer": 1, "LSTM layer": 1, "GRU layer": 2,
        "Transformer reads": 0, "Transformer writes": 7, "convolutions write": 3,
    }  # fmt: skip


def test_the_finding_and_the_question_are_counted():
    result = frame.run(sequential_steps, DEFAULT, 0, quick=True)
    assert all(check.holds for check in result.checks), result.checks
    assert result.question.answer == 64 * 13
    assert result.notes[0].text == (
        "For 64 tokens attention takes 4 matrix products in a row, an RNN 64 and a GRU 128. A Transformer reads them "
        "with 13 and writes them with 832, convolutions with 320."
    )
    assert result.plots[0].title == (
        "64 tokens: a chain of 13 matrix products to read them, 832 to write them; an RNN layer has 64, attention 4"
    )
