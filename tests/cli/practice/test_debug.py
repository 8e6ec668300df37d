"""`tfx practice debug`: a program with a planted bug is made once, asked, judged by what it does, told at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lessons.practice.debug.planting import puzzle_named
from lessons.practice.debug.program import FAMILIES, programs
from lessons.practice.exercise import find_exercise, source_of
from tfx_cli.learner.state import open_to_read, open_to_write

FOLDER = Path("tfx-practice/debug")


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.py"


def mend(name: str) -> Path:
    """Puts the right program into the file."""
    file_of(name).write_text(puzzle_named(name).program.source)
    return file_of(name)


def told_lines(name: str) -> list[int]:
    made = puzzle_named(name)
    return [made.change(bug).line for bug in made.bugs]


def done() -> list[tuple[str, str, str]]:
    with open_to_read() as state:
        return [(line.exercise, line.act, line.verdict) for line in state.practice()]


def test_the_list_has_every_family_and_every_program(tfx):
    ran = tfx("practice", "debug")
    count = sum(len(one.bugs) for one in programs().values())
    assert ran.code == 0
    assert ran.out.startswith(f"Debug: {count} bugs, 0 of {len(FAMILIES)} families fixed\n")
    assert all(f"\n  {name} " in ran.out for name in (*FAMILIES, *programs())) and "yours" not in ran.out
    assert ran.out.endswith("\n  begin one: tfx practice debug start   such as --way mine, --family mask\n")
    told = json.loads(tfx("practice", "debug", "--json").out)
    assert [one["name"] for one in told["families"]] == list(FAMILIES) and told["puzzles"] == []
    assert sum(one["bugs"] for one in told["families"]) == sum(len(one["bugs"]) for one in told["programs"]) == count
    assert done() == []


def test_a_file_is_made_once_the_same_for_a_seed_and_read_by_the_clock(tfx):
    ran = tfx("practice", "debug", "start", "positions", "--seed", "7")
    path, source = file_of("positions-7"), puzzle_named("positions-7").source
    assert ran.out.startswith(f"{path}: made for you.\n\n 1  # positions-7: 1 bug is planted below.\n")
    listed = [line[4:] for line in ran.out.split("\n\nclock   8 minutes: until ")[0].split("\n")[2:]]
    assert listed == source.rstrip("\n").split("\n") and path.read_text() == source
    assert ran.out.endswith(
        ". Nothing stops you then.\nfound   tfx practice debug check positions-7 --line N\n"
        "mend    edit the file, then tfx practice debug check positions-7\n"
        "stuck   tfx practice debug hint positions-7\n"
    )
    path.write_text("mine")
    again = tfx("practice", "debug", "start", "positions", "--seed", "7", "--way", "symptoms")
    assert again.out == (
        f"{path}: there already, and left as it is.\nbugs    1, in 60 lines\n"
        "ask     tfx practice debug ask shapes positions-7\n        or invariants, samples\n"
        "mend    edit the file, then tfx practice debug check positions-7\n"
        "stuck   tfx practice debug hint positions-7\n"
    )
    assert path.read_text() == "mine"
    assert done() == [("debug/positions-7", "started", "read"), ("debug/positions-7", "started", "symptoms")]


def test_a_program_is_drawn_that_has_the_family_and_without_a_seed_a_new_one(tfx):
    first = json.loads(tfx("practice", "debug", "start", "--family", "cache", "--json").out)
    second = json.loads(tfx("practice", "debug", "start", "--family", "cache", "--json").out)
    assert first["puzzle"] != second["puzzle"] and first["new"] and second["new"]
    for one in (first, second):
        made = puzzle_named(one["puzzle"])
        assert {bug.family for bug in made.bugs} == {"cache"} and made.source == one["source"]


def test_a_bug_is_seen_by_asking_and_gone_when_it_is_mended(tfx):
    name = "sampler-2-cache"
    tfx("practice", "debug", "start", name)
    (bug,) = puzzle_named(name).bugs
    rows = json.loads(tfx("practice", "debug", "ask", bug.symptom.question, "--json").out)["rows"]
    path = mend(name)
    ran = tfx("practice", "debug", "ask", bug.symptom.question, name)
    assert ran.code == 0 and ran.out.startswith(f"{name}, {bug.symptom.question}\n  ")
    assert "\n\nto expect   " in ran.out
    right = json.loads(tfx("practice", "debug", "ask", bug.symptom.question, "--json").out)["rows"]
    (before,), (after,) = ([one["value"] for one in some if one["row"] == bug.symptom.row] for some in (rows, right))
    assert before != after
    path.write_text("def step(w:\n")
    ran = tfx("practice", "debug", "ask", bug.symptom.question)
    assert ran.code == 1 and ran.out.startswith("Not yet (syntax): Python cannot read the file.\n")
    path.write_text("import numpy as np\n")
    ran = tfx("practice", "debug", "ask", "shapes", "--plain")
    assert ran.code == 1 and ran.out.startswith("verdict\traises\tit raises NameError: the file has no empty.\n")


def test_a_bug_fails_and_what_does_the_same_as_the_right_program_passes(tfx):
    name = "labels-3-mask"
    tfx("practice", "debug", "start", name)
    ran = tfx("practice", "debug", "check")
    assert ran.code == 1 and ran.out.startswith("Not yet (differs): ")
    assert ran.out.endswith(
        f"\nnext   edit {file_of(name)}\n       tfx practice debug check {name}\n"
        f"stuck  tfx practice debug hint {name}\n"
    )
    other = "counts = np.where(labels > PAD, 1.0, 0.0)"
    source = puzzle_named(name).program.source.replace("counts = labels != PAD\n    total", f"{other}\n    total")
    assert other in source
    file_of(name).write_text(source)
    ran = tfx("practice", "debug", "check", name)
    (bug,) = puzzle_named(name).bugs
    assert ran.code == 0 and ran.out.startswith("Right: on all ") and "Why it is written: " in ran.out
    assert " ".join(ran.out.split()).count(f"line {told_lines(name)[0]} {bug.says} (mask).") == 1
    page = tfx("practice", "debug").out
    assert "  mask            fixed  " in page and f"  {name}   fixed   {file_of(name)}\n" in page
    assert [line[1:] for line in done()] == [("started", "read"), ("tried", "differs"), ("tried", "passed")]


def test_lines_are_named_all_and_no_other(tfx):
    name = "batches-5-x2"
    tfx("practice", "debug", "start", name)
    first, second = map(str, told_lines(name))
    ran = tfx("practice", "debug", "check", name, "--line", first)
    assert ran.code == 1 and ran.out.startswith("Not yet (some): 1 of 2 bugs stand in the lines that you named.\n")
    ran = tfx("practice", "debug", "check", name, "--line", first, "--line", second, "--line", "1")
    assert ran.out.startswith("Not yet (elsewhere): nothing is planted in line 1 of the file as it was made.\n")
    told = json.loads(tfx("practice", "debug", "check", name, "--line", first, "--line", second, "--json").out)
    assert told["verdict"] == "found" and told["passed"] and len(told["bugs"]) == 2


def test_hints_come_in_order_and_a_solution_after_giving_up(tfx):
    name = "block-4"
    tfx("practice", "debug", "start", name)
    (bug,) = puzzle_named(name).bugs
    family = f"The family: {bug.family} ({FAMILIES[bug.family]})."
    hints = [" ".join(tfx("practice", "debug", "hint").out.split()) for _ in range(4)]
    assert hints[0] == f"hint 1 of 3 {family}" and hints[1].startswith("hint 2 of 3 It is in ")
    assert hints[2] == hints[3] == f"hint 3 of 3 It is in line {told_lines(name)[0]} of the file as it was made."
    ran = tfx("practice", "debug", "solution")
    assert ran.code == 2 and ran.err.startswith(f"tfx: {name} is not fixed yet, and a solution ends the puzzle.\n")
    (told,) = json.loads(tfx("practice", "debug", "solution", "--give-up", "--json").out)["bugs"]
    assert told["id"] == bug.id and all(line[2:4] in ("- ", "+ ") for line in told["patch"])
    assert tfx("practice", "debug", "solution").code == 0
    assert f"  {name}     open, gave up   {file_of(name)}\n" in tfx("practice", "debug").out


def test_an_answer_says_what_is_right_for_each_row(tfx):
    tfx("practice", "debug", "start", "decoder-3")
    assert tfx("practice", "debug", "ask", "causality").out == (
        "decoder-3, causality\n"
        "  a later letter moves     0\n"
        "  an earlier letter moves  0.5157\n"
        "  another order moves      0.1601\n\n"
        "to expect   How far the logits of a letter move. A later letter: 0. An earlier\n"
        "letter, and two earlier ones that change places: well above 0.\n"
    )
    told = tfx("practice", "debug", "ask", "invariants").out
    assert "  even guesses are off by  0.3982\n" in told
    assert told.endswith(
        "\n\nA number below 1e-06 is rounding, or an epsilon's, and counts as 0.\n"
        "to expect   A query's weights sum to 1, even guesses cost log 6, and the norm\n"
        "gives rows of mean square 1: all 0.\n"
    )


def test_no_other_puzzle_is_taken_for_one_whose_file_is_gone(tfx):
    for name in ("block-4", "labels-3-mask"):
        tfx("practice", "debug", "start", name)
    file_of("labels-3-mask").rename("other.py")
    before = file_of("block-4").read_bytes()
    for action in ("check", "hint", "reset", "solution"):
        ran = tfx("practice", "debug", action)
        assert ran.code == 2 and ran.err == (
            f"tfx: labels-3-mask was the last one, and {file_of('labels-3-mask')} is not there.\n"
            "     Name the one that you mean, such as: block-4\n"
        )
    assert [line[1] for line in done()] == ["started", "started"] and file_of("block-4").read_bytes() == before
    assert tfx("practice", "debug", "check", "block-4").out.startswith("Not yet (differs): ")


def test_beginning_anew_keeps_what_was_written(tfx):
    tfx("practice", "debug", "start", "block-4")
    path = file_of("block-4")
    path.write_text("mine")
    ran = tfx("practice", "debug", "reset")
    (kept,) = FOLDER.glob("block-4.*.kept")
    assert ran.out == f"{path}: begun anew. What you wrote is kept as {kept}.\n"
    assert kept.read_text() == "mine" and path.read_text() == puzzle_named("block-4").source


def test_what_hides_is_listed_with_what_was_measured(tfx, monkeypatch):
    from lessons.practice.debug import program

    block = programs()["block"]
    monkeypatch.setattr(program, "programs", lambda: {"block": block})
    hidden = [bug for bug in block.every if bug.hides]
    page = tfx("practice", "debug", "--hidden").out
    assert page.startswith(
        f"Bugs that hide: {len(hidden)}\n\nNone of them moves a loss or a gradient's norm by a factor "
    )
    assert all(f"\n{bug.id}: " in page for bug in hidden)
    told = json.loads(tfx("practice", "debug", "--hidden", "--json").out)["hidden"]
    assert [one["id"] for one in told] == [bug.id for bug in hidden] and all(one["measured"] for one in told)
    rows = [line.split("\t") for line in tfx("practice", "debug", "--hidden", "--plain").out.splitlines()]
    assert {row[0] for row in rows} == {bug.id for bug in hidden} and all(len(row) == 5 for row in rows)


SOLVED = """import numpy as np


