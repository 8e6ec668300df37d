"""Packs on the command line: where they come from, a new exercise for one, and the proof of its exercises."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput, many
from tfx_cli.options import Face
from tfx_cli.render.files import cannot_write, write_whole
from tfx_cli.render.show import show_document
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from lessons.practice.debug.program import Program
    from lessons.practice.exercise import Exercise

#: folders, as in PATH, for whoever does not want to type --pack every time
VARIABLE = "TFX_PACKS"
NEW_PACK = Path("tfx-pack")


def folders(given: Sequence[Path] | None) -> list[Path]:
    """Those that are given, else those of the environment."""
    return list(given or (Path(one) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one))


@contextmanager
def packs_in_use(given: Sequence[Path] | None, face: Face, whole: bool = True) -> Iterator[None]:
    """While it lasts, exercises are those of the packs; at its end a terminal is told how to go on with them."""
    from lessons.practice.packs import using

    with using(folders(given), whole):
        try:
            yield
        finally:
            if given and face is Face.terminal:
                typed = " ".join(f"--pack {shlex.quote(str(folder))}" for folder in given)
                show_line(f"pack    add {typed} to each command, or set {VARIABLE}")


def new(names: Sequence[str], given: Sequence[Path] | None, face: Face) -> None:
    """Writes the two files with which an exercise of a pack begins."""
    from lessons.practice.exercise import of_the_course
    from lessons.practice.skeleton import files_of

    if len(names) != 1 or len(given or ()) > 1:
        raise BadInput("dev new makes one exercise in one pack.", "For example: tfx practice dev new row-sums")
    name, folder = names[0].lower().replace("_", "-"), given[0] if given else NEW_PACK
    if not name.replace("-", "_").isidentifier() or not name.isascii():
        raise BadInput(f'"{names[0]}" cannot be the name of a function.', "Take letters, digits and -, as in row-sums.")
    if name in of_the_course():
        raise BadInput(f'the course has an exercise "{name}".', "Take another name: there is one history for both.")
    files = {folder / file: text for file, text in files_of(name).items()}
    for path in files:
        if path.exists():
            raise BadInput(f"{path} is there already, and stays as it is.", "Take another name, or another --pack.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from None
    for path, text in files.items():
        write_whole(path, text.encode("utf-8"))
    if face is Face.json:
        show_document({"exercise": name, "files": [str(path) for path in files]})
        return
    for path in files:
        show_line(f"{path}: made for you.")
    show_line(f"next   write what says TODO, then tfx practice dev check {name} --pack {shlex.quote(str(folder))}")


def chosen(names: Sequence[str]) -> list[Exercise]:
    """The exercises of these names, or all: of the packs in use, else of the course."""
    from lessons.practice.exercise import exercises, find_exercise

    return [find_exercise(name) for name in dict.fromkeys(names)] if names else list(exercises().values())


def programs_chosen(names: Sequence[str], all_of_them: bool) -> list[Program]:
    """The programs to debug of the names that begin with debug/, or all."""
    from lessons.practice.debug.program import find_program, programs

    if all_of_them or "debug" in names:
        return list(programs().values())
    return [find_program(name.removeprefix("debug/")) for name in dict.fromkeys(names) if name.startswith("debug/")]


def prove(names: Sequence[str], face: Face) -> None:
    """They can be judged: the kill matrix, and what is at fault.  Ends with 1 where something is.

    Of the course, and not of a pack alone, the programs of `tfx practice debug` are proved too: debug/NAME is one."""
    from lessons.practice.debug import proving
    from lessons.practice.exercise import exercises, of_the_course
    from lessons.practice.proving import Proof, proof_of
    from tfx_cli.practice import debug_page
    from tfx_cli.practice.proof_page import proof_document, proof_lines, proof_rows

    proofs: list[Proof] = []
    debugs: list[proving.Proof] = []
    of_exercises = [name for name in names if name.partition("/")[0] != "debug"]
    wanted = chosen(of_exercises) if of_exercises or not names else []
    programs = programs_chosen(names, not names and exercises() is of_the_course())
    with progress_on_stderr() as progress:
        for place, exercise in enumerate(wanted):
            progress(place, len(wanted) + len(programs), exercise.name)
            proofs.append(proof_of(exercise))
        for place, program in enumerate(programs, len(wanted)):
            progress(place, len(wanted) + len(programs), f"debug/{program.name}")
            debugs.append(proving.proof_of(program))
    faults = sum(len(proof.faults) for proof in proofs) + sum(len(debug.faults) for debug in debugs)
    if face is Face.json:
        show_document({
            "exercises": [proof_document(proof) for proof in proofs],
            "programs": [debug_page.proof_document(proof) for proof in debugs], "proved": not faults,
        })  # fmt: skip
    elif face is Face.plain:
        for row in (*(row for proof in proofs for row in proof_rows(proof)), *debug_page.proof_rows(debugs)):
            show_line(row)
    else:
        for proof, exercise in zip(proofs, wanted, strict=True):
            for line in proof_lines(proof, exercise, prose_width(), with_inputs=bool(names)):
                show_line(line)
        said = f"{many(len(proofs), 'exercise')}, {many(sum(proof.mistakes for proof in proofs), 'mistake')}"
        for debug in debugs:
            for line in debug_page.proof_lines(debug, prose_width()):
                show_line(line)
        if debugs:
            said += f", {many(len(debugs), 'program')} with {many(sum(len(debug.symptoms) for debug in debugs), 'bug')}"
        show_line(f"{said}, {many(faults, 'fault')}")
    if faults:
        raise typer.Exit(1)
