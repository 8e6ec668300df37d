"""`tfx quiz estimates`: a deck of its own, kept in the history like every other question."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from lessons.decks import ESTIMATES
from lessons.grading import ask
from lessons.quiz import EstimateCase, topic_items
from lessons.quiz_ids import item_ids
from tests.cli.running import one_sentence
from tfx_cli.learner.state import open_to_read
from tfx_cli.quizzing.next_step import mistakes
from tfx_cli.quizzing.round import Wish, items_for, questions

ITEMS = {item.id: item for item in topic_items(ESTIMATES)}


def give(lines: list[str]) -> str:
    with open("answers.txt", "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return "answers.txt"


def ask_for(tfx, *words: str) -> dict:
    return json.loads(tfx("quiz", "estimates", "--seed", "1", *words, "--json", "--answers", give([])).out)


def test_the_ids_are_read_from_the_lines_of_the_file():
    assert item_ids(ESTIMATES) == tuple(ITEMS)


def test_a_slip_is_named_the_number_is_built_and_the_card_comes_back(tfx):
    (asked,) = ask_for(tfx, "--count", "1")["items"]
    case = ask(ITEMS[asked["id"]], asked["seed"]).case
    assert isinstance(case, EstimateCase)
    slip = case.wrong[0]
    ran = tfx("quiz", "estimates", "--seed", "1", "--count", "1", "--answers", give([f"{slip.value:.5e}"]))
    assert ran.code == 1, ran
    told = " ".join(ran.out.split())
    assert f"(misconception: {slip.misconception}). {slip.why} The answer is" in told
    assert all(line in ran.out.splitlines() or "  " + line in ran.out for line in case.lines)
    assert len(ran.out.splitlines()) <= 24 and "See it: tfx explain" in ran.out and "Next review: in 10 minutes" in told
    with open_to_read() as state:
        (log,) = state.answers()
        due = state.due()
    assert (log.item, log.misconception, log.correct) == (asked["id"], slip.misconception, False)
    later = datetime.now(UTC) + timedelta(hours=1)
    again = questions(Wish(only_due=True), items_for(Wish()), due, later, seed=2)
    assert [one.item.id for one in again] == [asked["id"]], "what is due comes in a round of all topics, too"
    advice = next(mistakes([], [log], []))
    assert advice.misconception == slip.misconception and advice.command.startswith("tfx explain ")


def test_units_are_read_and_a_wrong_unit_is_refused_before_anything_is_recorded(tfx):
    items = ask_for(tfx, "--count", "3")["items"]
    right = [ask(ITEMS[one["id"]], one["seed"]).answer for one in items]
    ran = tfx("quiz", "estimates", "--seed", "1", "--count", "3", "--answers", give(["3 elephants", *right[1:]]))
    assert ran.code == 2 and '"elephants" is no unit of that' in one_sentence(ran)
    with open_to_read() as state:
        assert state.answers() == []
    ran = tfx("quiz", "estimates", "--seed", "1", "--count", "3", "--json", "--answers", give(right))
    assert ran.code == 0 and json.loads(ran.out)["score"] == {"asked": 3, "answered": 3, "right": 3}
    told = json.loads(tfx("quiz", "estimates", "--stats", "--json").out)
    assert (told["items"], told["seen"], told["right"]) == (len(ITEMS), 3, 3)


def test_the_deck_has_a_sheet_with_a_key_and_a_name_for_tab(tfx):
    sheet = json.loads(tfx("quiz", "estimates", "--sheet", "50", "--key", "--json").out)
    assert len(sheet["questions"]) == len(sheet["key"]) == len(ITEMS)
    assert {one["kind"] for one in sheet["questions"]} == {"estimate"}
    from tfx_cli.commands.quiz import complete_topic

    assert complete_topic("estim") == [("estimates", ESTIMATES.title)]


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_narrow_terminal_keeps_every_line_of_the_deck(tfx, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    out = tfx("quiz", "estimates", "--sheet", "50", "--key").out
    prose = [line for line in out.splitlines() if "tfx explain" not in line]
    assert max(map(len, prose)) <= int(columns) + 6, max(prose, key=len)  # a key is set six columns in


def test_a_weak_deck_is_asked_again_and_not_explained(tfx):
    tfx("quiz", "estimates", "--seed", "1", "--count", "1", "--answers", give(["1"]))
    assert json.loads(tfx("quiz", "--stats", "--json").out)["next"] == "tfx quiz estimates"
