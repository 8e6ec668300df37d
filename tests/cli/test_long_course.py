"""Start-up with a course of 112 topics: the plan's course, made here of copies of the topics that there are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_startup import COMMAND_BUDGETS, LAUNCH, Budget, over_budget

ROOT = Path(__file__).resolve().parents[2]
LESSONS = ROOT / "lessons"
TOPICS = 112

#: The launch of the command with the lessons of another folder: a package costs nothing until a module of it is asked.
ELSEWHERE = """
import os, sys, types
lessons = sys.modules["lessons"] = types.ModuleType("lessons")
lessons.__path__ = [{folder!r}]
os.environ.update({variables!r})
"""

#: The topic that the real course begins with: the made-up course goes round, so it is there more than once.
FIRST = tomllib.loads((LESSONS / "course.toml").read_text(encoding="utf-8"))["module"][0]["topics"][0]["name"]

COMPLETE = {"_TFX_COMPLETE": "complete_bash", "COMP_WORDS": f"tfx explain {FIRST[:3]}", "COMP_CWORD": "2"}


@pytest.fixture(scope="module")
def long_course(tmp_path_factory) -> Path:
    """A lessons folder whose course.toml has 112 topics, with the keys that the real one has, and their text files."""
    folder = tmp_path_factory.mktemp("checkout") / "lessons"
    folder.mkdir()
    for path in LESSONS.glob("*.py"):
        shutil.copy(path, folder)
    real = tomllib.loads((LESSONS / "course.toml").read_text(encoding="utf-8"))
    modules: list[dict[str, Any]] = []
    left = TOPICS
    while left:
        for module in real["module"]:
            number = len(modules) + 1
            copied = [copy_of(topic, module["folder"], number, folder) for topic in module["topics"][:left]]
            left -= len(copied)
            if copied:
                modules.append({**module, "number": number, "title": f"{module['title']} {number}", "topics": copied})
    (folder / "course.toml").write_text("\n".join(map(toml_of_module, modules)), encoding="utf-8")
    return folder


def copy_of(topic: dict[str, Any], module: str, number: int, folder: Path) -> dict[str, Any]:
    """The entry of a topic under other names, its text files beside it in `folder`."""
    place = folder / module / f"{topic['folder']}_{number}"
    place.mkdir(parents=True)
    for path in (LESSONS / module / topic["folder"]).iterdir():
        if path.suffix in (".md", ".toml"):
            text = path.read_text(encoding="utf-8").replace(f'"{topic["name"]}/', f'"{topic["name"]}-{number}/')
            (place / path.name).write_text(text, encoding="utf-8")
    return {
        **topic,
        "name": f"{topic['name']}-{number}",
        "folder": f"{topic['folder']}_{number}",
        **{key: [f"{name}-{number}" for name in topic[key]] for key in ("after", "aliases") if key in topic},
    }


def toml_of_module(module: dict[str, Any]) -> str:
    """The module as course.toml has it: a line for each topic."""
    own = [f"{key} = {json.dumps(value)}" for key, value in module.items() if key != "topics"]
    lines = [", ".join(f"{key} = {json.dumps(value)}" for key, value in topic.items()) for topic in module["topics"]]
    return "\n".join(["[[module]]", *own, "topics = [", *(f"  {{ {line} }}," for line in lines), "]", ""])


def launched_with(folder: Path, **variables: str) -> str:
    return ELSEWHERE.format(folder=str(folder), variables=variables) + LAUNCH


def test_the_made_up_course_is_the_one_that_is_read(long_course, tmp_path):
    shown = {}
    for words, variables in (("explain --json", {}), ("--json", {}), ("", COMPLETE)):
        done = subprocess.run(
            [sys.executable, "-c", launched_with(long_course, **variables), *words.split()],
            cwd=ROOT,
            env={**os.environ, "TFX_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stderr
        shown[words] = done.stdout
    names = [topic["name"] for module in json.loads(shown["explain --json"])["modules"] for topic in module["topics"]]
    assert len(names) == TOPICS
    assert sum(module["topics"] for module in json.loads(shown["--json"])["modules"]) == TOPICS
    copies = [name for name in names if name.startswith(FIRST)]
    assert len(copies) > 1 and all(shown[""].split().count(name) == 1 for name in copies)


def test_a_long_course_keeps_the_budgets_of_start_up(long_course, tmp_path):
    words_of = {words: words.split() for words in ("--version", "--help", "explain", "", "quiz --stats")}
    runs = {words: ["-c", launched_with(long_course), *arguments] for words, arguments in words_of.items()}
    budgets = {words: COMMAND_BUDGETS[words] for words in runs}
    runs["completion"] = ["-c", launched_with(long_course, **COMPLETE)]
    budgets["completion"] = Budget(2.0, "hello")
    assert not over_budget(runs, budgets, tmp_path)
