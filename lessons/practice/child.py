"""The process in which a learner's file runs: `python child.py FOLDER`.

FOLDER/asked.pickle says what to call with what (written by bench.py, our own words); FOLDER/left.json and left.npz are
what comes of it, which hold no objects, so that reading them runs nothing.  FOLDER/at says which call is being made.

An audit hook refuses to start processes, to write outside of FOLDER, to delete, and to open connections.  It is there
for accidents: whoever wants to get around it can, so that this is no border of security.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(sys.argv[1]).resolve() if __name__ == "__main__" else Path()


def _beside(name: str) -> Any:
    """The module that lies beside this file: as a script it has no package to import from."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


TRYING = _beside("trying")

#: events of the audit hook -> what the code did
REFUSED = {
    "os.fork": "starts another process", "os.forkpty": "starts another process", "os.exec": "starts another program",
    "os.posix_spawn": "starts another program", "os.spawn": "starts another program", "os.system": "starts another program",
    "subprocess.Popen": "starts another program", "os.remove": "deletes a file", "os.rmdir": "deletes a folder",
    "os.rename": "moves a file", "os.truncate": "cuts a file", "os.mkdir": "makes a folder", "os.link": "links a file",
    "os.symlink": "links a file", "os.chmod": "changes rights", "shutil.rmtree": "deletes a folder",
    "shutil.move": "moves a file", "socket.connect": "opens a connection", "socket.bind": "opens a connection",
    "os.kill": "ends a process", "os.killpg": "ends a process", "signal.pthread_kill": "ends a process",
}  # fmt: skip


class NotHere(Exception):
    """What the code tried to do is refused in practice."""


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in REFUSED:
        raise NotHere(f"it {REFUSED[event]}, which practice does not allow")
    if event == "open" and len(arguments) > 1 and isinstance(arguments[0], str | bytes):
        mode, flags = arguments[1], arguments[2] if len(arguments) > 2 else 0
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(int(flags or 0) & 3)
        if writes and not os.path.realpath(os.fsdecode(arguments[0])).startswith((str(FOLDER), os.devnull)):
            raise NotHere("it writes a file, which practice does not allow")


def limit(memory: int, seconds: int) -> None:
    """Of the address space in bytes, and of computing; where the system has such limits."""
    seconds += int(time.process_time())
    try:
        import resource
    except ImportError:  # pragma: no cover - Windows, where only the clock of the parent limits
        return
    for what, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def leave(tree: Any, arrays: list[np.ndarray]) -> Any:
    """A tree of outcomes as JSON, its arrays apart."""
    if isinstance(tree, np.ndarray):
        arrays.append(tree)
        return {"array": len(arrays) - 1}
    if isinstance(tree, TRYING.Strange):
        return {"strange": tree.type}
    if isinstance(tree, TRYING.Outcome):
        return {"outcome": {key: leave(value, arrays) for key, value in vars(tree).items()}}
    if isinstance(tree, tuple | list):
        return {"tuple": [leave(part, arrays) for part in tree]}
    if isinstance(tree, dict):
        return {"dict": {key: leave(value, arrays) for key, value in tree.items()}}
    if isinstance(tree, float):
        return {"float": repr(tree)}
    if isinstance(tree, int) and not isinstance(tree, bool):
        return {"int": str(tree)[:400]}
    return tree


def told(error: BaseException, path: str) -> str:
    """The traceback from the learner's file on, without the frames above it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = next((place for place, frame in enumerate(frames) if frame.filename == path), len(frames))
    if own == len(frames):
        return "".join(traceback.format_exception_only(error))
    listed = traceback.format_list([frame for frame in frames[own:] if frame.filename != __file__])
    return "".join(["Traceback (most recent call last):\n", *listed, *traceback.format_exception_only(error)])


def loaded(left: dict[str, Any]) -> Any:
    """The module that turns arrays into tensors; where PyTorch cannot be imported, says why and ends."""
    tensors = _beside("tensors")
    try:
        tensors.taken()
    except Exception as error:
        left["no_torch"] = "".join(traceback.format_exception_only(error)).strip()
        raise SystemExit from None
    return tensors


def pulled(tensors: Any, function: Any, arguments: dict[str, Any], upstream: dict[str, Any]) -> Any:
    """An Outcome that holds the gradients and what carries them, or what was raised on the way."""
    try:
        return TRYING.Outcome(tuple(tensors.pull(function, arguments, upstream)))
    except Exception as error:
        return TRYING.Outcome(raised=(type(error).__name__, str(error)))


def main() -> None:
    asked = pickle.loads((FOLDER / "asked.pickle").read_bytes())
    path, name, calls = asked["path"], asked["function"], asked["calls"]
    save, dump, at = np.savez, json.dumps, str(FOLDER / "at")
    left: dict[str, Any] = {"stage": "read"}
    try:
        tensors = loaded(left) if asked["framework"] == "torch" else None
        limit(asked["memory"] + (tensors.taken() if tensors else 0), asked["seconds"])
        code = compile(asked["source"], path, "exec")
        sys.path.insert(0, str(Path(path).parent))
        sys.addaudithook(guard)
        space: dict[str, Any] = {"__name__": "practice", "__file__": path}
        left["stage"] = "import"
        exec(code, space)
        left["stage"] = "call"
        function = space.get(name)
        if not callable(function):
            left["missing"] = sorted(key for key, value in space.items() if callable(value) and not key.startswith("_"))
        else:
            seen: list[str] = []

            def watched(**arguments: Any) -> Any:
                with open(at, "w", encoding="utf-8") as file:
                    file.write(str(len(seen)))
                seen.append("")
                try:
                    return function(**arguments)
                except BaseException as error:
                    if "traceback" not in left:
                        left["traceback"] = told(error, path)
                    raise

            left["outcomes"] = TRYING.try_all(tensors.in_tensors(watched) if tensors else watched, calls)
            if tensors:
                left["pulled"] = [pulled(tensors, watched, calls[place], up) for place, up in asked["pulls"]]
            left["stage"] = "done"
    except SyntaxError as error:
        left["syntax"] = "".join(traceback.format_exception_only(error))
    except Exception as error:
        left["traceback"] = told(error, path)
    except SystemExit:
        left["exit"] = True
    arrays: list[np.ndarray] = []
    tree = leave(left, arrays)
    save(str(FOLDER / "left.npz"), *arrays)
    (FOLDER / "left.json").write_text(dump(tree), encoding="utf-8")


if __name__ == "__main__":
    main()
