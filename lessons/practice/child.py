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
import traceback
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(sys.argv[1]).resolve() if __name__ == "__main__" else Path()


def _loaded(name: str, path: Path) -> Any:
    """The module of a file: as a script this one has no package to import from."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


TRYING = _loaded("trying", Path(__file__).with_name("trying.py"))

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


class Functions:
    """What a learner's file has, by name."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.__dict__.update(space)

    def __getattr__(self, name: str) -> Any:
        raise NameError(f"the file has no {name}")


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


def main() -> None:
    asked = pickle.loads((FOLDER / "asked.pickle").read_bytes())
    path, name, calls = asked["path"], asked["function"], asked["calls"]
    save, dump, at = np.savez, json.dumps, str(FOLDER / "at")
    limit(asked["memory"], asked["seconds"])
    left: dict[str, Any] = {"stage": "read"}
    asking = _loaded("asking", Path(asked["asking"])) if asked["asking"] else None
    try:
        code = compile(asked["source"], path, "exec")
        sys.path.insert(0, str(Path(path).parent))
        sys.addaudithook(guard)
        space: dict[str, Any] = {"__name__": "practice", "__file__": path}
        left["stage"] = "import"
        exec(code, space)
        left["stage"] = "call"
        if asking is None:
            function = space.get(name)
        else:
            functions = Functions(space)

            def function(name: str, arguments: dict[str, Any]) -> Any:
                return getattr(asking, name)(functions, **arguments)

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

            left["outcomes"] = TRYING.try_all(watched, calls, asked["twice"])
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
