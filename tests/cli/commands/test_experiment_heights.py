"""The first look at every experiment: one screen of 80 x 24, and lines that fit 40 columns."""

from __future__ import annotations

import re

import pytest

from tests.lab.quick_runs import each_experiment, served


@pytest.fixture(params=each_experiment()[::-1])  # two workers that begin with the same one would both measure it
def page(request, tfx, monkeypatch):
    def lines(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        with served():
            return tfx("experiment", request.param, "--quick").out.rstrip("\n").split("\n")

    return lines


def test_it_fits_a_screen_and_says_first_what_is_claimed(page):
    lines = page(80)
    assert len(lines) <= 24, "\n".join(lines)
    assert [line.split()[0] for line in lines if re.match(r"  (claim|predict|answer:|It holds|break it)", line)] == [
        "claim", "predict", "answer:", "It", "break",
    ]  # fmt: skip


@pytest.mark.slow
def test_it_fits_40_columns_but_for_what_is_typed(page):
    lines = page(40)
    assert not [line for line in lines if len(line.rstrip()) > 40 and "--" not in line and "plot saved" not in line]
