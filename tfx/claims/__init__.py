"""The ledger: sentences that people repeat about Transformers, each with the measurement that decides.

A file here with a line `SECTION = "..."` is a section; `tfx/claims/claim.py` says what a claim is, and
`mixture_of_experts.py` is the pattern.  `claims()` has them all, by id.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable

from tfx.claims.claim import REGISTERED, Claim, Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.claims.judging import Judged, judge
from tfx.errors import BadInput, unknown_name

__all__ = [
    "Claim", "Evidence", "Judged", "Trial", "claim", "claims", "contradicts", "find_claims", "judge", "not_measurable",
    "supports",
]  # fmt: skip


def claims() -> dict[str, Claim]:
    """id -> claim, every section of this folder, in the order of their ids."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(REGISTERED.items(), key=lambda item: in_order(item[0])))


def in_order(id: str) -> tuple[str, int, str]:
    """C9 before C10."""
    letters, digits = re.fullmatch(r"(\D*)(\d*).*", id, re.DOTALL).groups()  # type: ignore[union-attr]
    return letters, int(digits or 0), id


def find_claims(words: str) -> list[Claim]:
    """The claim of that id; else those of that section, verdict or experiment; else those in whose text all words are.

    Raises BadInput when there is none: for an id with the nearest one.
    """
    known = claims()
    typed = words.strip().lower()
    if found := [one for one in known.values() if one.id.lower() == typed]:
        return found
    if found := [one for one in known.values() if typed in (one.section.lower(), one.verdict, one.experiment)]:
        return found
    if found := [one for one in known.values() if all(word in text_of(one) for word in typed.split())]:
        return found
    if re.fullmatch(r"[a-z]\d+", typed):
        raise unknown_name("claim", words, known, "tfx claims")
    raise BadInput(f'no claim speaks of "{words}".', "See the sections: tfx claims")


def text_of(one: Claim) -> str:
    fields: Iterable[str] = (one.id, one.says, one.why, one.section, one.verdict, one.experiment, one.paper)
    return " ".join(fields).lower()
