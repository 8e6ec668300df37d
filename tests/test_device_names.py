"""The library uses no function of NumPy that CuPy does not have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.strict_device import ABSENT, UFUNC_METHODS

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("ops", "efficient", "nn", "models", "tuning", "optim", "train")

#: Functions behind a module that CuPy lacks.
ABSENT_BEHIND = frozenset(
    f"linalg.{name}"
    for name in ("diagonal", "matrix_norm", "multi_dot", "outer", "svdvals", "tensordot", "trace", "vecdot")
) | {"linalg.vector_norm"}


def used_names(source: str) -> Iterator[tuple[str, int]]:
    """(`exp` or `fft.fft2`, line) for every attribute of xp or of xp_of(...)."""
    inner = set()
    for node in ast.walk(ast.parse(source)):  # outer attributes come before the ones inside them
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        if isinstance(node.value, ast.Attribute) and is_module(node.value.value):
            inner.add(id(node.value))
            yield f"{node.value.attr}.{node.attr}", node.lineno
        elif is_module(node.value):
            yield node.attr, node.lineno


def is_module(node: ast.expr) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "xp_of"
    return called or (isinstance(node, ast.Name) and node.id == "xp")


def is_absent(name: str) -> bool:
    first, _, method = name.partition(".")
    return name in ABSENT_BEHIND or first in ABSENT or (method in UFUNC_METHODS and first not in UFUNC_METHODS[method])


def test_no_name_is_used_that_cupy_lacks():
    files = [path for room in ROOMS for path in sorted((ROOT / "tfx" / room).rglob("*.py"))]
    found = [(path, name, line) for path in files for name, line in used_names(path.read_text(encoding="utf-8"))]
    assert len({name for _, name, _ in found}) > 30, "the search has gone blind"
    absent = [f"{path.relative_to(ROOT)}:{line} xp.{name}" for path, name, line in found if is_absent(name)]
    assert not absent, "\n".join(absent)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("xp.errstate()", "errstate"),
        ("with xp_of(x).errstate(): pass", "errstate"),
        ("y = xp.linalg.multi_dot([a])", "linalg.multi_dot"),
        ("f = xp.random.normal", "random.normal"),
        ("xp.maximum.accumulate(a)", "maximum.accumulate"),
        ("xp.multiply.at(a, i, b)", "multiply.at"),
        ("xp.insert(a, 0, 1)", "insert"),
    ],
)
def test_an_absent_name_is_seen(source, name):
    assert [(found, is_absent(found)) for found, _ in used_names(source)] == [(name, True)]
