"""One verdict for each line of a derivation, the slip that it is, or what it has in common with the right one.

    unreadable    the grammar does not have it, or it uses a name that there is not
    shapes        an operation in it, or the whole of it, has axes that do not fit
    not finite    somewhere in it infinity arises, or no number
    wrong         a line for a target that gives something else, by EXACT of the largest number, on some drawing
    defined       a helper: any name that is no target
    holds         a line for a target that gives the true derivative on every drawing

A slip is named only where the line gives on all drawings what that slip gives.  Where neither can be worked out, both
have to stop at the same operation on the same two arrays, since nothing of what stands around it was reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lessons.practice.derive.derivation import Derivation, Drawing, Slip, Target
from lessons.practice.derive.doctor import evidence_of
from lessons.practice.derive.formula import Line, read_line
from lessons.practice.derive.signs import in_ascii, key_of
from lessons.practice.derive.tokens import CannotRead, NoEquals
from lessons.practice.derive.tree import FUNCTIONS
from lessons.practice.derive.working_out import Misfit, Scope, work_out
from tfx.backend import Array

#: relative to the largest number of the true derivative; and how many lines one derivation may take
EXACT, MOST_LINES = 1e-8, 200


@dataclass(frozen=True)
class LineVerdict:
    """kind: one of the words above.  at: the place in the line under which a caret stands, or None.  shape: of what
    the line gives, with the letters of its axes."""

    line: str
    name: str
    kind: str
    says: str
    shape: str = ""
    evidence: tuple[str, ...] = ()
    slip: Slip | None = None
    candidates: tuple[Slip, ...] = ()
    at: int | None = None

    @property
    def fine(self) -> bool:
        return self.kind in ("holds", "defined")


@dataclass
class Attempt:
    """What one learner has so far of a derivation.  held: targets for which a line holds; last: target -> whether the
    last line for it does."""

    derivation: Derivation
    verdicts: list[LineVerdict] = field(default_factory=list)
    held: dict[str, LineVerdict] = field(default_factory=dict)
    last: dict[str, bool] = field(default_factory=dict)
    own: list[dict[str, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.own = [{} for _ in self.derivation.drawings]

    @classmethod
    def knowing(cls, derivation: Derivation, but: str = "") -> Attempt:
        """One that may use all true derivatives, but for one."""
        attempt = cls(derivation)
        for own, drawing in zip(attempt.own, derivation.drawings, strict=True):
            own.update({name: value for name, value in drawing.truth.items() if name != but})
        return attempt

    @property
    def passed(self) -> bool:
        """All targets hold."""
        return all(target.name in self.held for target in self.derivation.targets)

    @property
    def ends_well(self) -> bool:
        """All targets hold, and no later line for one of them is wrong."""
        return self.passed and all(self.last.values())

    def judge(self, line: str) -> LineVerdict:
        """Judges a line.  What it defines, and the target that it finds, may be used in later lines."""
        verdict = self._judged(line)
        self.verdicts.append(verdict)
        if self.derivation.target(verdict.name):
            self.last[verdict.name] = verdict.kind == "holds"
            if verdict.kind == "holds":
                self.held[verdict.name] = verdict
        return verdict

    def _judged(self, line: str) -> LineVerdict:
        try:
            read = read_line(line)
            name = self._name_of(read)
            if len(self.verdicts) >= MOST_LINES:
                raise CannotRead(f"a derivation has at most {MOST_LINES} lines; begin again.", 0)
        except NoEquals as problem:
            name = self.derivation.targets[0].name
            says = f"a line has a sign = in it, such as {name} = ... or one for a name of your own."
            return LineVerdict(line, "", "unreadable", says, at=problem.at)
        except CannotRead as problem:
            return LineVerdict(line, _left_of(self.derivation, line), "unreadable", problem.message, at=problem.at)
        target = self.derivation.target(name)
        scopes = [self._scope(drawing, own) for drawing, own in zip(self.derivation.drawings, self.own, strict=True)]
        found: list[Array | Misfit] = []
        for scope in scopes:
            try:
                found.append(work_out(read.formula, scope))
            except CannotRead as problem:
                return LineVerdict(line, name, "unreadable", problem.message, at=problem.at)
            except Misfit as problem:
                found.append(problem)
        misfit = next((one for one in found if isinstance(one, Misfit)), None)
        if misfit is not None:
            return self._misfit(line, name, target, found, misfit, scopes)
        values = [value for value in found if not isinstance(value, Misfit)]
        verdict = self._worked_out(line, name, target, values, scopes)
        if verdict.fine:
            for own, value, drawing in zip(self.own, values, self.derivation.drawings, strict=True):
                own[name] = value.reshape(drawing.truth[name].shape) if target else value
        return verdict

    def _name_of(self, read: Line) -> str:
        """The name on the left, in the derivation's own spelling.  Raises CannotRead for one that is taken."""
        derivation = self.derivation
        name = derivation.also.get(read.name, read.name)
        for target in derivation.targets:
            if key_of(target.name) == key_of(name):
                return target.name
            whole, _, index = name.rpartition("_")
            if whole == target.name and set(index) <= set("ijklmnt"):
                raise CannotRead(f"indices are not written: begin the line with {whole} = ", read.at)
        other = f"{read.name} is another name of {name}. " if name != read.name else ""
        meant = next((one.name for one in derivation.targets if one.name.lower() == read.name.lower()), "")
        ending = f"Did you mean {meant}?" if meant else "Call yours something else."
        taken = next((one for one in derivation.given if key_of(one.name) == key_of(name)), None)
        if taken:
            raise CannotRead(f"{other}{taken.name} is given: {taken.says}. {ending}", read.at)
        if name in derivation.axes or name in FUNCTIONS or name in ("pi", "T", "np"):
            raise CannotRead(f"{other}{name} has a meaning already. {ending}", read.at)
        return name

    def _scope(self, drawing: Drawing, own: dict[str, Array]) -> Scope:
        derivation = self.derivation
        missing = {one.name: "a line for it has to hold first." for one in derivation.targets if one.name not in own}
        missing |= {other: missing[name] for other, name in derivation.also.items() if name in missing}
        return Scope(drawing.sizes, {**drawing.given, **own}, derivation.words, derivation.also, missing)

    def _misfit(
        self, line: str, name: str, target: Target | None, found: Sequence[Array | Misfit], misfit: Misfit,
        scopes: Sequence[Scope],
    ) -> LineVerdict:  # fmt: skip
        slips = self._slips(target, found)
        return LineVerdict(
            line, name, "shapes", misfit.message, evidence=tuple(_would_fit(misfit, scopes[0])), at=misfit.at,
            slip=slips[0] if len(slips) == 1 else None, candidates=slips if len(slips) > 1 else (),
        )  # fmt: skip

    def _worked_out(
        self, line: str, name: str, target: Target | None, values: Sequence[Array], scopes: Sequence[Scope]
    ) -> LineVerdict:
        shape, notes = scopes[0].axes(values[0].shape), tuple(dict.fromkeys(scopes[0].notes))
        arose = next((scope.not_finite[0] for scope in scopes if scope.not_finite), None)
        if arose is not None:
            says = "from here on an entry is infinite, or no number."
            return LineVerdict(line, name, "not finite", says, shape, notes, at=arose)
        if target is None:
            says = f"{name} is a helper: {shape}."
            return LineVerdict(line, name, "defined", says, shape, (*self._is_target(name, values), *notes))
        truths = [drawing.truth[name] for drawing in self.derivation.drawings]
        if all(alike(value, truth, truth) for value, truth in zip(values, truths, strict=True)):
            return LineVerdict(line, name, "holds", f"{name} holds: {target.says}.", shape, notes)
        slips = self._slips(target, values)
        kind, says = "wrong", f"{name} is something else."
        if any(_squeezed(value).shape != truth.shape for value, truth in zip(values, truths, strict=True)):
            kind, says = "shapes", f"this gives {shape}, and {name} is {scopes[0].axes(truths[0].shape)}."
        found = [_squeezed(value) for value in values]
        evidence = (
            *evidence_of(name, found, truths, self.derivation.drawings),
            *self._of_another(name, values),
            *notes,
        )
        return LineVerdict(
            line, name, kind, says, shape, evidence, slips[0] if len(slips) == 1 else None,
            slips if len(slips) > 1 else (),
        )  # fmt: skip

    def _of_another(self, name: str, values: Sequence[Array]) -> tuple[str, ...]:
        """Says so where a wrong line is what another target has to be."""
        for target in self.derivation.targets:
            truths = [drawing.truth[target.name] for drawing in self.derivation.drawings]
            if target.name != name and all(map(alike, values, truths, truths)):
                return (f"it is what {target.name} has to be.",)
        return ()

    def _is_target(self, name: str, values: Sequence[Array]) -> tuple[str, ...]:
        """Says so where a helper is what is looked for, or has its name but for a capital letter."""
        for target in self.derivation.targets:
            truths = [drawing.truth[target.name] for drawing in self.derivation.drawings]
            if target.name not in self.held and all(map(alike, values, truths, truths)):
                return (f"it is what {target.name} has to be: begin the line with {target.name} = ",)
        for target in self.derivation.targets:
            if target.name not in self.held and target.name.lower() == name.lower():
                return (f"{target.name}, which is looked for, is another name: capital letters count.",)
        return ()

    def _slips(self, target: Target | None, found: Sequence[Array | Misfit]) -> tuple[Slip, ...]:
        if target is None:
            return ()
        truths = [drawing.truth[target.name] for drawing in self.derivation.drawings]
        return tuple(
            slip for slip in self.derivation.slips
            if slip.target == target.name and same_outcomes(found, outcomes(self.derivation, slip.line), truths)
        )  # fmt: skip


