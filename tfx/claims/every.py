"""Every claim, one after the other: an experiment whose rows are verdicts.  `tfx claims --all` runs it.

Each claim is a key of its own, so that Ctrl-C loses at most the one in hand, --resume goes on, and workers share them.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tfx.claims import Trial, claims, judge
from tfx.claims.judging import Judged
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import exactly
from tfx.records import Check, Column, Plot, Text
from tfx.settings import setting

TITLE = "Every claim, measured now"
CLAIM = "Each verdict of the ledger comes out again."
HOST_ONLY = "the claims are measured on the CPU."

COLUMNS = (
    Column("id", "claim"),
    Column("recorded", "verdict on record"),
    Column("found", "verdict now"),
    Column("number", "number that settles it"),
    Column("says", "what is said", detail=True),
    Column("experiment", "experiment", detail=True),
    Column("paper", "paper", detail=True),
    Column("seconds", "time", "s", digits=2, detail=True),
)


@dataclass(frozen=True)
class Settings:
    only: tuple[str, ...] = setting((), about="ids, such as C001,C005; all unless told", at_least=0)

    def check(self) -> None:
        """Raises BadInput for an id that is not there."""
        if unknown := [id for id in self.only if id not in claims()]:
            raise BadInput(f'no claim has the id "{unknown[0]}".', "See all: tfx claims --plain")


def rows(run: Run[Settings]) -> Measured:
    known = claims()
    for id in run.over(run.settings.only or known, "{}"):
        began = time.process_time()
        judged = judge(known[id], Trial(run.seed, run.quick))
        yield row_of(judged, time.process_time() - began)


def row_of(judged: Judged, seconds: float) -> dict[str, Any]:
    one = judged.claim
    return {
        "id": one.id,
        "recorded": one.verdict.value,
        "found": str(judged.found) or "undecided",
        "changed": judged.changed,
        "number": judged.number,
        "says": one.says,
        "experiment": one.experiment,
        "paper": one.paper,
        "seconds": seconds,
    }


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    changed = [row["id"] for row in run.rows if row["changed"]]
    return (exactly("verdicts", "verdicts that have changed", "none", ", ".join(changed) or "none"),)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    counts = Counter(row["found"] for row in run.rows)
    told = ", ".join(f'{n} "{verdict}"' for verdict, n in counts.most_common())
    return (Text(f"{len(run.rows)} claims: {told}."),)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """Those whose verdict has changed."""
    return tuple(index for index, row in enumerate(run.rows) if row["changed"])


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    return ()
