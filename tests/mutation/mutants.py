"""The mistakes: what a tired person types into a backward, made from the syntax tree of a file.

Signs are flipped, terms and factors dropped, operands of a product swapped, transposes left out, axes and other small
numbers changed, < taken for <=, gradients returned in the wrong order, a line that accumulates or writes left out.
Docstrings, annotations, imports and the text of errors are left alone.
"""

from __future__ import annotations

import ast
import copy
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Where mistakes are planted, subfolders included.  No two files have the same name.
ROOMS = {name: ROOT / "tfx" / name for name in ("ops", "efficient")}

_FLIPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_NUMBERS: dict[float, tuple[float, ...]] = {0: (1,), 1: (0, 2), 2: (1,), 0.5: (1,)}
_AXES = {-1: -2, -2: -1, -3: -2}


@dataclass(frozen=True)
class Mutant:
    """`before` became `after`; `line` is the text of the first line concerned, `source` the whole file."""

    path: Path
    number: int
    line: str
    before: str
    after: str
    source: str

    @property
    def file(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def mutation(self) -> str:
        return f"{self.before} -> {self.after}"

    def diff(self) -> str:
        old = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        new = self.source.splitlines(keepends=True)
        return "".join(difflib.unified_diff(old, new, self.file, self.file, n=1))


def files(names: list[str] | None = None, room: str | None = None) -> list[Path]:
    """The files of all rooms or of one, or those named (`softmax`, `longformer`).

    Raises ValueError for an unknown name.
    """
    rooms = list(ROOMS) if room is None else [room]
    every = [path for one in rooms for path in sorted(ROOMS[one].rglob("*.py"))]
    found = {path.stem: path for path in every if path.stem != "__init__"}
    unknown = [name for name in names or [] if name not in found]
    if unknown:
        raise ValueError(f"there is no {unknown[0]}.py in {' or '.join(f'tfx/{one}' for one in rooms)}")
    return [found[name] for name in names] if names else list(found.values())


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of one file, in the order of its lines."""
    return in_place(path, _changes(ast.parse(path.read_text(encoding="utf-8"))))


def in_place(path: Path, changes: Iterable[tuple[ast.expr | ast.stmt, str]]) -> Iterator[Mutant]:
    """The file with one change at a time; everything else in it, comments too, stays as it is."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    seen = {source}
    for node, replacement in changes:
        start, end = _offset(lines, node.lineno, node.col_offset), _offset(lines, node.end_lineno, node.end_col_offset)
        before = source[start:end]
        bare = isinstance(node, ast.stmt | ast.Constant | ast.Tuple)
        changed = source[:start] + (replacement if bare else f"({replacement})") + source[end:]
        if changed in seen or replacement == ast.unparse(node):
            continue
        seen.add(changed)
        line = lines[node.lineno - 1].strip()
        yield Mutant(path, node.lineno, line, " ".join(before.split()), " ".join(replacement.split()), changed)


def _offset(lines: list[str], line: int | None, column: int | None) -> int:
    assert line is not None and column is not None
    before = sum(len(text) + 1 for text in lines[: line - 1])
    return before + len(lines[line - 1].encode()[:column].decode())


def _changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """(the node that is replaced, the text that replaces it)."""
    for function in _functions(tree):
        for default in [*function.args.defaults, *filter(None, function.args.kw_defaults)]:
            yield from _numbers(default)
        yield from _in_body(function.body)
        if function.name.endswith("_backward"):
            yield from _returned_in_another_order(function)
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            yield from _in_expression(statement.value)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            yield statement
        elif isinstance(statement, ast.ClassDef):
            yield from (inner for inner in statement.body if isinstance(inner, ast.FunctionDef))


def _in_body(body: list[ast.stmt]) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for statement in body:
        if isinstance(statement, ast.Raise) or _is_docstring(statement):
            continue
        if _writes(statement):
            yield statement, "pass"
        if isinstance(statement, ast.AugAssign) and type(statement.op) in _FLIPPED:
            other = copy.copy(statement)
            other.op = _FLIPPED[type(statement.op)]()
            yield statement, ast.unparse(other)
        for field, value in ast.iter_fields(statement):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from _in_body(value)
            elif field != "annotation":
                for expression in value if isinstance(value, list) else [value]:
                    if isinstance(expression, ast.expr):
                        yield from _in_expression(expression)


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _writes(statement: ast.stmt) -> bool:
    """A line that writes into an array or adds to something: without it the code still runs."""
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Subscript) for target in statement.targets)
    return isinstance(statement, ast.AugAssign) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    )


