"""Bets on verdicts: what the reader thought before a claim was measured.

One line of JSON for each, appended to a file in the data folder; none is ever changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tfx.errors import EnvironmentProblem, many
from tfx_cli.learner.state_file import data_folder, make_data_folder, stamp

if TYPE_CHECKING:
    from tfx.claims import Claim

CHOICES = ("holds", "holds when", "does not hold")


def bets_path() -> Path:
    return data_folder() / "bets.jsonl"


def settled(one: Claim, bet: str, found: str) -> str:
    """What is said to the bet, which is kept; "" where there is none.

    Raises EnvironmentProblem if it cannot be kept.
    """
    if not bet:
        return ""
    keep({"at": stamp(datetime.now(UTC)), "claim": one.id, "bet": bet, "found": found})
    before = list(kept())
    right = sum(line["bet"] == line["found"] for line in before)
    word = "Right" if bet == found else f"You said: {bet}"
    return f"{word}.  Right so far: {right} of {many(len(before), 'bet')}."


def keep(bet: dict[str, str]) -> None:
    try:
        make_data_folder()
        with bets_path().open("a", encoding="utf-8") as file:
            file.write(json.dumps(bet) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise EnvironmentProblem(
            f"your bet cannot be kept: {error.strerror}.", "Make room or permit writing."
        ) from error


def kept() -> Iterator[dict[str, str]]:
    """Every bet; a line that was cut short or changed by other hands counts for nothing."""
    text = bets_path().read_text(encoding="utf-8", errors="replace") if bets_path().is_file() else ""
    for line in text.splitlines():
        try:
            bet = json.loads(line)
        except ValueError:
            continue
        if isinstance(bet, dict) and {"claim", "bet", "found"} <= bet.keys():
            yield bet
