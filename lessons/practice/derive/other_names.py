"""Functions that are other ways to write a formula, such as matmul(a, b), and what to write for those that there are not."""

from __future__ import annotations

from collections.abc import Sequence

from lessons.practice.derive.tree import ALSO, FUNCTIONS, Binary, Call, Number, Transposed, Tree
from tfx.errors import nearest

#: functions that are another way to write a sign
AS_SIGNS = {
    "matmul": "@", "dot": "@", "mm": "@", "multiply": "*", "mul": "*", "divide": "/", "div": "/", "add": "+",
    "subtract": "-", "sub": "-", "power": "^", "pow": "^",
}  # fmt: skip
#: what to write for functions that there are not
INSTEAD = {
    **dict.fromkeys(("size", "len"), "A size is written by its letter, as in sqrt(D)."),
    "einsum": "Write products with * and @, and sums with sum(x, axis).",
    "var": "Write mean((x - mean(x))^2).",
    "std": "Write sqrt(mean((x - mean(x))^2)).",
    "norm": "Write sqrt(sum(x^2)).",
    "log_softmax": "Write x - logsumexp(x).",
    "trace": "Write sum(x*eye(N), all).",
    "where": "Multiply by a mask of zeros and ones.",
    "ones": "A number serves every entry: write 1.",
    "zeros": "A number serves every entry: write 0.",
    **dict.fromkeys(
        ("reshape", "expand_dims", "unsqueeze", "squeeze"), "What is summed keeps its axis, so that it is not needed."
    ),
}
OF_ONE = ("transpose", "t", "square", "rsqrt", "silu", "swish")


def takes(function: str) -> int:
    """How many arguments it takes; 0 where it is no other way to write anything."""
    return 2 if function in AS_SIGNS else int(function in OF_ONE)


def written_out(function: str, arguments: Sequence[Tree], at: int) -> Tree:
    """What it is in the signs of the grammar."""
    first = arguments[0]
    if function in AS_SIGNS:
        return Binary(AS_SIGNS[function], first, arguments[1], at)
    if function in ("transpose", "t"):
        return Transposed(first, at)
    if function in ("silu", "swish"):
        return Binary("*", first, Call("sigmoid", (first,), (), True, at), at)
    return Binary("^", first, Number(2.0 if function == "square" else -0.5, at), at)


def no_function(name: str) -> str:
    """That there is none of that name, and what may be meant."""
    guess = "" if name in INSTEAD else nearest(name, (*FUNCTIONS, *ALSO, *AS_SIGNS))
    told = INSTEAD.get(name) or (guess and f"Did you mean {guess}?")
    told = told or f"There are: {', '.join(FUNCTIONS)}. To multiply, write {name}*(...) or {name} @ (...)."
    return f'no function is called "{name}" here. {told}'
