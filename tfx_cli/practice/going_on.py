"""`tfx practice` without an action: watch mode on a terminal, a few lines elsewhere."""

from __future__ import annotations

import sys

from tfx_cli.options import Face
from tfx_cli.practice.actions import show_next, start
from tfx_cli.practice.framework import Framework
from tfx_cli.terminal.console import interactive


def go_on(name: str, framework: Framework, face: Face) -> None:
    """Watches an exercise on a terminal; elsewhere makes its file, or says which is the current one."""
    if face is Face.terminal and interactive() and sys.platform != "win32":
        from lessons.practice.exercise import exercises, find_exercise
        from tfx_cli.practice.watching import watch

        watch(framework.those_of(exercises()), framework, name and framework.require(find_exercise(name)).name)
    elif name:
        from lessons.practice.exercise import find_exercise

        start(framework.require(find_exercise(name)), framework, face)
    else:
        show_next(framework)
