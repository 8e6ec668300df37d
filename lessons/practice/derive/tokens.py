"""The names, numbers and signs of a line, each with its place."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from lessons.practice.derive.signs import in_ascii

#: characters of a line, parts of it, brackets and signs inside one another, characters of a name or a number
LONGEST, MOST, DEEPEST, WIDEST = 400, 200, 40, 24

#: where people take functions from when they paste
MODULES = ("np", "numpy", "math", "torch", "F", "jnp", "scipy", "special", "stats")

#: other ways to write the sign =
EQUALS = {":=": "=", "<-": "="}

TOKEN = re.compile(
    r" *(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<sign>\*\*|:=|<-|[-+*/@^()\[\]{},=.'√]))"
)
#: what may be meant by a character that the grammar does not have
MEANT = {
    "\\": "LaTeX is not read: write a/b, sqrt(a), sum(a), * entry by entry and @ of matrices.",
    ":": "parts of an array are not taken: what is summed keeps its axis, so that [:, None] is not needed.",
    ";": "a line ends here: type the next one by itself.",
    "|": "write abs(x) for |x|.",
    "<": "an inner product of two rows is sum(a*b).",
    "⟨": "an inner product of two rows is sum(a*b).",
    ">": "an inner product of two rows is sum(a*b); of matrices, a @ b.",
    '"': "there are no strings: write products with * and @, and sums with sum(x, axis).",
}
MEANT["$"] = MEANT["\\"]
OPENED = {"(": ")", "[": "]", "{": "}"}


class CannotRead(Exception):
    """A line that the grammar does not have.  at: the place in the line, from 0, under which the caret stands."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message, self.at = message, at


class NoEquals(CannotRead):
    """A line without the sign = , which may be a formula, or a word that is no line at all."""


class Token(NamedTuple):
    kind: str
    text: str
    at: int


def tokens_of(line: str) -> list[Token]:
    if len(line) > LONGEST:
        raise CannotRead(f"a line has at most {LONGEST} characters, and this one has {len(line)}.", LONGEST)
    text, places = in_ascii(line.partition("#")[0])  # what follows is a comment
    tokens: list[Token] = []
    at, end = 0, len(text.rstrip(" "))
    while at < end:
        found = TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip(" "))
            letter = line[places[at]]
            meant = f" {meant[0].upper()}{meant[1:]}" if (meant := MEANT.get(letter)) else ""
            raise CannotRead(f"{_called(letter)} is no sign of a formula.{meant}", places[at])
        kind = str(found.lastgroup)
        tokens.append(Token(kind, EQUALS.get(found[kind], found[kind]), places[found.start(kind)]))
        at = found.end()
        if kind != "sign" and len(found[kind]) > WIDEST:
            raise CannotRead(f"a {kind} has at most {WIDEST} characters.", tokens[-1].at)
        if len(tokens) > MOST:
            raise CannotRead(f"a line has at most {MOST} names, numbers and signs; use helper lines.", tokens[-1].at)
    return tokens


def _called(letter: str) -> str:
    code = f"U+{ord(letter):04X}"
    if letter.isascii() and letter.isprintable():
        return f'"{letter}"'
    return f"{code} ({unicodedata.name(letter, 'a control character')})"
