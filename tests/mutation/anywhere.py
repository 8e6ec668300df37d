"""The mistakes for code that is no operation: lessons, experiments, measures, pages and commands.

Beside the mistakes in formulas (mutants.py): conditions turned round, statements left out, arguments exchanged, max
for min and the like, one word of a sentence missing, numbers in words changed, the fields of an f-string exchanged.
Docstrings, annotations, imports and `__all__` are left alone.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.mutation.mutants import Mutant, in_place

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
#: Names that are taken for one another, as functions and as methods.
PAIRS = (
    *(("max", "min"), ("any", "all"), ("argmax", "argmin"), ("sum", "mean"), ("exp", "log"), ("zeros", "ones")),
    *(("ceil", "floor"), ("largest", "smallest"), ("at_most", "at_least"), ("startswith", "endswith")),
    *(("lower", "upper"), ("ljust", "rjust"), ("lstrip", "rstrip"), ("keys", "values"), ("sin", "cos")),
)
TAKEN_FOR = {one: other for a, b in PAIRS for one, other in ((a, b), (b, a))}
#: Left out with little harm: what they do to their first argument is what a test should see.
AROUND = {"sorted", "reversed", "round", "abs", "set"}


def mutants_anywhere(path: Path) -> Iterator[Mutant]:
    """Every mutant of one file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return in_place(path, changes(tree))


def changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """(the node that is replaced, the text that replaces it)."""
    for statement in bodies(tree):
        if isinstance(statement, ast.Import | ast.ImportFrom) or is_docstring(statement):
            continue
        if isinstance(statement, ast.If) and ast.unparse(statement.test) == "TYPE_CHECKING":
            continue
        if can_go(statement):
            yield statement, "pass"
        for root in roots(statement):
            yield from in_expression(root)


def bodies(node: ast.AST) -> Iterator[ast.stmt]:
    """Every statement, however deep."""
    for child in ast.walk(node):
        if isinstance(child, ast.stmt):
            yield child


def is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def can_go(statement: ast.stmt) -> bool:
    """Without it the code still runs: a call, a step that is shown, a write, a line that adds, a refusal."""
    if isinstance(statement, ast.AugAssign | ast.Raise | ast.Continue | ast.Break):
        return True
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Subscript | ast.Attribute) for target in statement.targets)
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Yield | ast.YieldFrom)


def roots(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of the statement itself, those of the statements inside excluded."""
    if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
        return
    for field, value in ast.iter_fields(statement):
        if field in ("annotation", "returns", "args", "type_params", "targets", "target", "bases"):
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, ast.expr):
                yield one
            elif isinstance(one, ast.withitem):
                yield one.context_expr
    if isinstance(statement, ast.FunctionDef):
        yield from filter(None, [*statement.args.defaults, *statement.args.kw_defaults])


def in_expression(root: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    """An f-string is written anew as a whole, because Python 3.11 does not know the places inside it."""
    for outer, node in with_their_strings(root):
        for other in variants(node):
            try:
                if outer is None:
                    yield node, ast.unparse(other)
                else:
                    yield outer, ast.unparse(replaced(outer, node, other))
            except ValueError:  # quotes inside quotes, which this Python cannot write
                continue


def with_their_strings(
    node: ast.AST, outer: ast.JoinedStr | None = None
) -> Iterator[tuple[ast.JoinedStr | None, ast.AST]]:
    """Every node that may be changed, with the outermost f-string that it is in."""
    yield outer, node
    if isinstance(node, ast.JoinedStr):
        outer = outer or node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.arguments | ast.expr_context):
            yield from with_their_strings(child, outer)


def replaced(root: ast.expr, node: ast.AST, other: ast.AST) -> ast.expr:
    """A copy of root in which the node is another."""
    known: dict[int, ast.AST] = {}
    made = copy.deepcopy(root, known)
    here = known.get(id(node), made)

    class Swap(ast.NodeTransformer):
        def visit(self, found: ast.AST) -> ast.AST:
            return other if found is here else super().generic_visit(found)

    result: ast.expr = Swap().visit(made)
    return result


def variants(node: ast.AST) -> Iterator[ast.AST]:
    """What a tired person writes instead of the node."""
    if isinstance(node, ast.BinOp):
        if type(node.op) in OPERATORS:
            yield ast.BinOp(node.left, OPERATORS[type(node.op)](), node.right)
        yield node.left
        yield node.right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in COMPARISONS.get(type(node.ops[0]), ()):
            yield ast.Compare(node.left, [other()], node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        yield node.values[0]
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.Call):
        yield from calls(node)
    elif isinstance(node, ast.Constant):
        yield from constants(node.value)
    elif isinstance(node, ast.JoinedStr):
        yield from fields_exchanged(node)
    elif isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
        yield from other_digits(node)
    elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp) and node.generators[0].ifs:
        other = copy.deepcopy(node)
        other.generators[0].ifs = []
        yield other
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value


def calls(node: ast.Call) -> Iterator[ast.AST]:
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if name in TAKEN_FOR:
        other = copy.deepcopy(node)
        setattr(other.func, "id" if isinstance(node.func, ast.Name) else "attr", TAKEN_FOR[name])
        yield other
    if name in AROUND and node.args and isinstance(node.func, ast.Name):
        yield node.args[0]
    plain = not any(isinstance(argument, ast.Starred) for argument in node.args[:2])
    if len(node.args) > 1 and plain and ast.unparse(node.args[0]) != ast.unparse(node.args[1]):
        yield ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
    if node.keywords and node.keywords[-1].arg:
        yield ast.Call(node.func, node.args, node.keywords[:-1])


def constants(value: object) -> Iterator[ast.AST]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from (ast.Constant(other) for other in (value + 1, value - 1))
    elif isinstance(value, float):
        yield ast.Constant(2 * value + (value == 0))
    elif isinstance(value, str):
        yield from map(ast.Constant, words_changed(value))


def words_changed(text: str) -> Iterator[str]:
    """A number one larger; "not" left out; else the longest word of a sentence left out."""
    number = re.search(r"\d+", text)
    if number and " " in text:
        yield f"{text[: number.start()]}{int(number[0]) + 1}{text[number.end() :]}"
    if " not " in text:
        yield text.replace(" not ", " ", 1)
    elif len(text.split()) >= 3:
        yield text.replace(max(text.split(), key=len), "", 1)


def fields_exchanged(node: ast.JoinedStr) -> Iterator[ast.AST]:
    """The first two values, each with the format of the other's place."""
    at = [index for index, part in enumerate(node.values) if isinstance(part, ast.FormattedValue)]
    for first, second in pairwise(at):
        other = copy.deepcopy(node)
        a, b = other.values[first], other.values[second]
        assert isinstance(a, ast.FormattedValue) and isinstance(b, ast.FormattedValue)
        if ast.unparse(a.value) != ast.unparse(b.value):
            a.value, b.value = b.value, a.value
            yield other


def other_digits(node: ast.FormattedValue) -> Iterator[ast.AST]:
    """A digit more, a percentage as a number."""
    spec = (
        node.format_spec.values[0] if isinstance(node.format_spec, ast.JoinedStr) and node.format_spec.values else None
    )
    if not isinstance(spec, ast.Constant):
        return
    text = re.sub(r"\.(\d)", lambda found: f".{int(found[1]) + 1}", spec.value)
    for changed in {text, spec.value.replace("%", "f")} - {spec.value}:
        other = copy.deepcopy(node)
        other.format_spec = ast.JoinedStr([ast.Constant(changed)])
        yield other
