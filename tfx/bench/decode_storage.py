"""Where stored keys lie while tokens are added: in one buffer, from which nothing is moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfx.bench.decode_readers import after, reader, stored_in
from tfx.measure.verdicts import at_least, at_most, exactly
from tfx.models import GPT
from tfx.records import Check

ITEMSIZE = 4  # float32


def nothing_copied(model: GPT, ids: np.ndarray, context: int, n_tokens: int) -> tuple[Check, ...]:
    """ids: (1, T), read up to the context; then as many tokens are added, one after the other."""
    writer = after(reader(model, "stored"), ids[:, :context])
    seen = []
    for _ in range(n_tokens):
        writer.read(ids[:, :1], 1)
        seen.append([each.storage_k for each in stored_in(writer)])
    moved = sum(each.moved_bytes for each in stored_in(writer))
    arrays = max(len({id(array) for array in block}) for block in zip(*seen, strict=True))
    return (
        exactly("one-buffer", f"while {n_tokens} tokens are added, so many arrays hold the keys of a block", 1, arrays),
        exactly("nothing-moved", "bytes that were moved to make room for them", 0, moved),
    )


def storage(
    model: GPT, ids: np.ndarray, rows: Sequence[Mapping[str, Any]], d_model: int, n_tokens: int
) -> tuple[Check, ...]:
    """That nothing which is stored is copied while tokens are added, and that memory does not grow as if it were."""
    checks = nothing_copied(model, ids, rows[0]["context"], n_tokens)
    if rows[0]["stored_peak_mib"] is None:
        return checks
    keys = d_model * ITEMSIZE
    less, more = "less than a block's keys", "a block's keys and values, or more"
    slopes = {way: memory_slope(rows, way) for way in ("stored", "joined")}
    return (
        *checks,
        at_most("memory", f"bytes that one token needs, for each one stored: {less}", keys, slopes["stored"]),
        at_least("memory-joined", f"... where arrays are joined: {more}", 2 * keys, slopes["joined"]),
    )


def memory_slope(rows: Sequence[Mapping[str, Any]], way: str) -> float:
    """Extra bytes of one token, for each further token of context."""
    key, first, last = f"{way}_peak_mib", rows[0], rows[-1]
    return float((last[key] - first[key]) * 2**20 / (last["context"] - first["context"]))
