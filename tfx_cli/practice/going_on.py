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
        from lessons.practice.exercise import exercises
        from tfx_cli.practice.watching import watch

        watch(exercises(), framework, name)
    elif name:
        from lessons.practice.exercise import find_exercise

        start(find_exercise(name), framework, face)
    else:
        show_next(framework)
