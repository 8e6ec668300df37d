"""An answer judged in the framework that it is written in: NumPy, or PyTorch where that is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lessons.practice.autograd import judge_gradients
from lessons.practice.bench import Left, run_file
from lessons.practice.exercise import Exercise
from lessons.practice.in_torch import need_torch
from lessons.practice.judging import Verdict, judge_file, judge_left, judge_run
from lessons.practice.slopes import pulls_of
from tfx.errors import EnvironmentProblem


def judge_answer(exercise: Exercise, path: Path, source: str, framework: str = "numpy") -> Verdict:
    """framework: "numpy", or "torch": arrays go in as tensors, the same numbers are asked for and the same mistakes
    named, and the gradients that autograd finds are judged at the end.

    Raises EnvironmentProblem where PyTorch is asked for and cannot be had.
    """
    if framework != "torch":
        return judge_file(exercise, path, source)
    need_torch()
    calls, pulls = (
        [case.arguments for case in exercise.cases],
        [(one.place, one.upstream) for one in pulls_of(exercise)],
    )

    def run() -> Left:
        left = run_file(path, source, exercise.function_name, calls, framework="torch", pulls=pulls)
        if left.no_torch:
            raise EnvironmentProblem(
                f"PyTorch is there, and cannot be imported: {left.no_torch}.", "Install it anew: pip install torch"
            )
        return left

    return replace(judge_run(exercise, run, judged), framework="torch")


def judged(exercise: Exercise, left: Left) -> Verdict:
    """What a run in PyTorch left: its numbers, and then its gradients."""
    verdict = judge_left(exercise, left)
    if verdict.passed:
        verdict = judge_gradients(exercise, left.pulled, left.traceback) or verdict
    return replace(verdict, framework="torch", says=verdict.says.replace("where an array or", "where a tensor or"))
