"""An answer judged in the framework that it is written in: NumPy, or PyTorch where that is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lessons.practice.autograd import judge_gradients
from lessons.practice.bench import Left
from lessons.practice.exercise import Exercise
from lessons.practice.in_torch import need_torch
from lessons.practice.judging import Verdict, judge_file, judge_left
from lessons.practice.slopes import pulls_of


def judge_answer(exercise: Exercise, path: Path, source: str, framework: str = "numpy") -> Verdict:
    """framework: "numpy", or "torch": arrays go in as tensors, the same numbers are asked for and the same mistakes
    named, and the gradients that autograd finds are judged at the end.

    Raises EnvironmentProblem where PyTorch is asked for and cannot be had.
    """
    if framework != "torch":
        return judge_file(exercise, path, source)
    need_torch()
    pulls = [(one.place, one.upstream) for one in pulls_of(exercise)]

    def gradients(left: Left) -> Verdict | None:
        return judge_gradients(exercise, left.pulled, left.traceback)

    return _for_tensors(judge_file(exercise, path, source, gradients, framework="torch", pulls=pulls))


def judged(exercise: Exercise, left: Left) -> Verdict:
    """What a run in PyTorch left: its numbers, and then its gradients."""
    verdict = judge_left(exercise, left)
    return _for_tensors((verdict.passed and judge_gradients(exercise, left.pulled, left.traceback)) or verdict)


def _for_tensors(verdict: Verdict) -> Verdict:
    return replace(verdict, framework="torch", says=verdict.says.replace("where an array or", "where a tensor or"))
