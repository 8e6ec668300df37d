"""`tfx quiz` without a terminal: answers from a file, statistics, and what it refuses."""

from __future__ import annotations

import io
import json
import sys

import pytest

from lessons.course import find_topic
from lessons.grading import ask
from lessons.quiz import topic_items
from tests.cli.running import one_sentence
from tfx_cli.learner.state import open_to_read, open_to_write
from tfx_cli.learner.state_file import state_path

TOPIC = "scaling-variance"
ROUND = ("quiz", TOPIC, "--seed", "1")


def items():
    return {item.id: item for item in topic_items(find_topic(TOPIC))}


def right_answers(document: dict) -> list[str]:
    """The right answers to the items that a JSON document lists, found by asking them again."""
    found = []
    for one in document["items"]:
        item = items()[one["id"]]
        asked = ask(item, one["seed"])
        if item.kind in ("choice", "several"):
            found.append(" ".join(str(n) for n, i in enumerate(asked.order, start=1) if item.options[i].correct))
        else:
            found.append("all" if item.kind == "open" else asked.answer)
    return found


@pytest.fixture
def listed(tfx):
    """The round's questions, with nothing answered."""

    def ask_for(*words: str) -> dict:
        with open("none.txt", "w", encoding="utf-8"):
            pass
        ran = tfx(*ROUND, *words, "--json", "--answers", "none.txt")
        assert ran.code == 0, ran
        return json.loads(ran.out)

    return ask_for


