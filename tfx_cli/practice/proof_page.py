"""How a proof is shown: the kill matrix, a row for each mistake and a sign for each input, and what is at fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tfx.errors import many
from tfx_cli.render.wrapping import wrapped

if TYPE_CHECKING:
    from lessons.practice.debug.proving import ProgramProof
    from lessons.practice.derive.proving import DerivationProof
    from lessons.practice.exercise import Exercise
    from lessons.practice.proving import Proof


def proof_lines(proof: Proof, exercise: Exercise, width: int, with_inputs: bool) -> Iterator[str]:
    """with_inputs: also says what each column is."""
    well = "proved" if not proof.faults else "NOT PROVED"
    counts = f"{proof.mistakes} mistakes, {proof.equals} equal ways, {proof.inputs} inputs"
    yield from wrapped(f"{proof.exercise}   {well}: {counts}", width)
    if proof.kills:
        yield from _matrix(proof, width)
    if with_inputs and proof.inputs:
        yield "  inputs"
        for number, case in enumerate(exercise.cases, start=1):
            first, *rest = wrapped(case.about, width - 6)
            yield f"  {number:>2}  {first}"
            yield from ("      " + more for more in rest)
    if proof.faults:
        yield from _steps(proof, width)


def _matrix(proof: Proof, width: int) -> Iterator[str]:
    """x where a mistake shows on an input.  Names stand behind the row, or below it where there is no room."""
    columns = range(1, proof.inputs + 1)
    if proof.inputs >= 10:
        yield "  " + "".join(str(number // 10) if number % 10 == 0 else " " for number in columns).rstrip()
    yield "  " + "".join(str(number % 10) for number in columns)
    longest = max(len(mistake.partition("/")[2]) for mistake in proof.kills)
    beside = 2 + proof.inputs + 2 + longest <= width
    for mistake, places in proof.kills.items():
        row = "".join("x" if place in places else "." for place in range(proof.inputs))
        name = mistake.partition("/")[2]
        if beside:
            yield f"  {row}  {name}"
        else:
            yield from (f"  {name}", f"  {row}")


def _steps(proof: Proof, width: int) -> Iterator[str]:
    """The steps in their order, with the first fault of the first one to begin with."""
    for number, step in enumerate(proof.steps, start=1):
        word = "well" if step.well else "to do" if step.faults else "later"
        yield f"  {number} {step.name:<11} {word}"
        for fault in step.faults:
            for place, line in enumerate(wrapped(f"fault: {fault}", width - 6)):
                yield ("    " if not place else "      ") + line


def derivation_lines(proof: DerivationProof, width: int) -> Iterator[str]:
    well = "proved" if not proof.faults else "NOT PROVED"
    counts = f"{len(proof.slips)} slips, {proof.equals} equal ways, {proof.drawings} drawings"
    yield from wrapped(f"derive/{proof.derivation}   {well}: {counts}", width)
    for fault in proof.faults:
        yield from ("  " + line for line in wrapped(f"fault: {fault}", width - 2))


def sum_of(
    proofs: Sequence[Proof], derived: Sequence[DerivationProof], debugs: Sequence[ProgramProof], faults: int
) -> str:
    """What was proved, counted."""
    counts = []
    if proofs or not (derived or debugs):
        counts += [many(len(proofs), "exercise"), many(sum(proof.mistakes for proof in proofs), "mistake")]
    if derived:
        counts += [many(len(derived), "derivation"), many(sum(len(proof.slips) for proof in derived), "slip")]
    if debugs:
        counts += [many(len(debugs), "program"), many(sum(len(proof.symptoms) for proof in debugs), "bug")]
    return ", ".join([*counts, many(faults, "fault")])


def proof_rows(proof: Proof) -> Iterator[str]:
    """The same as records: a word, a tab, what it is."""
    yield f"exercise\t{proof.exercise}\t{'proved' if not proof.faults else 'not proved'}"
    for mistake, places in proof.kills.items():
        row = "".join("x" if place in places else "." for place in range(proof.inputs))
        yield f"mistake\t{mistake}\t{row}"
    yield from (f"fault\t{step.name}\t{fault}" for step in proof.steps for fault in step.faults)


def proof_document(proof: Proof) -> dict[str, Any]:
    return {
        "exercise": proof.exercise,
        "proved": not proof.faults,
        "mistakes": proof.mistakes,
        "equal_ways": proof.equals,
        "inputs": proof.inputs,
        "kills": {mistake: list(places) for mistake, places in proof.kills.items()},
        "faults": list(proof.faults),
        "steps": [{"name": step.name, "well": step.well, "faults": list(step.faults)} for step in proof.steps],
    }
