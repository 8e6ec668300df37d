"""What judges an exercise stands before it in the course, and what is judged is the learner's own file."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from lessons.course import ROOT, topics
from lessons.practice.exercise import exercises, find_exercise, topic_of
from lessons.practice.judging import judge_file
from tests.cli.practice.in_process import run_here
from tests.import_graph import imports_in, module_of, modules

EACH = pytest.mark.parametrize("exercise", exercises().values(), ids=lambda one: one.name)


def lessons_behind(path: Path) -> set[Path]:
    """All files of the course that this one imports, anywhere in it, directly and through others."""
    found: set[Path] = set()
    todo = [path]
    while todo:
        for one in imports_in(todo.pop()):
            module = module_of(one.module)
            other = modules()[module] if module else None
            if other is not None and other.is_relative_to(ROOT) and other not in found:
                found.add(other)
                todo.append(other)
    return found


@EACH
def test_no_check_imports_a_later_lesson(exercise):
    order = [topic.path for topic in topics()]
    own = Path(inspect.getfile(exercise.given_stub))
    assert topic_of(exercise).path in own.parents
    behind = {own} | lessons_behind(own) | lessons_behind(own.with_name(f"{own.stem}_mistakes.py"))
    later = order[order.index(topic_of(exercise).path) + 1 :]
    assert not [path for path in behind if any(topic in path.parents for topic in later)]


def test_an_import_of_a_lesson_is_seen():
    """The walk over imports finds what an exercise takes from another one's file, so that the test above can fail."""
    own = Path(inspect.getfile(find_exercise("attention-backward").given_stub))
    assert own.with_name("attention.py") in lessons_behind(own.with_name("attention_backward_mistakes.py"))


SENTINEL = "raise RuntimeError('the sentinel {name}')\n"


@EACH
def test_the_file_that_is_judged_is_the_learner_s(exercise, tmp_path, monkeypatch):
    """A file that ends at once fails with its own words, whatever lies beside it or was judged before."""
    run_here(monkeypatch)
    path = tmp_path / "tfx-practice" / f"{exercise.name.replace('-', '_')}.py"
    verdict = judge_file(exercise, path, SENTINEL.format(name=exercise.name))
    assert verdict.kind == "import" and f"the sentinel {exercise.name}" in verdict.evidence[0]
    missing = judge_file(exercise, path, "def another():\n    return 1\n")
    assert missing.kind == "missing" and exercise.function_name in missing.says


@pytest.mark.slow
@EACH
def test_the_file_that_is_judged_is_the_learner_s_in_its_own_process(exercise, tmp_path):
    path = tmp_path / f"{exercise.name.replace('-', '_')}.py"
    path.write_text("x = 1\n", encoding="utf-8")
    verdict = judge_file(exercise, path, SENTINEL.format(name=exercise.name))
    assert verdict.kind == "import" and f"the sentinel {exercise.name}" in verdict.evidence[0]
