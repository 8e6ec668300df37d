"""Reads what a learner types as an answer: a number or a simple expression, a shape, or picked choices.

The quiz and `--predict` read with the same functions.  Nothing typed is ever executed: an expression is parsed and
walked over a short list of allowed operations.  What people paste is understood too: `x = 0.5`, `torch.Size([2, 4])`,
a minus sign from a web page, `32 MiB`.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import unicodedata
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
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tanh": math.tanh,
    "abs": abs,
    "sigmoid": lambda x: 0.5 * (1.0 + math.tanh(0.5 * x)),
    "relu": lambda x: max(x, 0.0),
}
_CONSTANTS = {"pi": math.pi, "e": math.e}
#: Where people take functions and numbers from when they paste: `np.sqrt(2)`, `tensor(0.5)`.
_MODULES = ("math", "np", "numpy", "torch")
_WRAPPERS = ("tensor", "array", "float", "int", "float32", "float64", "int64")

#: Signs that keyboards and web pages have for the ones that Python knows.
_SIGNS = str.maketrans(
    {
        "\u2212": "-",  # minus sign
        "\u2013": "-",  # en dash
        "\u00d7": "*",  # multiplication sign
        "\u00b7": "*",  # middle dot
        "\u22c5": "*",  # dot operator
        "\u00f7": "/",  # division sign
        "\u2215": "/",  # division slash
        "\u2044": "/",  # fraction slash
        "\u03c0": "pi",
        "\u00a0": " ",  # no-break space
        "\u202f": " ",
    }
)
#: Ways in which a programming language writes numbers and remarks, and people do not: 0x10, 1 # one.
_PROGRAMMERS = re.compile(r"(?<![\w.])0[xob][0-9a-f]|[#;\\\r\n]", re.IGNORECASE)
#: What takes no room where it stands, and comes along when a number is copied.
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_POWERS = str.maketrans("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079", "0123456789")

#: Units that can be turned into one another: family -> unit -> how many of the smallest.
_UNITS: dict[str, dict[str, float]] = {
    "bytes": {
        "b": 1.0,
        "byte": 1.0,
        "bytes": 1.0,
        **{f"{prefix}b": 1000.0**power for power, prefix in enumerate("kmgt", 1)},
        **{f"{prefix}ib": 1024.0**power for power, prefix in enumerate("kmgt", 1)},
    },
    "seconds": {
        "s": 1.0,
        "sec": 1.0,
        "second": 1.0,
        "seconds": 1.0,
        "ms": 1e-3,
        "us": 1e-6,
        "\u00b5s": 1e-6,
        "ns": 1e-9,
        "min": 60.0,
    },
}


class Unreadable(ValueError):
    """The answer cannot be understood; the message says how to write it.  It counts as no answer at all."""


def read_number(text: str, unit: str = "") -> float:
    """`11.3`, `1e-3`, `1/8`, `sqrt(128)`, `2^10`, `12.5%`, `x = 0.5`, each with or without a unit, in `unit`.

    `32 MiB` where bytes are asked for is 33554432.  Raises Unreadable, also for a unit that measures something else.
    """
    if _PROGRAMMERS.search(text):
        raise Unreadable(_HOW_TO_NUMBER)
    source, factor = _without_unit(_plain(text), unit)
    if "," in source:
        raise Unreadable("Please write a decimal point, not a comma: 0.5; and thousands without a separator: 1000.")
    percent = source.endswith("%")
    source = source.removesuffix("%").strip()
    if not source or len(source) > LONGEST:
        raise Unreadable(_HOW_TO_NUMBER)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # "1if" and the like: they fail below anyway
            warnings.simplefilter("ignore", DeprecationWarning)
            value = factor * _evaluate(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, RecursionError):
        raise Unreadable(_HOW_TO_NUMBER) from None
    except ZeroDivisionError:
        raise Unreadable("That divides by zero.") from None
    except OverflowError:
        raise Unreadable("That number is too large to compute with.") from None
    if not math.isfinite(value):
        raise Unreadable("The answer is a finite number.")
    return value / 100 if percent else value


def _plain(text: str) -> str:
    """In lower case and with Python's signs; of `std = sqrt(64) = 8` what stands last, of `~ 8` the number."""
    source = re.sub("[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+", lambda found: "**" + found[0].translate(_POWERS), text)
    source = unicodedata.normalize("NFKC", _INVISIBLE.sub("", source)).translate(_SIGNS).strip().lower()
    source = re.sub(r"(?<![\w.])0+(?=\d)", "", source)  # 007
    source = source.rpartition("=")[2].strip() if re.search(r"[^=<>!:]=|^=", source) else source
    source = re.sub(r"^(about|approx\.?|approximately|roughly|circa|ca\.?|~|\u2248)\s*", "", source)
    source = re.sub(r"\u221a\s*(\d+(?:\.\d+)?)", r"sqrt(\1)", source).replace("\u221a", "sqrt")
    source = source.removesuffix(".") if re.search(r"\d\.$", source) and source.count(".") > 1 else source
    return re.sub(r"(?<=[\d)])\s*x\s*(?=[\d(])", "*", source.replace("^", "**"))


