"""What is around tfx: the data folder, the terminal, the drawing of plots, BLAS and a graphics card."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

from tfx.errors import TfxError, many
from tfx_cli.diagnosis.finding import Finding
from tfx_cli.learner.state import open_to_read
from tfx_cli.learner.state_file import data_folder, state_path

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
#: below this many bytes a checkpoint or a plot may not fit
LITTLE_SPACE = 20_000_000


def data() -> Iterator[Finding]:
    """The data folder: there, writable, with room."""
    move = "Choose another folder: export TFX_HOME=/path/to/folder"
    try:
        folder = data_folder()
    except TfxError as error:
        yield Finding("data", "folder", error.message, "problem", error.hint)
        return
    existing = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    try:
        if existing.is_symlink() and not existing.exists():
            raise OSError(errno.ENOENT, "a link that leads nowhere")
        if not existing.is_dir():
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=existing):
            where = str(folder) if existing == folder else f"{folder} (made when needed)"
            yield Finding("data", "folder", where)
    except OSError as error:
        yield Finding("data", "folder", f"{folder}: {error.strerror}", "problem", move)
        return
    yield history()
    for name in ("trained", "unfinished"):
        place = folder / name
        if os.path.lexists(place) and not place.is_dir():
            yield Finding("data", name, f"{place} is no folder", "problem", "Move it away.")
    free = shutil.disk_usage(existing).free
    if free < LITTLE_SPACE:
        yield Finding("data", "free space", f"{free / 1e6:.1f} MB", "problem", "Free some space on that disk.")
    else:
        yield Finding("data", "free space", f"{free / 1e9:.1f} GB")


def history() -> Finding:
    """The file of answers, which this only reads: whole, and with the right to be written."""
    path = state_path()
    if not os.path.lexists(path):
        return Finding("data", "history", "none yet")
    if not path.is_file():
        what = "a link that leads nowhere" if path.is_symlink() else "no file"
        return Finding("data", "history", f"{path} is {what}", "problem", "Move it away.")
    try:
        with open_to_read() as state:
            value, notice = f"{many(len(state.answers()), 'answer')} in {state.path}", state.notice
    except TfxError as error:
        return Finding("data", "history", error.message, "problem", error.hint)
    if notice:
        return Finding("data", "history", notice, "problem", "Mend it: tfx quiz")
    try:
        with path.open("r+b"):  # changes nothing, and is refused where writing would be
            return Finding("data", "history", value)
    except OSError as error:
        return Finding("data", "history", f"{path}: {error.strerror}", "problem", f"Permit writing: chmod u+w {path}")


def terminal() -> Iterator[Finding]:
    """What stdout can show."""
    from tfx_cli.terminal.console import GLYPHS, encodes, is_terminal, wants_color, width

    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    fancy = all(encodes(sys.stdout, glyphs) for glyphs, _ in GLYPHS.values())
    value = encoding if fancy else f"{encoding}: block characters are replaced by ASCII"
    yield Finding("terminal", "encoding", value, "ok" if fancy else "note")
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
