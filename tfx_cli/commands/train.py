"""`tfx train`: trains a small Transformer on copy, reverse or sort.

Ctrl-C saves a checkpoint between two steps, and --resume goes on with the same bits.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx.errors import EnvironmentProblem, TfxError, unknown_name
from tfx_cli import options
from tfx_cli.errors import INTERRUPTED
from tfx_cli.options import Face
from tfx_cli.render.files import cannot_write, require_writable
from tfx_cli.render.saved_picture import save_picture
from tfx_cli.render.show import show_document, show_list, show_records
from tfx_cli.terminal.interrupt import asked_to_stop
from tfx_cli.terminal.lines import say, show_line, tell
from tfx_cli.terminal.progress import progress_on_stderr
from tfx_cli.words import task_names

if TYPE_CHECKING:
    from tfx.train import StepRecord, TaskResult, TaskRun

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Positions(StrEnum):
    """Those of the library's that one small block can learn from, and none."""

    sinusoidal = "sinusoidal"
    learned = "learned"
    none = "none"


class NotSolved(TfxError):
    """The run ended, and some held-out sequences are wrong."""

    exit_code = 1


def complete_task(incomplete: str) -> list[str]:
    """Names for TAB."""
    return [name for name in task_names() if name.startswith(incomplete)]


@app.command()
def train(
    task: Annotated[
        str | None, typer.Argument(autocompletion=complete_task, help="copy, reverse or sort; without it: the list.")
    ] = None,
    seed: options.Seed = 0,
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, metavar="N", help="Without it: enough for the task.")
    ] = None,
    positions: Annotated[
        Positions, typer.Option("--positions", help="How a place is told; none: not at all.")
    ] = Positions.sinusoidal,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The checkpoint, .npz; without it: in the data folder.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from that checkpoint.")] = False,
    device: options.OnDevice = options.Device.cpu,
    plot: options.PlotPath = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Train a small Transformer and watch the loss.

    It is then judged by sequences that it never saw.  Exit code 1 when one of them is wrong.
    Ctrl-C saves a checkpoint; --resume ends with the same numbers as a run that was never stopped.

    \b
    examples
      tfx train
      tfx train reverse
      tfx train reverse --positions none       cannot be learned, and why
      tfx train sort --seed 1 --out sort.npz --resume
    """
    face = options.face(json, plain)
    known = task_names()
    if task is None:
        list_tasks(known, face)
        return
    if task not in known:
        raise unknown_name("task", task, known, "tfx train")
    use_one_blas_thread()
    from tfx.allocator import keep_freed_memory
    from tfx.train import TaskRun, TaskSettings
    from tfx_cli.render.pages import training as page

    keep_freed_memory()

    run = TaskRun(TaskSettings(task, seed, steps, positions.value), device.value)
    require_writable(plot, options.PICTURES)
    path = out or default_path(task)
    require_writable(path, (".npz",))
    resumed_at = run.resume(path) if resume else 0
    began = time.perf_counter()
    records = follow(run)
    save(run, path, keep_old=not resume)
    if run.steps_done < run.steps:
        say(f"stopped after step {run.steps_done} of {run.steps}; saved {path}", f"Go on: {resume_command(run, path)}")
        raise typer.Exit(INTERRUPTED)
    result = run.evaluate()
    curves = [page.loss_curve(run, records, result)] if records else []
    picture = save_picture(curves, plot, Path(f"{task}-loss.png") if face is Face.terminal else None)
    elapsed = time.perf_counter() - began
    if face is Face.json:
        show_document(page.document_of(run, records, result, resumed_at, elapsed))
    else:
        show_records(page.records_of(run, records, result, elapsed if face is Face.terminal else None), face)
    if face is Face.terminal:
        show_line()
        if picture:
            show_line(f"plot saved: {picture}")
        show_line(f"model saved: {path}")
    if not result.solved:
        raise not_solved(result)


def list_tasks(known: Mapping[str, str], face: Face) -> None:
    if face is Face.json:
        show_document({"tasks": [{"name": name, "about": about} for name, about in known.items()]})
    else:
        show_list("Tasks", known, "run one: tfx train " + next(iter(known)), face)


def use_one_blas_thread() -> None:
    """These matrices are too small to share out, and one thread gives the same sums on any number of cores.

    Only before NumPy is imported, and only where the reader has not chosen.
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def default_path(task: str) -> Path:
    """The task's checkpoint in the data folder, which is made if needed."""
    from tfx_cli.learner.state_file import data_folder

    place = data_folder() / "trained"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or str(error)
        raise EnvironmentProblem(
            f'cannot make the folder "{place}": {why}.', "Choose a place: --out FILE.npz"
        ) from None
    return place / f"{task}.npz"


def follow(run: TaskRun) -> list[StepRecord]:
    """Trains until the end or until Ctrl-C, between two steps, when the model is whole."""
    records: list[StepRecord] = []
    with asked_to_stop() as stop, progress_on_stderr() as progress:
        steps = f"steps {run.steps_done + 1} to {run.steps}"
        tell(f"{run.task.name}: {steps}, {run.model.n_parameters} parameters; Ctrl-C stops and saves.")
        for record in run.train():
            records.append(record)
            progress(record.step, run.steps, f"step {record.step}/{run.steps}   loss {record.loss:.4f}")
            if stop():
                break
    return records


def save(run: TaskRun, path: Path, keep_old: bool) -> None:
    """Writes the checkpoint; a file that was there stays whole when that fails.

    keep_old: what stood there belongs to another run and is kept beside it, as NAME.previous.npz.
    """
    try:
        with moved_aside(path) if keep_old else nullcontext():
            run.save(path)
    except OSError as error:
        raise cannot_write(path, error) from None


@contextmanager
def moved_aside(path: Path) -> Iterator[None]:
    """Keeps the file that is about to be replaced as NAME.previous.npz; puts it back when the new one fails."""
    old = path.with_suffix(".previous.npz")
    if not path.exists():
        yield
        return
    os.replace(path, old)
    try:
        yield
    except BaseException:
        os.replace(old, path)
        raise


def resume_command(run: TaskRun, path: Path) -> str:
    """What to type to go on; what equals the default is left out."""
    from tfx.train.task import DEFAULT_STEPS

    settings = run.settings
    words = ["tfx", "train", settings.task, "--resume"]
    words += ["--seed", str(settings.seed)] if settings.seed else []
    words += ["--steps", str(run.steps)] if run.steps != DEFAULT_STEPS[settings.task] else []
    words += ["--positions", settings.positions] if settings.positions != Positions.sinusoidal.value else []
    words += ["--device", run.device] if run.device != options.Device.cpu.value else []
    words += ["--out", str(path)] if path != default_path(settings.task) else []
    return shlex.join(words)


def not_solved(result: TaskResult) -> NotSolved:
    """The sentence for exit code 1."""
    wrong = f"{result.task} is not solved: {result.accuracy:.1%} of {result.sequences} held-out sequences are right"
    if result.positions == "none" and result.task != "copy":
        reason = "without positions equal symbols look the same wherever they stand"
        return NotSolved(f"{wrong}; {reason}.", f"Give it positions: tfx train {result.task}")
    return NotSolved(f"{wrong}.", f"Train longer: tfx train {result.task} --steps {2 * result.steps}")
