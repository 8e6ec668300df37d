"""`tfx quiz` with somebody at the keyboard."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys

import pytest

from lessons.course import find_topic
from lessons.grading import ask, item_seed
from lessons.quiz import topic_items
from tests.cli.running import LAUNCH, environment
from tfx_cli.learner.state import open_to_read

ROUND = ("quiz", "scaling-variance", "--seed", "1")


def question(slug: str):
    item = next(item for item in topic_items(find_topic("scaling-variance")) if item.id.endswith(slug))
    return ask(item, item_seed(1, item.id))


def recorded():
    with open_to_read() as state:
        return state.answers()


def test_a_round_shows_verdict_reason_answer_where_to_see_it_and_when_it_returns(talk):
    d = question("std-of-score").case.values["d"]
    ran = talk(["1", str(d)], *ROUND, "--count", "2")
    assert ran.code == 0, ran
    told = " ".join(ran.out.split())
    for words in (
        "2/2 scaling-variance level 1",
        f"Not quite: {d} (misconception: variance for deviation).",
        f"{d} is the variance; the standard deviation is its root.",
        "See it: tfx explain scaling-variance --step",
        "Next review: in 10 minutes",
        "of 2 right.",
    ):
        assert words in told, words
    assert [one.given for one in recorded()] == ["1", str(d)]
    assert all(one.seconds is not None and one.seconds >= 0 for one in recorded())


def test_wrong_answers_are_no_failure_here(talk):
    assert talk(["1", "12345"], *ROUND, "--count", "2").code == 0


def test_q_leaves_and_keeps_what_was_answered(talk):
    ran = talk(["1", "q"], *ROUND, "--count", "3")
    assert ran.code == 0 and len(recorded()) == 1
    assert talk(["quit"], *ROUND).code == 0


def test_the_end_of_input_leaves_too(talk):
    assert talk(["1"], *ROUND, "--count", "3").code == 0
    assert len(recorded()) == 1


def test_s_skips_and_records_nothing_for_it(talk):
    ran = talk(["s", "1"], *ROUND, "--count", "2")
    assert ran.code == 0 and [one.item for one in recorded()] == ["scaling-variance/std-of-score"]


def test_help_and_an_unreadable_answer_cost_nothing(talk):
    ran = talk(["?", "", "first", "7", "1"], *ROUND, "--count", "1")
    assert ran.out.count("s skips it, q leaves") == 2
    assert ran.out.count("Please answer with the numbers shown, 1 to 4.") == 2
    assert len(recorded()) == 1


def test_a_decimal_comma_gets_a_kind_word(talk):
    ran = talk(["s", "11,3", "11.3"], *ROUND, "--count", "2")
    assert "decimal point, not a comma" in " ".join(ran.out.split()) and len(recorded()) == 1


def test_an_open_question_shows_its_points_only_after_the_answer(talk):
    ran = talk(["", "1 2 3 4 5"], *ROUND, "--interview")
    asked, first_point = ran.out.index("An interviewer asks"), ran.out.index("Assume independent coordinates")
    assert asked < ran.out.index("Enter shows the points") < first_point < ran.out.index("Mark the points")
    assert "Good: 5 of 6 points." in ran.out and "Not said: 6." in ran.out
    (one,) = recorded()
    assert one.correct and one.score == pytest.approx(5 / 6) and one.rating == 3


def test_half_of_the_points_is_not_yet_right_but_not_forgotten(talk):
    talk(["I would say ...", "1 2 3"], *ROUND, "--interview")
    (one,) = recorded()
    assert not one.correct and one.rating == 2


def test_control_c_ends_with_130_and_loses_nothing(talk):
    ran = talk(["1", KeyboardInterrupt()], *ROUND, "--count", "3")
    assert ran.code == 130 and "1 answer is saved" in ran.err and "Traceback" not in ran.err
    assert len(recorded()) == 1


def test_the_streak_counts_right_answers_in_a_row(talk):
    choice = question("what-saturates")
    right = str(choice.order.index(0) + 1)
    ran = talk([right, question("std-of-score").answer, "q"], *ROUND, "--count", "3")
    streaks = re.findall(r"streak (\d)", ran.out)
    assert streaks == ["1", "2"]


def test_the_plain_face_asks_and_judges_in_tab_separated_lines(talk):
    ran = talk(["1"], *ROUND, "--count", "1", "--plain")
    assert ran.out.startswith("question\t1/1\tscaling-variance/what-saturates\tchoice\tlevel 1\t")
    assert "\nnext\ttfx explain scaling-variance --step" in ran.out


def test_a_narrow_terminal_keeps_every_word(talk, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    ran = talk(["1", "1"], *ROUND, "--count", "2")
    prose = [line for line in ran.out.splitlines() if "tfx explain" not in line]
    assert max(map(len, prose)) <= 40 and "scaling-variance" in ran.out


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_real_terminal_control_c_ends_with_130_and_the_answer_is_there(tmp_path, monkeypatch):
    import pty

    monkeypatch.setenv("TFX_HOME", str(tmp_path))
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, *ROUND, "--count", "3"],
        stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, env=environment(tmp_path), start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    shown = ""
    for words, key in (("1/3", "1\n"), ("2/3", "")):
        while not re.search(re.escape(words) + r".*> $", shown, re.DOTALL):
            assert select.select([ours], [], [], 60)[0], shown
            shown += os.read(ours, 4096).decode()
        os.write(ours, key.encode())
    told = _interrupt(running)
    os.close(ours)
    assert running.returncode == 130, (told, shown)
    assert b"1 answer is saved" in told and b"Traceback" not in told
    assert len(recorded()) == 1


def _interrupt(running: subprocess.Popen[bytes]) -> bytes:
    """Presses Ctrl-C until it is heard, as a person would: one that falls between the prompt and the read waits for
    the next key.  Returns what was said on stderr."""
    for _ in range(60):
        running.send_signal(signal.SIGINT)
        try:
            return running.communicate(timeout=1)[1]
        except subprocess.TimeoutExpired:
            continue
    running.kill()
    return running.communicate()[1]
