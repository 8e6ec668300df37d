"""Many files judged at once, for teachers: as lines, JSON, JUnit's XML or Gradescope's results.json.

The verdict of a file is that of `tfx practice check`; a file that cannot be read as text is its author's, and stops no
other.  Exit code: 0 when all passed, 1 when one did not, 2 when a file or an exercise is not there, so that GitHub
Classroom gives points with one command an exercise: tfx practice grade softmax.py.
Sources: JUnit's XML as Jenkins reads it (github.com/jenkinsci/xunit-plugin, junit-10.xsd); Gradescope's autograder
documentation, "Output format".
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfx.errors import BadInput, EnvironmentProblem
from tfx_cli.practice.framework import Framework

if TYPE_CHECKING:
    from lessons.practice.exercise import Exercise
    from lessons.practice.judging import Verdict


#: kinds of verdicts about what a function gave
COMPARED = ("raises", "type", "shape", "not finite", "values", "gradient")


class Format(StrEnum):
    text = "text"
    json = "json"
    junit = "junit"
    gradescope = "gradescope"


@dataclass(frozen=True)
class Graded:
    path: Path
    exercise: Exercise
    verdict: Verdict

    @property
    def lines(self) -> str:
        """The verdict with what shows it."""
        from tfx_cli.practice.page import verdict_lines

        return "\n".join(verdict_lines(self.verdict))


def exercise_for(path: Path, name: str, action: str = "grade") -> Exercise:
    """The one that is named, or that the file is called after.  Raises BadInput where that is none."""
    from lessons.practice.exercise import exercises, find_exercise

    if name:
        return find_exercise(name)
    stem = path.stem.replace("_", "-")
    if stem not in exercises():
        raise BadInput(
            f'"{path}" is called after no exercise.', f"Say which it is for: tfx practice {action} FILE --exercise NAME"
        )
    return exercises()[stem]


def grade(paths: Sequence[Path], name: str, framework: Framework = Framework.numpy) -> Iterator[Graded]:
    """Every file in turn.  All are found before the first is run."""
    from lessons.practice.frameworks import judge_answer

    found = [(path, framework.require(exercise_for(path, name)), source_of(path)) for path in paths]
    for path, exercise, source in found:
        if isinstance(source, BadInput | EnvironmentProblem):
            yield Graded(path, exercise, replace(unreadable(exercise, source.message), framework=framework))
        else:
            yield Graded(path, exercise, judge_answer(exercise, path.resolve(), source, framework))


def source_of(path: Path) -> str | BadInput | EnvironmentProblem:
    """Its text, or why it has none.  Raises BadInput where there is no such file."""
    from tfx_cli.practice.workspace import source_at

    if not path.is_file():
        return source_at(path)
    try:
        return source_at(path)
    except (BadInput, EnvironmentProblem) as problem:
        return problem


def unreadable(exercise: Exercise, says: str) -> Verdict:
    from lessons.practice.judging import Verdict

    return Verdict(exercise.name, "unreadable", says)


def counted(graded: Sequence[Graded]) -> Counter[str]:
    """Mistake -> how many files made it.  Those outside the banks count as `unknown`, and files that could not be
    compared by what stopped them: `syntax`, `missing`, `stub`, ..."""
    wrong = (one.verdict for one in graded if not one.verdict.passed)
    return Counter(verdict.mistake.id if verdict.mistake else _class_of(verdict) for verdict in wrong)


def _class_of(verdict: Verdict) -> str:
    if verdict.candidates:
        return " or ".join(one.id for one in verdict.candidates)
    return "unknown" if verdict.kind in COMPARED else verdict.kind


def text_lines(graded: Sequence[Graded]) -> Iterator[str]:
    """A line a file, then what the class got wrong, most often first."""
    for one in graded:
        verdict = one.verdict
        mistake = f"  {verdict.mistake.id}" if verdict.mistake else ""
        yield f"{'passed' if verdict.passed else 'FAILED'}  {one.path}  {verdict.kind}{mistake}"
    yield f"{sum(one.verdict.passed for one in graded)} of {len(graded)} passed"
    yield from (f"{times:4d}  {mistake}" for mistake, times in counted(graded).most_common())


def document(graded: Sequence[Graded]) -> dict[str, Any]:
    from tfx_cli.practice.page import verdict_document

    return {
        "results": [verdict_document(one.verdict, one.exercise, one.path) for one in graded],
        "passed": sum(one.verdict.passed for one in graded),
        "mistakes": dict(counted(graded).most_common()),
    }


def junit(graded: Sequence[Graded]) -> str:
    failed = sum(not one.verdict.passed for one in graded)
    counts = {"name": "tfx practice", "tests": str(len(graded)), "failures": str(failed), "errors": "0"}
    suites = ET.Element("testsuites", counts)
    suite = ET.SubElement(suites, "testsuite", counts)
    for one in graded:
        case = ET.SubElement(suite, "testcase", {"classname": one.exercise.name, "name": readable(str(one.path))})
        if not one.verdict.passed:
            what = {"message": readable(one.verdict.says), "type": one.verdict.kind}
            ET.SubElement(case, "failure", what).text = readable(one.lines)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def gradescope(graded: Sequence[Graded]) -> dict[str, Any]:
    """results.json: a point for each file."""
    tests = [
        {
            "name": readable(f"{one.exercise.name}: {one.path}"),
            "score": float(one.verdict.passed),
            "max_score": 1.0,
            "status": "passed" if one.verdict.passed else "failed",
            "output": readable(one.lines),
            "output_format": "text",
            "visibility": "visible",
        }
        for one in graded
    ]
    return {"score": float(sum(one.verdict.passed for one in graded)), "visibility": "visible", "tests": tests}


def readable(text: str) -> str:
    """With a question mark for each character that XML does not allow (XML 1.0, section 2.2)."""
    return "".join(letter if _allowed(ord(letter)) else "?" for letter in text)


def _allowed(code: int) -> bool:
    return code in (9, 10) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
