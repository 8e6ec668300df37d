"""`tfx quiz --sheet N --key`: for teachers; the same bytes from the same seed, and nobody's history is touched."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from lessons.course import topics
from lessons.decks import DECKS
from lessons.grading import ask, grade
from lessons.quiz import all_items
from tfx_cli.learner.state_file import state_path


def test_equal_seeds_print_equal_bytes_and_leave_no_history(tfx):
    first, again, other = (tfx("quiz", "--sheet", "20", "--key", "--seed", seed) for seed in ("1", "1", "2"))
    assert first.code == 0 and first == again and first.out != other.out
    assert not state_path().exists()


def test_a_sheet_tells_no_answer_and_a_key_tells_them_all(tfx):
    sheet = json.loads(tfx("quiz", "--sheet", "30", "--seed", "1", "--json").out)
    both = json.loads(tfx("quiz", "--sheet", "30", "--seed", "1", "--key", "--json").out)
    assert "key" not in sheet and sheet["questions"] == both["questions"]
    assert [entry["id"] for entry in both["key"]] == [question["id"] for question in both["questions"]]
    assert all(entry["answer"] and entry["explain"] for entry in both["key"])
    assert all(question["options"] is None for question in sheet["questions"] if question["kind"] == "open")


def test_the_answers_of_the_key_are_right(tfx):
    items = {item.id: item for item in all_items()}
    from lessons.grading import item_seed

    for entry in json.loads(tfx("quiz", "--sheet", "200", "--seed", "3", "--key", "--json").out)["key"]:
        item = items[entry["id"]]
        asked = ask(item, item_seed(3, item.id))
        if item.kind in ("shape", "order"):
            assert grade(asked, entry["answer"]).correct, entry
        elif item.kind == "number":
            assert abs(grade(asked, entry["answer"].split()[0]).score - 1) == 0, entry
        elif item.kind != "open":
            assert grade(asked, " ".join(part.split(":")[0] for part in entry["answer"].split("; "))).correct, entry


def test_a_sheet_takes_from_every_topic_in_turn(tfx):
    count = len((*topics(), *DECKS)) * 2
    questions = json.loads(tfx("quiz", "--sheet", str(count), "--json").out)["questions"]
    per_topic = Counter(question["topic"] for question in questions)
    assert set(per_topic.values()) == {2} and len(per_topic) == count // 2
    assert [question["number"] for question in questions] == list(range(1, count + 1))


def test_a_sheet_of_one_topic_or_level_holds_nothing_else(tfx):
    questions = json.loads(tfx("quiz", "scaling", "--sheet", "99", "--level", "2", "--json").out)["questions"]
    assert questions and {(question["topic"], question["level"]) for question in questions} == {("scaling-variance", 2)}


def test_the_page_fits_forty_columns_and_plain_is_one_record_a_line(tfx, monkeypatch):
    plain = tfx("quiz", "--sheet", "3", "--key", "--plain").out.splitlines()
    assert {line.split("\t")[0] for line in plain} <= {"sheet", "question", "option", "key"}
    monkeypatch.setenv("COLUMNS", "40")
    page = tfx("quiz", "--sheet", "9", "--key").out.splitlines()
    assert max(len(line) for line in page if "tfx explain" not in line and not line.startswith("    ")) <= 40


@pytest.mark.parametrize(
    "words", [["--key"], ["--sheet", "3", "--due"], ["--sheet", "3", "--answers", "-"], ["--sheet", "0"]]
)
def test_what_does_not_go_with_a_sheet_is_refused(tfx, words):
    ran = tfx("quiz", *words)
    assert ran.code == 2 and ran.err and ran.out == ""
