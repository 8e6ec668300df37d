"""Reads what a learner types as an answer: a number or a simple expression, a shape, or picked choices.

Nothing typed is ever executed: an expression is parsed and walked over a short list of allowed operations.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable

LONGEST = 100  # characters of a number or shape

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": math.log,
    "ln": math.log,
    "log2": math.log2,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}


class Unreadable(ValueError):
    """The answer cannot be understood; the message says how to write it.  It counts as no answer at all."""


def read_number(text: str, unit: str = "") -> float:
    """`11.3`, `1e-3`, `1/8`, `sqrt(128)`, `2^10`, `12.5%`, each with or without `unit`.  Raises Unreadable."""
    source = text.strip()
    if unit and source.endswith(unit):
        source = source.removesuffix(unit).rstrip()
    if "," in source:
        raise Unreadable("Please write a decimal point, not a comma: 0.5; and thousands without a separator: 1000.")
    percent = source.endswith("%")
    source = source.removesuffix("%").replace("^", "**")
    if not source or len(source) > LONGEST:
        raise Unreadable(_HOW_TO_NUMBER)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "1if" and the like: they fail below anyway
            warnings.simplefilter("ignore", DeprecationWarning)
            value = _evaluate(ast.parse(source.lower(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError):
        raise Unreadable(_HOW_TO_NUMBER) from None
    except ZeroDivisionError:
        raise Unreadable("That divides by zero.") from None
    except OverflowError:
        raise Unreadable("That number is too large to compute with.") from None
    if not math.isfinite(value):
        raise Unreadable("The answer is a finite number.")
    return value / 100 if percent else value


_HOW_TO_NUMBER = "Please answer with a number, such as 11.3, 1e-3, 1/8 or sqrt(128)."


def _evaluate(node: ast.expr) -> float:
    """Value of an expression tree; raises ValueError for everything that is not plain arithmetic."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return float(node.value)
    if isinstance(node, ast.Name) and node.id in _CONSTANTS:
        return _CONSTANTS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _evaluate(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        result = _BINARY[type(node.op)](_evaluate(node.left), _evaluate(node.right))
        if isinstance(result, complex):
            raise ValueError("complex")
        return result
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        if node.func.id not in _FUNCTIONS:
            raise ValueError(node.func.id)
        return _FUNCTIONS[node.func.id](_evaluate(node.args[0]))
    raise ValueError("not plain arithmetic")


def read_shape(text: str) -> tuple[int, ...]:
    """`(2, 4, 5, 5)`, `[2,4,5,5]`, `2 4 5 5` and `2x4x5x5` are all the same.  Raises Unreadable."""
    inner = re.sub(r"[()\[\]{}]", " ", text.lower()).strip()
    parts = [part for part in re.split(r"[\s,;x*\u00d7]+", inner) if part]
    if len(text) > LONGEST or not all(part.isascii() and part.isdigit() for part in parts):
        raise Unreadable("Please answer with a shape of whole numbers, such as (2, 4, 5, 5).")
    if not parts and "(" not in text:
        raise Unreadable("Please answer with a shape of whole numbers, such as (2, 4, 5, 5).")
    return tuple(int(part) for part in parts)


def read_picks(text: str, count: int) -> tuple[int, ...]:
    """Numbers (or letters) of choices in the order typed, counted from 0: `1 3`, `1,3`, `13`, `a c`; `all`, `none`.

    Raises Unreadable for a choice that is not shown or is named twice.
    """
    word = text.strip().lower().rstrip(".")
    if word in ("all", "none", "0"):
        return tuple(range(count)) if word == "all" else ()
    picks: list[int] = []
    for part in re.split(r"[\s,;]+|(?<=\d)(?=\d)", word):
        number = int(part) - 1 if part.isascii() and part.isdigit() else ord(part) - ord("a") if len(part) == 1 else -1
        if not part or not 0 <= number < count:
            raise Unreadable(f"Please answer with the numbers shown, 1 to {count}.")
        if number in picks:
            raise Unreadable(f"{part} is named twice.")
        picks.append(number)
    return tuple(picks)
