"""The code of a step as cells that run: the few lines of each function and how far they are from the library's, else
the library's own source.  A function is shown once in a notebook."""

from __future__ import annotations

import builtins
import inspect
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, ModuleType
from typing import Any

from tfx.records import Code, qualified_name
from tfx_cli.render.source_code import short_source_of

#: what every notebook imports in its first cell
IMPORTED = {"np", "math", "inspect"}


def code_cells(targets: Sequence[Code], shown: set[str]) -> Iterator[str]:
    """The cells of these functions; `shown` grows by their names."""
    from tfx.short_forms import short_form

    for record in targets:
        name = qualified_name(record.target)
        if name in shown:
            continue
        shown.add(name)
        form = short_form(record.target)
        yield library_cell(record.target) if form is None else short_cell(form, record.target)


def library_cell(target: Any) -> str:
    """The library's own code, printed."""
    module, whole = target.__module__, target.__qualname__
    first = whole.split(".")[0]
    return f"from {module} import {first}\n\nprint(inspect.getsource(inspect.unwrap({whole})))"


def short_cell(form: Callable[..., Any], target: Any) -> str:
    """The few lines, which can be changed, and the comparison with the library."""
    whole = target.__qualname__
    imports = [*needed(form), f"from {target.__module__} import {whole.split('.')[0]}"]
    return "\n".join([*dict.fromkeys(imports), "", "", short_source_of(form), "", f"compare({form.__name__}, {whole})"])


def needed(form: Callable[..., Any]) -> Iterator[str]:
    """The imports of the names that the function takes from around it."""
    plain = inspect.unwrap(form)
    for name in dict.fromkeys(names_in(plain.__code__)):
        value = plain.__globals__.get(name)
        if name in IMPORTED or hasattr(builtins, name) or name not in plain.__globals__ or name == form.__name__:
            continue
        if isinstance(value, ModuleType):
            yield f"import {value.__name__}" + (f" as {name}" if name != value.__name__ else "")
        else:
            yield f"from {getattr(value, '__module__', None) or plain.__module__} import {name}"


def names_in(code: CodeType) -> Iterator[str]:
    """The names that a function and the functions inside it look up."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)
