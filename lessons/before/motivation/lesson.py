"""Why the Transformer was proposed: the same task for an RNN and for attention, steps and paths counted, and the paper."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.lab.sequences import path_length, sequential_steps
from tfx.lab.sequences.recall import SYMBOLS, Recaller, recall
from tfx.measure.counting import attention_core, recurrence, total_matmul_flops
from tfx.measure.verdicts import smallest
from tfx.nn.encoder_block import EncoderBlock
from tfx.models.encoder import Encoder

DISTANCES, LENGTHS, WIDTH = (2, 8, 24), (4, 16, 64), 512


@dataclass(frozen=True)
class Settings:
    steps: int = setting(60, 40, 200, "steps of training for each network and distance")
    n: int = setting(64, 8, 4096, "tokens, where work is counted")


class Run:
    """shares: way -> for each distance the share of right answers."""

    def __init__(self, request: Request) -> None:
        self.seed, self.steps, self.n = request.seed, request.settings.steps, request.settings.n

    @cached_property
    def shares(self) -> dict[str, list[float]]:
        return {way: [recall(way, k, self.seed, self.steps) for k in DISTANCES] for way in ("RNN", "attention")}


lesson = Lesson(Run, Settings)


@lesson.step("The problem: what is far apart belongs together")
def problem(run: Run) -> Iterator[Shown]:
    uses = [
        {"what": "text", "far": "a pronoun and its noun, a verb and its subject"},
        {"what": "code", "far": "a variable and the line that set it"},
        {"what": "pictures", "far": "two ends of one outline"},
        {"what": "proteins", "far": "links of the chain that touch when it folds"},
    ]
    yield "To understand or to write a sequence means to see how its elements belong together, and those that do may stand far apart."
    yield table("what depends on what", uses, what="sequence", far="what may be far apart")
    yield "A recurrent network carries everything through one state, step by step: its memory fades, and it cannot compute two steps at once. The Transformer was proposed in 2017 against both: let every element look at every other one directly, all at the same time. The same design now reads all four."
    yield See("why-not-rnn")


@lesson.step("Remember one symbol: RNN against attention")
def remember(run: Run) -> Iterator[Shown]:
    rnn, attention = run.shares["RNN"], run.shares["attention"]
    rows = [{"k": k, "rnn": 100 * a, "attention": 100 * b} for k, a, b in zip(DISTANCES, rnn, attention, strict=True)]
    yield f"One of {SYMBOLS} symbols, then k tokens that do not matter, then the question: which symbol was it? An RNN and one layer of attention, equally wide, learn it from the same texts with the same {run.steps} steps, just now:"
    yield question("What share is right for one who answers at random?", 1 / SYMBOLS, f"One of {SYMBOLS}.")
    yield table(
        "right answers on new texts", rows, k="k tokens between", rnn="RNN [%] :3", attention="attention [%] :3"
    )
    yield "The RNN has to carry the symbol past every token, and learns of it by a gradient that fades. Attention finds it in one step. With more training, or gates, an RNN learns longer distances; it pays for each token more."
    yield at_least("attention", "attention: least share right", 0.9, smallest(attention))
    yield at_least("near", f"RNN, {DISTANCES[0]} tokens between: share right", 0.8, rnn[0])
    yield at_most("far", f"RNN, {DISTANCES[-1]} tokens between: share right", 0.6, rnn[-1])
    yield Recaller


@lesson.step("Counted: steps that wait, and paths")
def counted(run: Run) -> Iterator[Shown]:
    steps, paths = sequential_steps.Settings(LENGTHS), path_length.Settings(LENGTHS)
    rows = [
        {
            "way": name,
            "steps": sequential_steps.measure_row(steps, chain)["n_64"],
            "path": path_length.measure_row(paths, way)["n_64"],
        }
        for name, chain, way in (
            ("RNN, both ways", sequential_steps.RNN, path_length.RNN),
            ("convolution, 3 wide", sequential_steps.CONVOLUTION, path_length.CONVOLUTION),
            ("attention", sequential_steps.ATTENTION, path_length.ATTENTION),
        )
    ]
    n = LENGTHS[-1]
    yield f"Two counts for {n} tokens: how many matrix products wait for each other, and after how many layers, or RNN steps, has every token news of every other?"
    yield question(f"An RNN reads {n} tokens. How many steps from the first to the last?", n - 1, "One step for each token after the first.", 0)  # fmt: skip
    yield table(f"{n} tokens", rows, way="layer", steps="products in a row", path="news everywhere")
    yield "All places of an attention layer are computed at once, one step apart. Layers still follow one another, and writing still goes token by token."
    yield exactly("rnn", f"RNN: products in a row, and steps, of {n} tokens", f"{n}, {n - 1}", f"{rows[0]['steps']}, {rows[0]['path']}")  # fmt: skip
    yield exactly("attention-path", "attention: layers until news is everywhere", 1, int(rows[2]["path"]))
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 4 and table 1")


@lesson.step("What was new in 2017, and what was not")
def paper(run: Run) -> Iterator[Shown]:
    years = [
        {"year": "2014", "what": "RNN encoder-decoders; then attention", "who": "Sutskever; Bahdanau"},
        {"year": "2015", "what": "attention by dot products", "who": "Luong"},
        {"year": "2016", "what": "attention within one text, in an RNN", "who": "Cheng"},
        {"year": "2017", "what": "translation by convolutions and attention", "who": "Gehring"},
        {"year": "2017", "what": "attention alone: the Transformer", "who": "Vaswani"},
    ]
    yield "Attention was not new. The idea of the paper: to turn one sequence into another with attention alone mixing tokens, no recurrence, no convolution."
    yield table("on the way", years, year="year", what="what", who="first author")
    yield "With it came scaled dot products, several heads and sinusoidal positions. On two translation tasks it beat the best before, at less training cost by the paper's own estimate (table 2: German at base size, French at big size)."
    yield Said("The Transformer invented attention.", "false", "Over encoder states it is from 2014, within one text from 2016. New was a translator that mixes tokens by nothing else.")  # fmt: skip
    yield Source("Cheng, Dong and Lapata", 2016, "Long Short-Term Memory-Networks for Machine Reading")


@lesson.step("It is not attention alone, and not free")
def not_free(run: Run) -> Iterator[Shown]:
    block = EncoderBlock(
        Encoder(9, 64, n_heads=2, d_ff=256, n_layers=1, max_len=8).settings, np.random.default_rng(run.seed)
    )
    share = block.feed_forward.n_parameters / block.n_parameters
    core, rnn = (total_matmul_flops(costs) // 2 for costs in (attention_core(run.n, WIDTH, 1), recurrence(run.n, WIDTH)))  # fmt: skip
    yield f"Attention is all that mixes tokens. A block needs more: a feed-forward network (here {share:.0%} of its parameters), residual connections and norms (module 7), embeddings and positions."
    yield "What is constant is the path and the number of steps that wait, not the work: every pair of tokens is compared."
    yield formula("attention, pairs alone: 2 n^2 d      RNN: 2 n d^2", "n tokens of width d, multiply-adds")
    yield f"Counted at d = {WIDTH}, n = {run.n}: {core:,} for scores and sum, {rnn:,} for an RNN. They are equal at n = d."
    yield question(f"From n = {run.n} to {2 * run.n}: the work of attention's pairs grows by what?", 4, "Twice the tokens, four times the pairs.", 0)  # fmt: skip
    yield Said("Attention ended vanishing gradients.", "too strong", "It took away the decay along time. Against that along depth there are residual connections and norms.")  # fmt: skip
    yield exactly("pairs", "the work when n is doubled, over that at n", 4.0, total_matmul_flops(attention_core(2 * run.n, WIDTH, 1)) / (2 * core))  # fmt: skip
    yield within("share", "feed-forward network: share of a block's parameters", 2 / 3, share, 0.02)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "RNNs read step by step: slow to train on parallel hardware, and distant words are many steps apart. The Transformer replaces recurrence by self-attention: all places of a layer at once, and any two of them one step apart."
    yield "It was not the first attention, but the first translator that mixes tokens by nothing else. The price is work that grows with the square of the length; and it still needs feed-forward layers, residual connections, norms and positions."
    yield Try("tfx quiz transformer-motivation")
