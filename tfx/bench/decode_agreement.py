"""Whether the three readers of the benchmark `decode` write the same text, and from the same logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tfx.bench.decode_readers import WAYS
from tfx.measure.verdicts import at_most, exactly, largest
from tfx.records import Check

#: So many tokens are written in each way, and must be the same.
WRITTEN = 24
#: The largest difference between logits, as a share of the largest logit.
TOLERANCE = 1e-5


def largest_difference(logits: Mapping[tuple[str, int], np.ndarray], contexts: Sequence[int]) -> float:
    """Between the logits of a whole pass and those of the other ways, as a share of the largest logit."""
    found = []
    for n in contexts:
        want = logits["recomputed", n]
        others = (logits["stored", n], logits["joined", n])
        found += [float(np.abs(have - want).max() / np.abs(want).max()) for have in others]
    return largest(found)


def same_numbers(texts: Mapping[str, np.ndarray], difference: float) -> tuple[Check, ...]:
    differing = sum(int((texts[way] != texts["recomputed"]).sum()) for way in WAYS)
    largest = "the largest difference between their logits, at every context, as a share of the largest logit"
    return (
        exactly("tokens", f"of {WRITTEN} tokens, written in three ways, so many differ", 0, differing),
        at_most("logits", largest, TOLERANCE, difference),
    )
