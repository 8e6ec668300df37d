"""A new topic, operation, experiment and model are each a folder or a few files, and everything finds them.

They are added to a copy of the checkout, and nothing in it is edited but for the lines of the topics in course.toml.
The first topic and its quiz item are the examples of CONTRIBUTING.md, written where it says.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import LAUNCH, ROOT, Ran, environment

TESTS = Path(__file__).parent
ROOMS = ("tfx", "tfx_cli", "lessons")

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: The code blocks of CONTRIBUTING.md whose first line is a comment that names a file.
BLOCKS = re.findall(r"^```\w+\n# ([\w/]+\.\w+)\n(.*?)^```$", CONTRIBUTING, re.MULTILINE | re.DOTALL)
WRITTEN = {path: text for path, text in BLOCKS if path != "lessons/course.toml"}

#: Where a newcomer goes, by the rule of the mirror.
COPIED = {
    "tfx/ops/feed_forward/squareplus.py": TESTS / "newcomers" / "operation.py",
    "tfx/gradcheck/cases/ops/feed_forward/squareplus.py": TESTS / "newcomers" / "case.py",
    "tfx/gradcheck/mistakes/ops/feed_forward/squareplus.py": TESTS / "newcomers" / "mistake.py",
    "tfx/models/adder.py": TESTS / "newcomers" / "model.py",
    "tfx/lab/squares.py": TESTS / "cli" / "squares.py",
    "lessons/block/squareplus/lesson.py": TESTS / "newcomers" / "operation_lesson.py",
}

#: The line of a topic, and the topic that it follows in course.toml.
LINES = {
    "notation": dict(BLOCKS)["lessons/course.toml"],
    "rms-norm": '  { name = "squareplus", folder = "squareplus", title = "Squareplus", level = 2, minutes = 3 },\n',
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with everything added."""
    root = tmp_path_factory.mktemp("checkout")
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room)
    for path, source in COPIED.items():
        (root / path).parent.mkdir(exist_ok=True)
        shutil.copy(source, root / path)
    for path, text in WRITTEN.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    course = root / "lessons" / "course.toml"
    lines = course.read_text(encoding="utf-8").splitlines(keepends=True)
    for before, line in LINES.items():
        (place,) = (index for index, other in enumerate(lines) if f'{{ name = "{before}"' in other)
        lines.insert(place + 1, line)
    course.write_text("".join(lines), encoding="utf-8")
    return root


def python(checkout: Path, program: str, *words: str, **variables: str) -> Ran:
    """Runs the program in a process of its own, in which the copy comes first, whatever is installed."""
    home = checkout / "home"
    home.mkdir(exist_ok=True)
    program = f"import sys; sys.path.insert(0, {str(checkout)!r})\n{program}"
    done = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=home, env=environment(home, **variables), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


def tfx(checkout: Path, *words: str, **variables: str) -> str:
    """What the command prints; it must end well."""
    ran = python(checkout, LAUNCH, *words, **variables)
    assert ran.code == 0, ran
    return ran.out


