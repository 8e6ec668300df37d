"""In a terminal an experiment asks for a number first: before it measures, and in no other face."""

from __future__ import annotations

import sys

import pytest

from tests.cli.commands.test_experiment import PAGE, squares
from tfx_cli import measurement

__all__ = ["squares"]


@pytest.fixture
def asked(monkeypatch, squares, tfx):
    """Somebody at a terminal, who types these lines; what was on the screen, and what was measured, at each prompt."""

    def ask(lines, *words):
        tfx("experiment", "squares", "--json")  # so that the module is there
        squares().measured.clear()
        typed, seen = iter(lines), []

        def answer(prompt):
            seen.append(list(squares().measured))
            sys.stdout.write(prompt)
            line = next(typed)
            if line is None:
                raise KeyboardInterrupt
            sys.stdout.write(line + "\n")
            return line

        monkeypatch.setattr(measurement, "interactive", lambda: True)
        monkeypatch.setattr("builtins.input", answer)
        return tfx("experiment", "squares", *words), seen

    return ask


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2*2", "Right: 4.  A number times itself."),
        ("5", "Not quite, you said 5.  The answer is 4.  A number times itself."),
        ("", "The answer is 4.  A number times itself."),
    ],
)
def test_in_a_terminal_the_number_is_asked_for_before_anything_is_measured(asked, typed, said):
    ran, seen = asked([typed])
    head = PAGE.partition("  answer:")[0]
    assert ran.code == 0 and seen == [[]]
    assert ran.out == f"{head}  > {typed}\n  {said}\n" + PAGE.partition("itself.\n")[2]


def test_what_cannot_be_read_is_asked_again(asked):
    ran, seen = asked(["four", "4"])
    assert len(seen) == 2 and "Enter alone shows the answer." in " ".join(ran.out.split()) and "Right: 4." in ran.out


def test_ctrl_c_at_the_question_measures_nothing(asked, squares):
    ran, _ = asked([None])
    assert ran.code == 130 and squares().measured == [] and "It holds" not in ran.out


@pytest.mark.parametrize("words", [["--no-predict"], ["--json"], ["--plain"]])
def test_nobody_is_asked_who_only_reads(asked, words):
    assert asked([], *words)[0].code == 0


def test_a_wrong_setting_is_said_before_the_question(asked):
    assert asked([], "--set", "top=1000")[0].code == 2
