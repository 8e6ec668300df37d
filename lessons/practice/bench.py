"""Runs a learner's file in a process of its own, under limits, and reads what it left behind.

What limits it: computing time, address space, a folder of its own as home and working folder, an environment without
the reader's variables, and an end of its whole process group when the time is up.  It is no border of security: the
file runs with the rights of whoever starts it.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from lessons.practice.trying import Outcome, Strange

#: the exit status of a child whose NumPy, builtins or hooks are not what they were
BENT = 70

#: seconds of computing, how many times as long it may take by the clock, bytes of address space, bytes of print-outs
#: that are kept of each call, and bytes of what a run leaves that are read
SECONDS, PATIENCE, MEMORY, KEPT, READ = 5.0, 4.0, 4 * 2**30, 20_000, 2**29
#: how often KEPT all print-outs together may be
PRINTS = 50
#: seconds of the clock that PyTorch may take until it is there; its computing until then is not counted
LOADING = 60.0


@dataclass
class Left:
    """What a run left.  stage: how far it came: start, read, import, call, done.  ended: how its process ended, where
    it left nothing: "time", "exit", "bent" or "signal", then with its name.  at: the call that was being made.  seen:
    the values that variables took; cost: bytes and operations.  pulled: a Pulled, as a tuple, for each input that was
    asked for gradients.  no_torch: why PyTorch cannot be imported.  path: of the file that ran.
    prints: what was printed before the first call, and in the first one with each input."""

    stage: str = "start"
    outcomes: list[Outcome] = field(default_factory=list)
    syntax: str = ""
    traceback: str = ""
    missing: list[str] | None = None
    ended: str = ""
    signal: str = ""
    path: str = ""
    at: int = 0
    prints: tuple[str, ...] = ()
    seen: dict[str, list[Any]] = field(default_factory=dict)
    cost: tuple[int, int] | None = None
    pulled: list[Outcome] = field(default_factory=list)
    no_torch: str = ""

    def printed_on(self, place: int) -> str:
        """What was printed before the first call and on this input; on all of them where place is -1."""
        return "".join(self.prints if place < 0 else (*self.prints[:1], *self.prints[place + 1 : place + 2]))[:KEPT]


def run_file(
    path: Path, source: str, function: str, calls: Sequence[dict[str, Any]], seconds: float = SECONDS, **tools: Any
) -> Left:
    """source: the text of the file at `path`, read by the caller, so that a file that deletes itself changes nothing.
    seconds: of computing; a process that sleeps is ended later.  tools: `tracing=[names]` for the values of variables in
    the first call, `cost="held"` or `"counted"` for the bytes, and the operations too, of the last one; then `seen` or
    `cost` is all that is left.  `framework="torch"`: arrays go in as tensors, and `pulls` are places of calls and what
    `tensors.pull` is to be asked there.  `asking=PATH`, of a file of our own: each call is {"name", "arguments"} of one of
    its functions, which gets the learner's functions first; with `twice=False` it is made once.
    """
    with tempfile.TemporaryDirectory(prefix="tfx-practice-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        asked = {
            "path": str(path), "source": source, "function": function, "calls": list(calls),
            "memory": MEMORY, "seconds": max(math.ceil(seconds), 1),
            **tools,
        }  # fmt: skip
        (folder / "asked.pickle").write_bytes(pickle.dumps(asked))
        process = subprocess.Popen(
            [sys.executable, "-P", "-B", str(Path(__file__).with_name("child.py")), str(folder)],
            cwd=folder, env=_environment(folder), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        printed = bytearray()
        reader = threading.Thread(target=_keep, args=(process.stdout, printed), daemon=True)
        reader.start()
        late = False
        try:
            process.wait(timeout=PATIENCE * seconds + (LOADING if tools.get("framework") == "torch" else 0))
        except subprocess.TimeoutExpired:
            late = True
        finally:
            _end(process)
            process.wait()
            reader.join(1.0)
            if not reader.is_alive():
                process.stdout.close()
        left = _read(folder, len(calls))
        left.prints = told_apart(bytes(printed), len(calls))
        left.at, left.path = _number_in(folder / "at"), str(path)
        if left.stage == "start":
            code, beaten = process.returncode, -getattr(signal, "SIGXCPU", 0)
            left.ended = (
                "time" if late or code == beaten else "signal" if code < 0 else "bent" if code == BENT else "exit"
            )
            left.signal = signal.Signals(-code).name if left.ended == "signal" else ""
        return left


def plain(text: str) -> str:
    """Without letters that move the cursor, clear the screen or write over a line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if one.isprintable() or one in "\n\t" else "?" for one in lines)


