"""Ladders: the same result computed again and again, from Python loops up to the function that the library uses.

A ladder is one module with `LADDER`; a rung is one small function under `@rung()`, whose docstring says what changed,
why that should help and what it costs.  The last rung is the library's own function, imported.  Whether a rung did help
is measured, on the reader's machine, by tfx/bench/ladder.py; nothing here says so.  tfx/bench/ladders/climbing.py
yields the rungs for lessons.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tfx.errors import unknown_name
from tfx.records import qualified_name

Function = TypeVar("Function", bound=Callable[..., Any])

#: name -> one line on what is computed; the module is tfx.bench.ladders.<name with underscores>.
PARTS: Mapping[str, str] = {
    "attention": "Causal attention, forward: from three loops to matrix products",
    "softmax": "Softmax of every row: from math.exp to whole arrays and back to blocks",
    "gelu": "GELU: from math.erf to the tanh form, in place",
    "layernorm": "LayerNorm of every row: how often must a number be read?",
    "adamw": "One step of AdamW: from single numbers to one flat vector",
    "embedding-grad": "Gradient of an embedding table: adding rows that repeat",
}

#: Numbers of an array that the rungs called "blocks" work on at a time: enough to pay for the calls, and few enough for
#: the caches of most processors, the second or the third.
BLOCK = 1 << 16


class Sizes(NamedTuple):
    """What `size` counts; its value unless told, where loops take less than a second, and with --quick; the largest."""

    counts: str
    full: int
    quick: int
    most: int


class Work(NamedTuple):
    """What a call must do at the least: floating-point operations ("GFLOP/s") or bytes to and from memory ("GB/s")."""

    amount: int
    unit: str


@dataclass(frozen=True)
class Rung:
    """name: a word or two.  change: what differs from the rung before.  why: the reason to expect that it is faster.
    price: what it costs, in time, memory or generality.  All but the name are whole sentences.

    unlike: how far the result may be from the rung before by design, where it computes an approximation.
    by_number: whether Python loops over single numbers, which larger sizes do without.
    """

    name: str
    function: Callable[..., Any]
    change: str
    why: str
    price: str = ""
    unlike: float = 0.0
    by_number: bool = False


#: Name of the module -> its rungs, in the order of the file.
WRITTEN_IN: dict[str, list[Rung]] = defaultdict(list)


def rung(
    name: str = "", *, change: str = "", unlike: float = 0.0, by_number: bool = False
) -> Callable[[Function], Function]:
    """Makes a function, or a class, the next rung of its file; the function itself stays as it is.

    The docstring has the words: a sentence on what changes, then "Why: ..." and "Price: ..." where there is something
    to say, and whatever else is worth knowing.  name: the function's own unless told.  change: where it holds a number.
    """

    def register(function: Function) -> Function:
        first, _, further = (inspect.getdoc(function) or "").partition("\n\n")
        reasons = {label: " ".join(text.split()) for label, text in REASON.findall(further.partition("\n\n")[0])}
        words = change or " ".join(first.split()), reasons.get("Why", ""), reasons.get("Price", "")
        WRITTEN_IN[function.__module__].append(Rung(name or spaced(function), function, *words, unlike, by_number))
        return function

    return register


#: "Why: ..." or "Price: ...", each as far as the next of them.
REASON = re.compile(r"^(Why|Price): (.*?)(?=^Price: |\Z)", re.MULTILINE | re.DOTALL)


def spaced(function: Callable[..., Any]) -> str:
    """`sums_by_product` -> `sums by product`, `FewerPasses` -> `fewer passes`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", function.__name__).replace("_", " ").lower()


def library(function: Callable[..., Any], price: str, why: str = "", how: str = "") -> Rung:
    """The last rung: the function that the library uses.  how: what it does there."""
    return Rung("library", function, f"{qualified_name(function)}{how and f': {how}'}.", why, price)


def rungs_of(module: str, last: Rung) -> tuple[Rung, ...]:
    """The rungs of a file, and the library's."""
    return (*WRITTEN_IN[module], last)


def call_operation(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Callable[[], Any]:
    """The call to time.  An operation of the library returns (y, cache); y is the result."""

    def call() -> Any:
        result = function(*inputs)
        return result[0] if isinstance(result, tuple) else result

    return call


def copy_of_input(inputs: tuple[Any, ...]) -> Callable[[], Any]:
    """A yardstick: every number of the first input read and written once, into memory that is there already."""
    x = inputs[0]
    out = np.empty_like(x)
    return lambda: np.copyto(out, x)


def input_and_output(inputs: tuple[Any, ...]) -> Work:
    """The first input read once, and as many numbers written."""
    return Work(2 * inputs[0].nbytes, "GB/s")


@dataclass(frozen=True)
class Ladder:
    """inputs(size, dtype, rng): what every rung gets.  work(inputs): what the result costs at the least.
    numbers(size): about as many are in the inputs and in the largest arrays that a rung makes of them.

    yardstick: what it is compared with, and a function of the inputs that makes such a call.
    naive: the rung that states the maths in whole-array NumPy; the last rung must not need more memory than that one,
    unless `naive` is empty.
    start(function, inputs): makes the call that is timed, out of a rung's function.
    calls: how many calls come before results are compared; more than one where a call changes what the next one sees.
    read(what a call returned): the numbers to compare, where getting them out is not part of what is timed.
    """

    title: str
    sizes: Sizes
    inputs: Callable[[int, Any, np.random.Generator], tuple[Any, ...]]
    rungs: tuple[Rung, ...]
    numbers: Callable[[int], int]
    work: Callable[[tuple[Any, ...]], Work] = input_and_output
    yardstick: tuple[str, Callable[[tuple[Any, ...]], Callable[[], Any]]] = ("a copy of the numbers", copy_of_input)
    naive: str = ""
    start: Callable[[Callable[..., Any], tuple[Any, ...]], Callable[[], Any]] = call_operation
    calls: int = 1
    read: Callable[[Any], np.ndarray] = np.array


def ladder(name: str) -> Ladder:
    """The ladder of that name, one of PARTS; raises BadInput with the nearest name when there is none."""
    if name not in PARTS:
        raise unknown_name("ladder", name, PARTS, "tfx bench ladder")
    found: Ladder = importlib.import_module(f"tfx.bench.ladders.{name.replace('-', '_')}").LADDER
    return found
