"""Path length: after how many layers, or steps, has every token news of every other?

Every token starts with a mark of its own.  The library's layers, all weights 1 and all scores equal, pass the marks on;
a place has news of a token when its mark has arrived, whatever its size.  So what is counted is reachability in the
graph "place i reads place j", by running it, and not a formula:

    RNN, both ways        a step of time passes every state on to the next place, and to the one before
    convolution           a layer of kernel K reads (K - 1) / 2 places on each side; dilated: d places apart, d doubling
    attention             a layer reads every place; with a window, w places on each side, and a global token if any

Sources: Vaswani et al. 2017, table 1; Yu and Koltun 2016 (dilation); Beltagy et al. 2020, section 3.1 (window).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.efficient.longformer import longformer_attention_forward
from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.measure.verdicts import exactly
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.grids.convolution import convolution_forward
from tfx.ops.recurrence.rnn import rnn_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting, up_to

QUESTION = "After how many layers, or steps, has every token news of every other?"
TITLE = "Layers, or steps, until news of every token is everywhere"
CLAIM = (
    "Any two of n tokens are one layer of attention apart, but n - 1 steps of an RNN. Convolutions need many layers, "
    "unless they dilate, and so do windows."
)
BREAK_IT = ("--set dilated=no", "--set global_token=no")
HOST_ONLY = "Marks that are passed on: nothing for a card."


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((16, 32, 64, 128, 256), 4, 1024, "tokens", at_least=3)
    kernel: int = setting(3, 3, 65, "places that a convolution reads, an odd number")
    window: int = setting(4, 1, 512, "places on each side that window attention reads")
    dilated: bool = setting(True, about="no leaves the dilation of the dilated convolution at 1")
    global_token: bool = setting(True, about="no leaves the global token out")

    def quick(self) -> Settings:
        """Up to 128 tokens."""
        return replace(self, lengths=up_to(self.lengths, 128, at_least=3))

    def full(self) -> Settings:
        """Up to 1024 tokens as well."""
        return replace(self, lengths=tuple(sorted({*self.lengths, 512, 1024})))

    def check(self) -> None:
        """Raises BadInput for a kernel without a middle."""
        if self.kernel % 2 == 0:
            raise BadInput(f"kernel must be odd, but is {self.kernel}.", f"Try: --set kernel={self.kernel + 1}")

    def bytes_needed(self) -> float:
        """The marks of all tokens at all places, and what a layer makes of them."""
        return 8.0 * max(self.lengths) ** 2 * 8


#: layer(marks, number): (n places, n marks) -> what has arrived where after one layer, or step, more; number from 0.
Layer = Callable[[np.ndarray, int], np.ndarray]

RNN, CONVOLUTION, DILATED = "RNN, in steps", "convolution", "dilated"
ATTENTION, WINDOW, GLOBAL = "attention", "window", "global token"


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    lengths = sorted(set(run.settings.lengths))
    shown = {lengths[0], lengths[len(lengths) // 2], lengths[-1]}
    return (
        Column("way", "news goes by"),
        *(Column(f"n_{n}", f"{n} tokens", detail=n not in shown) for n in lengths),
        Column("share", "pairs read", "%", digits=3),
    )


def rows(run: Run[Settings]) -> Measured:
    """Every way with every length.  Nothing here is random."""
    for way in run.over((RNN, CONVOLUTION, DILATED, ATTENTION, WINDOW, GLOBAL)):
        yield measure_row(run.settings, way)


def measure_row(settings: Settings, way: str) -> dict[str, Any]:
    layer, lengths = layers(settings)[way], sorted(set(settings.lengths))
    first = layer(np.eye(lengths[-1]), 0) > 0
    found: dict[str, Any] = {f"n_{n}": layers_until_everywhere(layer, n) for n in lengths}
    return {"way": way, **found, "share": 100 * float(first.mean())}


def layers_until_everywhere(layer: Layer, n: int) -> int | None:
    """The layers until each of n places has the mark of each token; None where n do not suffice.

    Where a layer brings no news the next ones bring none either, so n of them are enough or none is.
    """
    marks = np.eye(n)
    for number in range(n):
        if marks.all():
            return number
        marks = (layer(marks, number) > 0).astype(marks.dtype)
    return n if marks.all() else None


def layers(settings: Settings) -> dict[str, Layer]:
    """What passes the marks on, by the library's operations with all weights 1."""
    one, token = np.ones((1, 1)), (0,) if settings.global_token else ()

    def step(marks: np.ndarray, number: int) -> np.ndarray:
        """h_t = x_t + h_(t-1) for all places at once, and from the other side: what each state holds is passed on."""
        none = np.zeros((1, len(marks)))
        arrived = np.zeros_like(marks)
        for before in (np.concatenate((none, marks[:-1])), np.concatenate((marks[1:], none))):
            h, _ = rnn_forward(marks.reshape(-1, 1, 1), before.reshape(-1, 1), one, one, activation="identity")
            arrived += h.reshape(marks.shape)
        return arrived

    def convolution(marks: np.ndarray, dilation: int) -> np.ndarray:
        """Each mark is a sequence of one channel."""
        w = np.ones((1, 1, settings.kernel))
        y, _ = convolution_forward(marks.T[:, None], w, padding="same", dilation=dilation)
        return np.asarray(y[:, 0].T)

    def attention(marks: np.ndarray, number: int) -> np.ndarray:
        equal = np.zeros((len(marks), 1))
        return np.asarray(attention_forward(equal, equal, marks)[0])

    def window(marks: np.ndarray, places: Sequence[int]) -> np.ndarray:
        equal = np.zeros((len(marks), 1))
        out, _ = longformer_attention_forward(equal, equal, marks, window=settings.window, global_places=places)
        return np.asarray(out)

    return {
        RNN: step,
        CONVOLUTION: lambda marks, number: convolution(marks, 1),
        DILATED: lambda marks, number: convolution(marks, 2**number if settings.dilated else 1),
        ATTENTION: attention,
        WINDOW: lambda marks, number: window(marks, ()),
        GLOBAL: lambda marks, number: window(marks, token),
    }


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    """Each way against the formula of the papers, at every length."""
    lengths, half = sorted(set(run.settings.lengths)), run.settings.kernel // 2
    w = run.settings.window
    expected: dict[str, tuple[str, str, Callable[[int], int]]] = {
        RNN: ("rnn", "an RNN needs n - 1 steps", lambda n: n - 1),
        CONVOLUTION: ("convolution", "convolutions n - 1 over half the kernel", lambda n: -(-(n - 1) // half)),
        DILATED: ("dilated", "dilated ones log2 of that, plus one", lambda n: math.ceil(math.log2((n - 1) / half + 1))),
        ATTENTION: ("attention", "attention 1 layer", lambda n: 1),
        WINDOW: ("window", "windows n - 1 over what they read on a side", lambda n: -(-(n - 1) // w)),
        GLOBAL: ("global-token", "with a global token at most 2", lambda n: 2 if n - 1 > w else 1),
    }
    by_way = {row["way"]: row for row in run.rows}
    where = f"at n = {lengths[0]} .. {lengths[-1]}"
    return tuple(
        exactly(id, f"{says}, {where}", listed(map(formula, lengths)), listed(of_row(by_way[way], lengths)))
        for way, (id, says, formula) in expected.items()
    )


def of_row(row: Mapping[str, Any], lengths: Sequence[int]) -> list[int | None]:
    return [row[f"n_{n}"] for n in lengths]


def listed(numbers: Any) -> str:
    return ", ".join("never" if number is None else str(number) for number in numbers)


# Saying


def prompt(run: Run[Settings]) -> str:
    n = max(run.settings.lengths)
    return f"After how many layers of kernel {run.settings.kernel} does each of {n} tokens know all?"


def question(run: Run[Settings]) -> Question:
    n, half = max(run.settings.lengths), run.settings.kernel // 2
    answer = run.rows[1][f"n_{n}"] or 0
    return Question(prompt(run), float(answer), 0.05, f"News goes {half} a layer, and the ends are {n - 1} apart.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    lengths = sorted(set(run.settings.lengths))
    rnn, convolution, dilated, attention, window, token = (listed([row[f"n_{lengths[-1]}"]]) for row in run.rows)
    return (
        Text(
            f"News is everywhere among {lengths[-1]} tokens after {rnn} steps of an RNN, {convolution} layers of "
            f"convolution, {dilated} dilated ones, {window} of windows, {token} with a global token, {attention} of "
            "attention."
        ),
        Text(
            "These are the maximum path lengths of Vaswani et al. 2017 (table 1), counted. A window reads few "
            "pairs (Beltagy et al. 2020, section 3.1) and pays with depth; a global token is a relay for all."
        ),
        Text(
            "To count the tokens that one middle place has seen gives half as many layers: here every place must know "
            "every other, and the two ends are farthest apart."
        ),
        Text(
            "A short path says that news can arrive, not that it is heard: how large a gradient is on its way is "
            "another experiment, gradient-distance. Under a causal mask news never goes back."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    lengths = sorted(set(run.settings.lengths))
    by_way = {row["way"]: of_row(row, lengths) for row in run.rows}
    same = by_way[RNN] == by_way[CONVOLUTION]
    names = {
        CONVOLUTION: "convolution, and RNN in steps" if same else "convolution",
        DILATED: "dilated convolution",
        WINDOW: "window attention",
        GLOBAL: "window and global token",
    }
    ways = [way for way in by_way if way != RNN and None not in by_way[way]]
    last = {way: listed(by_way[way][-1:]) for way in by_way}
    return (
        Plot(
            f"Among {lengths[-1]} tokens news is everywhere after {last[ATTENTION]} layer of attention, "
            f"{last[DILATED]} dilated convolutions, {last[CONVOLUTION]} plain ones",
            "tokens",
            "layers until every token has news of all",
            tuple(Series(names.get(way, way), lengths, [float(number or 0) for number in by_way[way]]) for way in ways),
            log_x=True,
            log_y=True,
        ),
    )
