"""Attention alone makes tokens equal: faster than exponentially, and not where there is nothing to average."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.block import attention_collapse
from tfx.lab.block.attention_collapse import speed_up, through_attention

BREAKS = Table(
    attention_collapse.Settings(),
    Broken("no residual connection", {"residual-keeps"}, residual=False),
    Broken("nothing is mixed", {"collapses", "faster", "averaging"}, mix=False),
    Broken(
        "as much left as a tenth",
        {"collapses", "faster", "averaging"},
        row=lambda row: {**row, "alone": -row["layer"] / 8},
    ),
    Broken("wide tokens, few layers", {"collapses", "averaging"}, depth=4, tokens=64, width=4),
    Broken("a mere exponential", {"faster"}, row=lambda row: {**row, "alone": -1.0 * row["layer"]}),
    Broken("tokens that begin alike", {"start"}, row=lambda row: {**row, "alone": row["alone"] - 2.0}),
    Broken("maps that collapse", {"itself-keeps"}, row=lambda row: {**row, "itself": row["itself"] - 2.0}),
    Broken("a control like attention", {"itself-keeps", "averaging"}, row=lambda row: {**row, "itself": row["alone"]}),
    quick=True,
)


def test_attention_alone_makes_all_tokens_equal_and_a_residual_connection_keeps_them_apart():
    alone, kept = through_attention(8, residual=False), through_attention(8, residual=True)
    assert alone[-1] < 1e-3 and kept[-1] > 0.1
    ratios = alone[1:] / alone[:-1]
    assert ratios[3] < ratios[0], "faster than exponentially"


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(attention_collapse, attention_collapse.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_an_exponential_is_no_faster_than_itself():
    assert speed_up([0.0, -1.0, -2.0, -3.0, -4.0]) == 1
    assert speed_up([0.0, -1.0, -3.0, -7.0, -15.0]) == 8
    assert speed_up([0.0, 0.0, -1.0, -2.0, -9.0]) == 0


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(attention_collapse)

    def left(residual):
        return np.log10([through_attention(8, residual, seed=(0, draw))[-1] for draw in range(10)]).mean()

    alone, kept = left(False), left(True)
    assert found.notes[0].text.startswith(
        f"After 8 layers {10**alone:.2g} of a token's size differs from the mean of all tokens, and {10**kept:.2g} "
        "with residual connections."
    )
    assert found.plots[0].title == (
        f"After 8 layers of attention alone 10^{alone:.1f} of a token's size differs between tokens, with residual "
        f"connections 10^{kept:.1f}"
    )


def test_residual_connections_that_were_left_out_are_not_spoken_of_as_there():
    for residual, how in ((True, "with residual connections"), (False, "again, residual connections left out")):
        found = frame.run(attention_collapse, attention_collapse.Settings(residual=residual), 0, quick=True)
        first, _, second = found.notes[0].text.partition(" differs from the mean of all tokens, and ")
        kept = attention_collapse.share(found.rows[-1]["residual"])
        assert first == f"After 8 layers {attention_collapse.share(found.rows[-1]['alone'])} of a token's size"
        assert second == f"{kept} {how}. In the last column nothing is averaged."
        last = found.rows[-1]
        assert found.plots[0].title == (
            f"After 8 layers of attention alone 10^{last['alone']:.1f} of a token's size differs between tokens, "
            f"{'with' if residual else 'again, without'} residual connections 10^{last['residual']:.1f}"
        )


def test_a_share_says_on_which_side_of_what_is_asked_it_lies():
    assert [attention_collapse.share(log) for log in (-2.998, -3.0015, -9.0)] == ["0.001005", "0.0009966", "1e-09"]
