"""How many heads: at one width their number costs no parameters, but memory for weights and width for each head."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.heads.published import BLEU
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, by_hand, exactly, formula, matrix,
    question, setting, table,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.lab.attention.two_sources import learn_two_sources, share_of_pairs
from tfx.lab.scale.published_sizes import PUBLISHED
from tfx.measure import counting
from tfx.measure.verdicts import largest
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.attention.multi_head import split_heads

HEADS = (1, 2, 4, 8, 16)
FLOAT32 = 4
#: Of the models that learn to name two past tokens.
TASK = {"n_tokens": 6, "width": 16, "length": 12, "steps": 120}
SHOWN = ("Transformer, base", "Transformer, big", "GPT-3", "T5-11B")


@dataclass(frozen=True)
class Settings:
    width: int = setting(64, 16, 1024, "C, width of a token; a multiple of 16")
    tokens: int = setting(128, 2, 1024, "T, tokens in a text")

    def check(self) -> None:
        if self.width % max(HEADS):
            raise BadInput(f"width = {self.width} cannot be shared out over {max(HEADS)} heads.", f"For example: --set width={max(1, self.width // max(HEADS)) * max(HEADS)}")  # fmt: skip

    def bytes_needed(self) -> float:
        """Four maps for each number of heads, and the scores of one head of each width, in float64."""
        return 8.0 * (len(HEADS) * 12 * self.width**2 + 6 * self.tokens**2 + 4 * self.tokens * self.width)


class Run:
    """q, k: (T, C), random queries and keys of all heads, before they are cut."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.c, self.t, self.seed = self.settings.width, self.settings.tokens, request.seed
        self.q, self.k = np.random.default_rng(request.seed).standard_normal((2, self.t, self.c))


lesson = Lesson(Run, Settings)


def parameters(width: int, heads: int) -> int:
    """Of a real layer, offsets included."""
    return MultiHeadAttention(width, heads, np.random.default_rng(0)).n_parameters


def multiply_adds(tokens: int, width: int, heads: int) -> int:
    costs = (*counting.projections(tokens, width), *counting.attention_core(tokens, width, heads))
    return counting.total_matmul_flops(costs) // 2