def told_apart(printed: bytes, calls: int) -> tuple[str, ...]:
    """What was printed before the first call, and in the first one with each input: the second round prints it again."""
    before, *marked = re.split(rb"\0call (\d{1,9})\0", printed)
    parts = [before, *[b""] * calls]
    for number, part in zip(marked[::2], marked[1::2], strict=True):
        if int(number) < calls:
            parts[int(number) + 1] += part
    return tuple(plain(part[:KEPT].decode("utf-8", "replace")) for part in parts)


def _keep(stream: IO[bytes], printed: bytearray) -> None:
    """Reads to the end, and keeps the beginning."""
    try:
        while part := stream.read1(65536):  # type: ignore[attr-defined]
            printed += part[: PRINTS * KEPT - len(printed)]
    except (OSError, ValueError):
        return


def _number_in(path: Path) -> int:
    try:
        return max(int(path.read_text(encoding="utf-8") or 0), 0)
    except (OSError, ValueError):
        return 0


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    libraries = os.pathsep.join(entry for entry in sys.path if entry)
    place = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": libraries, "PYTHONUTF8": "1"}
    return kept | threads | place


def _end(process: subprocess.Popen[bytes]) -> None:
    """The process and all that it started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return
    elif process.poll() is None:
        process.kill()


def _read(folder: Path, calls: int) -> Left:
    """Nothing where the process left nothing that can be read, or something else than outcomes of all calls."""
    try:
        files = [folder / "left.json", folder / "left.bin"]
        if sum(path.stat().st_size for path in files) > READ:
            return Left()
        found = _built(json.loads(files[0].read_text(encoding="utf-8")), files[1].read_bytes())
        exit_ = found.pop("exit", False)
        left = Left(**found)
        outcomes = [*left.outcomes, *left.pulled]
        left.seen = {str(name): list(map(np.asarray, values)) for name, values in left.seen.items()}
        left.cost = (int(left.cost[0]), int(left.cost[1])) if left.cost else None
        good = all(isinstance(one, Outcome) for one in outcomes) and len(left.outcomes) in (0, calls)
        words = (left.stage, left.syntax, left.traceback, left.no_torch)
        if (
            not good
            or not all(isinstance(word, str) for word in words)
            or (left.stage == "done") != bool(left.outcomes)
        ):
            return Left()
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return Left()
    if exit_:
        left.ended = "exit"
    return left


def _built(tree: Any, data: bytes) -> Any:
    if not isinstance(tree, dict):
        return tree
    ((kind, value),) = tree.items()
    match kind:
        case "array":
            dtype, shape, at = np.dtype(value[0]), tuple(map(int, value[1])), int(value[2])
            if dtype.kind not in "biufc" or at < 0:
                raise ValueError(dtype)
            return np.frombuffer(data, dtype, math.prod(shape), at).reshape(shape).copy()
        case "strange":
            return Strange(value)
        case "float":
            return float(value)
        case "int":
            return int(value)
        case "tuple":
            return [_built(part, data) for part in value]
        case "dict":
            return {key: _built(part, data) for key, part in value.items()}
        case "outcome":
            fields = {key: _built(part, data) for key, part in value.items()}
            raised = fields["raised"]
            return Outcome(
                _tuples(fields["value"]), (str(raised[0]), str(raised[1])) if raised else None,
                tuple(map(str, fields["changed"])), tuple(map(str, fields["shared"])), bool(fields["again"]),
            )  # fmt: skip
    raise ValueError(kind)


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_tuples, value))
    return {key: _tuples(part) for key, part in value.items()} if isinstance(value, dict) else value
