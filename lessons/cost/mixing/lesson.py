"""FNet and Synthesizer: mixing tokens without comparing them, and what is lost by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.efficient.fourier_mixing import fourier_mixing_forward
from tfx.efficient.synthesizer import dense_synthesizer_forward
from tfx.lab.cost.mixers import fourier_weights, looked_up, mixers, rows_moved
from tfx.nn.fourier_mixing import FourierMixing
from tfx.ops.basics.softmax import softmax_forward

C, TEXTS = 8, 400  # width of a token; texts that are asked
HAND = np.array([[3.0], [1.0], [2.0], [0.0]])


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(8, 4, 16, "T, tokens of a text")


class Run:
    """x: (T, C).  mixers: four ways to mix them, by name."""

    def __init__(self, request: Request) -> None:
        self.t, self.seed = request.settings.tokens, request.seed
        rng = np.random.default_rng(self.seed)
        self.x, self.mixers = rng.standard_normal((self.t, C)), mixers(self.t, C, rng)


lesson = Lesson(Run, Settings)


@lesson.step("What if tokens are mixed, and not compared?")
def not_compared(run: Run) -> Iterator[Shown]:
    rows = [
        {"way": "attention", "weights": "products of queries and keys", "learned": "maps"},
        {"way": "dense Synthesizer", "weights": "made by each token alone", "learned": "a small network"},
        {"way": "random Synthesizer", "weights": "the same for any text", "learned": "the scores, or nothing"},
        {"way": "FNet", "weights": "a Fourier transform", "learned": "nothing"},
    ]
    moved = rows_moved(run.mixers["attention"], run.x, 0)
    yield "In attention all that tokens know of each other comes from comparing them, pair by pair. Some models leave the comparing out and mix all the same; the network behind does the rest."
    yield table("where the weights of a row come from", rows, way="way", weights="weights", learned="learned")
    yield question(f"{run.t} tokens, softmax attention without a mask. Token 1 becomes another: how many rows of weights change?", moved, "Its own row, as query; in all others its key and so its weight, and the sum.", 0)  # fmt: skip
    yield exactly("all", "rows of attention that change", run.t, moved)
    yield rows_moved


@lesson.step("FNet: a Fourier transform over the text")
def fnet(run: Run) -> Iterator[Shown]:
    y, _ = fourier_mixing_forward(HAND)
    t, c = run.x.shape
    tokens, width = (np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) for n in (t, c))
    yield "FNet replaces the attention of each block by a transform with two fixed matrices of waves, one over the tokens, one over the features, and keeps the real part."
    yield formula("y = real part of W_1 x W_2", "W_1, W_2: fixed waves")
    yield f"By hand, one feature, tokens {', '.join(f'{n:g}' for n in HAND[:, 0])}. Place 1 is the sum: {y[0, 0]:g}. Place 3 alternates signs: 3 - 1 + 2 - 0 = {y[2, 0]:g}. Places between take slower waves."
    yield question("Place 2 takes the wave cos: 1, 0, -1, 0. What is it?", float(y[1, 0]), "3 - 2.", 0)
    yield "There is nothing to learn and nothing depends on content. By the fast Fourier transform it costs T log T; every output has every token in it, so there is no causal form."
    yield agree("waves", "FNet, and the products with both matrices", fourier_mixing_forward(run.x)[0], (tokens @ run.x @ width).real, to=1e-10)  # fmt: skip
    yield exactly("learned", "parameters of the layer", 0, FourierMixing().n_parameters)
    yield fourier_mixing_forward
    yield Source("Lee-Thorp et al.", 2022, "FNet: Mixing Tokens with Fourier Transforms", "section 3")


@lesson.step("Synthesizer: scores without queries and keys")
def synthesizer(run: Run) -> Iterator[Shown]:
    rows = [{"way": name, "moved": rows_moved(mixer, run.x, 1)} for name, mixer in run.mixers.items()]
    by_way = {row["way"]: int(str(row["moved"])) for row in rows}
    yield "The dense form lets each token write its own row of scores, by a small network, without looking at the others. The random form learns one table of scores for all texts (or keeps it as it was drawn). Softmax and the sum of values stay."
    yield formula("dense: scores_t = relu(x_t W_1 + b_1) W_2 + b_2")
    yield question("Token 2 becomes another. Dense form: rows that change?", by_way["dense Synthesizer"], "Its own, which it alone writes.", 0)  # fmt: skip
    yield table(f"T = {run.t}: rows of weights that change with token 2", rows, way="way", moved="rows")
    yield exactly("dense", "rows of the dense form that change", 1, by_way["dense Synthesizer"])
    yield exactly("random", "rows of the random form that change", 0, by_way["random Synthesizer"])
    yield dense_synthesizer_forward
    yield Source("Tay et al.", 2021, "Synthesizer", "section 3")


@lesson.step("What breaks: looking something up")
def lookup(run: Run) -> Iterator[Shown]:
    rng, n = np.random.default_rng((run.seed, 1)), run.t
    table_of_scores = softmax_forward(rng.standard_normal((n, n)))[0]
    waves = fourier_weights(n)
    ways = {
        "attention": lambda order, asked: softmax_forward(20.0 * (order == asked))[0],
        "random Synthesizer": lambda order, asked: table_of_scores[asked],
        "FNet": lambda order, asked: waves[asked],
    }
    rows: list[dict[str, Any]] = [{"way": name, "right": 100 * looked_up(pick, n, TEXTS, np.random.default_rng((run.seed, 2)))} for name, pick in ways.items()]  # fmt: skip
    by_way = {str(row["way"]): float(row["right"]) for row in rows}
    yield f"A text tells {n} facts in any order: key, value. Then one key is asked. Attention scores each place by whether its key is the asked one. Weights that do not know the text cannot: the asked key stands elsewhere in each text."
    yield question(
        f"{n} facts, weights that know nothing of the text: percent right, on average?",
        100 / n,
        "One place in each text is the right one.",
    )
    yield table(
        f"{TEXTS} texts, weights by hand: the value with the largest weight", rows, way="way", right="right [%] :3"
    )
    yield "In a model the network and further layers help. FNet reports 92 to 97% of the accuracy of BERT on GLUE."
    yield at_least("found", "attention, right, %", 99.0, by_way["attention"])
    yield at_most("chance", "random form and FNet, right, %", 100 / n + 500 * np.sqrt((1 / n) * (1 - 1 / n) / TEXTS), max(by_way["random Synthesizer"], by_way["FNet"]))  # fmt: skip
    yield looked_up
    yield Source("Lee-Thorp et al.", 2022, "FNet", "abstract")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    n, hidden = 4096, 12
    yield Said("The weights of a dense Synthesizer do not depend on the input.", "false", "Each row is made from its own token. What is gone is the comparison of two tokens. Those of the random form do not depend on it.", "C190")  # fmt: skip
    yield Said("FNet mixes tokens by a Fourier transform in n log n steps.", "true", "Over both axes, the real part kept, without a parameter.", "C192")  # fmt: skip
    yield question(f"T = {n:,}: T log2(T) over T^2, in percent?", 100 * n * hidden / n**2, f"{hidden} / {n:,}.")
    yield Said("Random scores do as well as attention.", "too strong", "On some tasks nearly, in the paper of the Synthesizer, which also mixes both: compared and learned scores.")  # fmt: skip
    yield "Neither compares tokens. In later mixers with a state (Mamba) the content decides what is kept."
    yield exactly("log", "log2 of 4,096", 12.0, float(np.log2(n)))


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "FNet replaces self-attention by a fixed two-dimensional Fourier transform, over tokens and features, and keeps the real part: no parameters, T log T, some accuracy lost, no focus by content."
    yield "Synthesizer makes attention logits without query-key products. Dense: each token writes its row by a small network, so it depends on that token's content. Random: a learned or fixed table, the same for each input. The T x T weights stay."
    yield Try("tfx quiz efficient-mixing")
