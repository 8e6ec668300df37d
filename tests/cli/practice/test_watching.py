"""Watch mode, key by key, without a terminal: what each does, and what is on the screen."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lessons.practice.exercise import exercises
from lessons.practice.packs import using
from tests.cli.practice.in_process import run_here
from tests.cli.practice.pack import BY_COLUMNS, EXERCISE, FILES, MISTAKES, RIGHT, write_pack
from tfx.errors import EnvironmentProblem
from tfx_cli.learner.state import open_to_read
from tfx_cli.practice import watching
from tfx_cli.practice.watching import Watch

TWO = {
    **FILES,
    "shares_again.py": EXERCISE.replace("row-shares", "shares-again"),
    "shares_again_mistakes.py": MISTAKES.replace("from .row_shares", "from .shares_again"),
}
FIRST, SECOND = Path("tfx-practice/row_shares.py"), Path("tfx-practice/shares_again.py")


@pytest.fixture
def screen(tfx, capsys, monkeypatch, tmp_path):
    """`screen()` begins; `screen("h")` presses; `screen(save=...)` saves the file and waits until that was seen.  All
    give the lines of the screen below its title, or none where nothing was drawn."""
    run_here(monkeypatch)
    monkeypatch.setattr(watching, "REST", 0.0)
    monkeypatch.setenv("LINES", "24")
    seen: list[Watch] = []

    def lines(keys: str = "", save: str | None = None, path: Path | None = None) -> list[str]:
        capsys.readouterr()
        if not seen:
            seen.append(Watch(exercises()))
        for key in keys:
            assert seen[0].press(key)
        if save is not None:
            (path or seen[0].path).write_text(save, encoding="utf-8")
            seen[0].look()
        return re.split(r"Rows that sum to one \(\S+\)\n\n", capsys.readouterr().out)[-1].lstrip("\n").split("\n")

    with using([write_pack(tmp_path / "pack", TWO)]):
        yield lines


def acts() -> list[tuple[str, str, str]]:
    with open_to_read() as state:
        return [(line.exercise, line.act, line.verdict) for line in state.practice()]


def test_the_first_screen_says_where_the_file_is_and_what_to_do(screen):
    first = " ".join(screen())
    assert first.startswith(f"tfx-practice/row_shares.py was made for you, in {Path.cwd()}. Open it in your editor, ")
    assert first.endswith(
        "write row_shares(x), and save: each save is judged here.  [--------------------] 0/2   "
        "tfx-practice/row_shares.py   h hint   s skip   l list   x anew   q quit "
    )
    assert FIRST.exists() and not SECOND.exists()


def test_n_does_nothing_before_a_pass_and_another_file_moves_nobody(screen):
    screen()
    SECOND.write_text(RIGHT, encoding="utf-8")
    assert screen("n") == [""] and screen(save=RIGHT, path=SECOND) == [""]
    assert [act for act in acts() if act[1] == "tried"] == []


def test_a_pass_opens_next_and_an_answer_and_never_advances_by_itself(screen):
    screen()
    passed = screen(save=RIGHT)
    assert passed[:3] == ["Right: each number is divided by the sum of its row.", "", "one way to write it: press a"]
    assert passed[-2:] == [
        "[##########----------] 1/2   tfx-practice/row_shares.py", "  n next   a answer   l list   x anew   q quit ",
    ]  # fmt: skip
    assert "      return x / x.sum(axis=-1, keepdims=True)" in screen("a")
    assert not SECOND.exists()
    assert "tfx-practice/shares_again.py" in screen("n")[-2] and SECOND.exists()


def test_the_answer_is_not_shown_before_a_pass(screen):
    screen()
    assert screen("a") == [""]


def test_hints_are_called_to_mind_after_three_tries_and_again_after_three_more(screen):
    screen()
    said = [next((line for line in screen(save=BY_COLUMNS + "#" * n) if "Stuck" in line), "") for n in range(3)]
    assert said == ["", "", "Stuck after 3 tries? Press h: hint 1 of 2."]
    assert "hint 1 of 2: What does a row sum to?" in screen("h")
    said = [next((line for line in screen(save=BY_COLUMNS + "#" * n) if "Stuck" in line), "") for n in range(3, 6)]
    assert said == ["", "", "Stuck after 3 tries? Press h: hint 2 of 2."]
    hinted = screen("h")
    assert "hint 1 of 2: What does a row sum to?" in hinted and "hint 2 of 2: Along which axis is it summed?" in hinted
    for n in range(6, 9):
        last = screen(save=BY_COLUMNS + "#" * n)
    assert "tfx practice solution row-shares --give-up" in " ".join(last)


def test_beginning_anew_is_asked_for_and_keeps_what_was_written(screen):
    screen()
    screen(save=BY_COLUMNS)
    assert screen("x")[-1] == "  begin anew? your text is kept   y yes   n no "
    assert screen("n")[-1].endswith("q quit ") and FIRST.read_text() == BY_COLUMNS
    anew = screen("xy")
    (kept,) = FIRST.parent.glob("row_shares.*.kept")
    assert f"What you wrote is kept: {kept}" in anew
    assert kept.read_text() == BY_COLUMNS and "..." in FIRST.read_text()


def test_a_file_that_goes_and_comes_back_is_told_and_judged(screen):
    screen()
    away = FIRST.rename("away.py")
    watch = Watch(exercises())
    FIRST.unlink()
    watch.look()
    assert watch.notes == ["tfx-practice/row_shares.py is gone. Press x to begin it anew, or put it back."]
    away.write_text(RIGHT, encoding="utf-8")
    away.rename(FIRST)
    watch.look()
    assert watch.passed


def test_a_finished_one_that_breaks_is_pending_again(screen):
    screen()
    assert "1/2" in screen(save=RIGHT)[-2]
    assert "0/2" in screen(save=BY_COLUMNS)[-2]


def test_the_last_one_has_all_judged_once_more_before_that_is_said(screen):
    screen()
    screen(save=RIGHT)
    screen("n")
    FIRST.write_text(BY_COLUMNS, encoding="utf-8")
    broke = screen(save=RIGHT)
    assert "Checked again: 1 exercise; 1 broke." in broke and "  pending again   row-shares   (values)" in broke
    assert "1/2" in broke[-2] and not any("ALL DONE" in line for line in broke)
    screen("n")
    done = screen(save=RIGHT)
    assert "ALL DONE: 2 of 2 passed, and every file here judged once more." in done and "2/2" in done[-2]
    tries = len(acts())
    again = screen("n")
    assert "ALL DONE: 2 of 2 passed." in again and "2/2" in again[-2]
    assert len(acts()) <= tries + 2, "finishing twice is harmless"


def test_what_is_skipped_is_come_back_to_and_what_was_taken_up_last_is_gone_on_with(screen):
    screen()
    assert "shares_again.py" in screen("s")[-2]
    assert Watch(exercises()).exercise.name == "shares-again"
    assert "row_shares.py" in screen("s")[-2]


def test_an_exercise_that_changed_says_so_below_the_verdict(screen):
    screen()
    screen(save=BY_COLUMNS)
    exercise = exercises()["row-shares"]
    changed = replace(exercise, rules=[*exercise.rules, "A rule more."])
    watch = Watch({**exercises(), "row-shares": changed})
    says = "This exercise has changed since. Your file is as you left it; how it begins now is in "
    assert watch.verdict.kind == "values" and watch.notes == [says + str(FIRST.with_suffix(".new"))]


def test_a_history_that_cannot_be_kept_takes_no_verdict_away(screen, monkeypatch):
    screen()

    def full(*_):
        raise EnvironmentProblem("the disk is full.", "Free some space.")

    monkeypatch.setattr(watching, "keep", full)
    shown = screen(save=RIGHT)
    assert shown[0].startswith("Right: ") and "the disk is full." in shown and "Free some space." in shown


def test_the_list_takes_an_exercise_up(screen):
    screen()
    assert screen("l")[:5] == [
        "0 of 2 passed", "", "> new      row-shares    Rows that sum to one",
        "  new      shares-again  Rows that sum to one", "",
    ]  # fmt: skip
    assert "shares_again.py" in screen("j\n")[-2]
    assert screen("l")[2] == "  new      row-shares    Rows that sum to one"
    assert screen("l")[-1] == "  h hint   s skip   l list   x anew   q quit "
