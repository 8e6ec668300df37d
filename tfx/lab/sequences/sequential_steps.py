"""Sequential steps: how many matrix products have to wait for each other, however many processors there are?

The library's layers and models run on arrays that know the longest chain of matrix products they came through
(tfx/measure/dependent_steps.py).  What is counted is what the code does:

    attention      project, score, sum, project       the same for every n: its products cover all tokens at once
    RNN, LSTM      h_t waits for h_(t-1)              n products
    GRU            ... and in a step its candidate waits for its reset gate: two a token
    writing        the next token is known when the last one has been chosen: a whole pass for each, of any model

Sources: Vaswani et al. 2017, table 1 ("sequential operations"); Cho et al. 2014 (GRU); van den Oord et al. 2016,
section 2.1 (convolutions train in parallel and write one by one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.measure.dependent_steps import following, following_in
from tfx.measure.verdicts import exactly
from tfx.models.convolution_decoder import ConvolutionDecoder
from tfx.models.decoder import DecoderOnly
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.convolution import Convolution1d
from tfx.nn.recurrent_cell import RecurrentCell
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting, up_to

QUESTION = "How many matrix products have to wait for each other in attention, in an RNN, and in writing?"
TITLE = "The longest chain of matrix products that wait for each other"
CLAIM = (
    "Attention reads n tokens in a fixed number of steps, an RNN in n steps, one after the other. To write n tokens "
    "takes n passes, whatever the model."
)
BREAK_IT = ("--set reset_first=no",)
HOST_ONLY = "Chains are counted, not computed fast: nothing for a card."

#: Numbers in a token, and words: they change no chain.
WIDTH, WORDS = 8, 5
#: Matrix products in a row in a block: attention has four, the feed-forward network two; and the logits one.
BLOCK, CONVOLUTION_BLOCK, LOGITS = 6, 2, 1

ATTENTION, CONVOLUTION, RNN, LSTM, GRU = "attention layer", "convolution layer", "RNN layer", "LSTM layer", "GRU layer"
READS, WRITES, CONVOLUTIONS_WRITE = "Transformer reads", "Transformer writes", "convolutions write"


@dataclass(frozen=True)
class Settings:
    lengths: tuple[int, ...] = setting((4, 16, 64), 1, 512, "tokens", at_least=3)
    blocks: int = setting(2, 1, 12, "blocks of the two models")
    reset_first: bool = setting(True, about="no resets a GRU after its product, as cuDNN does")

    def quick(self) -> Settings:
        """Up to 64 tokens."""
        return replace(self, lengths=up_to(self.lengths, 64, at_least=3))

    def full(self) -> Settings:
        """256 tokens as well."""
        return replace(self, lengths=tuple(sorted({*self.lengths, 256})))

    def bytes_needed(self) -> float:
        """What every step of a pass and its gradient keeps, of small arrays."""
        return 4.0 * self.blocks * max(self.lengths) * (200 * WIDTH + max(self.lengths) * 16)


def columns(run: Run[Settings]) -> tuple[Column, ...]:
    lengths = sorted(set(run.settings.lengths))
    shown = {lengths[0], lengths[len(lengths) // 2], lengths[-1]}
    return (
        Column("way", "what"),
        *(Column(f"n_{n}", f"{n} token{'s' * (n > 1)}", detail=n not in shown) for n in lengths),
        Column("per_token", "a token", digits=3),
        Column("with_gradient", f"{lengths[-1]}, with gradient", detail=True),
    )


def rows(run: Run[Settings]) -> Measured:
    """Every layer, then every model.  The numbers inside are random, the chains are not."""
    for way in run.over((ATTENTION, CONVOLUTION, RNN, LSTM, GRU, READS, WRITES, CONVOLUTIONS_WRITE)):
        yield measure_row(run.settings, way)


def measure_row(settings: Settings, way: str) -> dict[str, Any]:
    lengths = sorted(set(settings.lengths))
    chain = chains(settings)[way]
    steps = {n: chain(n) for n in lengths}
    (before, _), (last, gradient) = steps[lengths[-2]], steps[lengths[-1]]
    return {
        "way": way,
        **{f"n_{n}": forward for n, (forward, _) in steps.items()},
        "per_token": (last - before) / (lengths[-1] - lengths[-2]),
        "with_gradient": gradient,
    }


def chains(settings: Settings) -> dict[str, Callable[[int], tuple[int, int | None]]]:
    """way -> the chain for n tokens, alone and with the gradient that comes back; None for what has no gradient."""
    rng = np.random.default_rng(0)

    def of_layer(layer: Any) -> Callable[[int], tuple[int, int]]:
        return lambda n: chain_of_layer(layer, n)

    gru = RecurrentCell("gru", WIDTH, WIDTH, rng, linear_before_reset=not settings.reset_first)
    transformer = DecoderOnly(
        WORDS, WIDTH, n_heads=2, d_ff=2 * WIDTH, n_layers=settings.blocks, max_len=max(settings.lengths) + 1
    )
    convolutions = ConvolutionDecoder(WORDS, WIDTH, dilations=(1,) * settings.blocks)
    return {
        ATTENTION: of_layer(MultiHeadAttention(WIDTH, 2, rng)),
        CONVOLUTION: of_layer(Convolution1d(WIDTH, WIDTH, 3, rng)),
        RNN: of_layer(RecurrentCell("rnn", WIDTH, WIDTH, rng)),
        LSTM: of_layer(RecurrentCell("lstm", WIDTH, WIDTH, rng)),
        GRU: of_layer(gru),
        READS: lambda n: (chain_of_reading(transformer, n), None),
        WRITES: lambda n: (chain_of_writing(transformer, n), None),
        CONVOLUTIONS_WRITE: lambda n: (chain_of_writing(convolutions, n), None),
    }


def chain_of_layer(layer: Any, n: int) -> tuple[int, int]:
    """The chain of its outputs for n tokens, and that of the gradient that comes back to its inputs."""
    x = following(np.random.default_rng(n).standard_normal((1, n, WIDTH)).astype("float32"))
    with following_in(layer):
        y, cache = layer.forward(x)
        back = layer.backward(y, cache)  # a gradient waits for the outputs; which one it is does not matter
    dx = back[0] if isinstance(back, tuple) and not hasattr(back, "dx") else getattr(back, "dx", back)
    return y.steps, dx.steps


def chain_of_reading(model: Any, n: int) -> int:
    """One pass over n given tokens, as in training: what is expected after each of them."""
    with following_in(model):
        logits, _ = model.forward(following(np.zeros((1, n), dtype="int64")))
    return int(logits.steps)


def chain_of_writing(model: Any, n: int) -> int:
    """The logits of token n, each token before it chosen by the model and read again; what was read stays stored."""
    ids, kept = following(np.zeros((1, 1), dtype="int64")), None
    with following_in(model):
        for _ in range(n):
            if model.remembers == "keys":
                logits, cache = model.forward(ids, past=kept)
                kept = cache.stack.present
            else:
                logits, kept = model.step(ids, kept)
            ids = np.argmax(logits, axis=-1)
    return int(logits.steps)


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    lengths, blocks = sorted(set(run.settings.lengths)), run.settings.blocks
    by_way = {row["way"]: row for row in run.rows}
    expected: tuple[tuple[str, str, str, Callable[[int], int]], ...] = (
        ("attention", ATTENTION, "attention: 4, for any n", lambda n: 4),
        ("convolution", CONVOLUTION, "convolution: 1, its taps side by side", lambda n: 1),
        ("rnn", RNN, "RNN: n", lambda n: n),
        ("lstm", LSTM, "LSTM: n, its gates side by side", lambda n: n),
        ("gru", GRU, "GRU: 2 n, its candidate waits for its gate", lambda n: 2 * n),
        ("reading", READS, "a Transformer that reads: 6 a block, and 1", lambda n: BLOCK * blocks + LOGITS),
        ("writing", WRITES, "... that writes: n times that", lambda n: n * (BLOCK * blocks + LOGITS)),
        (
            "convolutions-write",
            CONVOLUTIONS_WRITE,
            "convolutions that write: n passes as well",
            lambda n: n * (CONVOLUTION_BLOCK * blocks + LOGITS),
        ),
    )
    layers = [row for row in run.rows if row["with_gradient"] is not None]
    last = f"n_{lengths[-1]}"
    return (
        *(
            exactly(id, says, listed(map(formula, lengths)), listed(of_row(by_way[way], lengths)))
            for id, way, says, formula in expected
        ),
        exactly(
            "gradient",
            "of every layer its gradient doubles the chain",
            listed(2 * row[last] for row in layers),
            listed(row["with_gradient"] for row in layers),
        ),
    )


def of_row(row: Mapping[str, Any], lengths: Sequence[int]) -> list[int]:
    return [row[f"n_{n}"] for n in lengths]


def listed(numbers: Any) -> str:
    return ", ".join(map(str, numbers))


# Saying


def prompt(run: Run[Settings]) -> str:
    n, blocks = max(run.settings.lengths), run.settings.blocks
    one_pass = BLOCK * blocks + LOGITS
    return f"A pass is {one_pass} matrix products in a row; how many are in a row to write {n} tokens?"


def question(run: Run[Settings]) -> Question:
    n = max(run.settings.lengths)
    reads, writes = (row[f"n_{n}"] for row in run.rows if row["way"] in (READS, WRITES))
    return Question(prompt(run), float(writes), 0.05, f"Reading takes {reads}; writing, that for each of {n} tokens.")


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(index for index, row in enumerate(run.rows) if row["way"] not in (CONVOLUTION, LSTM))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    n = max(run.settings.lengths)
    last = {row["way"]: row[f"n_{n}"] for row in run.rows}
    return (
        Text(
            f"For {n} tokens attention takes {last[ATTENTION]} matrix products in a row, an RNN {last[RNN]} and a GRU "
            f"{last[GRU]}. A Transformer reads them with {last[READS]} and writes them with {last[WRITES]}, "
            f"convolutions with {last[CONVOLUTIONS_WRITE]}."
        ),
        Text(
            "Chains say what no number of processors shortens (Vaswani et al. 2017, table 1). They say nothing of the "
            "work: on one core the number of operations counts, see layer-costs."
        ),
        Text(
            "Training knows all tokens and reads them at once. Writing waits for each token to be chosen, also with "
            "stored keys, which save work and no step. To accept several drafted tokens in one pass, as speculative "
            "decoding does, is what shortens it."
        ),
        Text(
            "Counted are matrix products. Inside one, a sum of d numbers can be a tree of log2 d steps; exp, norms and "
            "additions in between add a fixed number of steps to each."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    lengths = sorted(set(run.settings.lengths))
    by_way = {row["way"]: of_row(row, lengths) for row in run.rows}
    curves = (ATTENTION, RNN, GRU, READS, WRITES)
    return (
        Plot(
            f"{lengths[-1]} tokens: a chain of {by_way[READS][-1]} matrix products to read them, {by_way[WRITES][-1]} "
            f"to write them; an RNN layer has {by_way[RNN][-1]}, attention {by_way[ATTENTION][-1]}",
            "tokens",
            "matrix products that wait for each other",
            tuple(Series(way, lengths, [float(steps) for steps in by_way[way]]) for way in curves),
            log_x=True,
            log_y=True,
        ),
    )
