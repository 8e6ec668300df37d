"""Small changes of a learner's own source that are what people get wrong: found in its syntax tree, made in its text.

What is changed is the text of one expression; comments and layout stay.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import NamedTuple

#: name -> family, and what was done
NAMES = {
    "other-axis": ("axis", "a sum, mean or maximum runs along another axis"),
    "not-turned": ("axis", "an array is no longer turned (transposed)"),
    "divisor-dropped": ("scale", "a division is gone"),
    "root-dropped": ("scale", "a square root is gone"),
    "mean-for-sum": ("scale", "a mean became a sum, or a sum a mean"),
    "edge-moved": ("mask", "a comparison takes in its edge, or no longer does"),
    "diagonal-moved": ("mask", "the diagonal of a triangle has moved by one"),
    "blocked-by-nought": ("mask", "what is blocked gets 0, and not -inf"),
    "mask-turned": ("mask", "a mask is no longer turned over (~)"),
    "not-subtracted": ("norm", "what was subtracted is no longer"),
    "sign": ("norm", "a minus became a plus"),
    "epsilon": ("norm", "the small number that guards a division is a thousand times larger"),
    "other-end": ("shift", "a slice leaves out the other end"),
    "counted-from-one": ("position", "a count begins with 1, not with 0"),
    "one-short": ("position", "a count is short by one"),
    "two-for-one": ("position", "an exponent or a step is another one"),
    "power-turned": ("scale", "an exponent has lost its minus"),
    "or-for-and": ("mask", "two masks are joined with or, not with and"),
    "min-for-max": ("optimiser", "a minimum and a maximum are taken for each other"),
    "other-of-two": ("optimiser", "one of two numbers is taken for the other"),
    "new-in-front": ("cache", "two parts are put together in the other order"),
    "other-order": ("data", "a sorting runs the other way"),
}
Text = Callable[[ast.expr], str]
TINY = 1e-3
OTHER_EXTREME = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}
OTHER_END = {"1:": ":-1", ":-1": "1:", "::2": "1::2", "1::2": "::2", "0::2": "1::2"}


class Rewrite(NamedTuple):
    """name: one of NAMES.  line: from 1, in the source that is given; source: with the change in it."""

    name: str
    line: int
    source: str

    @property
    def family(self) -> str:
        return NAMES[self.name][0]

    @property
    def says(self) -> str:
        return NAMES[self.name][1]


def rewrites(source: str) -> list[Rewrite]:
    """Every change that applies somewhere, in the order of the source.  Nothing where Python cannot read it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    found = []
    for node in ast.walk(tree):
        for name, old, new in _changes(node, source):
            changed = _replaced(source, old, new)
            if new[:1] == "(" and (bare := _replaced(source, old, new[1:-1])) and _alike(bare, changed):
                changed = bare  # a pair of brackets that nobody needs would show the place
            if changed != source:
                found.append(Rewrite(name, old.lineno, changed))
    return sorted(set(found), key=lambda one: (one.line, one.name, one.source))


def _alike(one: str, other: str) -> bool:
    """Whether Python reads both as the same."""
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError):
        return False


