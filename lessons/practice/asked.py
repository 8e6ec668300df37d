"""A program with several functions, as one function that calls any of them: for `tfx practice debug`.

It needs the standard library alone: the child process loads this file by its path.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Functions:
    """What a learner's file has, by name."""

    def __init__(self, space: dict[str, Any]) -> None:
        self.__dict__.update(space)

    def __getattr__(self, name: str) -> Any:
        raise NameError(f"the file has no {name}")


def asked_by(asking: Any, space: dict[str, Any]) -> Callable[..., Any]:
    """A function that calls another of the module, by its name, with the learner's functions."""
    functions = Functions(space)

    def ask(name: str, arguments: dict[str, Any]) -> Any:
        return getattr(asking, name)(functions, **arguments)

    return ask
