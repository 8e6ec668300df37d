"""What a check of `tfx doctor` says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `action` is what to type or do about a problem."""

    area: str
    name: str
    value: str
    state: State = "ok"
    action: str = ""
