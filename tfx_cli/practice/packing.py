"""Packs on the command line: where they come from, a new exercise for one, and the proof of its exercises."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tfx.errors import BadInput
from tfx_cli.options import Face
from tfx_cli.render.files import cannot_write, write_whole
from tfx_cli.render.show import show_document
from tfx_cli.render.wrapping import wrapped
from tfx_cli.terminal.console import prose_width
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.progress import progress_on_stderr

if TYPE_CHECKING:
    from lessons.practice.debug.program import Program
    from lessons.practice.debug.proving import ProgramProof
    from lessons.practice.derive.derivation import Derivation
    from lessons.practice.derive.proving import DerivationProof
    from lessons.practice.exercise import Exercise
    from lessons.practice.proving import Proof

#: folders, as in PATH, for whoever does not want to type --pack every time
VARIABLE = "TFX_PACKS"
NEW_PACK = Path("tfx-pack")


def folders(given: Sequence[Path] | None) -> list[Path]:
    """Those that are given, else those of the environment."""
    return list(given or (Path(one) for one in os.environ.get(VARIABLE, "").split(os.pathsep) if one))


@contextmanager
def packs_in_use(given: Sequence[Path] | None, face: Face, whole: bool = True) -> Iterator[None]:
    """While it lasts, exercises are those of the packs; at its end a terminal is told how to go on with them."""
    if not folders(given):
        yield
        return
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


PROGRAM = "debug/"


def chosen(names: Sequence[str]) -> tuple[list[Exercise], list[Derivation], list[Program]]:
    """The exercises of these names, the derivations of those that begin with derive/, and the programs of those that
    begin with debug/; without a name all exercises of the packs in use, else everything of the course.  derive alone is
    every derivation, and debug alone every program."""
    from lessons.practice.debug.program import find_program, programs
    from lessons.practice.derive.derivation import derivations, find_derivation
    from lessons.practice.exercise import exercises, find_exercise
    from lessons.practice.packs import FOLDERS
    from tfx_cli.practice.derive.progress import PREFIX

    if not names:
        known = list(exercises().values())
        return (known, [], []) if FOLDERS.get() else (known, list(derivations().values()), list(programs().values()))
    derived = [name for name in names if name.startswith(PREFIX)]
    found = {one.name: one for one in (derivations().values() if "derive" in names else ())}
    found |= {one.name: one for one in (find_derivation(name.removeprefix(PREFIX)) for name in derived)}
    planted = [name for name in names if name.startswith(PROGRAM)]
    bugged = dict(programs()) if "debug" in names else {}
    bugged |= {one.name: one for one in (find_program(name.removeprefix(PROGRAM)) for name in planted)}
    own = [name for name in dict.fromkeys(names) if name not in ("derive", "debug", *derived, *planted)]
    return [find_exercise(name) for name in own], list(found.values()), list(bugged.values())


def prove(names: Sequence[str], face: Face) -> None:
    """They can be judged: the kill matrix, and what is at fault.  Ends with 1 where something is."""
    from lessons.practice.debug.proving import program_proof
    from lessons.practice.derive.proving import derivation_proof
    from lessons.practice.proving import proof_of

    proofs: list[Proof] = []
    derived: list[DerivationProof] = []
    debugs: list[ProgramProof] = []
    wanted, derivations, programs = chosen(names)
    with progress_on_stderr() as progress:
        every = len(wanted) + len(derivations) + len(programs)
        for place, exercise in enumerate(wanted):
            progress(place, every, exercise.name)
            proofs.append(proof_of(exercise))
        for place, derivation in enumerate(derivations, start=len(wanted)):
            progress(place, every, derivation.name)
            derived.append(derivation_proof(derivation))
        for place, program in enumerate(programs, start=len(wanted) + len(derivations)):
            progress(place, every, PROGRAM + program.name)
            debugs.append(program_proof(program))
    show_proofs(proofs, derived, debugs, face, with_inputs=bool(names))


def show_proofs(
    proofs: Sequence[Proof], derived: Sequence[DerivationProof], debugs: Sequence[ProgramProof], face: Face,
    with_inputs: bool,
) -> None:  # fmt: skip
    """with_inputs: also says what each input of an exercise is.  Ends with 1 where something is at fault."""
    from lessons.practice.exercise import find_exercise
    from tfx_cli.practice import proof_page
    from tfx_cli.practice.debug import page as debug_page
    from tfx_cli.practice.derive import records

    found = [*(proof.faults for proof in proofs), *(one.faults for one in derived), *(one.faults for one in debugs)]
    faults = sum(map(len, found))
    if face is Face.json:
        documents = {
            "exercises": [proof_page.proof_document(proof) for proof in proofs],
            "derivations": [records.proof_document(proof) for proof in derived],
            "programs": [debug_page.proof_document(proof) for proof in debugs],
        }
        show_document({**documents, "proved": not faults})
    elif face is Face.plain:
        for row in [
            *(row for proof in proofs for row in proof_page.proof_rows(proof)),
            *(row for one in derived for row in records.proof_rows(one)),
            *debug_page.proof_rows(debugs),
        ]:
            show_line(row)
    else:
        for proof in proofs:
            exercise = find_exercise(proof.exercise)
            for line in proof_page.proof_lines(proof, exercise, prose_width(), with_inputs):
                show_line(line)
        for one in derived:
            for line in proof_page.derivation_lines(one, prose_width()):
                show_line(line)
        for debug in debugs:
            for line in debug_page.proof_lines(debug, prose_width()):
                show_line(line)
        for line in wrapped(proof_page.sum_of(proofs, derived, debugs, faults), prose_width()):
            show_line(line)
    if faults:
        raise typer.Exit(1)
