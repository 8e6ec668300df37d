"""`tfx quiz TOPIC --test-out`: who knows a topic skips it, and it is on record for ever."""

from __future__ import annotations

import json
import sqlite3

import pytest

from lessons.course import find_topic, topics
from lessons.grading import Asked, ask, grade, item_seed
from lessons.quiz import topic_items
from tests.cli.running import one_sentence
from tfx.errors import BadInput
from tfx_cli.learner.progress import Progress, progress, record_seen
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.learner.state_file import state_path
from tfx_cli.quizzing.testing_out import ASKED, FEWEST, drawn, needed

TOPIC = "softmax-attention"
ITEMS = sorted(topic_items(find_topic(TOPIC)), key=lambda item: item.level)
TEST = ("quiz", "softmax", "--test-out", "--seed", "1")


def right_answer(asked: Asked) -> str:
    if asked.item.kind in ("choice", "several"):
        return " ".join(str(n) for n, i in enumerate(asked.order, start=1) if asked.item.options[i].correct)
    return asked.answer


def wrong_answer(asked: Asked) -> str:
    kinds = {"shape": "(9, 9)", "number": "-12345", "order": " ".join(str(n + 1) for n in range(len(asked.choices)))}
    tries = [kinds.get(asked.item.kind, ""), "1", "2"]
    return next(text for text in tries if text and not grade(asked, text).correct)


def answers(wrong: int, seed: int = 1) -> list[str]:
    """To a test with this seed; the first `wrong` of them are wrong."""
    questions = [ask(item, item_seed(seed, item.id)) for item in drawn(TOPIC, ITEMS, seed)]
    return [wrong_answer(one) if place < wrong else right_answer(one) for place, one in enumerate(questions)]


@pytest.fixture
def taken(tfx):
    """`taken(wrong)` takes the test from a file."""

    def take(wrong: int, *words: str):
        with open("answers.txt", "w", encoding="utf-8") as file:
            file.write("\n".join(answers(wrong)) + "\n")
        return tfx(*TEST, "--answers", "answers.txt", *words)

    return take


def reached() -> dict[str, Progress]:
    with open_to_read() as state:
        return dict(progress(state))


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_every_topic_can_be_tested_with_questions_that_nobody_marks_himself(topic):
    items = topic_items(topic)
    for seed in range(5):
        chosen = drawn(topic.name, items, seed)
        assert FEWEST <= len(chosen) == min(ASKED, sum(item.kind != "open" for item in items))
        assert "open" not in {item.kind for item in chosen}
        assert sum(bool(item.compute) for item in chosen) >= min(4, sum(bool(item.compute) for item in items))
        assert chosen == [item for item in items if item in chosen], "in the order of the topic"
        assert chosen == drawn(topic.name, items, seed)


def test_another_seed_draws_other_questions_and_too_few_are_no_test():
    assert len({tuple(item.id for item in drawn(TOPIC, ITEMS, seed)) for seed in range(9)}) > 1
    few = [item for item in ITEMS if item.kind != "open"][: FEWEST - 1]
    with pytest.raises(BadInput, match="softmax-attention has 3 questions that nobody has to mark, too few for a test"):
        drawn(TOPIC, few, 1)


@pytest.mark.parametrize(("wrong", "code"), [(0, 0), (1, 0), (2, 1), (6, 1)])
def test_five_of_six_pass_and_then_the_topic_is_done(taken, wrong, code):
    ran = taken(wrong, "--json")
    assert ran.code == code, ran
    told = json.loads(ran.out)
    assert told["score"] == {"asked": 6, "answered": 6, "right": 6 - wrong}
    test = told["test_out"]
    assert (test["topic"], test["asked"], test["right"], test["needed"]) == (TOPIC, 6, 6 - wrong, needed(6))
    assert test["passed"] is (wrong <= 1)
    assert test["read"] == list(dict.fromkeys(one["see"] for one in told["items"] if not one["correct"]))
    assert test["next"] == ("tfx" if wrong <= 1 else "tfx quiz softmax-attention --test-out")
    assert reached().get(TOPIC) == (Progress(done=True, tested_out=True) if wrong <= 1 else None)
    with open_to_read() as state:
        assert len(state.answers()) == 6
        (kept,) = state.tests()
        assert (kept.topic, kept.asked, kept.right, kept.needed) == (TOPIC, 6, 6 - wrong, 5)


def test_who_passes_reads_what_passed_and_the_map_and_the_path_go_on(taken, tfx):
    last = " ".join(taken(0).out.split("\n\n")[-1].split())
    assert last == "Tested out: 6 of 6 right, and 5 are needed. Softmax as attention weights counts as done. next tfx"
    assert "[x] 3.5   Softmax as attention weights              12 min  tested out\n" in tfx("explain", "3").out
    assert "1 of 11 topics done" in tfx("explain", "3").out
    (state,) = {one["state"] for one in json.loads(tfx("explain", "3", "--json").out)["modules"][0]["topics"]
                if one["name"] == TOPIC}  # fmt: skip
    assert state == "tested out"


