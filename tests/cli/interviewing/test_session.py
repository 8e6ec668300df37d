"""`tfx quiz --interview`: from a file, and with somebody at the keyboard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lessons.exercise_names
import tfx_cli.interviewing.session
from lessons.grading import ask
from lessons.quiz import all_items
from tests.cli.interviewing.learners import always_wrong_about, right, wrong
from tests.cli.running import one_sentence
from tfx_cli.learner.state import open_to_read

ITEMS = {item.id: item for item in all_items()}
HELD = ("quiz", "--interview", "--seed", "3", "--topics", "multi-head,attention-qkv,estimates", "--minutes", "30")


def give(lines: list[str]) -> str:
    Path("answers.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return "answers.txt"


def listed(tfx, *words: str) -> list[dict]:
    ran = tfx(*HELD, *words, "--json", "--answers", give([]))
    assert ran.code == 0, ran
    return json.loads(ran.out)["items"]


def answers(items: list[dict], learner) -> list[str]:
    """JSON lines for these questions."""
    asked = [ask(ITEMS[one["id"]], one["seed"]) for one in items]
    return [json.dumps({"id": one.item.id, "answer": learner(one)}) for one in asked]


def recorded():
    with open_to_read() as state:
        return state.answers()


# From a file


def test_a_listed_interview_says_its_parts_and_records_nothing(tfx):
    ran = tfx(*HELD, "--json", "--answers", give([]))
    told = json.loads(ran.out)
    assert told["schema_version"] == 1 and (told["seed"], told["minutes"], told["level"]) == (3, 30, None)
    assert told["topics"] == ["multi-head", "attention-qkv", "estimates"]
    assert {"theory", "shapes", "estimate"} <= {one["part"] for one in told["items"]}
    assert told["score"] == {"asked": len(told["items"]), "answered": 0, "right": 0}
    assert all(one["answer"] is None and one["follows"] is None for one in told["items"])
    assert recorded() == [] and told["report"]["topics"] == [] and told["plan"][-1]["topic"] is None
    none = f"{len(told['items'])} of {len(told['items'])} questions had no answer; nothing was recorded for them."
    assert none in ran.err


def test_a_whole_interview_runs_from_a_file_and_leaves_a_report_and_a_plan(tfx):
    learner = always_wrong_about("multi-head")
    items = listed(tfx)
    given = answers(items, learner)
    ran = tfx(*HELD, "--days", "4", "--json", "--answers", give(given), "--save", "report.md")
    assert ran.code == 1, ran
    told = json.loads(ran.out)
    missed = [one for one in told["items"] if one["correct"] is False]
    assert missed and {ITEMS[one["id"]].explained_by for one in missed} == {"multi-head"}
    follows = [one for one in told["items"] if one["part"] == "follow-up"]
    assert follows and all(one["follows"] == "multi-head" for one in follows)
    assert told["report"]["weak"][0]["topic"] == told["plan"][0]["topic"] == "multi-head"
    assert told["plan"][0]["commands"] == ["tfx explain multi-head", "tfx quiz multi-head"]
    assert (told["plan"][-1]["day"], told["plan"][-1]["topic"]) == (4, None)
    assert [answer.item for answer in recorded()] == [one["id"] for one in told["items"] if one["given"] is not None]
    page = Path("report.md").read_text(encoding="utf-8")
    for words in ("# Mock interview, ", "## By topic", "| multi-head | ", "1. **multi-head**: 0% of ",
                  "- Day 1: multi-head, ", "- Day 4: rehearsal, 40 min", "### multi-head (theory)"):  # fmt: skip
        assert words in page, words
    assert ran.err.endswith("report saved: report.md\n")


def test_all_right_answers_end_with_0_and_without_a_follow_up(tfx):
    ran = tfx(*HELD, "--json", "--answers", give(answers(listed(tfx), right)))
    told = json.loads(ran.out)
    assert ran.code == 0 and {one["part"] for one in told["items"]}.isdisjoint({"follow-up"})
    assert told["score"]["right"] == told["score"]["answered"] == len(told["items"])
    assert told["report"]["weak"] == []


def test_lines_answer_in_the_order_asked_follow_ups_included(tfx):
    first = ask(ITEMS[listed(tfx)[0]["id"]], listed(tfx)[0]["seed"])
    ran = tfx(*HELD, "--json", "--answers", give([wrong(first), "", "", ""]))
    told = json.loads(ran.out)["items"]
    assert (told[0]["correct"], told[1]["part"], told[1]["correct"]) == (False, "follow-up", None)


def test_an_answer_that_cannot_be_read_is_told_before_anything_is_recorded(tfx):
    items = listed(tfx)
    given = answers(items, right)
    number = next(n for n, one in enumerate(items) if one["kind"] == "estimate")
    given[number] = json.dumps({"id": items[number]["id"], "answer": "3 elephants"})
    ran = tfx(*HELD, "--answers", give(given))
    assert ran.code == 2 and f'answer {number + 1}, "3 elephants" to {items[number]["id"]}' in one_sentence(ran)
    assert "nothing was recorded" in ran.err and recorded() == []


def test_answers_that_were_not_asked_for_are_told(tfx):
    ran = tfx(*HELD, "--answers", give([*answers(listed(tfx), right), '{"id": "ffn/say-it", "answer": "all"}']))
    assert ran.code == 0 and "1 answer was left over." in ran.err


@pytest.mark.parametrize("columns", ["40", "80"])
def test_the_faces_fit_and_say_everything_in_words(tfx, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    items = listed(tfx)
    given = give(answers(items, always_wrong_about("multi-head")))
    ran = tfx(*HELD, "--days", "3", "--answers", given)
    told = " ".join(ran.out.split())
    for words in ("follow-up because multi-head builds on", "of 30 min",
                  "What to repeat, what it builds on first: 1 multi-head", "Plan for 3 days day 1 multi-head, ",
                  "tfx quiz --interview"):  # fmt: skip
        assert words in told, words
    prose = [line for line in ran.out.splitlines() if "tfx " not in line and "O(" not in line]
    assert "\x1b" not in ran.out and max(map(len, prose)) <= int(columns), max(prose, key=len)


def test_the_plain_face_has_a_record_for_each_part_row_and_day(tfx):
    ran = tfx(
        *HELD, "--plain", "--days", "2", "--answers", give(answers(listed(tfx), always_wrong_about("multi-head")))
    )
    kinds = [line.split("\t")[0] for line in ran.out.splitlines()]
    assert {"part", "question", "verdict", "interview", "topic", "weak", "plan"} <= set(kinds)
    assert ran.out.splitlines()[-1].startswith("plan\t2\trehearsal\ttfx quiz --due; tfx quiz --interview\t40\t")


# What is refused


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--minutes", "5"), "--minutes belongs to an interview."),
        (("--days", "5"), "--days belongs to an interview."),
        (("--interview", "--due"), "an interview chooses and asks by itself, without --due."),
        (("--interview", "--sheet", "3"), "an interview chooses and asks by itself, without --sheet."),
        (("--interview", "--topics", "multi-hed"), 'no topic is called "multi-hed"'),
        (("ffn", "--interview", "--topics", "gpt"), "the topics of an interview are given once."),
        (("--interview", "--save", "report.pdf"), "a report is saved as .md or .json, not as report.pdf."),
        (("--interview", "--save", "nowhere/report.md"), "there is no folder "),
        (("--interview",), "there is no terminal to ask questions on"),
        (("--interview", "--minutes", "0"), ""),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(tfx, words, says):
    ran = tfx("quiz", *words)
    assert ran.code == 2 and says in one_sentence(ran) and recorded() == []


def test_a_report_overwrites_nothing(tfx):
    Path("report.md").write_text("mine", encoding="utf-8")
    ran = tfx(*HELD, "--answers", give([]), "--save", "report.md")
    assert ran.code == 2 and "report.md is there already." in one_sentence(ran)
    assert Path("report.md").read_text(encoding="utf-8") == "mine"


def test_a_report_can_be_json(tfx):
    tfx(*HELD, "--answers", give(answers(listed(tfx), right)), "--save", "report.json")
    assert json.loads(Path("report.json").read_text(encoding="utf-8"))["score"]["right"] > 0


# At the keyboard


def typed(items: list[dict], learner) -> list[str]:
    lines: list[str] = []
    for one in items:
        asked = ask(ITEMS[one["id"]], one["seed"])
        lines += ["my answer", learner(asked)] if asked.item.kind == "open" else [learner(asked)]
    return lines


def test_an_interview_at_the_keyboard_ends_with_its_report(tfx, talk):
    ran = talk(typed(listed(tfx), right), *HELD)
    assert ran.code == 0 and "Report" in ran.out.splitlines() and "rehearsal" in ran.out
    assert len(recorded()) > 5 and all(answer.seconds is not None for answer in recorded())


def test_control_c_keeps_what_was_answered_and_saves_the_report_of_it(tfx, talk):
    lines = typed(listed(tfx)[:2], right)
    ran = talk([*lines, KeyboardInterrupt()], *HELD, "--save", "report.md")
    assert ran.code == 130 and "Stopped. 2 answers are saved." in ran.err and "Traceback" not in ran.err
    assert len(recorded()) == 2 and "2 of 2 answered well" in Path("report.md").read_text(encoding="utf-8")


def test_q_leaves_with_the_report_and_s_skips(tfx, talk):
    items = listed(tfx)
    ran = talk(["s", *typed(items[1:2], right), "q"], *HELD)
    assert (
        ran.code == 0
        and "1 of 1 answered well" in ran.out
        and [answer.item for answer in recorded()] == [items[1]["id"]]
    )
    ran = talk(["q"], *HELD)
    assert "No question was answered, and nothing was recorded." in " ".join(ran.out.split())


def test_when_the_time_is_up_no_further_question_is_asked(tfx, talk, monkeypatch):
    clock = iter(range(0, 100_000, 500))
    lines = typed(listed(tfx), right)
    monkeypatch.setattr(tfx_cli.interviewing.session.time, "monotonic", lambda: next(clock))
    ran = talk(lines, *HELD)
    assert "Time is up." in ran.out and 0 < len(recorded()) < len(listed(tfx)), ran


def test_a_coding_question_hands_over_to_practice_where_there_is_an_exercise(tfx, talk, monkeypatch):
    own = {"attention-scaled-dot-product": ("attention", "attention-backward")}
    monkeypatch.setattr(lessons.exercise_names, "exercise_names", lambda topic: own.get(topic.name, ()))
    for topic, command in (("attention-scaled-dot-product", "tfx practice start attention"), ("multi-head", None)):
        words = ("quiz", "--interview", "--topics", topic, "--seed", "1", "--minutes", "40")
        items = json.loads(tfx(*words, "--json", "--answers", give([])).out)["items"]
        assert {one["practice"] for one in items if one["part"] == "code"} == {command}
        assert {one["practice"] for one in items if one["part"] not in ("code", "derivation")} == {None}
        ran = talk(typed(items, right), *words)
        assert (f"  Write it, and have it checked:\n  {command}\n" in ran.out) == (command is not None)


def test_a_derivation_hands_over_to_practice_where_it_can_be_typed(tfx, talk):
    for topic, command in (("softmax-jacobian", "tfx practice derive softmax"), ("positional-rope", None)):
        words = ("quiz", "--interview", "--topics", topic, "--seed", "1", "--minutes", "40")
        items = json.loads(tfx(*words, "--json", "--answers", give([])).out)["items"]
        assert {one["practice"] for one in items if one["part"] == "derivation"} == {command}
        ran = talk(typed(items, right), *words)
        assert (f"  Write it, and have it checked:\n  {command}\n" in ran.out) == (command is not None)
