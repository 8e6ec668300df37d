import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.sequences import fixed_vector
from tfx.lab.sequences.fixed_vector import in_errors, law

PLACE = "tfx.lab.sequences.fixed_vector"
DEFAULT = fixed_vector.Settings()
SMALL = replace(DEFAULT, lengths=(1, 4, 16), widths=(32, 128), symbols=16, texts=200)


def shifted(key, by):
    return lambda row: {**row, key: row[key] + by}


BREAKS = Table(
    SMALL,
    Broken("the last code alone", {"law", "scaling"}, forget=True),
    Broken("a law for two symbols", {"law"}, planted={f"{PLACE}.law": lambda o: lambda n, d, symbols: o(n, d, 2)}),
    Broken("texts that are long from the first", {"short"}, lengths=(100, 120, 200)),
    Broken("texts that are short to the last", {"long"}, lengths=(1, 2, 3)),
    Broken(
        "capacity that does not grow with the width",
        {"law", "scaling"},
        planted={
            f"{PLACE}.summed": lambda o: lambda states, forget: np.r_[o(states, forget)[:32], 0 * states[0, 32:]],
        },
    ),
    Broken(
        "a control that attends to all alike",
        {"all-kept"},
        planted={f"{PLACE}.attention_forward": lambda o: lambda q, k, v, scale: o(q, k, v, scale=0.0)},
    ),
    Broken(
        "a wide vector that was lost once",
        {"law", "short"},
        row=lambda row: {**row, "sum_128": 0.9 * row["sum_128"]} if row["n"] == 1 else row,
    ),
)  # fmt: skip


def rows_of(settings, seed=0):
    return {row["n"]: row for row in frame.run(fixed_vector, settings, seed).rows}


@pytest.mark.parametrize(("n", "d", "symbols"), [(1, 8, 4), (3, 8, 4), (12, 20, 30)])
def test_the_law_is_that_of_drawn_codes(n, d, symbols):
    """Drawn straight from its words: one right code, n - 1 others in the sum, V - 1 that compete."""
    rng, draws = np.random.default_rng(0), 20_000
    right = rng.standard_normal((draws, d))
    memory = right + math.sqrt(n - 1) * rng.standard_normal((draws, d))
    others = rng.standard_normal((draws, symbols - 1, d))
    won = (right * memory).sum(axis=1) > np.einsum("tsd,td->ts", others, memory).max(axis=1)
    error = math.sqrt(max(won.mean() * (1 - won.mean()), 1 / draws) / draws)
    assert law(n, d, symbols) == pytest.approx(won.mean(), abs=5 * error)


def test_the_law_of_two_symbols_in_one_wide_vector_is_a_normal_distribution():
    """d to infinity at fixed d / n: |v| / sqrt(n) -> sqrt(d / n) and P = Phi(sqrt(d / n) / sqrt(2))."""
    n, d = 1000, 4000
    assert law(n, d, 2) == pytest.approx(0.5 * (1 + math.erf(math.sqrt(d / n) / 2)), abs=2e-3)


def test_recall_falls_with_length_and_grows_with_width():
    for seed in (1, 2):
        rows = rows_of(SMALL, seed)
        assert rows[1]["sum_32"] >= rows[4]["sum_32"] > rows[16]["sum_32"] and rows[16]["sum_128"] > rows[16]["sum_32"]
        assert rows[16]["kept"] == 1.0


def test_a_difference_counts_in_standard_errors_of_a_share():
    assert in_errors(0.6, 0.4, 100) == pytest.approx(0.2 / 0.05)
    assert in_errors(1.0, 0.99, 100) == pytest.approx(1, rel=1e-2)
    assert math.isnan(in_errors(math.nan, 0.5, 10))


def test_lengths_that_lie_apart_like_no_two_widths_are_not_compared():
    found = frame.run(fixed_vector, replace(SMALL, lengths=(1, 3, 20)), 0)
    assert {check.id for check in found.checks} == {"law", "short", "long", "all-kept"}


def test_what_is_said():
    result = BREAKS.run(fixed_vector)
    row, last = result.rows[2], result.rows[-1]
    assert result.question.prompt == "Codes of 16 symbols out of 16 are summed in 128 numbers: what share is read back?"
    assert result.question.answer == row["sum_128"]
    assert result.notes[0].text == (
        f"One vector of 128 numbers gives back {row['sum_128']:.0%} of 16 symbols and {last['sum_128']:.0%} of 16. All "
        "states kept, attention gives back 100%, from 16 vectors of 32 numbers."
    )


def test_the_same_seed_gives_the_same_rows():
    assert rows_of(SMALL, 3) == rows_of(SMALL, 3) and rows_of(SMALL, 3) != rows_of(SMALL, 4)
