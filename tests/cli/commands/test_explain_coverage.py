"""`tfx explain --coverage`: what is answered, on every face."""

from __future__ import annotations

import json

import pytest

from lessons.coverage import coverage


def test_json_has_a_row_for_every_question_with_where_it_is_answered(tfx):
    ran = tfx(*["explain", "--coverage", "--json"])
    document = json.loads(ran.out)
    assert (ran.code, document["questions"], len(document["rows"])) == (0, 305, 305)
    assert document["gaps"] == sum(row["gap"] for row in document["rows"])
    row = next(row for row in document["rows"] if row["id"] == "003-q03")
    assert (row["topic"], row["module"], row["asked"], row["gap"]) == ("scaling-variance", 3, True, False)
    assert "the_division" in row["steps"] and "scaling-variance/scale-factor" in row["items"]


def test_the_counts_of_a_terminal_are_those_of_the_rows(tfx):
    rows = json.loads(tfx(*["explain", "--coverage", "--json"]).out)["rows"]
    out = tfx(*["explain", "--coverage"]).out
    assert out.splitlines()[0].strip() == "Questions of the five sources, and how many the course answers"
    for module in (1, 3, 14):
        asked = [row for row in rows if row["module"] == module and row["asked"]]
        others = [row for row in rows if row["module"] == module and not row["asked"]]
        numbers = [module, len(asked), sum(not r["gap"] for r in asked), len(others), sum(not r["gap"] for r in others)]
        assert numbers in [
            [int(word) for word in line.split()] for line in out.splitlines() if line.split()[0:1] == [str(module)]
        ]
    assert out.splitlines()[-1].strip() == "Those of one module: tfx explain 3 --coverage"


def test_one_module_lists_its_questions(tfx):
    out = tfx(*["explain", "3", "--coverage", "--plain"]).out
    here = [answer for answer in coverage() if answer.question.module == 3]
    assert all(answer.question.id in out for answer in here) and "001-med-08" not in out
    assert tfx(*["explain", "3", "--coverage"]).out.splitlines()[0].strip().startswith(f"{len(here)} questions, ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("explain attention --coverage", '--coverage is for the course or a module, and "attention" is no number.'),
        ("explain 15 --coverage", "no question belongs to a module 15: they are 1 to 14."),
    ],
)
def test_what_is_no_module_is_told(tfx, words, message):
    ran = tfx(*words.split())
    assert (ran.code, ran.out) == (2, "") and message in ran.err and "tfx explain 3 --coverage" in ran.err
