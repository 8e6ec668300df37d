"""Lines that nobody wrote: right ones changed at random.  What is said of them is so on drawings that the judge has
never seen, of other sizes."""

from __future__ import annotations

from functools import cache

import numpy as np

from lessons.practice.derive.derivation import Derivation, Drawing, derivations
from lessons.practice.derive.formula import read_line
from lessons.practice.derive.judging import Attempt, alike
from lessons.practice.derive.tokens import CannotRead, tokens_of
from lessons.practice.derive.working_out import Misfit, Scope, work_out

SIZES = ((6, 10, 14, 15, 17), (10, 6, 15, 17, 14))
SIGNS = ("+", "-", "*", "/", "@", "^")
NUMBERS = ("0", "1", "2", "0.5", "1/2", "-1")
CALLS = ("sum", "mean", "sqrt", "exp", "log", "tanh", "sigmoid", "softmax", "max", "abs")


@cache
def unseen(derivation: Derivation) -> tuple[Drawing, ...]:
    return tuple(derivation._drawing(90 + number, sizes) for number, sizes in enumerate(SIZES))


def worth(derivation: Derivation, line: str) -> list[np.ndarray | None]:
    """What a line gives on drawings that were never judged; None where it does not fit."""
    found: list[np.ndarray | None] = []
    for drawing in unseen(derivation):
        scope = Scope(drawing.sizes, {**drawing.given, **drawing.truth}, derivation.words, derivation.also)
        try:
            found.append(work_out(read_line(line).formula, scope))
        except (Misfit, CannotRead):
            found.append(None)
    return found


def right_lines(derivation: Derivation) -> list[str]:
    """Lines that hold by themselves, with all true derivatives at hand."""
    lines = [shown.line for shown in derivation.shown] + [lines[0] for lines in derivation.equals if len(lines) == 1]
    return [line for line in lines if Attempt.knowing(derivation).judge(line).kind == "holds"]


def changed(rng: np.random.Generator, line: str, names: list[str]) -> str:
    """One or two of its names, numbers and signs are others, missing, or there twice."""
    name, _, formula = line.partition(" = ")
    parts = [token.text for token in tokens_of(formula)]
    for _ in range(rng.integers(1, 3)):
        at = int(rng.integers(len(parts)))
        kind = parts[at]
        pool = SIGNS if kind in SIGNS else CALLS if kind in CALLS else (*names, *NUMBERS)
        what = rng.integers(10)
        if what < 6:
            parts[at] = str(rng.choice(pool))
        elif what < 7:
            parts[at : at + 1] = []
        elif what < 8:
            parts[at : at + 1] = [kind, str(rng.choice(SIGNS)), str(rng.choice((*names, *NUMBERS)))]
        elif what < 9:
            parts[at : at + 1] = ["(", str(rng.choice((*names, *NUMBERS))), str(rng.choice(SIGNS)), kind, ")"]
        else:
            parts.insert(at, "-")
        parts = parts or ["1"]
    return f"{name} = {' '.join(parts)}".replace(" . T", ".T")


def test_what_is_said_of_a_strange_line_is_so_on_drawings_that_were_never_judged():
    rng = np.random.default_rng(5)
    counts = dict.fromkeys(("holds", "wrong", "named", "shapes", "unreadable", "not finite"), 0)
    for derivation in derivations().values():
        names = [*(one.name for one in derivation.given), *(one.name for one in derivation.targets), *derivation.axes]
        lines = right_lines(derivation)
        assert lines
        for _ in range(40):
            line = changed(rng, str(rng.choice(lines)), names)
            target = line.partition(" = ")[0]
            verdict = Attempt.knowing(derivation, but=target).judge(line)
            if verdict.name == target and f" {target} " in f" {line.partition(' = ')[2]} ":
                assert verdict.kind in ("unreadable", "shapes"), line
                continue
            counts["named" if verdict.slip else verdict.kind] += 1
            truths = [drawing.truth[verdict.name] for drawing in unseen(derivation)]
            values = worth(derivation, line)
            same = all(v is not None and alike(v, t, t) for v, t in zip(values, truths, strict=True))
            assert same == (verdict.kind == "holds"), line
            if verdict.slip and verdict.kind == "wrong":
                slips = worth(derivation, verdict.slip.line)
                pairs = zip(values, slips, truths, strict=True)
                assert all(v is not None and s is not None and alike(v, s, t) for v, s, t in pairs), line
    assert counts["wrong"] > 100 and min(counts.values()) > 0, counts
