"""A known wrong answer: the wrong function, and in its docstring what is wrong, why people do it, where to look."""

from __future__ import annotations

import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tfx.gradcheck.case import Problem

Function = TypeVar("Function", bound=Callable[..., Any])

#: Name of the module -> its mistakes, in the order of the file.
WRITTEN_IN: dict[str, list[Mistake]] = defaultdict(list)


class Mistake(NamedTuple):
    """One mistake in `op`: either its backward or its forward is wrong.

    name: a slug that stays, for links.  says: the mistake in a few words.  why: what makes people do it.
    hint: what to look at, without the answer.  problem: inputs on which it shows.
    wrong_backward(dy, cache) -> gradients.  wrong_forward(**inputs, **fixed) -> y, without a cache.
    """

    op: str
    name: str
    says: str
    why: str
    hint: str
    problem: Callable[[np.random.Generator], Problem]
    wrong_backward: Callable[[Any, Any], Any] | None = None
    wrong_forward: Callable[..., Any] | None = None

    @property
    def id(self) -> str:
        """`softmax/inner-sum-missing`."""
        return f"{self.op}/{self.name}"

    def build(self, rng: np.random.Generator) -> Problem:
        """The problem with the wrong backward in the place of the right one.  Raises ValueError where none is wrong."""
        if self.wrong_backward is None:
            raise ValueError(f"{self.id} is a mistake of the forward")
        return self.problem(rng)._replace(backward=self.wrong_backward)


def as_it_is(function: Function) -> Function:
    return function


def wrong_backward(
    problem: Callable[..., Problem], op: str = "", through: Callable[..., Any] = as_it_is, **settings: Any
) -> Callable[[Function], Function]:
    """Puts a wrong backward (dy, cache) -> gradients into the bank; the function itself stays as it is.

    problem: the inputs of a case on which it shows, with that problem's settings.  op: where the problem has another
    name.  through: makes the backward from the function, where that is only a piece of one.
    Raises ValueError where the docstring does not say what is wrong, "Why: ..." and "Hint: ...".
    """

    def register(function: Function) -> Function:
        _keep(function, problem, op, settings, wrong_backward=through(function))
        return function

    return register


def wrong_forward(
    problem: Callable[..., Problem], op: str = "", through: Callable[..., Any] = as_it_is, **settings: Any
) -> Callable[[Function], Function]:
    """As `wrong_backward`, for a wrong forward (**inputs, **fixed) -> y."""

    def register(function: Function) -> Function:
        _keep(function, problem, op, settings, wrong_forward=through(function))
        return function

    return register


def _keep(function: Callable[..., Any], problem: Any, op: str, settings: Mapping[str, Any], **wrong: Any) -> None:
    whole = partial(problem, **settings)
    op = op or whole.func.__name__
    # two operations of one file may have a mistake of the same name: one of the functions begins with the operation's
    name = function.__name__.removeprefix(f"{op}_").replace("_", "-")
    WRITTEN_IN[function.__module__].append(Mistake(op, name, *sentences(function), whole, **wrong))


def sentences(function: Callable[..., Any]) -> tuple[str, str, str]:
    """says, why and hint of a docstring.  What stands between the first line and "Why:" is for who reads the code."""
    text = inspect.getdoc(function) or ""
    found = re.fullmatch(r"(.+?)\.\n\n(?:.*\n\n)?Why: (.+?)\nHint: (.+)", text, re.DOTALL)
    if found is None:
        raise ValueError(
            f"{function.__module__}.{function.__name__}: its docstring has to say what is wrong in its first line, "
            'and then "Why: ..." and "Hint: ...", each on a new line'
        )
    says, why, hint = (" ".join(words.split()) for words in found.groups())
    first = says.split()[0]
    if first[1:].islower() or first == "A":  # an English word, not a name or a symbol
        says = says[0].lower() + says[1:]
    return says, why, hint
