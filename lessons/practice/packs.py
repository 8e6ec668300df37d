"""Packs: exercises of any folder, in the shape of ours: NAME.py with an `exercise`, and NAME_mistakes.py beside it, which
begins with `from .NAME import exercise`.

    with using([Path("my-pack")]):
        exercises()                      # those of the pack

A pack is Python that runs with the rights of whoever uses it.  Its names may not be those of the course, since there is
one history for both.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import ModuleType
from typing import Any

from lessons.exercise_names import PACKED
from lessons.practice.exercise import Exercise, of_the_course
from tfx.errors import BadInput

PACKAGE = "tfx_packs_in_use"
#: the folders that are in use
FOLDERS: ContextVar[tuple[Path, ...]] = ContextVar("folders of packs", default=())
PARTS = {"stub": "_stub", "solution": "_solution", "inputs": "_inputs"}


@contextmanager
def using(folders: Sequence[Path], whole: bool = True) -> Iterator[None]:
    """While it lasts, the exercises are those of these folders; without a folder they stay as they are.

    whole: each must have a stub, a solution, inputs, and something right on every input.  Raises BadInput, with file and
    line, for what cannot be read.
    """
    if not folders:
        yield
        return
    packed: dict[str, Exercise] = {}
    for folder in folders:
        for name, exercise in read_pack(folder).items():
            if name in packed:
                raise BadInput(f'two packs have an exercise "{name}".', "Use one of them at a time.")
            packed[name] = exercise
            if whole:
                require_whole(exercise, folder)
    both = PACKED.set(packed), FOLDERS.set(tuple(folders))
    try:
        yield
    finally:
        PACKED.reset(both[0])
        FOLDERS.reset(both[1])


def read_pack(folder: Path) -> Mapping[str, Exercise]:
    """The exercises of a folder by name, in the order of their files.  Raises BadInput, with file and line."""
    if not folder.is_dir():
        raise BadInput(f'there is no folder "{folder}".', f"Begin a pack: tfx practice dev new NAME --pack {folder}")
    files = [path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")]
    files = [path for path in files if not path.stem.endswith("_mistakes")]
    if not files:
        raise BadInput(f'"{folder}" has no exercise.', f"Begin one: tfx practice dev new NAME --pack {folder}")
    with _package(folder):
        return {exercise.name: exercise for exercise in (_read(path) for path in files)}


@contextmanager
def _package(folder: Path) -> Iterator[None]:
    """While it lasts, files of the folder can be imported; none is that was imported before, and nothing is written."""
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
        del sys.modules[name]
    package = ModuleType(PACKAGE)
    package.__path__ = [str(folder)]
    sys.modules[PACKAGE] = package
    importlib.invalidate_caches()
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes


def _read(path: Path) -> Exercise:
    wanted, beside = path.stem.replace("_", "-"), path.with_name(f"{path.stem}_mistakes.py")
    if not path.stem.isidentifier():
        raise BadInput(f"{path}: a name of letters, digits and _ is asked for.", "Give the file another name.")
    exercise = _imported(path).exercise
    if not isinstance(exercise, Exercise):
        raise BadInput(f"{path}: its `exercise` is no Exercise.", "See how one begins: tfx practice dev new NAME")
    if exercise.name != wanted:
        raise BadInput(f'{path}: its exercise is called "{exercise.name}".', f'By its file it should be "{wanted}".')
    if wanted in of_the_course():
        raise BadInput(f'{path}: the course has an exercise "{wanted}" too.', "Give the file another name.")
    if not beside.is_file():
        raise BadInput(
            f"{path}: {beside.name} is missing beside it.", "It begins: from ." + path.stem + " import exercise"
        )
    _imported(beside)
    return exercise


def _imported(path: Path) -> Any:
    try:
        module = importlib.import_module(f"{PACKAGE}.{path.stem}")
        return module if path.stem.endswith("_mistakes") else _with_exercise(module, path)
    except BadInput:
        raise
    except (Exception, SystemExit) as error:
        raise broken(error, path) from None


def _with_exercise(module: ModuleType, path: Path) -> ModuleType:
    if not hasattr(module, "exercise"):
        raise BadInput(f"{path}: it has no `exercise`.", "See how one begins: tfx practice dev new NAME")
    return module


def broken(error: BaseException, path: Path) -> BadInput:
    """What went wrong in a file of a pack, and in which line."""
    where, line = path, None
    if isinstance(error, SyntaxError) and error.filename:
        where, line = Path(error.filename), error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename).parent == path.parent.absolute()]
        own = own or [frame for frame in frames if Path(frame.filename).parent == path.parent]
        if own:
            where, line = Path(own[-1].filename), own[-1].lineno
    what = f"{type(error).__name__}: {' '.join(str(getattr(error, 'msg', None) or error).split())}".rstrip(": ")
    name = path.stem.removesuffix("_mistakes").replace("_", "-")
    return BadInput(
        f"{path.parent / where.name}" + (f", line {line}" if line else "") + f": {what}.",
        f"Mend it, then: tfx practice dev check {name} --pack {path.parent}",
    )


def require_whole(exercise: Exercise, folder: Path) -> None:
    """Raises BadInput where a learner's answer could not be judged."""
    from lessons.practice.proving import begun_wrong

    fault = next((f"{exercise.name}: {fault}" for fault in begun_wrong(exercise)), "")
    if fault:
        raise BadInput(f"{fault}.", f"See what is to do: tfx practice dev check {exercise.name} --pack {folder}")