def give(lines: list[str]) -> str:
    with open("answers.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return "answers.txt"


def test_a_listed_round_has_every_kind_and_tells_no_answer(listed):
    document = listed("--count", "20")
    assert document["schema_version"] == 1 and document["seed"] == 1
    assert {one["kind"] for one in document["items"]} == {"choice", "several", "number", "shape", "order", "open"}
    assert document["score"] == {"asked": len(items()), "answered": 0, "right": 0}
    for one in document["items"]:
        assert (one["given"], one["correct"], one["answer"], one["next_review"]) == (None,) * 4
    with open_to_read() as state:
        assert state.answers() == []


def test_all_right_answers_end_with_exit_code_0_and_are_on_record(tfx, listed):
    document = listed("--count", "20")
    ran = tfx(*ROUND, "--count", "20", "--json", "--answers", give(right_answers(document)))
    assert ran.code == 0, ran
    told = json.loads(ran.out)
    assert told["score"]["right"] == told["score"]["answered"] == len(items())
    assert [one["id"] for one in told["items"]] == [one["id"] for one in document["items"]]
    assert all(one["correct"] and one["next_review"] and one["misconception"] is None for one in told["items"])
    with open_to_read() as state:
        assert [one.item for one in state.answers()] == [one["id"] for one in told["items"]]


def test_a_wrong_answer_names_the_misconception_and_ends_with_exit_code_1(tfx, listed):
    document = listed("--count", "2")
    answers = right_answers(document)
    number = next(i for i, one in enumerate(document["items"]) if one["id"].endswith("std-of-score"))
    variance = ask(items()[f"{TOPIC}/std-of-score"], document["items"][number]["seed"]).case.values["d"]
    answers[number] = str(variance)
    ran = tfx(*ROUND, "--count", "2", "--json", "--answers", give(answers))
    assert ran.code == 1
    one = json.loads(ran.out)["items"][number]
    assert one["misconception"] == "variance for deviation" and str(variance) in one["why"]
    assert one["see"].startswith("tfx explain scaling-variance --step ")
    with open_to_read() as state:
        (log,) = [answer for answer in state.answers() if answer.item == one["id"]]
    assert (log.misconception, log.given, log.rating, log.correct) == (
        "variance for deviation",
        str(variance),
        1,
        False,
    )


def test_the_same_seed_asks_the_same_items_with_the_same_numbers(listed, tfx):
    assert listed("--count", "20") == listed("--count", "20")
    with open("none.txt", encoding="utf-8"):
        other = json.loads(tfx("quiz", TOPIC, "--seed", "2", "--count", "20", "--json", "--answers", "none.txt").out)
    assert [one["id"] for one in other["items"]] == [one["id"] for one in listed("--count", "20")["items"]]
    assert [one["prompt"] for one in other["items"]] != [one["prompt"] for one in listed("--count", "20")["items"]]


def test_without_a_seed_the_numbers_are_fresh(tfx):
    give([])
    seeds = {json.loads(tfx("quiz", TOPIC, "--json", "--answers", "answers.txt").out)["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_the_terminal_face_says_everything_in_words(tfx):
    ran = tfx(*ROUND, "--count", "2", "--answers", give(["1", "12345"]))
    assert ran.code == 1 and "\x1b" not in ran.out
    for words in ("1/2   scaling-variance   level 1", "Not quite: 12345.", "The answer is", "See it: tfx explain",
                  "Next review: in 10 minutes", "0 of 2 right"):  # fmt: skip
        assert words in ran.out, words
    assert all(len(line) <= 80 for line in ran.out.splitlines())


def test_the_plain_face_is_one_record_a_line(tfx):
    ran = tfx(*ROUND, "--count", "2", "--plain", "--answers", give(["1", "12345"]))
    kinds = [line.split("\t")[0] for line in ran.out.splitlines()]
    assert set(kinds) == {"question", "option", "verdict", "explain", "next", "score"}
    assert kinds.count("question") == kinds.count("verdict") == 2
    assert ran.out.splitlines()[-1] == "score\t0\t2"


def test_stdin_works_like_a_file(tfx, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    ran = tfx(*ROUND, "--count", "1", "--json", "--answers", "-")
    assert json.loads(ran.out)["score"]["answered"] == 1


def test_json_lines_answer_by_id_in_any_order(tfx, listed):
    document = listed("--count", "3")
    lines = [json.dumps({"id": one["id"], "answer": answer})
             for one, answer in zip(document["items"], right_answers(document), strict=True)]  # fmt: skip
    ran = tfx(*ROUND, "--count", "3", "--json", "--answers", give(lines[::-1]))
    assert ran.code == 0 and json.loads(ran.out)["score"]["right"] == 3


def test_json_answers_may_be_numbers_and_lists(tfx, listed):
    document = listed("--count", "20")
    by_id = {one["id"]: one for one in document["items"]}
    shape = ask(items()[f"{TOPIC}/shape-after-scaling"], by_id[f"{TOPIC}/shape-after-scaling"]["seed"]).case.answer
    lines = [
        json.dumps({"id": f"{TOPIC}/shape-after-scaling", "answer": list(shape)}),
        json.dumps({"id": f"{TOPIC}/std-of-score", "answer": 1.5}),
    ]
    told = json.loads(tfx(*ROUND, "--count", "20", "--json", "--answers", give(lines)).out)
    judged = {one["id"]: one["correct"] for one in told["items"] if one["correct"] is not None}
    assert judged == {f"{TOPIC}/shape-after-scaling": True, f"{TOPIC}/std-of-score": False}


def test_too_few_answers_leave_the_rest_unrecorded_and_say_so(tfx):
    ran = tfx(*ROUND, "--count", "4", "--json", "--answers", give(["1", "", "1"]))
    assert "2 of 4 questions had no answer" in ran.err
    assert json.loads(ran.out)["score"] == {"asked": 4, "answered": 2, "right": json.loads(ran.out)["score"]["right"]}
    with open_to_read() as state:
        assert len(state.answers()) == 2


def test_too_many_answers_are_reported(tfx):
    ran = tfx(*ROUND, "--count", "1", "--answers", give(["1", "2", "3"]))
    assert "2 answers were left over" in ran.err


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["1", "0,5"], "decimal point"),
        (["9"], "numbers shown"),
        (['{"id": "scaling-variance/what-saturates"}'], "not JSON"),
        (['{"id": "elsewhere/thing", "answer": "1"}'], "not asked now"),
        (['{"id": "scaling-variance/what-saturates", "answer": "1"}'] * 2, "second time"),
    ],
)
def test_an_unreadable_answer_is_bad_input_and_nothing_is_recorded(tfx, lines, words):
    ran = tfx(*ROUND, "--count", "2", "--answers", give(lines))
    assert ran.code == 2 and words in one_sentence(ran), ran
    with open_to_read() as state:
        assert state.answers() == []


def test_a_file_that_is_not_there_or_not_text_is_one_sentence(tfx):
    ran = tfx(*ROUND, "--answers", "nowhere.txt")
    assert ran.code == 2 and "nowhere.txt" in one_sentence(ran)
    with open("bytes.txt", "wb") as file:
        file.write(b"\xff\xfe\x00")
    ran = tfx(*ROUND, "--answers", "bytes.txt")
    assert ran.code == 2 and "UTF-8" in one_sentence(ran)


@pytest.mark.parametrize("words", [("quiz",), ("quiz", "--json"), ("quiz", TOPIC, "--interview")])
def test_without_a_terminal_the_flag_is_named(tfx, words):
    ran = tfx(*words)
    assert ran.code == 2 and "--answers" in one_sentence(ran)
    assert not state_path().exists()


def test_an_unknown_topic_gets_the_nearest_one(tfx):
    ran = tfx("quiz", "scaling-varience", "--answers", give([]))
    assert ran.code == 2 and '"scaling-variance"' in one_sentence(ran)


@pytest.mark.parametrize(
    "words", [("--level", "4"), ("--count", "0"), ("--seed", "x"), ("--seed", "-1"), ("--json", "--plain")]
)
def test_bad_options_are_refused(tfx, words):
    ran = tfx("quiz", *words)
    assert ran.code == 2 and one_sentence(ran)


def test_a_level_asks_only_that_level(listed):
    assert {one["level"] for one in listed("--count", "20", "--level", "3")["items"]} == {3}


def test_due_asks_nothing_before_something_was_answered(tfx):
    ran = tfx("quiz", "--due", "--answers", give([]))
    assert ran.code == 0 and "Nothing is due" in ran.out


def test_a_whole_course_round_starts_at_the_first_topic_that_has_items(tfx):
    told = json.loads(tfx("quiz", "--seed", "1", "--count", "2", "--json", "--answers", give([])).out)
    assert [one["level"] for one in told["items"]] == [1, 1]
    assert len({one["topic"] for one in told["items"]}) == 1


def test_what_was_answered_comes_after_what_is_new(tfx):
    first = json.loads(tfx(*ROUND, "--count", "1", "--json", "--answers", give(["1"])).out)["items"][0]["id"]
    again = json.loads(tfx(*ROUND, "--count", "20", "--json", "--answers", give([])).out)["items"]
    assert [one["id"] for one in again].index(first) == len(again) - 1


def test_stats_count_answers_topics_and_misconceptions(tfx, listed):
    document = listed("--count", "2")
    seed = next(one["seed"] for one in document["items"] if one["id"].endswith("std-of-score"))
    variance = str(ask(items()[f"{TOPIC}/std-of-score"], seed).case.values["d"])
    answers = right_answers(document)
    answers[1] = variance
    tfx(*ROUND, "--count", "2", "--answers", give(answers))
    told = json.loads(tfx("quiz", "--stats", "--json").out)
    assert (told["answers"], told["right"], told["seen"], told["due"], told["days"]) == (2, 1, 2, 0, 1)
    assert told["misconceptions"] == [
        {"misconception": "variance for deviation", "count": 1, "item": f"{TOPIC}/std-of-score"}
    ]
    (topic,) = [one for one in told["topics"] if one["answers"]]
    assert topic == {"topic": TOPIC, "items": len(items()), "seen": 2, "answers": 2, "right": 1}
    page = tfx("quiz", "--stats")
    assert page.code == 0 and "2 answers on 2 of" in page.out and "variance for deviation" in page.out
    assert "misconception\tvariance for deviation\t1" in tfx("quiz", "--stats", "--plain").out


def test_stats_of_a_fresh_reader_create_nothing(tfx):
    for face in ((), ("--json",), ("--plain",)):
        assert tfx("quiz", "--stats", *face).code == 0
    assert not state_path().parent.exists()


def test_stats_of_a_damaged_file_say_so_and_go_on(tfx):
    tfx(*ROUND, "--count", "1", "--answers", give(["1"]))
    state_path().write_bytes(b"not a database" * 100)
    ran = tfx("quiz", "--stats", "--json")
    assert ran.code == 0 and json.loads(ran.out)["answers"] == 0 and "damaged" in ran.err


def test_a_damaged_file_is_set_aside_by_the_next_round_with_one_sentence(tfx):
    tfx(*ROUND, "--count", "1", "--answers", give(["1"]))
    state_path().write_bytes(b"not a database" * 100)
    ran = tfx(*ROUND, "--count", "1", "--answers", give(["1"]))
    assert ran.code in (0, 1) and ran.err.startswith("tfx: your history was damaged; it was set aside as ")
    assert len(ran.err.splitlines()) == 1 and len(list(state_path().parent.glob("damaged-*"))) == 1


def test_a_history_that_cannot_be_written_is_exit_code_3_before_any_question(tfx, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("TFX_HOME", str(tmp_path / "file"))
    ran = tfx(*ROUND, "--answers", give(["1"]))
    assert ran.code == 3 and "TFX_HOME" in one_sentence(ran) and ran.out == ""


def test_a_newer_history_is_exit_code_3(tfx):
    with open_to_write() as state:
        state.connection.execute("PRAGMA user_version = 99")
        state.connection.execute("ALTER TABLE answers ADD COLUMN place TEXT")  # with our tables, 99 would be damage
    for words in ((*ROUND, "--answers", give([])), ("quiz", "--stats"), ()):
        ran = tfx(*words)
        assert ran.code == 3 and "newer tfx" in one_sentence(ran)
