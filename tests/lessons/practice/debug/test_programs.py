"""Every bug is proved: it stands there once, changes what is judged, and moves its symptom; the right one passes."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from lessons.practice.debug.judging import outcomes_here
from lessons.practice.debug.planting import MOST, puzzle, puzzle_named
from lessons.practice.debug.program import FAMILIES, Program, planted, programs
from lessons.practice.debug.proving import differs, program_proof

EACH = pytest.mark.parametrize("program", programs().values(), ids=lambda one: one.name)


@EACH
def test_it_is_proved(program):
    proof = program_proof(program)
    assert proof.faults == ()
    assert len(proof.symptoms) + len(proof.hidden) == len(program.every)


@EACH
def test_the_program_is_python_that_fits_a_screen_and_shows_no_bug_by_its_words(program):
    assert max(map(len, program.source.splitlines())) <= 115
    for bug in program.every:
        ast.parse(planted(program.source, [bug]))
        assert "#" not in bug.new, bug.id


@EACH
def test_the_same_seed_gives_the_same_bytes_and_the_name_says_it_all(program):
    for count in range(1, MOST + 1):
        made = puzzle(program, 7, "", count)
        again = puzzle_named(made.name)
        assert again == made and again.source == made.source and len(made.bugs) == count
        lines = made.source.split("\n")
        for bug in made.bugs:
            change = made.change(bug)
            assert tuple(lines[change.line - 1 :][: len(change.wrong)]) == change.wrong != change.right, bug.id
            assert change.line in change.lines
    assert len({puzzle(program, seed).bugs for seed in range(40)}) > 3


@EACH
def test_of_several_bugs_each_has_lines_of_its_own_and_all_of_them_mended_is_the_right_program(program):
    for made in (puzzle(program, seed, "", MOST) for seed in range(30)):
        changes = sorted((made.change(bug) for bug in made.bugs), reverse=True)
        named = [line for change in changes for line in change.lines]
        assert len(named) == len(set(named)), made.name
        lines = made.source.split("\n")
        for change in changes:
            lines[change.line - 1 : change.line - 1 + len(change.wrong)] = change.right
        assert "\n".join(lines) == made.headed(program.source), made.name


def made(*bugs: tuple[str, ...]) -> Program:
    """The attention program with other bugs."""
    there = programs()["attention"]
    program = Program("attention", there.title, there.goal)
    program.calls(there._calls)
    for old, new, *symptom in bugs:
        program.bug("x", "mask", old, new, "it is wrong", "so", *symptom)
    return program


@pytest.mark.parametrize(
    ("bug", "fault"),
    [
        (("import torch", ""), "attention/x: its text stands 0 times in the program"),
        (("/ np.sqrt(width // heads)", "/ 16"), "attention/x does not hide: head 1 is higher"),
        (("np.zeros_like(x)", "0 * x"), "attention/x changes no output and no gradient, or is not judged wrong"),
        (
            ("length), bool))", "length), bool), 1)", "causality", "a later token moves", "lower"),
            "attention/x: a later token moves is higher, not lower",
        ),
        (
            (" / np.sqrt(q.shape[-1])", "", "loss", "loss after 150 steps", "higher"),
            "attention/x: loss after 150 steps is not seen, not higher",
        ),
    ],
)  # fmt: skip
def test_what_is_not_proved_is_said(bug, fault):
    assert fault in program_proof(made(bug)).faults


def test_there_are_bugs_of_every_family():
    families = Counter(bug.family for program in programs().values() for bug in program.bugs)
    assert set(families) == set(FAMILIES) and min(families.values()) >= 4 and families.total() >= 60
    assert any(bug.hides for program in programs().values() for bug in program.every)


def test_no_two_bugs_of_a_program_do_the_same():
    """By what is judged: a bug that another one is has no name of its own."""
    for program in programs().values():
        calls = [call for call in program.judged if "steps" not in call.arguments or program.name == "adam"]
        found = [
            (bug.id, [one.raised or one.value for one in outcomes_here(program, planted(program.source, [bug]), calls)])
            for bug in program.every
        ]
        right = [one.value for one in outcomes_here(program, program.source, calls)]
        told = [(name, values) for name, values in found if any(map(differs, right, values))]
        for place, (name, values) in enumerate(told):
            for other, theirs in told[:place]:
                assert any(map(differs, values, theirs)), (name, other)