def outcomes(derivation: Derivation, line: str) -> list[Array | Misfit]:
    """What a line of our own gives on every drawing; it may use all true derivatives."""
    key = (derivation, line)
    if key not in _OUTCOMES:
        formula = read_line(line).formula
        _OUTCOMES[key] = [_outcome(formula, derivation, drawing) for drawing in derivation.drawings]
    return _OUTCOMES[key]


_OUTCOMES: dict[tuple[Derivation, str], list[Array | Misfit]] = {}


def _outcome(formula: object, derivation: Derivation, drawing: Drawing) -> Array | Misfit:
    scope = Scope(drawing.sizes, {**drawing.given, **drawing.truth}, derivation.words, derivation.also)
    try:
        return work_out(formula, scope)  # type: ignore[arg-type]
    except Misfit as problem:
        return problem


def same_outcomes(some: Sequence[Array | Misfit], others: Sequence[Array | Misfit], truths: Sequence[Array]) -> bool:
    """Whether two lines give the same on every drawing, or stop at the same operation on the same arrays."""
    return all(map(_same, some, others, truths))


def _same(one: Array | Misfit, other: Array | Misfit, truth: Array) -> bool:
    if isinstance(one, Misfit) or isinstance(other, Misfit):
        return (
            isinstance(one, Misfit) and isinstance(other, Misfit) and one.sign == other.sign
            and len(one.operands) == len(other.operands) and all(map(alike, one.operands, other.operands, other.operands))
        )  # fmt: skip
    return alike(one, other, truth)


