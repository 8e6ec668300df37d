"""LayerNorm against BatchNorm: over which numbers the mean is taken, and what follows from it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, matrix, numbered, question, setting,
    table, within,
)  # fmt: skip
from tfx.lab.block.layernorm_vs_batchnorm import PADDING, TOKENS, measured_row
from tfx.lab.block.layernorm_vs_batchnorm import Settings as Batches
from tfx.nn.batch_norm import BatchNorm
from tfx.ops.norms.batch_norm import batch_norm_backward, batch_norm_forward
from tfx.ops.norms.layer_norm import layer_norm_forward

#: Tokens and features of the small batch; batches behind a measured number.
ROWS, WIDTH, DRAWS = 4, 3, 20


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(64, 32, 4096, "real tokens in a batch with padding")
    padding: float = setting(0.5, 0.05, 0.9, "share of that batch that is padding, zeros")


class Run:
    """x: (4, 3), four tokens of three features."""

    def __init__(self, request: Request) -> None:
        self.tokens, self.padding, self.seed = request.settings.tokens, request.settings.padding, request.seed
        self.x = np.round(np.random.default_rng(request.seed).standard_normal((ROWS, WIDTH)) * 3, 1)

    def row(self, what: str, amount: float) -> dict[str, float]:
        """What the experiment measures of one change of the batch."""
        batches = Batches(sizes=(1, 2, 8, 32, 128), tokens=self.tokens, width=16)
        return measured_row(batches, what, amount, [np.random.default_rng((self.seed, n)) for n in range(DRAWS)])


lesson = Lesson(Run, Settings)


def batch_norm(x: np.ndarray) -> np.ndarray:
    """As in training, gain 1, offset 0, eps 0."""
    return np.asarray(batch_norm_forward(x, np.ones(x.shape[-1]), np.zeros(x.shape[-1]), eps=0.0)[0])


def layer_norm(x: np.ndarray) -> np.ndarray:
    return np.asarray(layer_norm_forward(x, eps=0.0)[0])


@lesson.step("The same formula over other numbers")
def two_ways(run: Run) -> Iterator[Shown]:
    x, names = run.x, numbered(ROWS, "token ")
    yield "BatchNorm is the older one. Both subtract a mean and divide by a deviation; they differ in which numbers they average. Why did Transformers take LayerNorm?"
    yield matrix("a batch of tokens x", x, "token, feature", names)
    column = x[:, 0]
    yield f"LayerNorm goes along a row: token 1 has the mean {x[0].mean():.3f} over its {WIDTH} features. BatchNorm goes down a column, over all tokens of the batch."
    yield question(f"Feature 1 has the values {', '.join(f'{n:g}' for n in column)}. Which mean does BatchNorm take?", column.mean(), "Add them up and divide by their number.")  # fmt: skip
    yield f"Its first number becomes {layer_norm(x)[0, 0]:.3f} with LayerNorm and {batch_norm(x)[0, 0]:.3f} with BatchNorm."
    yield formula("(x - mean) / sqrt(variance + eps)        both, then gain and offset")
    yield agree("row", "LayerNorm: every row has mean 0", layer_norm(x).mean(axis=1))
    yield agree("column", "BatchNorm: every column has mean 0", batch_norm(x).mean(axis=0))
    yield batch_norm_forward


@lesson.step("Pad the batch, and see who notices")
def padding(run: Run) -> Iterator[Shown]:
    rows = [{"share": share} | run.row(PADDING, share) for share in sorted({0.25, run.padding, 0.75})]
    asked = next(row for row in rows if row["share"] == run.padding)
    grown = 1 / math.sqrt(1 - run.padding) - 1
    yield f"Short sentences are filled up with padding. Take {run.tokens} real tokens whose features have mean 0 and variance 1, and add vectors of zeros. The real tokens do not change. Does their output?"
    yield question(f"{run.padding:.0%} of the batch is zeros, so the variance of a feature falls to {1 - run.padding:g}. By what share do BatchNorm's outputs grow?", grown, f"They are divided by the root of {1 - run.padding:g}.")  # fmt: skip
    yield table(f"change of the real tokens' outputs, share of their size, mean of {DRAWS} batches", rows, share="padding :2", layer="LayerNorm :2", training="BatchNorm, training :3", masked="... with a mask :2")  # fmt: skip
    yield f"At {run.padding:.0%} padding BatchNorm's outputs change by {asked['training']:.1%}, LayerNorm's by nothing. A mask that keeps padding out of mean and variance mends this, if one thinks of it."
    yield agree("layer", "LayerNorm: padding changes no real token", [row["layer"] for row in rows])
    yield agree("mask", "BatchNorm with a mask: neither", [row["masked"] for row in rows])
    yield within(
        "grown",
        "BatchNorm in training: by the diluted variance",
        grown,
        asked["training"],
        0.02 + 4 * grown / run.tokens,
    )
    yield Try.here(padding=0.9 if run.padding < 0.9 else 0.5)


@lesson.step("Training and use are two functions")
def two_functions(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    norm, batches = BatchNorm(WIDTH, "float64", eps=0.0), 200
    for _ in range(batches):
        norm.forward(rng.standard_normal((32, WIDTH)) + 1.0)
        norm.update_buffers()
    norm.training, token = False, run.x[:1]
    alone, among = norm.forward(token)[0], norm.forward(run.x)[0][:1]
    rows = [
        {"when": "training, in this batch", "y": batch_norm(run.x)[0, 0], "layer": layer_norm(run.x)[0, 0]},
        {"when": "training, alone", "y": batch_norm(token)[0, 0], "layer": layer_norm(token)[0, 0]},
        {"when": "in use, in this batch", "y": among[0, 0], "layer": layer_norm(run.x)[0, 0]},
        {"when": "in use, alone", "y": alone[0, 0], "layer": layer_norm(token)[0, 0]},
    ]
    yield "In use there may be one sentence, or one token. So in training BatchNorm keeps running averages of mean and variance, and in use it takes those:"
    yield formula("stored <- 0.9 stored + 0.1 of the batch        0.1: the momentum, a usual choice")
    yield table(f"feature 1 of token 1; stored from {batches} batches of normal tokens of mean 1", rows, when="when", y="BatchNorm :3", layer="LayerNorm :3")  # fmt: skip
    yield "In training a token alone gives 0, as it is its own mean. In use the batch does not matter, so generating one token at a time is no obstacle; but the model was trained with other statistics than it is used with. LayerNorm has one answer for all four."
    yield agree("use", "BatchNorm in use: the batch does not matter", alone, among)
    yield agree("one", "BatchNorm in training: a token alone becomes 0", batch_norm(token))
    yield agree("four", "LayerNorm: the same in all four", [row["layer"] for row in rows], rows[0]["layer"])
    yield BatchNorm


@lesson.step("How noisy the statistics of a batch are")
def noise(run: Run) -> Iterator[Shown]:
    rows = [{"n": n} | run.row(TOKENS, n) for n in (1, 2, 8, 32, 128)]
    yield "A batch is a sample: its mean and variance are off by chance, and with them every output."
    yield table("BatchNorm in training: outputs are off by this share of their size", rows, n="tokens", training="measured :2", law="for normal numbers :2", layer="LayerNorm :2")  # fmt: skip
    yield "For many independent tokens that is small, and large models train on very many. But the statistics of text jump from batch to batch; Shen et al. (2020, section 3) name this as what harms BatchNorm in Transformers."
    yield Said("Transformers use LayerNorm because their batches are small.", "too strong", "Counted in tokens, theirs are large. Padding, and statistics that jump between batches of text, speak against BatchNorm.")  # fmt: skip
    yield within("noise", "8 tokens: off by what the law says", rows[2]["law"], rows[2]["training"], 0.1)
    yield at_least("falls", "2 tokens are off by more than 128: times", 3.0, rows[1]["training"] / rows[-1]["training"])


@lesson.step("A look into the future")
def the_leak(run: Run) -> Iterator[Shown]:
    later = run.x.copy()
    later[-1] += 5.0
    moved = {name: float(np.abs(norm(later) - norm(run.x))[0].max()) for name, norm in (("LayerNorm", layer_norm), ("BatchNorm", batch_norm))}  # fmt: skip
    slope, cache = np.zeros_like(run.x), batch_norm_forward(run.x, np.ones(WIDTH), np.zeros(WIDTH), eps=0.0)[1]
    slope[0, 0] = 1.0
    seen = float(np.abs(batch_norm_backward(slope, cache)[0][-1]).max())
    yield "A language model must not see words that come later; a mask in attention sees to that. BatchNorm has no such mask: in training its mean runs over all words of a sentence, the later ones too."
    yield table(f"token {ROWS} gets 5 added to its features; token 1's output", [{"norm": name, "moved": m} for name, m in moved.items()], norm="norm", moved="moves by :3")  # fmt: skip
    yield f"A gradient shows it, too: the slope of token 1's first output with respect to token {ROWS} is up to {seen:.3f}. With LayerNorm it is 0, as no number of another token is in the formula."
    yield exactly("blind", "LayerNorm: a later token moves an earlier output by", 0.0, moved["LayerNorm"])
    yield at_least("leaks", "BatchNorm, training: it moves it", 0.01, moved["BatchNorm"])


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    small = np.array([[0.001, -0.001]])
    inside = float(np.abs(layer_norm_forward(small, eps=1e-5)[0]).max())
    outside = 0.001 / (0.001 + 1e-5)
    yield Said("BatchNorm fails in generation, as the batch has one sample.", "false", "In use it takes stored statistics, whatever the batch. It is training that suffers from single samples.", "C116")  # fmt: skip
    yield Said("Padding distorts the statistics of BatchNorm.", "true with conditions", "In training, and unless a mask leaves it out. In use nothing is distorted.", "C117")  # fmt: skip
    yield Said("LayerNorm divides by deviation + eps.", "too strong", f"Some programs do. The usual formula has sqrt(variance + eps): at a deviation of 0.001 and eps 0.00001 the output has size {inside:.2f}; with eps outside it would have {outside:.2f}.")  # fmt: skip
    yield within("eps", "a token of deviation 0.001: its output's size, eps under the root", 1 / math.sqrt(11), inside, 1e-9)  # fmt: skip
    yield Source("Ioffe and Szegedy", 2015, "Batch Normalization", "algorithms 1 and 2")
    yield Source("Ba, Kiros and Hinton", 2016, "Layer Normalization", "section 3")
    yield Try("tfx experiment layernorm-vs-batchnorm")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "BatchNorm averages each feature over the batch and over time. In training a token's output thus depends on its neighbours, on padding and on later words, and in use stored averages take over: a second function."
    yield "LayerNorm averages over the features of one token. It is the same function in training and in use, for any batch size and length. Since 2017 language models have stayed with such norms per token, many with RMSNorm; PowerNorm (2020) mends BatchNorm for text."
    yield See("rms-norm", "variants")
    yield Try("tfx quiz layernorm-vs-batchnorm")
