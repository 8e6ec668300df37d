"""What a formula is made of, and the names of its functions."""

from __future__ import annotations

from dataclasses import dataclass

#: functions along axes, functions of each entry; what they do stands in working_out.py
REDUCING = ("sum", "mean", "max", "min", "softmax", "logsumexp")
ELEMENTWISE = (
    "exp", "log", "sqrt", "tanh", "sigmoid", "erf", "sin", "cos", "abs", "sign", "Phi", "phi", "relu",
)  # fmt: skip
#: name -> how many arguments it takes, from and to
OTHERS = {"outer": (2, 2), "diag": (1, 1), "onehot": (1, 2), "eye": (1, 1), "maximum": (2, 2), "minimum": (2, 2)}
#: other names of functions
ALSO = {
    "ln": "log", "sigma": "sigmoid", "cdf": "Phi", "pdf": "phi", "amax": "max", "one_hot": "onehot", "norm_cdf": "Phi",
    "norm_pdf": "phi", "I": "eye", "sgn": "sign", "ReLU": "relu", "lse": "logsumexp",
}  # fmt: skip
FUNCTIONS = (*REDUCING, *ELEMENTWISE, *OTHERS)


@dataclass(frozen=True)
class Number:
    value: float
    at: int


@dataclass(frozen=True)
class Name:
    name: str
    at: int


@dataclass(frozen=True)
class Negative:
    of: Tree
    at: int


@dataclass(frozen=True)
class Transposed:
    of: Tree
    at: int


@dataclass(frozen=True)
class Binary:
    sign: str
    left: Tree
    right: Tree
    at: int


@dataclass(frozen=True)
class Call:
    """axes: numbers or names, of what reduces; none for the last one.  keeps: whether the axis stays, with size 1.
    pasted: written as in NumPy, where none means all axes."""

    function: str
    arguments: tuple[Tree, ...]
    axes: tuple[int | str, ...]
    keeps: bool
    at: int
    pasted: bool = False


Tree = Number | Name | Negative | Transposed | Binary | Call
