"""Exercises of any folder: begun, proved, solved and graded as ours are, and told clearly when they are broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lessons.practice.exercise import exercises
from lessons.practice.skeleton import files_of
from tests.cli.practice.pack import BY_COLUMNS, EXERCISE, FILES, MISTAKES, RIGHT, with_line, write_pack

ADD = "pack    add --pack my-pack to each command, or set TFX_PACKS\n"


@pytest.fixture(autouse=True)
def here(tfx, monkeypatch):
    monkeypatch.delenv("TFX_PACKS", raising=False)


@pytest.fixture
def pack():
    return write_pack(Path("my-pack"))


def test_a_pack_s_exercise_is_begun_judged_and_kept_as_ours_are(tfx, pack):
    started = tfx("practice", "start", "row-shares", "--pack", "my-pack")
    assert started.out == (
        "tfx-practice/row_shares.py: made for you.\nwrite   row_shares(x)\n"
        "next    edit it, then tfx practice check row-shares\n" + ADD
    )
    path = Path("tfx-practice/row_shares.py")
    assert path.read_text().startswith("# Rows that sum to one\n#\n# - x is (T, C)")
    path.write_text(BY_COLUMNS)
    told = json.loads(tfx("practice", "check", "row-shares", "--pack", "my-pack", "--json").out)
    assert told["mistake"] == {"id": "row-shares/columns", "name": "each number is divided by the sum of its column"}
    assert told["see"] is None
    path.write_text(RIGHT)
    assert tfx("practice", "check", "row-shares", "--pack", "my-pack").code == 0
    listed = tfx("practice", "list", "--pack", "my-pack").out
    assert "Exercises, 1 of 1 passed" in listed and "Rows that sum to one: passed" in listed
    assert "row-shares" not in exercises() and "row-shares" not in tfx("practice", "list").out


def test_the_environment_may_name_packs(tfx, pack, monkeypatch):
    monkeypatch.setenv("TFX_PACKS", "my-pack")
    (one,) = json.loads(tfx("practice", "list", "--json").out)["exercises"]
    assert one["name"] == "row-shares" and one["topic"] is None and one["mistakes"] == [
        "row-shares/columns", "row-shares/not-divided",
    ]  # fmt: skip
    assert tfx("practice", "start", "row-shares").out.endswith("tfx practice check row-shares\n")
    assert tfx("practice", "hint", "softmax").code == 0, "ours are found by name all the same"


def test_a_pack_is_graded(tfx, pack):
    for name, text in (("ada", RIGHT), ("bob", BY_COLUMNS)):
        write_pack(Path(name), {"row_shares.py": text})
    ran = tfx("practice", "grade", "ada/row_shares.py", "bob/row_shares.py", "--pack", "my-pack")
    assert ran.code == 1 and ran.out.startswith(
        "passed  ada/row_shares.py  passed\nFAILED  bob/row_shares.py  values  row-shares/columns\n1 of 2 passed\n"
    )


def test_the_proof_of_a_pack_is_a_readable_matrix(tfx, pack):
    ran = tfx("practice", "dev", "check", "row-shares", "--pack", "my-pack")
    assert ran.code == 0 and ran.out == (
        "row-shares   proved: 2 mistakes, 1 equal ways, 2 inputs\n  12\n  xx  columns\n  xx  not-divided\n"
        "  inputs\n   1  three rows of two\n   2  one row\n1 exercise, 2 mistakes, 0 faults\n"
    )
    told = json.loads(tfx("practice", "dev", "check", "--pack", "my-pack", "--json").out)
    assert [one["exercise"] for one in told["exercises"]] == ["row-shares"] and told["proved"] is True
    assert tfx("practice", "dev", "check", "--pack", "my-pack", "--plain").out == (
        "exercise\trow-shares\tproved\nmistake\trow-shares/columns\txx\nmistake\trow-shares/not-divided\txx\n"
    )


def test_a_new_exercise_is_explained_step_by_step_until_it_is_proved(tfx):
    made = tfx("practice", "dev", "new", "row-shares", "--pack", "my-pack")
    assert made.out == (
        "my-pack/row_shares.py: made for you.\nmy-pack/row_shares_mistakes.py: made for you.\n"
        "next   write what says TODO, then tfx practice dev check row-shares --pack my-pack\n"
    )
    assert steps(tfx) == ["to do", "well", "well", "to do", "later", "later"]
    texts = files_of("row-shares")
    exercise = texts["row_shares.py"]
    write_pack(Path("my-pack"), {"row_shares.py": with_line(exercise, "    ...  # TODO", "    return x / x.sum()  # ")})
    assert steps(tfx) == ["to do", "well", "well", "well", "well", "to do"]
    write_pack(
        Path("my-pack"), {"row_shares.py": exercise.replace("TODO", "Say").replace("...  # Say", "return 1 * x  #")}
    )
    assert steps(tfx) == ["well", "well", "well", "well", "well", "to do"]
    fault = "    fault: there is no mistake: a wrong function under @exercise.mistake\n"
    assert fault in tfx("practice", "dev", "check", "--pack", "my-pack").out
    write_pack(Path("my-pack"))
    assert steps(tfx) == ["well"] * 6


def steps(tfx) -> list[str]:
    """Of the one exercise in my-pack; the code of the command says whether all are well."""
    ran = tfx("practice", "dev", "check", "--pack", "my-pack", "--json")
    page = tfx("practice", "dev", "check", "--pack", "my-pack").out
    (one,) = json.loads(ran.out)["exercises"]
    assert ran.code == (0 if one["proved"] else 1)
    words = [line.split()[-1] for line in page.splitlines() if line[:3].strip().isdigit() and "  " in line[4:]]
    found = ["well" if step["well"] else "to do" if step["faults"] else "later" for step in one["steps"]]
    assert one["proved"] or words == [word.split()[-1] for word in found]
    return found


def test_nothing_is_written_over(tfx, pack):
    ran = tfx("practice", "dev", "new", "row-shares", "--pack", "my-pack")
    assert ran.code == 2 and "my-pack/row_shares.py is there already, and stays as it is." in ran.err
    assert (pack / "row_shares.py").read_text() == EXERCISE
    assert not (pack / "__pycache__").exists()


def changed(old: str, new: str, file: str = "row_shares.py") -> dict[str, str]:
    return {**FILES, file: with_line(FILES[file], old, new)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (changed("import numpy", "import nunpy"),
         "my-pack/row_shares.py, line 5: ModuleNotFoundError: No module named 'nunpy'."),
        (changed("def solution(x):", "def solution(x:"), "my-pack/row_shares.py, line 26: SyntaxError: '(' was never"),
        (changed("    Why: axis 0 comes first.\n", "", "row_shares_mistakes.py"),
         "my-pack/row_shares_mistakes.py, line 8: ValueError: "),
        (changed("from .row_shares", "from .other", "row_shares_mistakes.py"),
         "my-pack/row_shares_mistakes.py, line 5: ModuleNotFoundError: "),
        (changed("exercise = Exercise(", "other = exercise = Exercise(") | {"row_shares.py": "exercise = 3\n"},
         "my-pack/row_shares.py: its `exercise` is no Exercise."),
        ({**FILES, "row_shares.py": "x = 3\n"}, "my-pack/row_shares.py: it has no `exercise`."),
        ({**FILES, "row_shares.py": "import sys\nsys.exit(0)\n"}, "my-pack/row_shares.py, line 2: SystemExit: 0."),
        (changed('"row-shares",', '"shares",'), 'my-pack/row_shares.py: its exercise is called "shares".'),
        ({"row_shares.py": EXERCISE}, "my-pack/row_shares.py: row_shares_mistakes.py is missing beside it."),
        ({"row-shares.py": EXERCISE}, "my-pack/row-shares.py: a name of letters, digits and _ is asked for."),
        ({"softmax.py": EXERCISE.replace("row-shares", "softmax"), "softmax_mistakes.py": ""},
         'my-pack/softmax.py: the course has an exercise "softmax" too.'),
        ({}, '"my-pack" has no exercise.'),
    ],
)  # fmt: skip
def test_a_broken_pack_is_told_with_file_and_line(files, message, tfx):
    write_pack(Path("my-pack"), files)
    for words in (("list",), ("dev", "check")):
        ran = tfx("practice", *words, "--pack", "my-pack")
        assert ran.code == 2 and ran.out == "" and ran.err.startswith(f"tfx: {message}"), ran
        assert "Traceback" not in ran.err and len(ran.err.splitlines()) <= 4


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        (changed("@exercise.solution\n", ""), "there is no solution: a function under @exercise.solution"),
        (changed("@exercise.inputs\n", ""), "there are no inputs: a generator under @exercise.inputs"),
        (changed("@exercise.stub\n", ""), "there is no stub: a function under @exercise.stub"),
        (changed("rng.uniform(1, 2, (3, 2))", "rng.univorm(1)"), "(line 37)"),
        (changed('{"x": rng.uniform(1, 2, (1, 4))}', '{"z": 1.0}'), "row_shares has no argument z (input: one row)"),
        (changed("x / x.sum(axis=-1, keepdims=True)", "y"), "solution raises NameError: name 'y' is not defined"),
        (changed('["y: (T, C)"]', '["y: (T, C)", "s: (T)"]'), "solution cannot be judged: "),
        (changed('"one row"', '"three rows of two"'), "two inputs have the same words"),
    ],
)
def test_an_unfinished_exercise_is_judged_by_nobody_and_explained_by_dev_check(files, fault, tfx):
    write_pack(Path("my-pack"), files)
    ran = tfx("practice", "list", "--pack", "my-pack")
    assert ran.code == 2 and "See what is to do: tfx practice dev check row-shares --pack my-pack" in " ".join(
        ran.err.split()
    )
    ran = tfx("practice", "dev", "check", "row-shares", "--pack", "my-pack", "--plain")
    assert ran.code == 1 and ran.err == "" and fault in ran.out


def test_what_is_not_told_apart_is_a_fault(tfx):
    more = MISTAKES.replace("def columns", "def again").replace("exercise.mistake\ndef not", "exercise.equal\ndef not")
    write_pack(Path("my-pack"), {**FILES, "row_shares_mistakes.py": MISTAKES + more.partition("exercise\n")[2]})
    told = tfx("practice", "dev", "check", "--pack", "my-pack", "--plain").out.splitlines()
    assert [line for line in told if line.startswith("fault")] == [
        "fault\tequal ways\tnot_divided does not pass: values",
        "fault\tmistakes\trow-shares/columns is judged values, and not named",
        "fault\tmistakes\trow-shares/again is judged values, and not named",
        "fault\tmistakes\trow-shares/columns and row-shares/again give the same on every input",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dev", "new"], "dev new makes one exercise in one pack."),
        (["dev", "new", "1st"], '"1st" cannot be the name of a function.'),
        (["dev", "new", "softmax"], 'the course has an exercise "softmax".'),
        (["dev", "check", "sofmax"], 'no exercise is called "sofmax". Did you mean "softmax"?'),
        (["list", "--pack", "nowhere"], 'there is no folder "nowhere".'),
    ],
)
def test_bad_words_get_a_sentence(words, message, tfx):
    ran = tfx("practice", *words)
    assert ran.code == 2 and ran.out == "" and ran.err.startswith(f"tfx: {message}\n     ")


def test_two_packs_must_not_have_the_same_exercise(tfx, pack):
    write_pack(Path("other"))
    ran = tfx("practice", "list", "--pack", "my-pack", "--pack", "other")
    assert ran.code == 2 and 'two packs have an exercise "row-shares".' in ran.err


def test_a_pack_that_was_mended_is_read_anew(tfx, pack):
    assert "Rows that sum to one" in tfx("practice", "list", "--pack", "my-pack").out
    write_pack(pack, changed("Rows that sum to one", "Rows that sum to 1!!", "row_shares.py"))
    write_pack(pack, {"row_shares.py": EXERCISE.replace('"Rows that sum to one"', '"Shares of a row sum "')})
    assert "Shares of a row sum" in tfx("practice", "list", "--pack", "my-pack").out