def _in_expression(root: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    for node in _walk(root):
        if isinstance(node, ast.BinOp):
            yield from _of_binary(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            if isinstance(node.operand, ast.Constant):
                yield from _numbers(node)
            else:
                yield node, ast.unparse(node.operand)
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARED and len(node.ops) == 1:
            other = copy.copy(node)
            other.ops = [_COMPARED[type(node.ops[0])]()]
            yield node, ast.unparse(other)
        elif isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, ast.unparse(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "swapaxes":
            yield node, ast.unparse(node.func.value)
        elif isinstance(node, ast.Constant):
            yield from _numbers(node)


def _walk(root: ast.expr) -> Iterator[ast.expr]:
    """Every expression inside, but not the text of f-strings and not a negative number's inner number."""
    yield root
    if isinstance(root, ast.JoinedStr) or (isinstance(root, ast.UnaryOp) and isinstance(root.operand, ast.Constant)):
        return
    if isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute) and root.func.attr == "reshape":
        yield from _walk(root.func.value)  # reshape takes any negative number for "the rest"
        yield from (inner for argument in root.args if not _is_rest(argument) for inner in _walk(argument))
        return
    for child in ast.iter_child_nodes(root):
        if isinstance(child, ast.expr):
            yield from _walk(child)
        elif isinstance(child, ast.keyword | ast.comprehension):
            yield from (
                inner for value in ast.iter_child_nodes(child) if isinstance(value, ast.expr) for inner in _walk(value)
            )


def _is_rest(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)


def _of_binary(node: ast.BinOp) -> Iterator[tuple[ast.expr, str]]:
    left, right = ast.unparse(node.left), ast.unparse(node.right)
    if isinstance(node.op, ast.MatMult):
        yield node, ast.unparse(ast.BinOp(node.right, ast.MatMult(), node.left))
        return
    if type(node.op) not in _FLIPPED:
        return
    yield node, ast.unparse(ast.BinOp(node.left, _FLIPPED[type(node.op)](), node.right))
    yield node, left
    if isinstance(node.op, ast.Add | ast.Mult):
        yield node, right
    elif isinstance(node.op, ast.Sub):
        yield node, ast.unparse(ast.UnaryOp(ast.USub(), node.right))


def _numbers(node: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    inner = node.operand if negative else node  # type: ignore[attr-defined]
    if not isinstance(inner, ast.Constant) or type(inner.value) not in (int, float):
        return
    value = -inner.value if negative else inner.value
    if isinstance(value, int) and value in _AXES:
        yield node, repr(_AXES[value])
    elif value in _NUMBERS:
        yield from ((node, repr(type(value)(other))) for other in _NUMBERS[value])
    elif isinstance(value, float) and abs(value) > 1e-3:
        yield node, repr(2 * value)


def _returned_in_another_order(function: ast.FunctionDef) -> Iterator[tuple[ast.expr, str]]:
    """The first two gradients swapped, in a tuple or in a named tuple."""
    for node in ast.walk(function):
        value = node.value if isinstance(node, ast.Return) else None
        if isinstance(value, ast.Tuple) and len(value.elts) > 1:
            first, second, *rest = value.elts
            yield value, ", ".join(ast.unparse(item) for item in (second, first, *rest))
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id.endswith("Grads"):
            other = copy.deepcopy(value)
            if len(other.args) > 1:
                other.args[:2] = other.args[1::-1]
            elif len(other.keywords) > 1:
                one, two = other.keywords[:2]
                one.value, two.value = two.value, one.value
            else:
                continue
            yield value, ast.unparse(other)
