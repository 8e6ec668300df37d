"""What `tfx experiment` and `tfx bench` share: run a module with the reader's settings, save files, show the result."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from tfx.errors import BadInput
from tfx_cli.errors import INTERRUPTED
from tfx_cli.explaining.predict import read, verdict
from tfx_cli.options import PICTURES, Face
from tfx_cli.render.files import attempted, require_writable, write_whole
from tfx_cli.render.saved_picture import picture_name, save_picture
from tfx_cli.render.show import show_document, show_experiment
from tfx_cli.render.terminal_experiment import Look, print_opening
from tfx_cli.render.terminal_records import print_question
from tfx_cli.terminal.console import interactive, output
from tfx_cli.terminal.lines import say, tell
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from tfx.lab.frame import Run
    from tfx.lab.kept_rows import KeptRows
    from tfx.measure.progress import Progress
    from tfx.records import Result


class Files(NamedTuple):
    """Where the reader wants something saved, or None."""

    plot: Path | None
    csv: Path | None
    html: Path | None


class Asked(NamedTuple):
    """What the reader asked for, but for the name and the settings.

    resume: go on with what a Ctrl-C left; None where nothing is kept, as times of two sittings do not compare.
    predict: ask for a number first, where somebody sits at a terminal.  details: every row, column, check and note.
    minutes: how long changed settings may take; None: so long that nobody has to be asked.
    """

    seed: int
    quick: bool
    device: str
    files: Files
    face: Face
    resume: bool | None = None
    predict: bool = True
    details: bool = False
    full: bool = False
    workers: int = 0
    cluster: str = ""
    minutes: int | None = None


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
    workers = workers_for(module, asked)
    predicted = ask_first(module, chosen, asked)
    try:
        with progress_on_stderr() as progress:
            watching = in_time(progress, command, chosen, asked)
            result = frame.run(
                module, chosen, asked.seed, asked.quick, asked.device, watching, kept, asked.full, workers
            )
    except frame.Stopped as stop:
        if stop.result.rows:
            show(stop.result, asked.face, [], Look(asked.details))
        again = same_command(command, chosen, asked)
        if kept and kept.kept:
            say(f"{stop}.", f"Go on: {shlex.join([*again, '--resume'])}")
        else:
            say(f"{stop}.", f"Start again: {shlex.join(again)}")
        raise typer.Exit(INTERRUPTED) from None
    own = own_picture(result, chosen, asked) if asked.face is Face.terminal else None
    made_by = " ".join(same_command(command, chosen, asked, files=False))
    code = Path(module.__file__) if module.__file__ else None
    picture, problem = attempted(lambda: save_files(result, files, own, made_by, code))
    stays = own.name if own and picture and not files.plot and picture != own else ""
    said = verdict(result.question, predicted) if result.question and predicted is not None else ""
    saved = [] if problem else [path for path in (picture, files.csv, files.html) if path]
    show(result, asked.face, saved, Look(asked.details, said, stays))
    if problem:
        raise problem
    if not all(check.holds for check in result.checks):
        raise typer.Exit(1)


def ask_first(module: ModuleType, settings: Any, asked: Asked) -> str | None:
    """Shows what is claimed and asks what will come out, before it is measured; None where nobody is asked."""
    from tfx.lab import frame
    from tfx.records import Question

    if not (asked.predict and asked.face is Face.terminal and interactive()):
        return None
    opening = frame.opening(
        module, frame.prepare(module, settings, asked.seed, asked.quick, asked.device, full=asked.full)
    )
    if not opening.prompt:
        return None
    print_opening(opening.title, opening.claim, output())
    question = Question(opening.prompt, math.nan, 0.0, "")
    print_question(question, output())
    return read(question)[1]


def unfinished(module: ModuleType, settings: Any, asked: Asked) -> KeptRows | None:
    """The file for the rows of this very run, emptied unless it is to be resumed."""
    if asked.resume is None:
        return None
    from dataclasses import asdict

    from tfx.lab.kept_rows import KeptRows, file_name
    from tfx_cli.learner.state_file import data_folder

    params = {**asdict(settings), **sizes_of(asked), "device": asked.device}
    path = data_folder() / "unfinished" / file_name(module.__name__.rpartition(".")[2], params, asked.seed)
    kept = KeptRows(path, go_on=asked.resume)
    if asked.resume and not kept.kept:
        tell("nothing was kept of a run with these settings: it starts at the beginning.")
    return kept


def workers_for(module: ModuleType, asked: Asked) -> Callable[[Run[Any]], None] | None:
    """What measures the keys elsewhere, or None where they are measured here."""
    if not (asked.workers or asked.cluster):
        return None
    if asked.workers and asked.cluster:
        raise BadInput("--workers and --cluster are two places.", "Give one of them.")
    if asked.device != "cpu":
        raise BadInput("the workers compute on the CPU.", "Leave out --device, or --workers and --cluster.")
    from tfx.lab.sweep import share
    from tfx.lab.workers import ClusterWorkers, LocalWorkers

    found = ClusterWorkers(asked.cluster) if asked.cluster else LocalWorkers(asked.workers)
    return lambda this: share(module, this, found)


def in_time(progress: Progress, command: str, settings: Any, asked: Asked) -> Progress:
    """The progress that asks the reader whether changed settings may take longer than they should.

    --full, --workers and --resume have asked for as long as it takes; without changes it is what the house has chosen.
    """
    from tfx.settings import changed
    from tfx_cli.how_long import UNASKED, ask_for_time, watched

    if asked.full or asked.workers or asked.cluster or asked.resume:
        return progress
    if not set(changed(settings)) - {"part"} and asked.minutes is None:
        return progress
    words = shlex.join(same_command(command, settings, asked))
    there = asked.face is Face.terminal and interactive()
    return watched(progress, asked.minutes or UNASKED, lambda seconds: ask_for_time(seconds, there, words))


def sizes_of(asked: Asked) -> dict[str, bool]:
    return {"quick": asked.quick, **({"full": True} if asked.full else {})}


def same_command(command: str, settings: Any, asked: Asked, files: bool = True) -> list[str]:
    """The words that ask for the same again; without files those that say what is measured."""
    from tfx.settings import changed

    words = command.split()
    for name, value in changed(settings).items():
        words += [] if name == "part" else ["--set", f"{name}={value}"]
    words += ["--seed", str(asked.seed)] if asked.seed else []
    words += ["--quick"] if asked.quick else ["--full"] if asked.full else []
    words += ["--device", asked.device] if asked.device != "cpu" else []
    words += ["--workers", str(asked.workers)] if asked.workers else []
    words += ["--cluster", asked.cluster] if asked.cluster else []
    if not files:
        return words
    for option, path in zip(("--plot", "--csv", "--html"), asked.files, strict=True):
        words += [option, str(path)] if path else []
    return words + {Face.json: ["--json"], Face.plain: ["--plain"]}.get(asked.face, [])


def show(result: Result, face: Face, saved: Sequence[Path], look: Look) -> None:
    """The one document, or the page."""
    if face is Face.json:
        from tfx_cli.render.json import experiment_fields

        show_document(experiment_fields(result))
    else:
        show_experiment(result, face, saved, look)


def own_picture(result: Result, settings: Any, asked: Asked) -> Path:
    """In the current folder, with a name that says what was changed."""
    from tfx.settings import changed

    differs: dict[str, object] = {name: value for name, value in changed(settings).items() if name != "part"}
    differs |= {"seed": asked.seed} if asked.seed else {}
    differs |= {name: True for name, given in sizes_of(asked).items() if given}
    differs |= {asked.device: True} if asked.device != "cpu" else {}
    return Path(picture_name(result.name, differs))


def save_files(result: Result, files: Files, own: Path | None, made_by: str, code: Path | None) -> Path | None:
    """Saves what was asked for, and the picture unasked in `own` if that is no None; returns the picture's path.

    made_by: the command, and code: the file of the experiment, for its page.
    """
    if files.csv:
        from tfx_cli.render.csv import table_as_csv

        write_whole(files.csv, table_as_csv(result.columns, result.rows).encode("utf-8"))
    if files.html:
        from tfx_cli.render.html import experiment_page

        page = experiment_page(result, made_by, code)
        write_whole(files.html, page.encode("utf-8", "replace"))
    return save_picture(result.plots, files.plot, own, made_by)
