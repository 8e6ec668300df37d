"""A derivation, a line and its proof as fields of JSON, and as records of words and tabs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tfx_cli.practice.derive.progress import Kept
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from lessons.practice.derive.derivation import Derivation
    from lessons.practice.derive.judging import Attempt, LineVerdict
    from lessons.practice.derive.proving import DerivationProof


def derivation_document(derivation: Derivation, kept: Kept) -> dict[str, Any]:
    from lessons.practice.derive.derivation import derivation_topic

    return {
        "name": derivation.name,
        "title": derivation.title,
        "topic": derivation_topic(derivation).name,
        "step": derivation.step or None,
        "axes": dict(derivation.axes),
        "given": [
            {"name": one.name, "axes": one.axes.split(), "says": one.says, "formula": one.by or None}
            for one in derivation.given
        ],
        "targets": [{"name": one.name, "axes": one.axes.split(), "says": one.says} for one in derivation.targets],
        "slips": [slip.id for slip in derivation.slips],
        "state": kept.word,
    }


def attempt_document(attempt: Attempt) -> dict[str, Any]:
    derivation = attempt.derivation
    return {
        "derivation": derivation.name,
        "passed": attempt.ends_well,
        "targets": {one.name: attempt.last.get(one.name, False) for one in derivation.targets},
        "lines": [line_document(verdict) for verdict in attempt.verdicts],
    }


def line_document(verdict: LineVerdict) -> dict[str, Any]:
    """place: of the caret, counted from 1."""
    slip = verdict.slip
    return {
        "line": verdict.line,
        "name": verdict.name or None,
        "verdict": verdict.kind,
        "says": verdict.says,
        "shape": verdict.shape or None,
        "slip": {"id": slip.id, "name": slip.says, "why": slip.why, "hint": slip.hint} if slip else None,
        "candidates": [{"id": one.id, "name": one.says} for one in verdict.candidates],
        "evidence": list(verdict.evidence),
        "place": None if verdict.at is None else verdict.at + 1,
    }


def line_rows(verdict: LineVerdict) -> Iterator[str]:
    yield f"line\t{verdict.kind}\t{on_one_line(verdict.line)}\t{verdict.says}"
    yield from (f"evidence\t{text}" for text in verdict.evidence)
    if verdict.at is not None:
        yield f"place\t{verdict.at + 1}"
    if verdict.slip:
        yield f"slip\t{verdict.slip.id}\t{verdict.slip.says}"
        yield f"hint\t{verdict.slip.hint}"
    yield from (f"candidate\t{one.id}\t{one.says}" for one in verdict.candidates)


def given_rows(derivation: Derivation) -> Iterator[str]:
    yield f"derivation\t{derivation.name}\t{derivation.title}"
    yield f"about\t{derivation.about}"
    yield from (f"axis\t{letter}\t{says}" for letter, says in derivation.axes.items())
    yield from (f"given\t{one.name}\t{one.axes}\t{one.says}\t{one.by}" for one in derivation.given)
    yield from (f"target\t{one.name}\t{one.axes}\t{one.says}" for one in derivation.targets)


def proof_document(proof: DerivationProof) -> dict[str, Any]:
    return {
        "derivation": proof.derivation,
        "proved": not proof.faults,
        "slips": list(proof.slips),
        "equal_ways": proof.equals,
        "drawings": proof.drawings,
        "faults": list(proof.faults),
    }


def proof_rows(proof: DerivationProof) -> Iterator[str]:
    yield f"derivation\t{proof.derivation}\t{'proved' if not proof.faults else 'not proved'}"
    yield from (f"slip\t{slip}" for slip in proof.slips)
    yield from (f"fault\t{fault}" for fault in proof.faults)
