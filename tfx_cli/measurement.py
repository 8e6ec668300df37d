"""What `tfx experiment` and `tfx bench` share: run a module with the reader's settings, save files, show the result."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from tfx_cli.errors import INTERRUPTED
from tfx_cli.options import PICTURES, Face
from tfx_cli.render.files import require_writable, write_whole
from tfx_cli.render.show import show_document, show_experiment
from tfx_cli.terminal.lines import say, tell
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from tfx.lab.kept_rows import KeptRows
    from tfx.records import Result


class Files(NamedTuple):
    """Where the reader wants something saved, or None."""

    plot: Path | None
    csv: Path | None
    html: Path | None


class Asked(NamedTuple):
    """What the reader asked for, but for the name and the settings.

    resume: go on with what a Ctrl-C left; None where nothing is kept, as times of two sittings do not compare.
    """

    seed: int
    quick: bool
    device: str
    files: Files
    face: Face
    resume: bool | None = None


def measure_and_show(
    module: ModuleType, command: str, settings: Sequence[str], asked: Asked, defaults: Any = None
) -> None:
    """Measures and shows the Result.  defaults: Settings to start from, the module's own unless told.

    Raises typer.Exit(1) when a check fails, and typer.Exit(130) after Ctrl-C, when it has shown what there is.
    """
    from tfx.lab import frame
    from tfx.settings import apply_settings
    from tfx_cli.render.pages.settings import asks_for_list, show_settings

    files = asked.files
    for path, endings in ((files.plot, PICTURES), (files.csv, (".csv",)), (files.html, (".html",))):
        require_writable(path, endings)
    defaults = module.Settings() if defaults is None else defaults
    if asks_for_list(settings):
        show_settings(defaults, command, asked.face)
        return
    chosen = apply_settings(defaults, settings, f"{command} --set help")
    kept = unfinished(module, chosen, asked)
    try:
        with progress_on_stderr() as progress:
            result = frame.run(module, chosen, asked.seed, asked.quick, asked.device, progress, kept)
    except frame.Stopped as stop:
        if stop.result.rows:
            show(stop.result, asked.face, [])
        again = same_command(command, chosen, asked)
        if kept and kept.kept:
            say(f"{stop}.", f"Go on: {shlex.join([*again, '--resume'])}")
        else:
            say(f"{stop}.", f"Start again: {shlex.join(again)}")
        raise typer.Exit(INTERRUPTED) from None
    picture = save_files(result, files, by_default=asked.face is Face.terminal)
    show(result, asked.face, [path for path in (picture, files.csv, files.html) if path])
    if not all(check.holds for check in result.checks):
        raise typer.Exit(1)


def unfinished(module: ModuleType, settings: Any, asked: Asked) -> KeptRows | None:
    """The file for the rows of this very run, emptied unless it is to be resumed."""
    if asked.resume is None:
        return None
    from dataclasses import asdict

    from tfx.lab.kept_rows import KeptRows, file_name
    from tfx_cli.learner.state_file import data_folder

    params = {**asdict(settings), "quick": asked.quick, "device": asked.device}
    path = data_folder() / "unfinished" / file_name(module.__name__.rpartition(".")[2], params, asked.seed)
    kept = KeptRows(path, go_on=asked.resume)
    if asked.resume and not kept.kept:
        tell("nothing was kept of a run with these settings: it starts at the beginning.")
    return kept


def same_command(command: str, settings: Any, asked: Asked) -> list[str]:
    """The words that ask for the same again."""
    from tfx.settings import changed

    words = command.split()
    for name, value in changed(settings).items():
        words += [] if name == "part" else ["--set", f"{name}={value}"]
    words += ["--seed", str(asked.seed)] if asked.seed else []
    words += ["--quick"] if asked.quick else []
    words += ["--device", asked.device] if asked.device != "cpu" else []
    for option, path in zip(("--plot", "--csv", "--html"), asked.files, strict=True):
        words += [option, str(path)] if path else []
    return words + {Face.json: ["--json"], Face.plain: ["--plain"]}.get(asked.face, [])


def show(result: Result, face: Face, saved: Sequence[Path]) -> None:
    """The one document, or the page."""
    if face is Face.json:
        from tfx_cli.render.json import experiment_fields

        show_document(experiment_fields(result))
    else:
        show_experiment(result, face, saved)


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
