"""The grammar of a line, read by a parser of its own, so that nothing of Python can be reached.

    line      NAME = sum
    sum       term {(+ | -) term}
    term      factor {(* | / | @) factor}                  * and / entry by entry, @ of matrices; 2x is 2*x
    factor    (- | +) factor | power
    power     atom [(^ | **) factor]                       from the right: 2^3^2 is 2^9, -x^2 is -(x^2)
    atom      NUMBER | NAME | NAME(arguments) | (sum) | atom.T | atom^T | atom.NAME(arguments)

What follows a # is a comment.
What reduces (sum, mean, max, min, softmax, logsumexp) runs along the last axis unless an axis is told, by its number
or by its name, and keeps that axis with the size 1: sum(x), sum(x, axis=0), sum(x, keys), sum(x, all).
"""

from __future__ import annotations

from math import isfinite
from typing import NamedTuple

from lessons.practice.derive.other_names import INSTEAD, no_function, takes, written_out
from lessons.practice.derive.tokens import DEEPEST, MODULES, OPENED, CannotRead, NoEquals, Token, tokens_of
from lessons.practice.derive.tree import (
    ALSO, FUNCTIONS, OTHERS, REDUCING, Binary, Call, Name, Negative, Number, Transposed, Tree,
)  # fmt: skip


class Line(NamedTuple):
    """`name = formula`."""

    name: str
    formula: Tree
    at: int


def read_line(line: str) -> Line:
    """A line as a tree.  Raises CannotRead."""
    tokens = tokens_of(line)
    reader = _Reader(tokens, line.find("#") % (len(line) + 1))  # its end, or where a comment begins
    return reader.line()


def read_formula(text: str) -> Tree:
    """What stands on the right of the sign = .  Raises CannotRead."""
    reader = _Reader(tokens_of(text), len(text))
    tree = reader.sum()
    reader.end()
    return tree


