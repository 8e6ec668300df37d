"""When a text is finished: an end token, a sequence that was to stop it, or the length that was asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tfx.arguments import whole_number

END, STOP, LENGTH = "end", "stop", "length"


@dataclass(frozen=True)
class Stopping:
    """end: a token, or several, any of which ends a text.  sequences: tokens that end it when they stand last.

    Only new tokens count, not those of the prompt.  What ended the text is part of it.
    """

    end: int | Collection[int] | None = None
    sequences: Sequence[Sequence[int]] = ()

    def __post_init__(self) -> None:
        for token in self.end_tokens:
            whole_number("an end token", token)
        for sequence in self.sequences:
            if not isinstance(sequence, Sequence | np.ndarray):
                raise TypeError(f"sequences are rows of tokens, not {sequence!r}")
            for token in sequence:
                whole_number("a token of a stop sequence", token)
        if any(len(sequence) == 0 for sequence in self.sequences):
            raise ValueError("an empty stop sequence would end every text before its first token")

    @property
    def end_tokens(self) -> frozenset[int]:
        """All tokens that end a text."""
        if self.end is None:
            return frozenset()
        return frozenset(self.end if isinstance(self.end, Collection) else [self.end])

    def reason(self, written: Sequence[int]) -> str | None:
        """Why a text with these new tokens is finished: "end", "stop", or None when it is not."""
        if not written:
            return None
        if written[-1] in self.end_tokens:
            return END
        for sequence in self.sequences:
            if list(written[-len(sequence) :]) == list(sequence):
                return STOP
        return None
