"""Reads the shapes that comments promise, `# (B, T, C), (C, F) -> (B, T, F)`, and looks whether they come about."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

PROMISE = re.compile(r"#.*-> (\([^()]+\))[^>]*$")


class Promise(NamedTuple):
    """Line number, the variable that is assigned first there, and the shape that its comment gives."""

    line: int
    variable: str
    shape: str


def promises(function: Callable[..., Any]) -> list[Promise]:
    """Every assignment of the function with an arrow in its comment."""
    lines, start = inspect.getsourcelines(function)
    found = []
    for node in ast.walk(ast.parse(inspect.cleandoc("".join(lines)) if lines[0][0] == " " else "".join(lines))):
        if isinstance(node, ast.Assign | ast.AugAssign):
            comment = PROMISE.search(lines[(node.end_lineno or node.lineno) - 1])
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
            if comment and names:
                found.append(Promise(start + node.lineno - 1, names[0], comment.group(1)))
    return found


def fits(shape: tuple[int, ...], promise: str, sizes: Mapping[str, int]) -> bool:
    """(2, 5, 9) fits (B, T, C) and (..., C); a blank between two letters multiplies them."""
    dims = [dim.strip() for dim in promise.strip("()").split(",") if dim.strip()]
    if dims[:1] == ["..."]:
        dims = dims[1:]
        if len(shape) < len(dims):
            return False
        shape = shape[len(shape) - len(dims) :]
    wanted = tuple(eval(re.sub(r"(?<=\w) (?=\w)", "*", dim), dict(sizes)) for dim in dims)
    return shape == wanted


def broken_promises(function: Callable[..., Any], call: Callable[[], Any], sizes: Mapping[str, int]) -> list[str]:
    """Calls, watches `function`, and lists what has another shape than its comment says.

    A line that did not run is listed too.
    """
    waiting = {promise.line: promise for promise in promises(function)}
    kept: dict[int, Any] = {}
    last: list[int] = []

    def look(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code is not inspect.unwrap(function).__code__:
            return None
        if last and last[-1] in waiting:
            kept[last[-1]] = frame.f_locals.get(waiting[last[-1]].variable)
        last[:] = [frame.f_lineno]
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        call()
    finally:
        sys.settrace(before)
    wrong = []
    for line, promise in waiting.items():
        shape = getattr(kept.get(line), "shape", None)
        if shape is None or not fits(shape, promise.shape, sizes):
            wrong.append(f"{function.__name__}, line {line}: {promise.variable} is {shape}, not {promise.shape}")
    return wrong
