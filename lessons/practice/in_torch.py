"""The same exercises answered in PyTorch: the words of the stub, the rules and the hints, said for tensors.

PyTorch is no part of an installation: without it everything else works, and this says what to type.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence

from tfx.errors import EnvironmentProblem

#: what is written with another word there
WORDS = (
    (r"\barray", "tensor"), (r"\ban tensor", "a tensor"), (r"\bArray", "Tensor"), (r"\bNumPy\b", "PyTorch"),
    (r"\bnp\.", "torch."), (r"\bkeepdims\b", "keepdim"),
)  # fmt: skip

TENSORS = "What comes in are tensors, what is returned are tensors. New ones have the type of those that come in."
JUDGED = (
    "The gradients that autograd finds for every tensor of floats are judged too: nothing is cut off "
    "(detach, .data, .item(), torch.no_grad, NumPy), and none of them is NaN."
)
NOT_JUDGED = "The numbers are judged, and not what autograd makes of them."


def in_torch(text: str) -> str:
    """A sentence about arrays, about tensors."""
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text)
    return text


def rules_in_torch(rules: Sequence[str], gradients: bool) -> list[str]:
    """gradients: whether those that autograd finds are judged."""
    return [*map(in_torch, rules), TENSORS, JUDGED if gradients else NOT_JUDGED]


def need_torch() -> None:
    """Raises EnvironmentProblem where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise EnvironmentProblem(
            "PyTorch is not installed.",
            'Install it: pip install "tfx-learn[torch]"   Or answer in NumPy, without --framework.',
        )
