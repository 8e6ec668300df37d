"""All tokens at once: two right answers mix, as counting says."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, times
from tfx.lab import frame
from tfx.lab.generation import non_autoregressive

PLACE = "tfx.lab.generation.non_autoregressive"

BREAKS = Table(
    non_autoregressive.Settings(lengths=(2, 3), steps=40),
    Broken("untrained", {"by-count", "one-by-one", "one-answer", "loss"}, steps=1),
    Broken("one right answer", {"mixes"}, answers=1),
    Broken(
        "the answers counted once more",
        {"by-count"},
        row=times(2.0, "by_count"),
    ),
    Broken(
        "one after another, at random", {"one-by-one"}, planted={f"{PLACE}.one_by_one": instead(lambda *given: 0.25)}
    ),
    Broken("two answers where one should be", {"one-answer"}, row=lambda row: {**row, "one_answer": row["at_once"]}),
    Broken("a loss below what can be", {"loss"}, row=times(0.9, "loss")),
)


@pytest.mark.parametrize("seed", range(2))
def test_all_checks_hold(seed):
    found = frame.run(non_autoregressive, non_autoregressive.Settings(lengths=(2, 4)), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_three_answers_of_four_tokens_agree_once_in_27():
    answers = np.repeat(np.arange(3)[:, None], 4, axis=1)
    share, loss = non_autoregressive.all_at_once(answers, 80, 0)
    assert share == pytest.approx(1 / 27, rel=0.05) and loss == pytest.approx(np.log(3), abs=0.01)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(non_autoregressive)
    first, last = found.rows
    assert first["at_once"] == pytest.approx(50, rel=0.05) and last["at_once"] == pytest.approx(25, rel=0.05)
    assert found.question.answer == last["at_once"]
    assert found.notes[0].text == (
        f"Of 2 right answers a model that writes all at once makes {first['at_once']:.3g}% valid texts of 2 tokens and "
        f"{last['at_once']:.2g}% of 3. One by one {last['in_turn']:.3g}% are valid."
    )
