"""Runs a learner's file in a process of its own, under limits, and reads what it left behind.

What limits it: computing time, address space, a folder of its own as home and working folder, an environment without
the reader's variables, and an end of its whole process group when the time is up.  It is no border of security: the
file runs with the rights of whoever starts it.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lessons.practice.trying import Outcome, Strange

#: seconds of the clock, bytes of address space, and bytes of print-outs that are kept
SECONDS, MEMORY, KEPT = 5.0, 4 * 2**30, 20_000


@dataclass
class Left:
    """What a run left.  stage: how far it came: start, read, import, call, done.  ended: how its process ended, where
    it left nothing: "time", "memory", "exit" or "signal".  at: the call that was being made."""

    stage: str = "start"
    outcomes: list[Outcome] = field(default_factory=list)
    syntax: str = ""
    traceback: str = ""
    missing: list[str] | None = None
    ended: str = ""
    at: int = 0
    printed: str = ""


def run_file(
    path: Path, source: str, function: str, calls: Sequence[dict[str, Any]], seconds: float = SECONDS,
    asking: Path | None = None, twice: bool = True,
) -> Left:  # fmt: skip
    """source: the text of the file at `path`, read by the caller, so that a file that deletes itself changes nothing.

    asking: a file of our own; then each call is {"name", "arguments"} of one of its functions, which gets the learner's
    program first.  twice: every call is made again, to see what is kept between calls.
    """
    with tempfile.TemporaryDirectory(prefix="tfx-practice-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        asked = {
            "path": str(path), "source": source, "function": function, "calls": list(calls),
            "memory": MEMORY, "seconds": int(seconds) + 1, "asking": str(asking) if asking else "", "twice": twice,
        }  # fmt: skip
        (folder / "asked.pickle").write_bytes(pickle.dumps(asked))
        process = subprocess.Popen(
            [sys.executable, "-P", "-B", str(Path(__file__).with_name("child.py")), str(folder)],
            cwd=folder, env=_environment(folder), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        late = False
        try:
            printed, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            late = True
            _end(process)
            printed, _ = process.communicate()
        finally:
            _end(process)
        left = _read(folder)
        left.printed = printed[:KEPT].decode("utf-8", "replace")
        at = folder / "at"
        left.at = int(at.read_text(encoding="utf-8") or 0) if at.exists() else 0
        if left.stage == "start":
            left.ended = (
                "time" if late or process.returncode == -24 else "exit" if process.returncode == 0 else "signal"
            )
        return left


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    libraries = os.pathsep.join(entry for entry in sys.path if entry)
    return kept | threads | {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": libraries, "PYTHONUTF8": "1"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
    elif process.poll() is None:
        process.kill()


def _read(folder: Path) -> Left:
    """Nothing where the process left nothing that can be read."""
    try:
        tree = json.loads((folder / "left.json").read_text(encoding="utf-8"))
        with np.load(folder / "left.npz", allow_pickle=False) as file:
            arrays = [file[f"arr_{number}"] for number in range(len(file.files))]
        found = _built(tree, arrays)
        exit_ = found.pop("exit", False)
        left = Left(**found)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return Left()
    if exit_:
        left.ended = "exit"
    return left


def _built(tree: Any, arrays: list[np.ndarray]) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, value),) = tree.items()
    match kind:
        case "array":
            return arrays[value]
        case "strange":
            return Strange(value)
        case "float":
            return float(value)
        case "int":
            return int(value)
        case "tuple":
            return [_built(part, arrays) for part in value]
        case "dict":
            return {key: _built(part, arrays) for key, part in value.items()}
        case "outcome":
            fields = {key: _built(part, arrays) for key, part in value.items()}
            raised = fields["raised"]
            return Outcome(
                _tuples(fields["value"]), (raised[0], raised[1]) if raised else None, tuple(fields["changed"]),
                tuple(fields["shared"]), fields["again"],
            )  # fmt: skip
    raise ValueError(kind)


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {key: _tuples(part) for key, part in value.items()} if isinstance(value, dict) else value