def completed(checkout: Path, line: str) -> str:
    """What TAB offers at the end of the line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    return python(checkout, LAUNCH, _TFX_COMPLETE="complete_bash", **words).out


def files_of(root: Path) -> dict[str, bytes]:
    paths = (path for room in ROOMS for path in (root / room).rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths if "__pycache__" not in path.parts}


def test_nothing_is_edited_but_a_line_of_course_toml_for_each_topic(checkout):
    before, after = files_of(ROOT), files_of(checkout)
    assert {path for path in before if after[path] != before[path]} == {"lessons/course.toml"}
    more = [set(files["lessons/course.toml"].decode().splitlines()) for files in (after, before)]
    assert len(more[0] - more[1]) == 2 and not more[1] - more[0]
    assert after.keys() - before.keys() == COPIED.keys() | WRITTEN.keys()
    assert {path.rpartition("/")[2] for path in WRITTEN} == {"lesson.py", "quiz.toml"}


# The topic of CONTRIBUTING.md


def test_how_to_add_a_topic_fits_half_a_page():
    section = re.search(r"^## How to add a topic\n.*?(?=^## )", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    assert section and len(section[0].splitlines()) <= 30


def test_the_topic_of_contributing_is_explained_step_by_step(checkout):
    page = tfx(checkout, "explain", "sharpness")
    shown = json.loads(tfx(checkout, "explain", "sharpness", "--json"))
    assert shown["name"] == "sharpness" and all(check["holds"] for check in shown["checks"])
    assert len(shown["checks"]) == 2 and "2 checks hold" in page and "FAIL" not in page
    for step in shown["steps"]:
        assert step["title"] in page
        assert step["title"] in tfx(checkout, "explain", "sharpness", "--step", step["name"])
    assert "tfx explain sharpness has no settings." in tfx(checkout, "explain", "sharpness", "--set", "help")


def test_the_topic_is_on_the_map_and_offered_by_tab(checkout):
    assert "sharpness" in tfx(checkout, "explain")
    (module,) = (part for part in json.loads(tfx(checkout, "explain", "--json"))["modules"] if part["number"] == 3)
    assert module["topics"][-1]["name"] == "sharpness"
    assert "sharpness" in completed(checkout, "tfx explain sharp")


def test_the_topic_is_asked_about(checkout):
    answers = checkout / "answers.txt"
    answers.write_text("1\n", encoding="utf-8")
    asked = python(checkout, LAUNCH, "quiz", "sharpness", "--answers", str(answers), "--json")
    assert asked.code in (0, 1) and "sharpness/" in asked.out, asked


@pytest.mark.slow
def test_topic_and_quiz_item_pass_the_tests_of_every_topic_and_item(checkout):
    shutil.copytree(TESTS, checkout / "tests", ignore=shutil.ignore_patterns("__pycache__", "fixtures"))
    shutil.copy(ROOT / "pyproject.toml", checkout)
    files, only = ("tests/lessons/test_course.py", "tests/quiz/test_items.py"), "sharpness or once or twice or folder"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-vv", "-p", "no:xdist", "-p", "no:cacheprovider", *files, "-k", only],
        cwd=checkout, env=environment(checkout / "home", PYTHONPATH=str(checkout)), capture_output=True, text=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert "test_every_check_holds[sharpness] PASSED" in ran.stdout and "[sharpness/large] PASSED" in ran.stdout


# A topic about one operation, the operation, the experiment, the model


def test_a_topic_about_one_operation_reads_it(checkout):
    steps = json.loads(tfx(checkout, "explain", "squareplus", "--json"))["steps"]
    assert [step["name"] for step in steps] == ["idea", "shapes", "derivation", "proof"]
    page = tfx(checkout, "explain", "squareplus")
    for said in ("y = (x + sqrt(x^2 + b)) / 2", "dr/dx = x / r", "Barron 2021", "the root is taken for a constant"):
        assert said in page
    assert "squareplus" in tfx(checkout, "explain") and "squareplus" in completed(checkout, "tfx explain squ")


def test_the_operation_is_checked_with_its_mistake_and_offered_by_tab(checkout):
    found = json.loads(tfx(checkout, "gradcheck", "squareplus", "--json"))
    assert {row["op"] for row in found["rows"]} == {"squareplus"}
    (control,) = found["controls"]
    assert control["name"] == "squareplus: the root is taken for a constant" and control["caught"]
    assert "squareplus" in completed(checkout, "tfx gradcheck squ")
    asks = """
from tfx.gradcheck import backward_functions, find_mistake, not_registered
assert "tfx.ops.feed_forward.squareplus.squareplus_backward" in backward_functions() and not not_registered()
print(find_mistake("squareplus/root-is-constant").says)
"""
    assert python(checkout, asks).out == "the root is taken for a constant\n"


def test_the_experiment_is_listed_run_helped_with_and_offered_by_tab(checkout):
    listed = tfx(checkout, "experiment", "--plain").splitlines()
    assert "squares\tHow fast do squares grow?\t" in listed
    assert json.loads(tfx(checkout, "experiment", "squares", "--json"))["name"] == "squares"
    assert "from 1 to 1,000" in tfx(checkout, "experiment", "squares", "--set", "help")
    assert "squares" in completed(checkout, "tfx experiment squ")


def test_the_model_is_built_saved_and_loaded(checkout):
    asks = """
import numpy as np
from tfx.io.model_file import load_model, save_model
from tfx.models import MODELS, Adder, build
assert "Adder" in MODELS
model = build({"model": "Adder", "width": 4, "seed": 2})
save_model("adder.npz", model, {})
again, _ = load_model("adder.npz")
assert isinstance(again, Adder) and again.config == model.config
print(np.array_equal(again.forward(np.ones(4))[0], model.forward(np.ones(4))[0]))
"""
    ran = python(checkout, asks)
    assert ran.out == "True\n", ran
