"""The rows of an experiment that was stopped, in a file: one JSON line for each key whose rows are complete.

A line is appended when its rows have been measured, and the file goes when the experiment is done.  Each line ends with
a digest of itself: one that a kill cut short, or that a disk or a hand has changed, is dropped with all that follows
it, and measured again.  Numbers keep all their digits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from tfx import __version__
from tfx.records import Check


class Piece(NamedTuple):
    """What was measured for one key."""

    rows: Sequence[Mapping[str, Any]]
    checks: Sequence[Check]


def file_name(name: str, params: Mapping[str, Any], seed: int) -> str:
    """Tells apart what must not be mixed: experiment, settings, seed, device, and the version that measured."""
    told = json.dumps([__version__, name, dict(params), seed], sort_keys=True, default=str)
    return f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:16]}.jsonl"


class KeptRows:
    """go_on: with what an earlier run left there; otherwise from nothing.

    Where the file cannot be written, nothing is kept and the experiment goes on: `kept` says how many keys are.
    """

    def __init__(self, path: Path, go_on: bool = False) -> None:
        self.path = path
        self.pieces: dict[str, Piece] = {}
        self.kept = 0
        if go_on:
            self._read()
        else:
            self.forget()

    def find(self, key: Any) -> Piece | None:
        """The rows of that key, or None when they are still to be measured."""
        return self.pieces.get(repr(key))

    def keep(self, key: Any, piece: Piece) -> None:
        self.keep_as(repr(key), piece)

    def keep_as(self, key: str, piece: Piece) -> None:
        """The same for a key as repr writes it."""
        self.pieces[key] = piece
        line = {"key": key, "rows": list(piece.rows), "checks": [asdict(check) for check in piece.checks]}
        text = json.dumps(line, default=_as_plain)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f'{text[:-1]}, "sha256": "{_digest(text)}"}}\n')
        except OSError:  # a full disk or a folder that is read only: what is measured is worth more than keeping it
            return
        self.kept += 1

    def forget(self) -> None:
        """The experiment is done, or starts anew."""
        with contextlib.suppress(OSError):  # where nothing can be written, nothing was kept
            self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace") if self.path.is_file() else ""
        except OSError:  # it cannot be read: measured again
            return
        whole = ""
        for line in text.splitlines(keepends=True):
            try:
                piece = json.loads(line)
                intact = piece.pop("sha256") == _digest(json.dumps(piece))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                break
            if not (intact and line.endswith("\n")):
                break
            checks = [Check(**fields) for fields in piece["checks"]]
            self.pieces[piece["key"]] = Piece(piece["rows"], checks)
            whole += line
        self.kept = len(self.pieces)
        if whole != text:
            with contextlib.suppress(OSError):
                self.path.write_text(whole, encoding="utf-8")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _as_plain(number: Any) -> Any:
    """NumPy's numbers, which JSON does not know."""
    return number.item()
