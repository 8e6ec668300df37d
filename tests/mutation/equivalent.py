"""Mutants that compute the same thing: equivalent.toml, each with its reason, found again by the text of its line."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.mutation.mutants import Mutant

LIST = Path(__file__).parent / "equivalent.toml"


class Equivalent(NamedTuple):
    file: str
    line: str
    mutation: str
    reason: str


@functools.cache
def equivalents() -> tuple[Equivalent, ...]:
    entries = tomllib.loads(LIST.read_text(encoding="utf-8")).get("equivalent", [])
    return tuple(Equivalent(**entry) for entry in entries)


def is_equivalent(mutant: Mutant) -> bool:
    key = (mutant.file, mutant.line, mutant.mutation)
    return any((entry.file, entry.line, entry.mutation) == key for entry in equivalents())
