"""What `tfx doctor` looks at.  Each check returns findings; a problem names the next action."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tfx.errors import TfxError
from tfx_cli.learner.state import folder as data_folder
from tfx_cli.learner.state import open_to_read, state_path

State = Literal["ok", "note", "problem"]

LIBRARIES = ("numpy", "typer", "rich", "matplotlib", "platformdirs", "fsrs")
THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: below this many bytes a checkpoint or a plot may not fit
LITTLE_SPACE = 20_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `action` is what to type or do about a problem."""

    area: str
    name: str
    value: str
    state: State = "ok"
    action: str = ""


def diagnose() -> list[Finding]:
    """Every check, in the order in which a reader should mend things.  A check that breaks is itself a problem."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check()
        except Exception as error:
            area = check.__name__.replace("_", " ")
            what = f"{type(error).__name__}: {error}"
            findings.append(
                Finding(area, "check", what, "problem", "Report this with the output of: tfx doctor --json")
            )
    return findings


def versions() -> Iterator[Finding]:
    """Python, tfx and the libraries it needs."""
    import tfx

    yield Finding("versions", "tfx", f"{tfx.__version__} in {Path(tfx.__file__).resolve().parent}")
    python = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Finding("versions", "python", python)
    for name in LIBRARIES:
        try:
            yield Finding("versions", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("versions", name, "missing", "problem", f"{sys.executable} -m pip install {name}")


def ownership() -> Iterator[Finding]:
    """Who else claims the names `tfx`: TensorFlow Extended has the same import package and the same command."""
    owners = sorted(set(importlib.metadata.packages_distributions().get("tfx", [])) | {"tfx-learn"})
    strangers = [owner for owner in owners if owner.lower().replace("_", "-") != "tfx-learn"]
    if strangers:
        yield Finding(
            "ownership", "import tfx", f"also owned by: {', '.join(strangers)}", "problem",
            "Two distributions overwrite each other's files here; give tfx-learn an environment of its own.",
        )  # fmt: skip
    else:
        yield Finding("ownership", "import tfx", "tfx-learn alone")
    command = shutil.which("tfx")
    here = Path(sys.executable).parent
    if command is None:
        value, action = "not on PATH", f"Type {here / 'tfx'}, or activate the environment."
        yield Finding("ownership", "command tfx", value, "note", action)
    elif Path(command).parent.resolve() != here.resolve():
        action = f"That one belongs to another environment; this one is {here / 'tfx'}"
        yield Finding("ownership", "command tfx", command, "note", action)
    else:
        yield Finding("ownership", "command tfx", command)


def data() -> Iterator[Finding]:
    """The data folder: there, writable, with room."""
    folder = data_folder()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    move = "Choose another folder: export TFX_HOME=/path/to/folder"
    try:
        with tempfile.TemporaryFile(dir=existing):
            told = str(folder) if existing == folder else f"{folder} (made when needed)"
            yield Finding("data", "folder", told)
    except OSError as error:
        yield Finding("data", "folder", f"{folder}: {error.strerror}", "problem", move)
    yield history()
    free = shutil.disk_usage(existing).free
    if free < LITTLE_SPACE:
        yield Finding("data", "free space", f"{free / 1e6:.1f} MB", "problem", "Free some space on that disk.")
    else:
        yield Finding("data", "free space", f"{free / 1e9:.1f} GB")


def history() -> Finding:
    """The file of answers, which this only reads."""
    if not state_path().exists():
        return Finding("data", "history", "none yet")
    try:
        with open_to_read() as state:
            told, notice = f"{len(state.answers())} answers in {state.path}", state.notice
    except TfxError as error:
        return Finding("data", "history", error.message, "problem", error.hint)
    if notice:
        return Finding("data", "history", notice, "problem", "Mend it: tfx quiz")
    return Finding("data", "history", told)


def terminal() -> Iterator[Finding]:
    """What stdout can show."""
    from tfx_cli.terminal.console import GLYPHS, encodes, is_terminal, wants_color, width

    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    fancy = all(encodes(sys.stdout, glyphs) for glyphs, _ in GLYPHS.values())
    told = encoding if fancy else f"{encoding}: block characters are replaced by ASCII"
    yield Finding("terminal", "encoding", told, "ok" if fancy else "note")
    reasons = [f"{name}={os.environ[name]}" for name in ("NO_COLOR", "FORCE_COLOR", "TERM") if os.environ.get(name)]
    color = "on" if wants_color(sys.stdout) else "off"
    yield Finding("terminal", "colour", f"{color} ({', '.join(reasons)})" if reasons else color)
    yield Finding("terminal", "width", f"{width()} columns", "ok" if width() >= 40 else "note")
    yield Finding("terminal", "interactive", "yes" if is_terminal(sys.stdin) and is_terminal(sys.stdout) else "no")


def plots() -> Iterator[Finding]:
    """Matplotlib draws, and can keep its font cache."""
    os.environ["MPLBACKEND"] = "agg"
    try:
        import matplotlib
    except ImportError as error:
        again = f"{sys.executable} -m pip install --force-reinstall matplotlib"
        yield Finding("plots", "matplotlib", str(error), "problem", again)
        return
    cache = matplotlib.get_cachedir()
    if os.access(cache, os.W_OK):
        yield Finding("plots", "font cache", cache)
    else:
        yield Finding("plots", "font cache", f"{cache} is read-only: plots start slowly", "note", "Set MPLCONFIGDIR.")


def arithmetic() -> Iterator[Finding]:
    """The BLAS behind NumPy, its threads, and a graphics card."""
    import numpy

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]
    yield Finding("arithmetic", "BLAS", f"{blas.get('name')} {blas.get('version', '')}".strip())
    limits = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if os.environ.get(name)]
    yield Finding("arithmetic", "threads", f"{cores} cores; {', '.join(limits) or 'BLAS uses them all'}")
    yield card()


def card() -> Finding:
    """CuPy and the card that `--device cuda` would use."""
    if importlib.util.find_spec("cupy") is None:
        value, action = "no CuPy: --device cpu only", "For a CUDA card: pip install 'cupy-cuda12x[ctk]>=14'"
        return Finding("arithmetic", "cuda", value, "note", action)
    try:
        cupy = importlib.import_module("cupy")
        if not cupy.cuda.is_available():
            value = f"CuPy {cupy.__version__}, but no CUDA card: --device cpu only"
            return Finding("arithmetic", "cuda", value, "note", "Is the driver installed? Try: nvidia-smi")
        name = cupy.cuda.runtime.getDeviceProperties(0)["name"].decode()
        ones = cupy.ones((2, 2))
        if float(cupy.exp(ones - ones @ ones / 2).sum()) != 4.0:  # compiles a kernel and calls the matrix product
            raise ArithmeticError("a sum on the card is wrong")
    except Exception as error:  # CuPy raises its own, by driver and version
        what = " ".join(f"CuPy does not work: {type(error).__name__}: {error}".split())
        action = "Install CuPy with its CUDA libraries: pip install 'cupy-cuda12x[ctk]>=14'"
        return Finding("arithmetic", "cuda", what[:200], "problem", action)
    return Finding("arithmetic", "cuda", f"CuPy {cupy.__version__}, {name}")


def course() -> Iterator[Finding]:
    """The lessons are there and the course file can be read."""
    from tfx_cli.find_lessons import ensure_lessons

    try:
        ensure_lessons()
    except TfxError as error:
        yield Finding("course", "lessons", error.message, "problem", error.hint)
        return
    import lessons

    yield Finding("course", "lessons", str(Path(lessons.__file__ or ".").parent))


def models() -> Iterator[Finding]:
    """The trained models that explain uses: there, and whole."""
    from tfx.shipped import load as shipped

    for name in shipped.NAMES:
        try:
            model = shipped.load(name).model
        except TfxError as error:
            again = "Install again, or in a checkout: make weights"
            yield Finding("models", name, error.message, "problem", again)
        else:
            yield Finding("models", name, f"{model.n_parameters} parameters")


#: in the order of the page
CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    versions,
    ownership,
    data,
    course,
    models,
    terminal,
    plots,
    arithmetic,
)


def as_rows(findings: list[Finding]) -> list[Mapping[str, str]]:
    """Findings as the rows of a table."""
    return [
        {"area": one.area, "name": one.name, "value": one.value, "state": one.state, "action": one.action}
        for one in findings
    ]
