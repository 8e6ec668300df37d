"""The checks of a step in one line, unless one fails or the reader wants them all."""

from __future__ import annotations

import pytest

from tfx.records import Check, Text
from tfx_cli.explaining.folding import checks_in_words, folded


def check(measured: float | str, expected: float | str, tolerance: float | str, holds: bool = True) -> Check:
    return Check("id", "a statement", expected, measured, tolerance, holds)


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ([check(1.0 + 2e-16, 1.0, 1e-14), check(42, 42, 0), check("yes", "yes", "none")], "3 checks hold, worst 2e-16"),
        ([check(0.7, 1.0, 0.5)], "1 check holds, worst 0.3"),
        ([check(0.75, "> 0.5", 0.0)], "1 check holds"),
        ([check(3e-11, 0.0, "1e-9 relative"), check("yes", "yes", "none")], "2 checks hold"),
        ([check(42, 42, 0)], "1 check holds, worst 0"),
    ],
)
def test_the_worst_is_the_largest_difference_that_has_a_number_for_a_tolerance(checks, words):
    assert checks_in_words(checks) == words


def test_checks_that_hold_become_one_line():
    before, after = Text("before"), Text("after")
    assert folded([check(1, 1, 0), before, check(1, 1, 0), after]) == (
        [before, after],
        [Text("2 checks hold, worst 0")],
    )
    assert folded([before]) == ([before], [])


def test_where_one_fails_all_stay():
    records = [check(1, 1, 0), Text("between"), check(1, 2, 0, holds=False)]
    assert folded(records) == (records, [])


def test_the_last_lines_of_a_step_stand_together(tfx, doubling):
    out = tfx("explain", "doubling", "--step", "the_product").out
    assert out.endswith(
        "book VII\n  1 check holds, worst 0\n  see also  The table   tfx explain doubling --step the_table\n"
    )


def test_details_show_every_check_and_other_faces_always_do(tfx, doubling, tmp_path):
    held = "PASS  21 doubles to 42"
    for flags in ([], ["--lesson"]):
        short, whole = (tfx("explain", "doubling", *flags, *more).out for more in ([], ["--details"]))
        assert "1 check holds, worst 0" in short and held not in short
        assert held in whole and "check holds" not in whole
    assert tfx("explain", "doubling", "--plain").out == tfx("explain", "doubling", "--plain", "--details").out
    assert "check\tPASS\tdouble" in tfx("explain", "doubling", "--plain").out
    assert "check holds" not in tfx("explain", "doubling", "--html", "a.html", "--json").out
    assert "PASS</span> 21 doubles to 42" in (tmp_path / "here" / "a.html").read_text(encoding="utf-8")
    failing = tfx("explain", "doubling", "--set", "factor=3").out
    assert "FAIL  21 doubles to 42" in failing and "measured 63, expected 42" in failing
