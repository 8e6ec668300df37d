"""What a reader asks a lesson to run on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Request:
    """What the reader asked a lesson to run on.

    text: the reader's own sentence, or None for the topic's own.  settings: the topic's, as `--set` changed them.
    untrained: random weights in the place of trained ones.
    """

    text: str | None
    seed: int
    settings: Any
    untrained: bool = False
