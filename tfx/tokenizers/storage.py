"""Tokenizers on disk: one JSON document, plain text, nothing in it that could run.

    {"format": "tfx-tokenizer", "version": 1, "kind": "bpe", "state": {...}}

Writing is atomic: a temporary file in the same folder, fsync, then os.replace.  Equal tokenizers give equal bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from tfx.errors import BadInput, EnvironmentProblem

FORMAT = "tfx-tokenizer"
VERSION = 1

T = TypeVar("T")


def write(path: Path, kind: str, state: dict[str, Any]) -> None:
    """Raises EnvironmentProblem when the folder or the disk refuses; the file that was there is then unchanged."""
    document = {"format": FORMAT, "version": VERSION, "kind": kind, "state": state}
    text = json.dumps(document, allow_nan=False, indent=0, sort_keys=True) + "\n"
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "w", encoding="ascii", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as problem:
        raise EnvironmentProblem(
            f"cannot write {path}: {problem.strerror or problem}.", "Choose another path, then run it again."
        ) from problem
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()  # after Ctrl-C or a full disk nothing half-written stays behind


def kind_of(path: Path) -> str:
    """The kind of tokenizer in the file.  Raises BadInput when the file is missing or not one of ours."""
    return str(_document(path)["kind"])


def read(path: Path, kind: str, build: Callable[[dict[str, Any]], T]) -> T:
    """`build` of the stored state.  Raises BadInput for a missing or damaged file, or one of another kind."""
    document = _document(path)
    if document["kind"] != kind:
        raise BadInput(f"{path} holds a {document['kind']!r} tokenizer, not {kind!r}.", "Load it as what it is.")
    try:
        return build(document["state"])
    except (TypeError, ValueError, KeyError, AttributeError) as problem:
        raise BadInput(f"{path} is damaged: {problem}.", "Train and save the tokenizer again.") from problem


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}.", "Check the path.") from None
    except OSError as problem:
        raise EnvironmentProblem(f"cannot read {path}: {problem.strerror or problem}.", "Check the path.") from problem
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{path} is not a tokenizer: {problem}.", "Train and save the tokenizer again.") from problem
    if not isinstance(document, dict) or document.get("format") != FORMAT or not {"kind", "state"} <= document.keys():
        raise BadInput(f"{path} is not a tokenizer that tfx wrote.", "Give a file written by save.")
    if document.get("version") != VERSION:
        raise BadInput(f"{path} has version {document.get('version')}; this tfx reads {VERSION}.", "Update tfx.")
    return document