class _Reader:
    """Takes the tokens from the left to the right."""

    def __init__(self, tokens: list[Token], length: int) -> None:
        self.tokens, self.length = tokens, length
        self.place = self.depth = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place] if self.place < len(self.tokens) else Token("end", "", self.length)

    def take(self) -> Token:
        token = self.next
        self.place += 1
        return token

    def takes(self, *texts: str) -> Token | None:
        """The next token if it is one of these signs."""
        return self.take() if self.next.kind == "sign" and self.next.text in texts else None

    def after(self, more: int = 1) -> Token:
        at = self.place + more
        return self.tokens[at] if at < len(self.tokens) else Token("end", "", self.length)

    def cannot(self, message: str, token: Token | None = None) -> CannotRead:
        """What is wrong at a token, the next one unless told."""
        return CannotRead(message, (token or self.next).at)

    def line(self) -> Line:
        start = self.next
        name = self._left()
        if not self.takes("="):
            if any(token.text == "=" for token in self.tokens):
                raise self.cannot("left of the sign = stands one name alone.")
            raise NoEquals("a line is NAME = formula, and the sign = is not there.", self.next.at)
        if self.next.text == "=":
            raise self.cannot("one sign = is enough.")
        formula = self.sum()
        self.end()
        return Line(name, formula, start.at)

    def _left(self) -> str:
        """NAME, or dL/dNAME for dNAME, whatever the loss is called."""
        token = self.next
        if token.kind != "name":
            raise self.cannot("a line begins with the name that it defines: NAME = formula.")
        self.take()
        if token.text[0] == "d" and len(token.text) == 2 and self.next.text == "/" and self.after().kind == "name":
            self.take()
            token = self.take()
        return token.text

    def end(self) -> None:
        token = self.next
        if token.kind == "end":
            return
        if token.text == "=":
            raise self.cannot("there is one sign = in a line.")
        if token.text in OPENED.values():
            raise self.cannot(f"this {token.text} closes nothing.")
        before = self.tokens[self.place - 1] if self.place else token
        if before.kind == "name" and ALSO.get(before.text, before.text) in FUNCTIONS:
            raise self.cannot(f"{before.text} is a function: write {before.text}(...), with brackets.", before)
        if token.text in ("[", "{"):
            raise self.cannot(f"{token.text} after a name takes a part out of it, which is not in this grammar.")
        raise self.cannot("a sign is missing before this: write * (entry by entry) or @ (of matrices).")

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.cannot(f"brackets and signs stand at most {DEEPEST} deep in one another; use helper lines.")

    def sum(self) -> Tree:
        tree = self.term()
        while sign := self.takes("+", "-"):
            tree = Binary(sign.text, tree, self.term(), sign.at)
        return tree

    def term(self) -> Tree:
        tree = last = self.factor()
        divided = False
        while True:
            if sign := self.takes("*", "/", "@"):
                divided, last = sign.text == "/", self.factor()
                tree = Binary(sign.text, tree, last, sign.at)
            elif _is_number(last) and (self.next.kind == "name" or self.next.text in (*OPENED, "√")):
                if divided:
                    raise self.cannot("1/2x can be read in two ways: write (1/2)*x, or 1/(2*x).")
                at, last = self.next.at, self.power()
                tree = Binary("*", tree, last, at)
            else:
                return tree

    def factor(self) -> Tree:
        self._deeper()
        sign = self.takes("-", "+")
        tree = self.factor() if sign else self.power()
        self.depth -= 1
        return Negative(tree, sign.at) if sign and sign.text == "-" else tree

    def power(self) -> Tree:
        tree = self.atom()
        if sign := self.takes("^", "**"):
            return Binary("^", tree, self.factor(), sign.at)
        return tree

    def atom(self) -> Tree:
        tree = self.first()
        while True:
            if self.next.text == "^" and self.after().text == "T":
                at = self.take().at
                self.take()
                tree = Transposed(tree, at)
            elif quote := self.takes("'"):
                tree = Transposed(tree, quote.at)
            elif dot := self.takes("."):
                tree = self._after_dot(tree, dot)
            else:
                return tree

    def _after_dot(self, tree: Tree, dot: Token) -> Tree:
        name = self.take()
        if name.kind == "name" and name.text in ("T", "mT"):
            if self.next.text == "(" and self.after().text == ")":
                raise self.cannot(".T has no brackets.")
            return Transposed(tree, dot.at)
        if name.kind == "name" and self.next.text == "(":
            return self.call(name, tree, pasted=True)
        if name.text == "shape":
            raise self.cannot(INSTEAD["size"], name)
        raise self.cannot("after a dot stands T, which transposes, or a function with its brackets.", name)

    def first(self) -> Tree:
        token = self.take()
        if token.kind == "number":
            value = float(token.text)
            if not isfinite(value):
                raise self.cannot("this number is too large.", token)
            return Number(value, token.at)
        if token.kind == "name":
            pasted = self._is_module(token)
            while self._is_module(token):
                self.take()
                token = self.take()
                if self.next.text not in ("(", ".") and token.text != "pi":
                    raise self.cannot("only functions are taken from a module.", token)
            return self.call(token, pasted=pasted) if self.next.text == "(" else Name(token.text, token.at)
        if token.text == "√":
            return Call("sqrt", (self.atom(),), (), True, token.at)
        if token.text in OPENED:
            tree = self.sum()
            self._close(token)
            return tree
        raise self.cannot("here a name, a number or a bracket is missing.", token)

    def _is_module(self, token: Token) -> bool:
        """np before .exp, and norm before .cdf, but not a matrix F before .T"""
        if self.next.text != "." or self.after().text == "T":
            return False
        return token.text in MODULES or (token.text == "norm" and self.after().text in ("cdf", "pdf"))

    def _close(self, opened: Token) -> None:
        if not self.takes(OPENED[opened.text]):
            if self.next.kind in ("name", "number") or self.next.text in OPENED:
                self.end()
            raise self.cannot(f"the {opened.text} at place {opened.at + 1} is not closed here.")

    def call(self, name: Token, before: Tree | None = None, pasted: bool = False) -> Tree:
        """before: what stands before the dot of x.sum(), which is the first argument.  pasted: as NumPy has it."""
        function = ALSO.get(name.text, name.text)
        if function not in FUNCTIONS:
            return self._otherwise(name, before)
        opened = self.take()
        arguments = [] if before is None else [before]
        axes: tuple[int | str, ...] = ()
        keeps = True
        while self.next.text != ")":
            keyword = self.next.text if self.next.kind == "name" and self.after().text == "=" else ""
            if keyword:
                self.take()
                self.take()
            third = axes and not keyword and self.next.text in ("True", "False")  # sum(x, -1, True)
            if third or keyword in ("keepdims", "keepdim"):
                keeps = self._yes_or_no()
            elif function in REDUCING and (keyword in ("axis", "dim") or (arguments and not keyword)):
                axes += self._axes()
            elif keyword:
                raise self.cannot(f'{function} has no argument called "{keyword}".', self.tokens[self.place - 2])
            else:
                arguments.append(self.sum())
            if not self.takes(","):
                break
        self._close(opened)
        least, most = OTHERS.get(function, (1, 1))
        if not least <= len(arguments) <= most:
            asked = f"{least}" if least == most else f"{least} or {most}"
            raise self._counts(name, asked, len(arguments))
        return Call(function, tuple(arguments), axes, keeps, name.at, pasted)

    def _otherwise(self, name: Token, before: Tree | None) -> Tree:
        """matmul(a, b), x.dot(y), transpose(x, 0, 1), square(x) and the like."""
        number = takes(name.text)
        if not number:
            raise self.cannot(no_function(name.text), name)
        opened = self.take()
        arguments = [] if before is None else [before]
        while self.next.text != ")":
            if name.text == "transpose" and arguments:
                self._axes()
            else:
                arguments.append(self.sum())
            if not self.takes(","):
                break
        self._close(opened)
        if len(arguments) != number:
            raise self._counts(name, f"{number}", len(arguments))
        return written_out(name.text, arguments, name.at)

    def _counts(self, name: Token, asked: str, given: int) -> CannotRead:
        are, many = "is" if given == 1 else "are", "s" * (asked != "1")
        return self.cannot(f"{name.text} takes {asked} argument{many}, and here {are} {given}.", name)

    def _yes_or_no(self) -> bool:
        if self.next.text not in ("True", "False", "1", "0"):
            raise self.cannot("here stands True or False.")
        return self.take().text in ("True", "1")

    def _axes(self) -> tuple[int | str, ...]:
        """-1, keys, all, or several in brackets."""
        if opened := self.takes("(", "["):
            found: tuple[int | str, ...] = ()
            while self.next.text != OPENED[opened.text]:
                found += self._axes()
                if not self.takes(","):
                    break
            if found:
                self._close(opened)
                return found
        minus = self.takes("-")
        token = self.take()
        if token.kind == "number" and token.text.isdigit() and len(token.text) == 1:
            return (int(token.text) * (-1 if minus else 1),)
        if token.kind == "name" and not minus:
            return (token.text,)
        raise self.cannot("here an axis is missing: its name, or its number such as -1.", token)


def _is_number(tree: Tree) -> bool:
    """2 or -2"""
    return isinstance(tree.of if isinstance(tree, Negative) else tree, Number)
