"""The process in which a learner's file runs: `python child.py FOLDER`.

FOLDER/asked.pickle says what to call with what (written by bench.py, our own words); FOLDER/left.json and left.bin are
what comes of it, which hold no objects, so that reading them runs nothing.  FOLDER/at says which call is being made.
No right answer is in this process: bench.py's side compares.

An audit hook refuses to start processes, to write or delete files, to open connections, and to import the answers.  It
is there for accidents: whoever wants to get around it can, so that this is no border of security.
"""

from __future__ import annotations

import importlib.util
import json
import linecache
import os
import pickle
import sys
import time
import traceback
from functools import partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

FOLDER = Path(sys.argv[1]).resolve() if __name__ == "__main__" else Path()
LESSONS = Path(__file__).resolve().parent.parent
ANSWERS = str(LESSONS.parent / "tfx") + os.sep

#: folders of the lessons in which answers stand
KEPT = {"exercises", "debug"}
#: bytes of a file that may be written: what a run leaves; names of functions that are told; the exit status where the
#: file bent what the harness itself stands on
LARGEST, NAMES, BENT = 2**29, 30, 70


def _loaded(name: str, path: Path) -> Any:
    """The module of a file: as a script this one has no package to import from."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    linecache.getlines(str(path))  # for tracebacks: the guard lets nobody read it later
    return module


def _beside(name: str) -> Any:
    return _loaded(name, Path(__file__).with_name(f"{name}.py"))


TRYING, TRACEBACKS = _beside("trying"), _beside("tracebacks")
OURS = (__file__, TRYING.__file__)

#: taken before a learner's file is read, which may put others in their place
_dumps, _open, _write, _exit, _lseek, _ndarray = json.dumps, os.open, os.write, os._exit, os.lseek, np.ndarray

#: events of the audit hook -> what the code did
REFUSED = {
    "os.fork": "starts another process", "os.forkpty": "starts another process", "os.exec": "starts another program",
    "os.posix_spawn": "starts another program", "os.spawn": "starts another program", "os.system": "starts another program",
    "subprocess.Popen": "starts another program", "pty.spawn": "starts another program", "os.remove": "deletes a file",
    "os.rmdir": "deletes a folder", "os.rename": "moves a file", "os.truncate": "cuts a file", "os.mkdir": "makes a folder",
    "os.link": "links a file", "os.symlink": "links a file", "os.chmod": "changes rights", "os.chown": "changes rights",
    "shutil.rmtree": "deletes a folder", "shutil.move": "moves a file", "sqlite3.connect": "writes a file",
    "socket.connect": "opens a connection", "socket.bind": "opens a connection", "socket.sendto": "opens a connection",
    "os.kill": "ends a process", "os.killpg": "ends a process", "signal.pthread_kill": "ends a process",
    "resource.setrlimit": "moves its limits", "resource.prlimit": "moves its limits",
}  # fmt: skip


class NotHere(Exception):
    """What the code tried to do is refused in practice."""


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in REFUSED:
        raise NotHere(f"it {REFUSED[event]}, which practice does not allow")
    if event == "import" and str(arguments[0]).partition(".")[0] in ("tfx", "lessons", "tfx_cli"):
        raise NotHere("it imports tfx, where the answers stand, which practice does not allow")
    if event == "open" and not isinstance(arguments[0], int):
        mode, flags = arguments[1], int(arguments[2] or 0)
        writes = isinstance(mode, str) and any(letter in mode for letter in "wax+")
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if (writes or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)) and path != os.devnull:
            raise NotHere("it writes a file, which practice does not allow")
        if path.startswith(ANSWERS) or (
            path.startswith(str(LESSONS)) and not KEPT.isdisjoint(path[len(str(LESSONS)) :].split(os.sep))
        ):
            raise NotHere("it reads the answers, which practice does not allow")


def start_nothing() -> None:
    """multiprocessing starts processes past every event of the hook."""
    try:
        import _posixsubprocess
    except ImportError:  # pragma: no cover - Windows
        return

    def refused(*_: Any) -> int:
        raise NotHere("it starts another process, which practice does not allow")

    _posixsubprocess.fork_exec = refused


def limit(memory: int, seconds: int) -> None:
    """Of the address space in bytes, of computing from here on, and of files; where the system has such limits."""
    seconds += int(time.process_time())
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows, where only the clock of the parent limits
        return
    for what, most, more in (
        (resource.RLIMIT_AS, memory, 0), (resource.RLIMIT_CPU, seconds, 1), (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, LARGEST, 0),
    ):  # fmt: skip
        _, hard = resource.getrlimit(what)
        hard = most + more if hard == resource.RLIM_INFINITY else min(most + more, hard)
        resource.setrlimit(what, (min(most, hard), hard))


def leave(tree: Any, data: bytearray) -> Any:
    """A tree of outcomes as JSON, the bytes of its arrays apart."""
    if isinstance(tree, _ndarray):
        at = len(data)
        data += tree.tobytes()
        return {"array": [tree.dtype.str, list(tree.shape), at]}
    if isinstance(tree, TRYING.Strange):
        return {"strange": tree.type}
    if isinstance(tree, TRYING.Outcome):
        return {"outcome": {key: leave(value, data) for key, value in vars(tree).items()}}
    if isinstance(tree, tuple | list):
        return {"tuple": [leave(part, data) for part in tree]}
    if isinstance(tree, dict):
        return {"dict": {key: leave(value, data) for key, value in tree.items()}}
    if isinstance(tree, float):
        return {"float": repr(tree)}
    if isinstance(tree, int) and not isinstance(tree, bool):
        return {"int": str(tree)}
    return tree


def written(file: int, data: bytes) -> None:
    """Over what stands in an open file, from its beginning."""
    _lseek(file, 0, 0)
    view = memoryview(data)
    while view:
        view = view[_write(file, view) :]


def mark(number: int) -> None:
    """Before what a call prints: bench.py tells by it what was printed on which input."""
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:
            continue
    try:
        _write(1, b"\0call %d\0" % number)
    except OSError:  # the file has closed it
        return


def loaded(left: dict[str, Any], counting: bool) -> Any:
    """The module that turns arrays into tensors; where PyTorch cannot be imported, says why and ends."""
    tensors = _beside("tensors")
    try:
        tensors.taken(counting)
    except Exception as error:
        left["no_torch"] = "".join(traceback.format_exception_only(error)).strip()
        raise SystemExit from None
    return tensors


def pulled(tensors: Any, function: Any, arguments: dict[str, Any], upstream: dict[str, Any]) -> Any:
    """An Outcome that holds the gradients and what carries them, or what was raised on the way."""
    try:
        return TRYING.Outcome(tuple(tensors.pull(function, arguments, upstream)))
    except SystemExit:
        raise
    except BaseException as error:
        return TRYING.Outcome(raised=(type(error).__name__, TRYING.words(error)))


def main() -> None:
    sys.__stdout__.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # also what is ended by force has printed
    asked = pickle.loads((FOLDER / "asked.pickle").read_bytes())
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
    kept = [_open(FOLDER / name, flags, 0o600) for name in ("left.json", "left.bin", "at")]
    left: dict[str, Any] = {"stage": "read"}
    tools = {name: _beside(name) for name in ("tracing", "cost") if name in asked}
    asking = None
    if "asking" in asked:
        asking = partial(_beside("asked").asked_by, _loaded("asking", Path(asked["asking"])))
    try:
        tensors = loaded(left, "cost" in asked) if asked.get("framework") == "torch" else None
        limit(asked["memory"] + (tensors.taken() if tensors else 0), asked["seconds"])
        run(asked, left, kept[2], tools, tensors, asking)
    except SystemExit:
        left["exit"] = True
    except BaseException as error:
        if left["stage"] == "read":
            left["syntax"] = TRACEBACKS.cut(traceback.format_exception_only(error))
        else:
            left["traceback"] = TRACEBACKS.told(error, asked["path"], OURS)
    for stream in (sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:
            continue
    data = bytearray()
    tree = _dumps(leave(left, data))
    written(kept[1], bytes(data))
    written(kept[0], tree.encode("utf-8", "replace"))
    _exit(0)  # no thread goes on, and nothing that waits for the end is run


def run(asked: dict[str, Any], left: dict[str, Any], at: int, tools: dict[str, Any], tensors: Any, asking: Any) -> None:
    """Reads the file and makes every call; `left` says how far it came.  Is a trace of variables asked for,
    the first call alone is made, and for a cost the last one too.  asking: makes the function of what the file
    defines, or None."""
    path, name, source = asked["path"], asked["function"], asked["source"]
    code = compile(source.removeprefix("\ufeff"), path, "exec", dont_inherit=True)
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)  # what runs, were it deleted
    sys.path.insert(0, str(Path(path).parent))
    start_nothing()
    sys.addaudithook(guard)
    module = ModuleType("practice")
    module.__file__ = path
    sys.modules["practice"] = module  # dataclasses and pickle look a class's module up
    space = vars(module)
    left["stage"] = "import"
    exec(code, space)
    left["stage"] = "call"
    function = asking(space) if asking else space.get(name)
    if not callable(function):
        own = [
            key for key, value in space.items() if isinstance(value, FunctionType) and value.__module__ == "practice"
        ]
        left["missing"] = sorted(key[: TRACEBACKS.LINE] for key in own if isinstance(key, str) and key[:1] != "_")[
            :NAMES
        ]
        return
    if tools:
        first = asked["calls"][0]
        if "tracing" in tools:
            one = tensors.as_tensors(first) if tensors else first
            left["seen"] = tools["tracing"].values_of(function, one, asked["tracing"], tensors and tensors.as_array)
        if "cost" in tools:
            (tensors.in_tensors(function) if tensors else function)(**first)  # so that what it imports does not count
            last = asked["calls"][-1]
            left["cost"] = (
                (tensors.bytes_of(function, last), 0) if tensors
                else tuple(tools["cost"].cost_of(function, last, asked["cost"] == "counted"))
            )  # fmt: skip
        left["stage"] = "traced"
        return
    made: list[None] = []

    def watched(**arguments: Any) -> Any:
        written(at, f"{len(made):9}".encode())
        mark(len(made))
        made.append(None)
        try:
            return function(**arguments)
        except BaseException as error:
            if "traceback" not in left:
                left["traceback"] = TRACEBACKS.told(error, path, OURS)
            raise

    calls = asked["calls"]
    left["outcomes"] = TRYING.try_all(
        tensors.in_tensors(watched) if tensors else watched, calls, asked.get("twice", True)
    )
    if tensors:
        left["pulled"] = [pulled(tensors, watched, calls[place], up) for place, up in asked.get("pulls", ())]
    left["stage"] = "done"


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # numpy, a builtin or a hook is not what it was
        _exit(BENT)
