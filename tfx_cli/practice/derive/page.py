"""How a derivation and the verdict of a line are shown: words before symbols, and a caret under the place in a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tfx_cli.render.wrapping import labelled, wrapped
from tfx_cli.terminal.cells import cells
from tfx_cli.terminal.printable import on_one_line

if TYPE_CHECKING:
    from lessons.practice.derive.derivation import Derivation
    from lessons.practice.derive.judging import Attempt, LineVerdict

#: how a line is written, for ?
SIGNS = {
    "NAME = ...": "a name that is looked for, or one of your own, which later lines may use",
    "+ - * /": "entry by entry",
    "@": "the product of matrices",
    "x^2": "a power; x**2 too",
    "X.T": "transposed; X^T too",
    "sum(x)": "along the last axis, which stays with size 1; so do mean, max, min, softmax, logsumexp",
    "sum(x, 0)": "along another axis, by its number or by its name; sum(x, all) along all",
    "exp(x)": "of each entry; so are log, sqrt, tanh, sigmoid, relu, erf, sin, cos, abs, sign; Phi(x) and phi(x) are "
    "the normal distribution and its density",
    "diag(x)": "a matrix with x on its diagonal; outer(a, b) has all products, eye(N) has ones, onehot(y, V) a 1 in "
    "each row, maximum(a, b) and minimum(a, b) the larger and the smaller",
}
WORDS = {
    "hint": "the next hint",
    "given": "what is given, once more",
    "again": "begin again, without your lines",
    "give up": "see the derivation before it is found; that is kept",
    "show": "one way to write it, after a pass",
    "quit": "leave; what holds is kept",
}


def shape_of(axes: str) -> str:
    """(N, M) for "N M"."""
    return f"({', '.join(axes.split())})" if axes else "a number"


def given_lines(derivation: Derivation, width: int) -> Iterator[str]:
    """What it is about, what is given, and what is looked for."""
    yield from wrapped(f"{derivation.title} ({derivation.name})", width)
    yield ""
    yield from wrapped(derivation.about, width)
    yield ""
    counts = ", ".join(f"{letter} {says}" for letter, says in derivation.axes.items())
    yield from labelled("axes", counts, width, "", 9)
    given = [
        (one.name, shape_of(one.axes), f"{one.says}: {one.by}" if one.by else one.says) for one in derivation.given
    ]
    found = [(one.name, shape_of(one.axes), one.says) for one in derivation.targets]
    names = max(len(name) for name, _, _ in [*given, *found])
    shapes = max(len(shape) for _, shape, _ in [*given, *found])
    for title, rows in (("given", given), ("to find", found)):
        yield title
        for name, shape, says in rows:
            yield from labelled(f"{name:<{names}}  {shape}", says, width, column=names + shapes + 4)


def sign_lines(derivation: Derivation, width: int) -> Iterator[str]:
    """How a line is written, which other names may be typed, and the words that are no lines."""
    for sign, says in SIGNS.items():
        yield from labelled(sign, says, width, column=12)
    if derivation.also:
        other = ", ".join(f"{name} is {of}" for name, of in derivation.also.items())
        yield from labelled("also", other, width, column=12)
    yield ""
    for word, says in WORDS.items():
        yield from labelled(word, says, width, column=12)


def verdict_lines(verdict: LineVerdict, width: int) -> Iterator[str]:
    """The verdict in a sentence, what shows it, and the slip."""
    if verdict.fine:
        yield from wrapped(verdict.says, width)
        yield from _inside(verdict.evidence, width)
        return
    begins = "Cannot be read" if verdict.kind == "unreadable" else f"Not yet ({verdict.kind})"
    if verdict.at is not None:
        yield from pointed(verdict.line, verdict.at, width)
    yield from wrapped(f"{begins}: {verdict.says}", width)
    yield from _inside(verdict.evidence, width)
    if verdict.slip:
        yield from wrapped(f"This slip has a name: {verdict.slip.says}.", width)
        yield from _inside((verdict.slip.why, verdict.slip.hint), width)
    elif verdict.candidates:
        yield "It may be one of these:"
        yield from _inside([slip.says for slip in verdict.candidates], width)
    elif verdict.kind in ("wrong", "shapes"):
        yield "It is none of the known slips."


def _inside(texts: tuple[str, ...] | list[str], width: int) -> Iterator[str]:
    for text in texts:
        yield from ("  " + part for part in wrapped(text, width - 2))


def pointed(line: str, at: int, width: int) -> Iterator[str]:
    """The line with a caret under a place of it; of a long one, the part around it."""
    room = max(width - 2, 12)
    before, after = on_one_line(line[:at]), on_one_line(line[at:])
    if cells(before) > room - 8:
        while cells(before) > room // 2:
            before = before[1:]
        before = "..." + before
    while cells(before + after) > room:
        after = after[:-1]
    yield "  " + (before + after).rstrip()
    yield "  " + " " * cells(before) + "^"


def standing_line(attempt: Attempt) -> str:
    """What holds, and what is still to be found."""
    every = [target.name for target in attempt.derivation.targets]
    left = [name for name in every if name not in attempt.held]
    if left:
        return f"{len(every) - len(left)} of {len(every)} found; to find: {', '.join(left)}"
    return f"All of it holds: {attempt.derivation.learned}"


def shown_lines(derivation: Derivation, width: int) -> Iterator[str]:
    """One way to write it, with the reason under each line."""
    for shown in derivation.shown:
        yield "  " + shown.line
        yield from ("      " + part for part in wrapped(shown.why, width - 6))