@lesson.step("What grows with the number of heads, and what does not")
def what_grows(run: Run) -> Iterator[Shown]:
    c, t = run.c, run.t
    rows = [{"h": h, "d": c // h, "owned": parameters(c, h), "work": multiply_adds(t, c, h), "p": h * t * t} for h in HEADS]  # fmt: skip
    yield "Who builds a model must choose H, the number of heads. The usual rule shares out the width: each head is D = C / H wide. So what does a larger H cost?"
    yield question(f"T = {t} tokens, H = {HEADS[-1]}: how many weights P are there in a layer?", HEADS[-1] * t * t, "A T x T matrix for each head.", 0)  # fmt: skip
    yield table(f"one layer, C = {c}, T = {t}, offsets included", rows, h="H", d="D", owned="parameters", work="multiply-adds", p="weights P :8")  # fmt: skip
    yield Said("More heads cost more parameters and compute.", "true with conditions", "Not at one width with D = C / H: only P and its softmax grow.", "C061")  # fmt: skip
    yield exactly("owned", "parameters: 4 C^2 + 4 C for every H", str({4 * c * c + 4 * c}), str({row["owned"] for row in rows}))  # fmt: skip
    yield exactly("work", "different numbers of multiply-adds", 1, len({row["work"] for row in rows}))


@lesson.step("Why the parameters stay: by hand")
def by_columns(run: Run) -> Iterator[Shown]:
    c, h = run.c, HEADS[-2]
    d = c // h
    yield "A head needs maps for queries, keys and values, and its rows of W_O:"
    yield formula("C D + C D + C D + D C = 4 C D", "numbers of one head, without offsets")
    yield formula("H heads: H * 4 C D = 4 C (H D) = 4 C^2", "because H D = C")
    yield question(f"C = {c}, H = {h}: how many numbers does one head own, without offsets?", 4 * c * d, f"4 * {c} * {d}, as D = {c} / {h} = {d}.", 0)  # fmt: skip
    yield f"{h} of them: {h} * {4 * c * d:,} = {4 * c * c:,} = 4 * {c}^2. The same for multiply-adds: Q K^T takes T * T * D for each head, and H D = C again."
    yield "Where D is a setting of its own, that ends: twice the heads of the same width are twice the numbers."
    wide = split_heads(run.q, h)
    yield exactly("cut", "the width of a head after the cut", d, wide.shape[-1])
    yield split_heads


@lesson.step("What the memory of P means")
def memory(run: Run) -> Iterator[Shown]:
    t = run.t
    _, cache = MultiHeadAttention(16, 4, np.random.default_rng(0)).forward(np.ones((1, 8, 16), np.float32))
    yield "Training keeps P for the way back: H * T * T numbers in each layer, for each text of a batch. A float32 number takes 4 bytes."
    rows = [{"h": h, "bytes": FLOAT32 * h * t * t / 2**20, "long": FLOAT32 * h * (32 * t) ** 2 / 2**20} for h in HEADS]
    yield table("MiB (2^20 bytes) for the P of one layer and one text", rows, h="H", bytes=f"T = {t}", long=f"T = {32 * t}")  # fmt: skip
    yield "Twice the heads, twice the memory; twice the tokens, four times. Since 2022 attention is often computed tile by tile, and P is not stored but made again (FlashAttention): then this price is gone."
    yield exactly("stored", "numbers in P that a layer of 4 heads keeps for 8 tokens", 4 * 8 * 8, cache.weights.size)
    yield Source("Dao et al.", 2022, "FlashAttention: Fast and Memory-Efficient Exact Attention with IO-Awareness")


def ranks(run: Run) -> list[int]:
    """Of Q K^T in the first head, for each number of heads."""
    cut = [(split_heads(run.q, h)[0], split_heads(run.k, h)[0]) for h in HEADS]
    return [int(np.linalg.matrix_rank(q @ k.T)) for q, k in cut]


@lesson.step("A narrow head compares in few dimensions: rank")
def rank(run: Run) -> Iterator[Shown]:
    found, wanted = ranks(run), [min(run.c // h, run.t) for h in HEADS]
    rows = [{"h": h, "d": run.c // h, "rank": r} for h, r in zip(HEADS, found, strict=True)]
    yield "The rank of a matrix: the largest number of its rows of which none is a sum of multiples of the others. Q K^T goes through D numbers:"
    yield formula("rank(Q K^T) <= D", "(T, D) x (D, S) -> (T, S)")
    yield table(f"scores of one head, T = {run.t} random tokens", rows, h="H", d="D", rank="rank of the scores")
    yield "A head narrower than the text is long cannot make every pattern of scores."
    yield agree("rank", "the rank is D, or T where that is smaller", found, wanted, to=0)
    yield Source("Bhojanapalli et al.", 2020, "Low-Rank Bottleneck in Multi-head Attention Models", "theorem 1")


def favourites(rng: np.random.Generator, d: int, keys: int = 64, queries: int = 4000) -> int:
    """Of so many random keys of width d, how many are the best match of at least one random query."""
    q, k = rng.standard_normal((queries, d)), rng.standard_normal((keys, d))
    return int(np.unique((q @ k.T).argmax(axis=1)).size)


@lesson.step("The narrowest head can point at two keys")
def narrowest(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    k = np.array([-1.5, 0.3, 2.0, 0.9])
    scores = np.outer([1.0, -2.0, 0.5], k)
    yield "At D = 1 a query is one number, a key is one, and a score is their product:"
    yield matrix("scores", scores, "query, key", ("1", "-2", "0.5"), [f"{x:g}" for x in k])
    yield f"By hand, query -2 and key -1.5: {by_hand(np.array([-2.0]), np.array([-1.5]))} = {scores[1, 0]:g}. A positive query likes the largest key best, a negative one the smallest. The others are nobody's first choice."
    rows = [{"d": d, "best": favourites(rng, d)} for d in (1, 2, 16)]
    yield table("of 64 random keys, how many are a best match for one of 4,000 random queries", rows, d="D", best="keys")  # fmt: skip
    yield exactly("two", "at D = 1", 2, rows[0]["best"])
    yield at_least("more", "at D = 16, more than half of the keys", 32, rows[-1]["best"])


@lesson.step("Trained: too few fail, and too many")
def trained(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids, heads = rng.integers(TASK["n_tokens"], size=(200, TASK["length"])), (2, TASK["width"])
    named = [share_of_pairs(learn_two_sources(n_heads=h, seed=run.seed, **TASK), ids) for h in heads]
    rows = [{"h": h, "d": TASK["width"] // h, "right": 100 * s} for h, s in zip(heads, named, strict=True)]
    yield f"The task of two past tokens again: attention alone names the tokens 1 and 3 back, width {TASK['width']}, {TASK['steps']} training updates. A single head cannot do it. Two can, and {heads[1]}, each of width 1?"
    yield table("pairs of tokens named right", rows, h="H", d="D", right="right [%] :3")
    yield f"Two heads of width {TASK['width'] // 2} can each point at one place. {heads[1]} heads of width 1 have as many parameters and point badly. How many are too many depends on width, length, task and training."
    yield at_least("named", "two heads name nearly all", 0.9, named[0])
    yield at_least("lost", "heads of width 1 name fewer, by", 0.1, named[0] - named[1])
    yield Try("tfx experiment rank-bottleneck")


@lesson.step("What was measured, and what was built")
def published(run: Run) -> Iterator[Shown]:
    sizes = {model.name: model.sizes for model in PUBLISHED if model.name in SHOWN}
    rows = [{"model": name, "h": s.heads, "c": s.width, "d": s.d_head or s.width // s.heads} for name, s in sizes.items()]  # fmt: skip
    best, middle = max(BLEU.values()), [b for h, b in BLEU.items() if 4 <= h <= 16]
    yield f"Translation, base model of 2017, BLEU (a score of translations) by H: {', '.join(f'{h}: {b}' for h, b in BLEU.items())}. One head is {best - BLEU[1]:.1f} below the best, {max(BLEU)} are {best - BLEU[max(BLEU)]:.1f}; from 4 to 16 it moves by {max(middle) - min(middle):.1f}."
    yield table("models as they were published", rows, model="model", h="H", c="C", d="D")
    yield "H has grown with C, D hardly. In T5-11B H * D is not C."
    yield Said("Eight to sixteen heads are the sweet spot.", "too strong", "They were best here, at width 512. Wider models have more.", "C070")  # fmt: skip
    yield at_most("narrow", "no head shown is wider than", 128, largest(s.d_head or s.width / s.heads for s in sizes.values()))  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "table 3 (A)")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "With D = C / H more heads cost no parameters and no multiply-adds. What grows is the matrix of weights, H * T * T numbers where it is stored; what shrinks is D, and with it the rank of each head's scores."
    yield "So the gain saturates: one head blends what it reads, very narrow heads point badly, and in between it matters little. Many large models keep D at 64 or 128 and let H grow."
    yield Try("tfx quiz head-count")
