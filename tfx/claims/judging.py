"""Measures a claim, and says what came out: the verdict follows from the checks alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tfx.claims.claim import Claim, Contradicts, Supports, Trial, Verdict
from tfx.records import Check


@dataclass(frozen=True)
class Judged:
    """found: the verdict of this measurement, or "" where it decides nothing.  checks: with what each speaks for."""

    claim: Claim
    found: str
    checks: tuple[tuple[str, Check], ...]

    @property
    def number(self) -> str:
        """What settles it: the first check's measurement, in words or to four digits."""
        return shown_number(self.checks[0][1].measured) if self.checks else ""

    @property
    def changed(self) -> bool:
        """The verdict is another than the one on record, or what is said beside it is not so."""
        return self.found != self.claim.verdict or not all(check.holds for role, check in self.checks if role == "")


def judge(claim: Claim, trial: Trial) -> Judged:
    """Measures.  A claim that is not measurable here is not changed by anything."""
    if claim.measure is None:
        return Judged(claim, Verdict.open, ())
    checks = []
    for found in claim.measure(trial):
        role = "for" if isinstance(found, Supports) else "against" if isinstance(found, Contradicts) else ""
        checks.append((role, found if isinstance(found, Check) else found.check))
    return Judged(claim, verdict_of(checks), tuple(checks))


def verdict_of(checks: Sequence[tuple[str, Check]]) -> str:
    """By the rule of `tfx/claims/claim.py`; "" where nothing decides."""
    speaking_for = [check.holds for role, check in checks if role == "for"]
    against = [check.holds for role, check in checks if role == "against"]
    if speaking_for and all(speaking_for):
        return Verdict.conditional if any(against) else Verdict.holds
    return Verdict.fails if any(against) and not any(speaking_for) else ""


def shown_number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