def _without_unit(source: str, unit: str) -> tuple[str, float]:
    """The text in front of a unit, and what to multiply it with so that it counts in `unit`."""
    own = re.escape(unit.lower())
    if unit and re.search(rf"(?<![a-z\u00b5]){own}$", source):
        return source.removesuffix(unit.lower()).rstrip(), 1.0
    found = re.fullmatch(r"(.*[\d)]|.*\bpi|.*\be)\s*([a-z\u00b5]+)", source, flags=re.DOTALL)
    if not found or not any(found[2] in family for family in _UNITS.values()):
        return source, 1.0
    for family in _UNITS.values():
        if found[2] in family and unit.lower() in family:
            return found[1], family[found[2]] / family[unit.lower()]
    asked = f"is asked for in {unit}" if unit else "has no unit here"
    raise Unreadable(f"The answer {asked}, not in {found[2]}.")


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
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _MODULES:
        return _evaluate(ast.Name(node.attr))
    if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        name = _function_name(node.func)
        value = _evaluate(node.args[0])
        return value if name in _WRAPPERS else _FUNCTIONS[name](value)
    raise ValueError("not plain arithmetic")


def _function_name(node: ast.expr) -> str:
    """`sqrt` for sqrt, math.sqrt and np.sqrt.  Raises ValueError for a function that is not known."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in _MODULES:
        node = ast.Name(node.attr)
    if isinstance(node, ast.Name) and (node.id in _FUNCTIONS or node.id in _WRAPPERS):
        return node.id
    raise ValueError("not a function that is known here")


def read_shape(text: str) -> tuple[int, ...]:
    """`(2, 4, 5, 5)`, `[2,4,5,5]`, `2 4 5 5`, `2x4x5x5` and `torch.Size([2, 4, 5, 5])` are all the same.

    Raises Unreadable.
    """
    pasted = re.sub(
        r"^(the\s+)?(\w+\.)?(shape|size)\b\s*(is\b|[:=])?\s*",
        "",
        unicodedata.normalize("NFKC", text).strip().lower().rstrip("."),
    )
    pasted = pasted.rpartition("=")[2]
    inner = re.sub(r"\b(by|and)\b|[()\[\]{}]", " ", pasted).strip()
    parts = [part for part in re.split(r"[\s,;x*\u00d7]+", inner) if part]
    if len(text) > LONGEST or not all(part.isascii() and part.isdigit() for part in parts):
        raise Unreadable("Please answer with a shape of whole numbers, such as (2, 4, 5, 5).")
    if not parts and "(" not in text:
        raise Unreadable("Please answer with a shape of whole numbers, such as (2, 4, 5, 5).")
    return tuple(int(part) for part in parts)


def read_picks(text: str, count: int) -> tuple[int, ...]:
    """Numbers (or letters) of choices in the order typed, counted from 0: `1 3`, `1,3`, `13`, `a c`, `1)`, `a and c`.

    `all` and `none` are understood.

    Raises Unreadable for a choice that is not shown or is named twice.
    """
    typed = re.sub(r"(?<=[\da-z])\s*(->|\u2192|-|>)\s*(?=[\da-z])", " ", text.strip().lower())  # 3 -> 1 -> 2
    word = re.sub(r"\b(and|then|option|choice|answer|the)\b|[()\[\]:#&+]|\.(?=\s|$)", " ", typed).strip()
    if word in ("all", "none", "0"):
        return tuple(range(count)) if word == "all" else ()
    picks: list[int] = []
    for part in re.split(r"[\s,;]+|(?<=\d)(?=\d)", re.sub(r"[\s,;]+$", "", word)):  # 1, 3,
        number = int(part) - 1 if part.isascii() and part.isdigit() else ord(part) - ord("a") if len(part) == 1 else -1
        if not part or not 0 <= number < count:
            raise Unreadable(f"Please answer with the numbers shown, 1 to {count}.")
        if number in picks:
            raise Unreadable(f"{part} is named twice.")
        picks.append(number)
    return tuple(picks)
