"""The picture of a result as a file: where the reader asked for it, and on a terminal unasked in the current folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfx.errors import EnvironmentProblem
from tfx.records import Plot
from tfx_cli.render.files import require_writable, write_whole
from tfx_cli.terminal.lines import tell


def save_picture(plots: Sequence[Plot], asked_for: Path | None, unasked: Path | None) -> Path | None:
    """Saves the plots, if there are any, in `asked_for`, else in `unasked` unless that is None too; returns the path.

    Not being able to save a picture that nobody asked for is no failure.
    """
    path = asked_for or unasked
    if not plots or path is None:
        return None
    from tfx_cli.render.plots import picture_of_plots

    try:
        require_writable(path)
        write_whole(path, picture_of_plots(plots, path.suffix))
    except EnvironmentProblem as problem:
        if asked_for:
            raise
        tell(f"no plot saved: {problem.message}  Choose a place: --plot PATH")
        return None
    return path
