"""Random edits of a program, as of a learner who tries things out: another operator, number or name, a line less."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

import numpy as np

OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow, ast.MatMult)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


def edited(source: str, rng: np.random.Generator, edits: int = 1) -> str:
    """The source with so many random edits; what Python cannot read is edited anew."""
    for _ in range(edits):
        tree = ast.parse(source)
        places = list(_places(tree))
        _edit(*places[rng.integers(len(places))], rng, tree)
        source = ast.unparse(ast.fix_missing_locations(tree))
    return source


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every node of a function's body that can be edited, and what is done."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.BinOp):
                yield from ((node, "operator"), (node, "left alone"), (node, "right alone"), (node, "turned"))
            elif isinstance(node, ast.Compare):
                yield node, "comparison"
            elif isinstance(node, ast.Constant) and isinstance(node.value, int | float | bool):
                yield from ((node, "number"), (node, "number"))
            elif isinstance(node, ast.keyword) and node.arg == "axis":
                yield node, "axis"
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id != "np":
                yield node, "name"
            elif isinstance(node, ast.Call) and node.keywords:
                yield node, "keyword dropped"
            elif isinstance(node, ast.UnaryOp):
                yield node, "sign"
            elif isinstance(node, ast.Slice):
                yield from ((node, "lower"), (node, "upper"))
            if isinstance(node, ast.FunctionDef | ast.For | ast.If) and len(node.body) > 1:
                yield from ((node, "line dropped"), (node, "lines exchanged"))


def _edit(node: ast.AST, what: str, rng: np.random.Generator, tree: ast.Module) -> None:
    def other(kinds: tuple[type, ...], than: object) -> ast.AST:
        rest = [kind for kind in kinds if not isinstance(than, kind)]
        return rest[rng.integers(len(rest))]()

    match node, what:
        case ast.BinOp(), "operator":
            node.op = other(OPERATORS, node.op)
        case ast.BinOp(), "left alone":
            _put(tree, node, node.left)
        case ast.BinOp(), "right alone":
            _put(tree, node, node.right)
        case ast.BinOp(), "turned":
            node.left, node.right = node.right, node.left
        case ast.Compare(), _:
            node.ops = [other(COMPARISONS, node.ops[0])]
        case ast.Constant(), _:
            value = node.value
            choices = [value + 1, value - 1, -value, 2 * value, value / 2, 0, 1]
            choices += [not value] * isinstance(value, bool)
            choices = [one for one in choices if one != value or type(one) is not type(value)]
            node.value = choices[rng.integers(len(choices))]
        case ast.keyword(), _:
            node.value = ast.parse(str(rng.choice(["0", "1", "-1", "-2", "None"])), mode="eval").body
        case ast.Name(), _:
            names = sorted({one.id for one in ast.walk(tree) if isinstance(one, ast.Name)} - {node.id, "np"})
            node.id = names[rng.integers(len(names))]
        case ast.Call(), _:
            node.keywords.pop(int(rng.integers(len(node.keywords))))
        case ast.UnaryOp(), _:
            _put(tree, node, node.operand)
        case ast.Slice(), "lower":
            node.lower = None if node.lower else ast.Constant(1)
        case ast.Slice(), "upper":
            node.upper = None if node.upper else ast.Constant(-1)
        case ((ast.FunctionDef() | ast.For() | ast.If()), "line dropped"):
            node.body.pop(int(rng.integers(len(node.body))))
        case ((ast.FunctionDef() | ast.For() | ast.If()), _):
            place = int(rng.integers(len(node.body) - 1))
            node.body[place : place + 2] = node.body[place : place + 2][::-1]


def _put(tree: ast.Module, old: ast.AST, new: ast.expr) -> None:
    """In the place of a node, wherever it hangs."""
    new = copy.deepcopy(new)
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(one is old for one in value):
                value[:] = [new if one is old else one for one in value]
