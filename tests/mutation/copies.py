"""A copy of the checkout in which mutants are written to disk and tests run, each in a process forked for it.

The checkout itself is never changed.  The forked process holds what does not change (NumPy, pytest, Rich, Typer), and
imports our own code from the copy, whose byte code is checked against the text.
"""

from __future__ import annotations

import compileall
import importlib
import os
import py_compile
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.mutation.mutants import ROOT, Mutant

OURS = ("tfx", "tfx_cli", "lessons", "tests")
#: Imported once, before any process is forked.
THEIRS = ("numpy", "numpy.random", "hypothesis", "rich.console", "rich.table", "typer.main", "fsrs")
#: Seconds of computing: a mutant that takes longer does not end, which is noticed too, unless the tests take long
#: without it as well (Worker.noticed_by).  On the clock it may take many times as long, because a busy machine is no
#: proof of anything.
LIMIT, WALL = 240, 7200
#: How the words begin that say so.
TOO_LONG = "took more than"


class Found(NamedTuple):
    """words: which test failed, or ""; or what came out of a question.  seconds: on the clock; computing: of a core."""

    words: str
    seconds: float
    computing: float = 0.0


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of the checkout, without what is made there."""
    with tempfile.TemporaryDirectory(prefix="tfx-mutants-") as folder:
        copy = Path(folder) / "checkout"
        left_out = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis", "build", "dist")
        shutil.copytree(ROOT, copy, ignore=left_out, symlinks=True)
        checked = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(copy, quiet=2, invalidation_mode=checked)
        yield copy


@contextmanager
def written(copy: Path, mutant: Mutant) -> Iterator[None]:
    """Inside, the file of the copy has the mistake."""
    path = copy / mutant.file
    right = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(right, encoding="utf-8")


def warm_up() -> None:
    for name in THEIRS:
        importlib.import_module(name)


def first_failing(
    copy: Path, tests: list[str], skipped: tuple[str, ...] = (), limit: int = LIMIT, share: Path | None = None
) -> Found:
    """The first of the tests that fails in the copy as it is now, or "".

    share: where quick runs of experiments are kept from one mutant to the next (tests/lab/quick_runs.py); for mistakes
    that no experiment runs through.
    """

    def question() -> str:
        if share:
            os.environ["TFX_TESTS_SHARE"] = str(share)
            for kept in share.glob("topic-*"):  # what another mutant's lessons have shown
                kept.unlink()
        return run_tests(copy, tests, skipped)

    return asked(copy, question, limit)


def asked(copy: Path, question: Callable[[], str], limit: int = LIMIT) -> Found:
    """The answer of a forked process that imports our code from the copy; a crash or no end is an answer too."""
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        try:
            enter(copy)
            words = question()
        except BaseException as error:  # the mutant broke an import, or left through sys.exit
            words = f"{type(error).__name__}: {error}"
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(words.encode())
        os._exit(0)
    os.close(writing)
    words, ended = read_to_the_end(reading, child)
    if not ended:
        return Found(f"{TOO_LONG} {WALL} s", time.monotonic() - began)
    _, waited, usage = os.wait4(child, 0)
    status = os.waitstatus_to_exitcode(waited)
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        words = f"{TOO_LONG} {limit} s of computing"
    elif status != 0:
        words = f"ended with status {status}"
    return Found(words, time.monotonic() - began, usage.ru_utime + usage.ru_stime)


def read_to_the_end(pipe: int, child: int) -> tuple[str, bool]:
    """What the child wrote; False, and the child's group is ended, when it took too long."""
    import select

    found, deadline = b"", time.monotonic() + WALL
    with os.fdopen(pipe, "rb", buffering=0) as reading:
        while ready := select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
            piece = ready[0].read(1 << 16)
            if not piece:
                return found.decode(errors="replace"), True
            found += piece
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "", False


def enter(copy: Path) -> None:
    """Our modules come from the copy from here on, in processes that tests start as well."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    sys.path[:] = [str(copy), *(place for place in sys.path if Path(place or ".").resolve() != ROOT)]
    importlib.invalidate_caches()
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)
    os.environ.pop("TFX_TESTS_SHARE", None)  # what was measured without the mistake
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")


class FirstFailure:
    """A plugin of pytest: the id of the first test, or of the file, that failed."""

    def __init__(self) -> None:
        self.name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.name = self.name or report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.name = self.name or report.nodeid


def run_tests(copy: Path, tests: list[str], skipped: tuple[str, ...]) -> str:
    first = FirstFailure()
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0", f"--rootdir={copy}"]
    quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning", *(f"--deselect={name}" for name in skipped)]
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        ended = pytest.main([*quiet, *tests], plugins=[first])
    fine = ended in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    return "" if fine else first.name or f"pytest ended with {int(ended)}"