def test_who_fails_is_told_what_was_right_what_to_read_and_how_to_try_again(taken):
    ran = taken(2)
    told = ran.out[ran.out.index("  Not tested out") :].splitlines()
    assert told[0] == "  Not tested out: 4 of 6 right (questions 3, 4, 5, 6), and 5 are needed."
    assert told[1].startswith("  read   tfx explain softmax-attention --step ")
    assert all(line.startswith("         tfx explain softmax-attention --step ") for line in told[2:-1])
    assert told[-1] == "  again  tfx quiz softmax-attention --test-out"


def test_the_plain_face_says_the_same_in_records(taken):
    lines = [line.split("\t") for line in taken(2, "--plain").out.splitlines()]
    assert ["tested", "not passed", "4", "6", "5"] in lines
    assert [line[0] for line in lines[-3:]] == ["read", "read", "next"]


def test_a_test_without_answers_lists_its_questions_and_is_on_no_record(tfx):
    with open("none.txt", "w", encoding="utf-8"):
        pass
    ran = tfx(*TEST, "--json", "--answers", "none.txt")
    told = json.loads(ran.out)
    assert ran.code == 0 and told["test_out"] is None and len(told["items"]) == 6
    with open_to_read() as state:
        assert state.tests() == [] and state.answers() == []


def test_a_question_without_an_answer_was_not_right(taken, tfx):
    with open("answers.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(answers(0)[:4]) + "\n")
    assert tfx(*TEST, "--answers", "answers.txt").code == 1
    with open_to_read() as state:
        assert [(test.asked, test.right, test.passed) for test in state.tests()] == [(6, 4, False)]


def test_every_test_stays_on_record_and_a_later_failure_takes_nothing_away(taken):
    for wrong in (3, 0, 6):
        taken(wrong)
    with open_to_read() as state:
        assert [test.right for test in state.tests()] == [3, 6, 0]
    assert reached()[TOPIC].words == "tested out"
    record_seen(TOPIC, "a", ("a", "b"))
    assert reached()[TOPIC] == Progress(1, 2, done=True, tested_out=True)


def test_at_the_keyboard_a_skipped_question_is_not_right_and_leaving_ends_no_test(talk):
    ran = talk(["s", *answers(0)[1:]], *TEST)
    assert ran.code == 0 and "Tested out: 5 of 6 right (questions 2, 3, 4, 5, 6)" in ran.out
    ran = talk([*answers(0)[:5], "q"], *TEST)
    told = " ".join(ran.out.split())
    assert told.endswith("The test was not taken to its end, so it does not count. Every answer is saved.")
    with open_to_read() as state:
        assert len(state.tests()) == 1 and len(state.answers()) == 10


def test_what_can_be_read_of_a_damaged_file_keeps_its_tests(taken):
    for wrong in (2, 0):
        taken(wrong)
    data = bytearray(state_path().read_bytes())
    data[18:30] = bytes(12)
    state_path().write_bytes(bytes(data))
    with open_to_write() as state:
        assert "damaged" in state.notice
        assert [(test.topic, test.right) for test in state.tests()] == [(TOPIC, 4), (TOPIC, 6)]
    assert reached()[TOPIC].tested_out


def test_a_line_that_makes_no_sense_passes_nothing(taken):
    taken(0)
    for change in ("right = 7", "needed = 0", "at = 'yesterday'", "asked = 'six'"):
        with sqlite3.connect(state_path()) as direct:
            direct.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT * FROM tested")
            direct.execute("DELETE FROM tested")
            direct.execute("INSERT INTO tested SELECT * FROM kept")
            direct.execute("DROP TABLE kept")
            direct.execute(f"UPDATE tested SET {change}")
        direct.close()
        assert TOPIC not in reached(), change


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--test-out",), "tfx: --test-out is about one topic, and none was named.\n"
                          "     Try: tfx quiz softmax --test-out\n"),
        (("estimate", "--test-out"), "tfx: estimates is no topic of the course, so there is nothing to skip.\n"
                                     "     Try: tfx quiz estimates\n"),
        (("softmax", "--test-out", "--level", "2"),
         "tfx: a test chooses its questions itself, so it has no --level.\n     tfx quiz softmax --test-out\n"),
        (("softmax", "--test-out", "--sheet", "3"),
         "tfx: a test chooses its questions itself, so it has no --sheet.\n     tfx quiz softmax --test-out\n"),
    ],
)  # fmt: skip
def test_what_a_test_has_no_use_for_is_refused(tfx, words, sentence):
    ran = tfx("quiz", *words)
    assert (ran.code, ran.out, one_sentence(ran)) == (2, "", sentence)
