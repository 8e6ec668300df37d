"""`tfx train`: trains a small Transformer on copy, reverse or sort, and lets it answer the reader's own sequence.

Ctrl-C saves a checkpoint between two steps, and --resume goes on with the same bits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx.errors import BadInput, TfxError, unknown_name
from tfx_cli import options
from tfx_cli.errors import INTERRUPTED
from tfx_cli.options import Face
from tfx_cli.render.files import attempted, require_writable
from tfx_cli.render.saved_picture import save_picture
from tfx_cli.render.show import show_document, show_list, show_records
from tfx_cli.terminal.interrupt import asked_to_stop
from tfx_cli.terminal.lines import say, show_line, tell
from tfx_cli.terminal.progress import progress_on_stderr
from tfx_cli.words import task_names

if TYPE_CHECKING:
    from tfx.train import StepRecord, TaskResult, TaskRun
    from tfx_cli.training.checkpoints import Saved

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
    own: Annotated[
        str | None, typer.Option("--try", metavar="SYMBOLS", help="Your own sequence for a trained model: no training.")
    ] = None,
    device: options.OnDevice = options.Device.cpu,
    plot: options.PlotPath = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Train a small Transformer and watch the loss.

    It is then judged by sequences that it never saw.  Exit code 1 when one of them is wrong.
    Ctrl-C saves a checkpoint; --resume ends with the same numbers as a run that was never stopped.
    Other settings are saved under another name, and nothing is written over.

    \b
    examples
      tfx train
      tfx train reverse
      tfx train reverse --positions none       cannot be learned, and why
      tfx train sort --seed 1 --out sort.npz --resume
      tfx train reverse --try 314159265358     what the trained model makes of your digits
    """
    face = options.face(json, plain)
    known = task_names()
    if task is None:
        list_tasks(known, face)
        return
    if task not in known:
        raise unknown_name("task", task, known, "tfx train")
    if own is not None and (resume or plot):
        other = "--resume goes on training" if resume else "--plot draws a training"
        raise BadInput(f"--try asks a model that is trained already, and {other}.", "Leave one of them out.")
    use_one_blas_thread()
    from tfx.allocator import keep_freed_memory
    from tfx.train import TaskRun, TaskSettings
    from tfx_cli.training import checkpoints

    keep_freed_memory()
    for path, endings in ((plot, options.PICTURES), (None if own else out, (".npz",))):
        require_writable(path, endings)
    run = TaskRun(TaskSettings(task, seed, steps, positions.value), device.value)
    if own is not None:
        show_try(checkpoints.to_try(run.settings, out, own), own, device.value, face)
        return
    wanted = out or checkpoints.model_folder() / checkpoints.file_name(run.settings)
    require_writable(wanted)
    source = checkpoints.to_go_on(run.settings, out) if resume else None
    resumed_at = run.resume(source) if source else 0
    if source and resumed_at == run.steps and face is not Face.json:
        show_finished(run, out, face)
        return
    train_and_judge(run, wanted, source, resumed_at, out, plot, face)


def train_and_judge(
    run: TaskRun, wanted: Path, source: Path | None, resumed_at: int, out: Path | None, plot: Path | None, face: Face
) -> None:
    """Trains to the end or to Ctrl-C, saves, and shows how the model does.  source: the checkpoint it goes on from."""
    from tfx_cli.render.pages import training as page
    from tfx_cli.training.checkpoints import Kept, command_of, keep, write

    began = time.perf_counter()
    records = follow(run)
    if source:
        _, problem = attempted(lambda: write(run, source))
        kept = Kept(source)
    else:
        found, problem = attempted(lambda: keep(run, wanted))
        kept = found or Kept(wanted)
    if problem and run.steps_done < run.steps:
        raise problem
    if kept.taken:
        tell(f"tfx: {kept.taken}, so this one is saved as {kept.path.name}.")
    place = kept.path if out or kept.taken else None
    if run.steps_done < run.steps:
        go_on = command_of(run.settings, "--resume", *on_device(run), out=place)
        say(f"stopped after step {run.steps_done} of {run.steps}; saved {kept.path}", f"Go on: {go_on}")
        raise typer.Exit(INTERRUPTED)
    result = run.evaluate()
    curves = [page.loss_curve(run, records, result)] if records else []
    name = Path(kept.path.stem + "-loss.png") if face is Face.terminal else None
    picture = save_picture(curves, plot, name)
    elapsed = time.perf_counter() - began
    if face is Face.json:
        show_document(page.document_of(run, records, result, resumed_at, elapsed, kept.path))
    elif face is Face.plain:
        show_records(page.records_of(run, records, result), face)
    else:
        show_records(page.records_of(run, records, result, elapsed, curves), face)
        show_line()
        if picture:
            show_line(f"plot saved: {picture}")
        if not problem:
            show_line(f"model saved: {kept.path}" + ", the same to the last bit as before" * kept.same)
            show_line(f"next   {try_command(run, place)}")
    if problem:
        raise problem
    if not result.solved:
        raise not_solved(run, result)


def show_finished(run: TaskRun, out: Path | None, face: Face) -> None:
    """What to say when there is nothing left to train."""
    command = try_command(run, out)
    if face is Face.plain:
        from tfx_cli.render.plain import line

        show_line(line("finished", run.task.name, run.steps, command))
        return
    show_line(f"{run.task.name} is finished: all {run.steps} steps are done, and nothing is left to train.")
    show_line(f"next   {command}")


def show_try(saved: Saved, own: str, device: str, face: Face) -> None:
    """The model's answer to the reader's own sequence."""
    from tfx.train import TaskRun
    from tfx_cli.training import trying

    run = TaskRun(saved.settings, device)
    symbols = trying.read_symbols(own, run)
    run.resume(saved.path)
    tried = trying.try_symbols(run, symbols)
    if face is Face.json:
        show_document(trying.document_of(saved, tried))
    else:
        show_records(trying.records_of(saved, tried), face)


def try_command(run: TaskRun, out: Path | None) -> str:
    """What to type to try the model.  out: its file, where it is not found by the settings."""
    from tfx_cli.training.checkpoints import command_of
    from tfx_cli.training.trying import example_of

    return command_of(run.settings, "--try", example_of(run), out=out)


def on_device(run: TaskRun) -> list[str]:
    return ["--device", run.device] if run.device != options.Device.cpu.value else []


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


def not_solved(run: TaskRun, result: TaskResult) -> NotSolved:
    """The sentence for exit code 1."""
    from tfx_cli.training.checkpoints import command_of

    wrong = f"{result.task} is not solved: {result.accuracy:.1%} of {result.sequences} held-out sequences are right"
    if result.positions == "none" and result.task != "copy":
        reason = "without positions equal symbols look the same wherever they stand"
        positions = replace(run.settings, positions=Positions.sinusoidal.value)
        return NotSolved(f"{wrong}; {reason}.", f"Give it positions: {command_of(positions)}")
    return NotSolved(f"{wrong}.", f"Train longer: {command_of(replace(run.settings, steps=2 * result.steps))}")
