"""What a step up a ladder bought: read off the measured rows of two rungs, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]

#: Times that differ by less than this factor count as equal, however steady the clock was.
CLEAR = 1.05
#: Fewer page faults than this are not worth a word.
FAULTS = 100


def step_note(row: Row, before: Row) -> str:
    """What changed, what it bought, and why: the reason to expect more speed, and the price."""
    why, price = row["why"], row["price"]
    comparison = compare(row, before)
    if comparison > 0:
        bought = (f"{row['times_before']:.3g} times faster.", why, price)
    elif comparison < 0:
        bought = (f"{1 / row['times_before']:.3g} times slower here.", price, why and f"The idea: {why}")
    else:
        bought = ("No clear difference here.", why and f"The idea: {why}", price)
    return " ".join(filter(None, (f"{row['rung']} {row['name']}.", row["change"], *bought, faults_note(row, before))))


def faults_note(row: Row, before: Row) -> str:
    """Page faults, where the step made many more of them, or spared them."""
    then, now = before["page_faults"], row["page_faults"]
    if then is None or max(then, now) < FAULTS or max(then, now) < 2 * min(then, now):
        return ""
    return f"Page faults: {then} before, {now} now."


def compare(row: Row, other: Row) -> int:
    """1 when row is clearly faster than the other, -1 when it is clearly slower, 0 when the clock cannot tell."""
    ratio = other["time_s"] / row["time_s"]
    distance = abs(other["time_s"] - row["time_s"])
    if max(ratio, 1 / ratio) < CLEAR or distance < min(other["time_s_half_range"], row["time_s_half_range"]):
        return 0
    return 1 if ratio > 1 else -1