def _changes(node: ast.AST, source: str) -> Iterator[tuple[str, ast.expr, str]]:
    """(name, the expression that is replaced, the text in its place)."""

    def text(part: ast.expr) -> str:
        return ast.get_source_segment(source, part) or ast.unparse(part)

    match node:
        case ast.Call(func=ast.Name(id=called), keywords=keywords):
            if called in OTHER_EXTREME:
                yield "min-for-max", node.func, OTHER_EXTREME[called]
            yield from _sorted_the_other_way(called, node, text)
        case ast.Call(func=ast.Attribute(attr=called), args=arguments, keywords=keywords):
            yield from _changes_of_call(node, called, text)
            for keyword in keywords:
                if keyword.arg == "axis" and text(keyword.value) in ("-1", "-2", "0", "1"):
                    other = {"-1": "-2", "-2": "-1", "0": "1", "1": "0"}[text(keyword.value)]
                    yield "other-axis", keyword.value, other
            if called == "where" and len(arguments) == 3 and text(arguments[2]) in ("-np.inf", "-1e9", "-1e30"):
                yield "blocked-by-nought", arguments[2], "0.0"
        case ast.Attribute(value=value, attr="T"):
            yield "not-turned", node, text(value)
        case ast.BinOp(left=left, op=ast.Div()):
            yield "divisor-dropped", node, f"({text(left)})" if isinstance(left, ast.BinOp) else text(left)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=0.5)):
            yield "root-dropped", node, text(left)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            yield "two-for-one", node, text(left)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.UnaryOp(op=ast.USub(), operand=right)):
            yield "power-turned", node, f"{text(left)} ** {text(right)}"
        case ast.BinOp(left=left, op=ast.Add(), right=ast.Constant(value=1)):
            yield "one-short", node, text(left)
        case ast.BinOp(left=left, op=ast.BitAnd(), right=right):
            yield "or-for-and", node, f"({text(left)} | {text(right)})"
        case ast.Name(id=name, ctx=ast.Load()) if name[-1:] in ("1", "2"):
            yield "other-of-two", node, name[:-1] + {"1": "2", "2": "1"}[name[-1]]
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            yield "not-subtracted", node, f"({text(left)})" if isinstance(left, ast.BinOp) else text(left)
            yield "sign", node, f"({text(left)} + {text(right)})"
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            yield "mask-turned", node, text(operand)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            edges: dict[type[ast.cmpop], str] = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}
            if type(operator) in edges:
                yield "edge-moved", node, f"{text(left)} {edges[type(operator)]} {text(right)}"
        case ast.Constant(value=float(value)) if 0 < value <= TINY:
            yield "epsilon", node, repr(1000 * value)
        case ast.Subscript(slice=place):
            for part in place.elts if isinstance(place, ast.Tuple) else [place]:
                if text(part) in OTHER_END:
                    yield "other-end", part, OTHER_END[text(part)]


def _sorted_the_other_way(called: str, node: ast.Call, text: Text) -> Iterator[tuple[str, ast.expr, str]]:
    if called not in ("sorted", "argsort", "sort", "argpartition"):
        return
    match node.args:
        case [ast.UnaryOp(op=ast.USub(), operand=operand) as turned, *_]:
            yield "other-order", turned, text(operand)
    for keyword in node.keywords:
        if keyword.arg == "reverse" and text(keyword.value) == "True":
            yield "other-order", keyword.value, "False"


def _changes_of_call(node: ast.Call, called: str, text: Text) -> Iterator[tuple[str, ast.expr, str]]:
    assert isinstance(node.func, ast.Attribute)
    whole, first = text(node), node.args[0] if node.args else None
    of_numpy = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
    if called in ("swapaxes", "transpose"):
        turned = first if of_numpy else node.func.value
        if turned is not None:
            yield "not-turned", node, text(turned)
    if called in OTHER_EXTREME and of_numpy and called.endswith("imum"):
        head = text(node.func)
        yield "min-for-max", node.func, head[: -len(called)] + OTHER_EXTREME[called]
    if called == "concatenate" and isinstance(first, ast.List | ast.Tuple) and len(first.elts) == 2:
        one, other = map(text, first.elts)
        ends = "[]" if isinstance(first, ast.List) else "()"
        yield "new-in-front", first, f"{ends[0]}{other}, {one}{ends[1]}"
    yield from _sorted_the_other_way(called, node, text)
    if called == "sqrt" and first is not None:
        yield "root-dropped", node, f"({text(first)})"
    if called in ("mean", "sum"):
        other = "sum" if called == "mean" else "mean"
        head = text(node.func)
        yield "mean-for-sum", node, head[: -len(called)] + other + whole[len(head) :]
    if called in ("tril", "triu") and first is not None and of_numpy:
        moved = [text(keyword.value) for keyword in node.keywords if keyword.arg == "k"] + [
            text(a) for a in node.args[1:]
        ]
        k = {"1": "0", "0": "1", "-1": "0"}.get(moved[0], "0") if moved else "1"
        yield "diagonal-moved", node, f"np.{called}({text(first)}, k={k})"
    if called == "arange" and of_numpy and len(node.args) == 1 and not node.keywords and first is not None:
        yield "counted-from-one", node, f"np.arange(1, {text(first)} + 1)"


def _replaced(source: str, node: ast.expr, new: str) -> str:
    """The source with the text of one expression exchanged.  Columns of the syntax tree count bytes."""
    lines = source.encode("utf-8").splitlines(keepends=True)
    assert node.end_lineno is not None and node.end_col_offset is not None
    before = b"".join(lines[: node.lineno - 1]) + lines[node.lineno - 1][: node.col_offset]
    behind = lines[node.end_lineno - 1][node.end_col_offset :] + b"".join(lines[node.end_lineno :])
    return (before + new.encode("utf-8") + behind).decode("utf-8")
