import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, times
from tfx.lab import frame
from tfx.lab.attention import dilution

PLACE = "tfx.lab.attention.dilution"
CHAIN = f"{PLACE}.through_layers"
SMALL = replace(dilution.Settings(), lengths=(8, 32, 128, 256, 512), draws=20)


def of_lead_0(change):
    return lambda row: {**row, "gap_0": change(row)}


BREAKS = Table(
    SMALL,
    Broken("a chain that keeps all", {"ahead"}, gain=1.0),
    Broken("a small lead", {"lead"}, gaps=(0, 1)),
    Broken("a lead from the start", {"one-over-n", "power", "lead"}, gaps=(8, 9)),
    Broken(
        "a gradient that shrinks by steps",
        {"one-over-n", "power"},
        row=of_lead_0(lambda row: math.exp(-row["n"] / 100)),
    ),
    Broken("the root of n", {"one-over-n"}, row=of_lead_0(lambda row: row["n"] ** -0.5)),
    Broken("two kinks", {"power"}, row=of_lead_0(lambda row: row["gap_0"] * (3 if row["n"] in (8, 128) else 1))),
    Broken("n for n - 1", {"closed"}, planted={f"{PLACE}.among_equals": lambda o: lambda n, gap: o(n + 1, gap)}),
    Broken("half of the chain", {"recurrent"}, planted={CHAIN: lambda o: lambda *a, **b: o(*a, **b) / 2}),
    Broken(
        "NaN in what passes attention",
        {"one-over-n", "power", "lead", "ahead"},
        row=times(math.nan, "gap_0", "gap_8"),
    ),
)  # fmt: skip


def run(settings=SMALL, seed=0, **asked):
    return frame.run(dilution, settings, seed, **asked)


@pytest.mark.parametrize("seed", range(5))
def test_all_checks_hold(seed):
    found = run(dilution.Settings(), seed, quick=True)
    assert not [check for check in found.checks if not check.holds]


def test_the_gradient_is_that_of_differences():
    """d (dout . out) / d x_1, by moving each number of the first token a little."""
    n, width, gap = 5, 3, 1.5
    rng = np.random.default_rng(2)
    w_q, w_k, w_v = rng.standard_normal((3, width, width)) / math.sqrt(width)
    dout = rng.standard_normal(width)
    dout /= np.linalg.norm(dout)
    x = rng.standard_normal((n + 1, width))

    def pulled(first):
        tokens = np.concatenate([first[None], x[2:]])
        scores = tokens @ w_k @ (x[0] @ w_q) / math.sqrt(width) + gap * (np.arange(n) == 0)
        p = np.exp(scores) / np.exp(scores).sum()
        return dout @ (p @ tokens @ w_v), p[0]

    steps = 1e-6 * np.eye(width)
    slope = [(pulled(x[1] + step)[0] - pulled(x[1] - step)[0]) / 2e-6 for step in steps]
    ((gradient, weight),) = dilution.passed(np.random.default_rng(2), n, width, [gap])
    assert gradient == pytest.approx(np.linalg.norm(slope), rel=1e-6)
    assert weight == pytest.approx(pulled(x[1])[1], rel=1e-12)


def test_a_lead_of_log_n_keeps_a_half():
    assert dilution.among_equals(1001, math.log(1000)) == pytest.approx(0.5)


def test_a_line_in_log_log_is_straight_there_and_crooked_in_semi_log():
    rows = [{"n": n, "gap_0": 3 / n} for n in (4, 16, 64, 256)]
    assert dilution.crooked(rows, 0, np.log) < 1e-12 < 0.5 < dilution.crooked(rows, 0, np.asarray)
    assert dilution.decay(rows, 0).exponent == pytest.approx(-1)


def test_every_lead_has_its_column_and_the_first_three_are_seen():
    found = run(replace(SMALL, gaps=(0, 1, 2, 20), draws=2))
    assert [column.label for column in found.columns if not column.detail] == [
        "keys n", "lead 0", "lead 1", "lead 2", "recurrent",
    ]  # fmt: skip


def test_what_is_said_is_what_was_measured():
    found = run()
    last, law = found.rows[-1], dilution.decay(found.rows, 0)
    assert found.question.answer == found.rows[1]["gap_0"] / last["gap_0"] == pytest.approx(16, rel=0.25)
    assert found.notes[0].text == (
        f"At initialisation the gradient over one attention goes like n^{law.exponent:.2f}: {last['gap_0']:.2g} is "
        f"left of it at n = 512. A lead of 8 in the score keeps {last['gap_8']:.2g}."
    )


def test_without_the_usual_lengths_there_is_still_a_pair_to_ask_for():
    assert dilution.asked((4, 8, 16, 20)) == (16, 20) and dilution.asked((8, 32, 64)) == (32, 64)


def test_more_sequences_are_drawn_in_full():
    assert dilution.Settings().full().draws == 4000
