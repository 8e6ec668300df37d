"""What `tfx experiment` and `tfx bench` share: run a module with the reader's settings, save files, show the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from tfx_cli.options import PICTURES, Face
from tfx_cli.render.files import require_writable, write_whole
from tfx_cli.render.show import show_document, show_experiment
from tfx_cli.terminal.lines import tell
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from tfx.records import Result


class Files(NamedTuple):
    """Where the reader wants something saved, or None."""

    plot: Path | None
    csv: Path | None
    html: Path | None


def measure_and_show(
    module: ModuleType,
    command: str,
    settings: Sequence[str],
    seed: int,
    quick: bool,
    device: str,
    files: Files,
    face: Face,
    defaults: Any = None,
) -> None:
    """Runs module.run and shows its Result.  defaults: Settings to start from, the module's own unless told.

    Raises typer.Exit(1) when a check fails.
    """
    from tfx.settings import apply_settings
    from tfx_cli.render.pages.settings import asks_for_list, show_settings

    for path, endings in ((files.plot, PICTURES), (files.csv, (".csv",)), (files.html, (".html",))):
        require_writable(path, endings)
    defaults = module.Settings() if defaults is None else defaults
    if asks_for_list(settings):
        show_settings(defaults, command)
        return
    chosen = apply_settings(defaults, settings, f"{command} --set help")
    with progress_on_stderr() as progress:
        result: Result = module.run(chosen, seed, quick=quick, device=device, progress=progress)
    picture = save_files(result, files, by_default=face is Face.terminal)
    if face is Face.json:
        from tfx_cli.render.json import experiment_fields

        show_document(experiment_fields(result))
    else:
        show_experiment(result, face, [path for path in (picture, files.csv, files.html) if path])
    if not all(check.holds for check in result.checks):
        raise typer.Exit(1)


def save_files(result: Result, files: Files, by_default: bool) -> Path | None:
    """Saves what was asked for; returns the picture's path.  On a terminal the picture is saved unasked, in the
    current folder, and not being able to is then no failure."""
    if files.csv:
        from tfx_cli.render.csv import table_as_csv

        write_whole(files.csv, table_as_csv(result.columns, result.rows).encode("utf-8"))
    if files.html:
        from tfx_cli.render.html import experiment_page

        write_whole(files.html, experiment_page(result).encode("utf-8", "replace"))
    if not result.plots or not (files.plot or by_default):
        return None
    from tfx.errors import EnvironmentProblem
    from tfx_cli.render.plots import picture_of_plots

    path = files.plot or Path(f"{result.name}.png")
    try:
        require_writable(path)
        write_whole(path, picture_of_plots(result.plots, path.suffix))
    except EnvironmentProblem as problem:
        if files.plot:
            raise
        tell(f"no plot saved: {problem.message}  Choose a place: --plot PATH")
        return None
    return path