def softmax(x, axis=-1):
    # a comment that stays
    top = np.max(x, axis=axis, keepdims=True)
    e = np.exp(x - np.where(np.isfinite(top), top, 0.0))
    total = np.sum(e, axis=axis, keepdims=True)
    return e / np.where(total > 0, total, 1)
"""


def test_a_bug_is_put_into_what_the_learner_has_passed(tfx):
    ran = tfx("practice", "debug", "start", "--way", "mine")
    assert ran.code == 2 and ran.err.startswith("tfx: no exercise is passed yet, and a bug is put into what you have ")
    own = Path("tfx-practice/softmax.py")
    own.parent.mkdir()
    own.write_text(SOLVED)
    with open_to_write() as state:
        state.record_practice("softmax", "tried", "passed")
    ran = tfx("practice", "debug", "start", "--way", "mine")
    name, path = "mine-softmax-1", file_of("mine-softmax-1")
    assert ran.out.startswith(f"{path}: made for you.\nbugs    1, in softmax(x, axis=-1)\n")
    first, *rest = path.read_text().splitlines()
    assert first == f"# {name}: 1 bug is planted below, in what you have passed."
    (line,) = [
        number for number, pair in enumerate(zip(SOLVED.splitlines(), rest, strict=True), 2) if pair[0] != pair[1]
    ]
    assert "    # a comment that stays" in rest and own.read_text() == SOLVED
    hints = [tfx("practice", "debug", "hint").out for _ in range(3)]
    assert hints[1:] == [
        "hint 2 of 3   It is in softmax.\n", f"hint 3 of 3   It is in line {line} of the file as it was made.\n"
    ]  # fmt: skip
    assert tfx("practice", "debug", "check").code == 1
    assert tfx("practice", "debug", "check", "--line", "1").out.startswith("Not yet (elsewhere): not there, or not ")
    ran = tfx("practice", "debug", "ask", "loss")
    assert ran.code == 2 and ran.err.startswith("tfx: a function is judged, not asked.\n")
    path.write_text(SOLVED)
    ran = tfx("practice", "debug", "check")
    assert ran.code == 0 and f"line {line}   " in ran.out and ran.out.endswith("next   tfx practice debug start\n")
    assert "1 of 9 families fixed" in tfx("practice", "debug").out
    tfx("practice", "debug", "start", "--way", "mine")
    assert file_of("mine-softmax-2").read_text().splitlines()[1:] != rest, "another bug than the first one"


def test_at_forty_columns_no_line_is_longer(tfx, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    words = (
        "", "start adam-3", "ask gradients", "check", "hint", "solution --give-up", "start adam-2-x2 --way symptoms"
    )  # fmt: skip
    pages = [tfx("practice", "debug", *one.split()) for one in words]
    long = [line for page in pages for line in page.out.splitlines() if len(line) > 40 and "debug" not in line]
    assert long == [], "whole commands and paths alone may be longer"
    assert all(page.out.isascii() for page in pages)


def test_the_programs_are_proved_by_the_command(tfx):
    (told,) = json.loads(tfx("practice", "dev", "check", "debug/positions", "--json").out)["programs"]
    known = programs()["positions"]
    assert told["proved"] is True and told["program"] == "positions" and told["faults"] == []
    assert list(told["symptoms"]) == [bug.id for bug in known.bugs]
    assert list(told["hidden"]) == [bug.id for bug in known.every if bug.hides]
    page = tfx("practice", "dev", "check", "debug/positions").out
    assert page.startswith(f"debug/positions   proved: {len(known.bugs)} bugs, {len(told['hidden'])} that hide\n")
    assert page.endswith(f"1 program, {len(known.bugs)} bugs, 0 faults\n")
    rows = [line.split("\t") for line in tfx("practice", "dev", "check", "debug/positions", "--plain").out.splitlines()]
    assert rows[0] == ["program", "positions", "proved"] and sum(row[0] == "bug" for row in rows) == len(known.bugs)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["debug", "chek"], 'no action of debug is called "chek". Did you mean "check"?'),
        (["debug", "start", "decodr"], 'no program to debug is called "decodr". Did you mean "decoder"?'),
        (["debug", "start", "--family", "maks"], 'no family of bugs is called "maks". Did you mean "mask"?'),
        (
            ["debug", "start", "positions", "--family", "optimiser"],
            "positions has none of the family optimiser in lines ",
        ),
        (["debug", "start", "decoder", "--way", "read"], "decoder has 106 lines, too many to read in 8 minutes."),
        (["debug", "start", "--way", "mine", "--bugs", "2"], "--way mine plants one bug."),
        (["debug", "start", "a", "b"], '"b" is too much after debug start.'),
        (["debug", "check"], "no puzzle is begun in this folder."),
        (["debug", "check", "decoder-7"], "tfx-practice/debug/decoder-7.py is not there."),
        (["debug", "check", "decoder"], '"decoder" is no name of a puzzle.'),
        (["debug", "ask"], "no puzzle is begun in this folder."),
        (["debug", "hint", "--seed", "3"], "--seed goes with start."),
        (["debug", "check", "--line", "a"], '"a" is no number of a line.'),
        (["debug", "hint", "--line", "3"], "--line goes with check."),
        (["debug", "check", "--hidden"], "--hidden goes with debug alone."),
        (["list", "--seed", "3"], "--seed goes with debug."),
        (["dev", "check", "debug/nobody"], 'no program to debug is called "nobody".'),
    ],
)
def test_bad_words_get_a_sentence(words, message, tfx):
    ran = tfx("practice", *words)
    assert ran.code == 2 and ran.out == "" and ran.err.startswith(f"tfx: {message}")


def test_a_question_that_a_program_has_not_is_told_with_those_that_it_has(tfx):
    tfx("practice", "debug", "start", "batches-5")
    ran = tfx("practice", "debug", "ask", "entropy")
    assert ran.code == 2 and ran.err.startswith("tfx: batches has no entropy.\n     It can be asked: shapes, ")
    ran = tfx("practice", "debug", "ask", "los")
    assert ran.code == 2 and ran.err.startswith('tfx: no question is called "los". Did you mean "loss"?\n')


def test_where_the_own_file_is_wrong_now_a_bug_is_put_into_ours(tfx):
    own = Path("tfx-practice/softmax.py")
    own.parent.mkdir()
    own.write_text(SOLVED.replace("axis=axis", "axis=0"))
    with open_to_write() as state:
        state.record_practice("softmax", "tried", "passed")
    name = json.loads(tfx("practice", "debug", "start", "softmax", "--way", "mine", "--seed", "2", "--json").out)[
        "puzzle"
    ]
    text = file_of(name).read_text()
    assert text.startswith(f"# {name}: 1 bug is planted below, in what one may write: yours is not right now, or has ")
    ours = source_of(find_exercise("softmax").solved).replace("def solution(", "def softmax(")
    assert sum(line not in ours.splitlines() for line in text[text.index("def ") :].splitlines()) == 1


def test_a_file_that_takes_the_right_program_or_ends_the_process_is_no_fix(tfx):
    tfx("practice", "debug", "start", "positions-7")
    path = file_of("positions-7")
    path.write_text(f"exec(open({str(programs()['positions'].path)!r}).read())\n")
    ran = tfx("practice", "debug", "check", "--plain")
    assert ran.code == 1 and ran.out.startswith("verdict\timport\tthe file stops before its functions can be called.\n")
    assert "NotHere: it reads the answers, which practice does not allow\n" in ran.out
    path.write_text("import os\nos._exit(0)\n")
    ran = tfx("practice", "debug", "check", "--plain")
    assert ran.code == 1 and ran.out.startswith("verdict\texit\t")
