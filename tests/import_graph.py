"""Who imports whom: read from the source, without running it, imports inside functions included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
OURS = ("tfx", "lessons", "tfx_cli")

Graph = Mapping[str, frozenset[str]]


class Import(NamedTuple):
    line: int
    module: str
    at_module_level: bool
    as_type: bool = False  # only for the type checker
    bound: str = ""  # the name it has in the file


def source_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_ours(module: str) -> bool:
    return module.split(".")[0] in OURS


def imports_of(source: str, module: str, is_package: bool) -> Iterator[Import]:
    """Every import of a file, relative ones resolved; those under `if TYPE_CHECKING` are not at module level."""

    def visit(node: ast.AST, at_module_level: bool, as_type: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, alias.name, at_module_level, as_type, alias.asname or alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".") if is_package else module.split(".")[:-1]
                base = ".".join(package[: len(package) - node.level + 1] + ([base] if base else []))
            for alias in node.names:
                bound = alias.asname or alias.name
                yield Import(node.lineno, f"{base}.{alias.name}", at_module_level, as_type, bound)
        else:
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for child in ast.iter_child_nodes(node):
                yield from visit(child, at_module_level and not function and not checking, as_type or checking)

    yield from visit(parsed(source), True, False)


@cache
def parsed(source: str) -> ast.Module:
    """Every test of the house looks at the same files."""
    return ast.parse(source)


@cache
def imports_in(path: Path) -> tuple[Import, ...]:
    return tuple(imports_of(path.read_text(encoding="utf-8"), module_name(path), path.name == "__init__.py"))


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the house and its file."""
    return {module_name(path): path for path in source_files(*OURS)}


@cache
def imports_by_module() -> Mapping[str, tuple[Import, ...]]:
    return {module: imports_in(path) for module, path in modules().items()}


def module_of(dotted: str) -> str | None:
    """`tfx.ops.basics.softmax.softmax_forward` -> `tfx.ops.basics.softmax`; None for what is not ours."""
    while dotted and dotted not in modules():
        dotted = dotted.rpartition(".")[0]
    return dotted or None


def import_graph() -> Graph:
    """module -> the modules that it imports anywhere, for whatever reason."""
    return {
        module: frozenset(target for found in imports if (target := module_of(found.module)) not in (None, module))
        for module, imports in imports_by_module().items()
    }


def circles(graph: Graph) -> set[frozenset[str]]:
    """Groups of modules each of which reaches all others (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: set[frozenset[str]] = set()

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for target in graph[module]:
            if target not in number:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], number[target])
        if lowest[module] == number[module]:
            at = stack.index(module)
            if len(stack) - at > 1:
                found.add(frozenset(stack[at:]))
            del stack[at:]

    for module in graph:
        if module not in number:
            visit(module)
    return found


@cache
def users_of_names() -> Graph:
    """module -> the modules whose code it uses.

    A name that a package only passes on counts for the module that defines it, so a package that lists everything uses
    nothing by that.  A string that is the dotted name of a module or of something in it counts; types alone do not.
    """
    return {module: frozenset(_used_by(module)) for module in modules()}


def reached(graph: Graph, roots: Iterable[str]) -> set[str]:
    """What the roots use, and what that uses, and so on; and the packages that hold it."""
    found: set[str] = set()
    waiting = [*roots]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += graph[module]
    packages = {module.rsplit(".", n)[0] for module in found for n in range(1, module.count(".") + 1)}
    return found | packages


_NAME = re.compile(r"(?:tfx|lessons|tfx_cli)(?:\.\w+)+")


def _used_by(module: str) -> Iterator[str]:
    for found in imports_by_module()[module]:
        if not found.as_type and is_ours(found.module):
            yield from definers(found.module)
    for node in ast.walk(parsed(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            dotted = node.value.replace(":", ".")
            if _NAME.fullmatch(dotted):
                yield from definers(dotted)


def definers(dotted: str) -> Iterator[str]:
    """The module that defines what `dotted` names, behind packages that only pass it on; nothing if it is not ours."""
    module = module_of(dotted)
    if module is None:
        return
    name = dotted.removeprefix(module).lstrip(".").split(".")[0]
    if modules()[module].name == "__init__.py":
        passed_on = [found.module for found in imports_by_module()[module] if name and found.bound == name]
        if passed_on:
            yield from definers(passed_on[0])
            return
    yield module