def alike(one: Array, other: Array, truth: Array) -> bool:
    """Whether two arrays are the same but for axes of size 1, by EXACT of the largest number of them and of `truth`."""
    a, b = _squeezed(np.asarray(one)), _squeezed(np.asarray(other))
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return False
    largest = max(float(np.abs(b).max(initial=0.0)), float(np.abs(truth).max(initial=0.0)))
    return bool(np.abs(a - b).max(initial=0.0) <= EXACT * largest)


def _squeezed(value: Array) -> Array:
    return value.reshape(tuple(size for size in value.shape if size != 1))


def _would_fit(misfit: Misfit, scope: Scope) -> list[str]:
    """For a product: with which side transposed it would have axes that fit; or that it is one of matrices."""
    if misfit.sign not in ("@", "*") or any(np.ndim(one) != 2 for one in misfit.operands):
        return []
    left, right = misfit.operands
    if misfit.sign == "*":  # also how a middle dot is read
        gives = scope.axes((left.shape[0], right.shape[1]))
        return [f"the product of matrices, written @, would fit: it gives {gives}."] * (left.shape[1] == right.shape[0])
    found = []
    for says, a, b in (
        ("the left side transposed", left.T, right), ("the right side transposed", left, right.T),
        ("both sides transposed", left.T, right.T), ("the two sides exchanged", right, left),
    ):  # fmt: skip
        if a.shape[-1] == b.shape[0]:
            gives = scope.axes((a.shape[0], b.shape[1]))
            found.append(f"with {says} it would fit: {scope.axes(a.shape)} @ {scope.axes(b.shape)} gives {gives}.")
    return found


def _left_of(derivation: Derivation, line: str) -> str:
    """The name on the left of a line that cannot be read, if there is a readable one."""
    name = in_ascii(line.partition("=")[0])[0].strip(" :").removeprefix("dL/")
    known = [one.name for one in derivation.targets if key_of(one.name) == key_of(name)]
    return known[0] if known else name if name.isidentifier() and name.isascii() else ""
