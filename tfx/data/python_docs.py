"""The text that the shipped language model learns from: the documentation inside the running Python.

Two sources, both part of every Python installation, no network and no file of ours: the language reference that
`help()` prints (`pydoc_data.topics`) and the docstrings of the standard library, read from its source files without
importing them.  The text is the same every time for one Python version and differs a little between versions.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sysconfig
import zlib
from collections.abc import Iterator
from pathlib import Path

#: Folders of the standard library that hold tests, demos, generated tables or other people's packages.
_SKIPPED = {"test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip", "pydoc_data", "encodings"}
_SKIPPED |= {"site-packages", "dist-packages"}
_MARKUP = re.compile(r":[a-z:]+:(?=`)|[`*]|\b_(?=\w)|(?<=\w)_\b")
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")
_HELD_OUT_ONE_IN = 20


def paragraphs(held_out: bool, docstrings: bool = True) -> list[str]:
    """The paragraphs of one side of the split, in a fixed order, without repeats.

    A paragraph is held out when the CRC-32 of its text says so: one in twenty, on every machine alike.
    docstrings=False leaves out the docstrings, which take seconds to collect: a tenth of a second for a live check.
    """
    unique = dict.fromkeys([*_topics(), *(_docstrings() if docstrings else ())])
    return [text for text in unique if (zlib.crc32(text.encode()) % _HELD_OUT_ONE_IN == 0) == held_out]


def _topics() -> Iterator[str]:
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield from _prose(topics[name])


@functools.cache
def _docstrings() -> tuple[str, ...]:
    found: list[str] = []
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py")):
        if _SKIPPED.intersection(path.relative_to(root).parts[:-1]):
            continue
        tree = ast.parse(path.read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.extend(_prose(ast.get_docstring(node) or ""))
    return tuple(found)


def _prose(text: str) -> Iterator[str]:
    """The paragraphs of `text` that read as sentences: code, tables, doctests and headings are left out."""
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text.translate(_QUOTES))):
        if ">>>" in block or "::=" in block or "|--" in block or "+--" in block:
            continue
        plain = " ".join(_MARKUP.sub("", block).split()).removesuffix("::")
        letters = sum(c.isalpha() or c.isspace() for c in plain)
        if plain.count(" ") >= 3 and letters >= 0.88 * len(plain):
            yield plain
