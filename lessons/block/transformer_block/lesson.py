"""One complete block: attention, feed-forward network, two norms and two sums, there and back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lessons.operation import derivation
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, numbered, question,
    setting, table,
)  # fmt: skip
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.gradcheck.case import layer_problem
from tfx.measure.verdicts import largest
from tfx.nn.block_settings import BlockSettings
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask
from tfx.settings import require_multiple
from tfx.short_forms.blocks import block as short_block


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(4, 3, 16, "T, tokens in the sentence")
    width: int = setting(8, 4, 64, "C, the numbers of a token")
    heads: int = setting(2, 1, 8, "H, heads; the width is a multiple of it")
    place: str = setting("pre", words=("pre", "post"), about="where the norms stand: pre-LN or post-LN")

    def check(self) -> None:
        require_multiple("width", self.width, self.heads)


class Lines(NamedTuple):
    """What the lines of a block give, in the order of the place, and what attention and network keep."""

    a: np.ndarray
    r: np.ndarray
    f: np.ndarray
    y: np.ndarray
    caches: dict[str, Any]


class Run:
    """x: (1, T, C); block: with random weights, F = 4 C."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.tokens, self.width, self.heads, self.place = (
            settings.tokens,
            settings.width,
            settings.heads,
            settings.place,
        )
        self.rng = np.random.default_rng(request.seed)
        self.x = self.rng.standard_normal((1, self.tokens, self.width))
        self.block = self.new_block(self.place)

    def new_block(self, place: str, dropout: float = 0.0) -> EncoderBlock:
        """The same weights for each place."""
        settings = BlockSettings(self.width, self.heads, 4 * self.width, norm_place=place, activation="relu", dropout=dropout, dtype="float64")  # fmt: skip
        return EncoderBlock(settings, np.random.default_rng(self.width))

    def lines(self, place: str) -> Lines:
        """The block, one line after the other."""
        block, x, pre, kept = self.block, self.x, place == "pre", {}

        def through(name: str, given: np.ndarray) -> np.ndarray:
            out, kept[name] = getattr(block, name).forward(given)
            return np.asarray(out)

        a = through("attention", through("norm1", x) if pre else x)
        r = x + a if pre else through("norm1", x + a)
        f = through("feed_forward", through("norm2", r) if pre else r)
        return Lines(a, r, f, r + f if pre else through("norm2", r + f), kept)

    def lines_back(self, dy: np.ndarray, caches: dict[str, Any]) -> np.ndarray:
        """The lines of `place`, undone from the last to the first."""
        block = self.block

        def back(name: str, given: np.ndarray) -> np.ndarray:
            out = getattr(block, name).backward(given, caches[name])
            return np.asarray(out.dx if name == "attention" else out)

        if self.place == "pre":
            dr = dy + back("norm2", back("feed_forward", dy))
            return dr + back("norm1", back("attention", dr))
        ds = back("norm2", dy)
        dr = back("norm1", ds + back("feed_forward", ds))
        return dr + back("attention", dr)


lesson = Lesson(Run, Settings)


@lesson.step("The parts, and what each is for")
def the_parts(run: Run) -> Iterator[Shown]:
    parts = {"norm1": "size of what attention reads", "attention": "moves things between tokens", "norm2": "size of what the network reads", "feed_forward": "works on each token"}  # fmt: skip
    rows = [
        {"part": name, "does": does, "count": getattr(run.block, name).n_parameters} for name, does in parts.items()
    ]
    total, c = run.block.n_parameters, run.width
    yield "A Transformer is, in the main, one block repeated. It lets tokens exchange what they know, works on each of them, and adds both to the stream. The shape (B, T, C) stays, so blocks can be stacked."
    yield table(f"a block with C = {c}, H = {run.heads}, F = {4 * c}; biases everywhere", rows, part="part", does="what it does", count="parameters :7")  # fmt: skip
    yield question("How many parameters has the block?", total, "Add up the column: the two sums have none.", 0.0)
    yield f"Attention has 4 C^2 weights and 4 C biases, the network 8 C^2 and 5 C, each norm 2 C: 12 C^2 + 13 C = {12 * c * c + 13 * c:,}. The number of heads does not matter, nor does the length."
    yield exactly("count", "parameters: 12 C^2 + 13 C", 12 * c * c + 13 * c, total)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")


@lesson.step("There: line by line")
def forward(run: Run) -> Iterator[Shown]:
    done = run.lines(run.place)
    y, _ = run.block.forward(run.x)
    rows = np.stack([run.x[0, 0], done.a[0, 0], done.r[0, 0], done.f[0, 0], done.y[0, 0]])[:, :6]
    if run.place == "pre":
        yield "Pre-LN, as most models have it since GPT-2. Attention reads a normalised x, and what it gives, a, is added to x itself:"
        yield formula("r = x + attention(norm1(x))        between tokens")
        yield formula("y = r + feed_forward(norm2(r))     each token alone")
    else:
        yield "Post-LN, the original of 2017. The norms stand behind the sums:"
        yield formula("r = norm1(x + attention(x))        between tokens")
        yield formula("y = norm2(r + feed_forward(r))     each token alone")
    yield matrix("token 1, its first numbers", rows, "line, number", ("x", "a", "r", "f", "y"))
    if run.place == "pre":
        yield f"By hand, the first number: r = {run.x[0, 0, 0]:.3f} + {done.a[0, 0, 0]:.3f} = {done.r[0, 0, 0]:.3f}, and y = {done.r[0, 0, 0]:.3f} + {done.f[0, 0, 0]:.3f} = {done.y[0, 0, 0]:.3f}."
    else:
        yield f"Behind norm2 token 1 has the mean {abs(done.y[0, 0].mean()):.3f} and the variance {done.y[0, 0].var():.3f}."
    yield agree("lines", "the lines give what the block gives", done.y, y)
    yield short_block
    yield Try.here(place="post" if run.place == "pre" else "pre")


@lesson.step("Text and code may differ: pre and post")
def two_places(run: Run) -> Iterator[Shown]:
    outputs = {place: run.new_block(place).forward(run.x)[0] for place in ("pre", "post")}
    rows = [{"place": f"{place}-LN", "mean": y[0, 0].mean(), "size": np.sqrt((y * y).mean())} for place, y in outputs.items()]  # fmt: skip
    apart = float(np.abs(outputs["pre"] - outputs["post"]).max())
    yield "A tutorial may print LayerNorm(x + f(x)) and then program x + f(norm(x)). Both are blocks, but not the same: weights trained for the one do not fit the other. With equal weights:"
    yield table("output of the two", rows, place="block", mean="mean of token 1 :3", size="size of y :3")
    yield f"They differ by up to {apart:.2f}. How to tell them apart in code: where is the norm called, on x or on the sum? And if on x, is there a norm behind the last block? If not, something is missing."
    yield agree("post", "post-LN: a token leaves with mean 0", outputs["post"].mean(axis=-1), to=1e-9)
    yield at_least("apart", "pre and post with equal weights differ by", 0.01, apart)
    yield See("norm-placement", "the_end")


@lesson.step("Who hears of a change?")
def who_hears(run: Run) -> Iterator[Shown]:
    changed = run.x.copy()
    changed[0, 1, 0] += 1.0  # not all numbers alike: a norm would not see that
    moved = {}
    for name, mask in (("no mask", None), ("causal mask", causal_mask(run.tokens))):
        y, other = (run.block.forward(x, mask=mask)[0] for x in (run.x, changed))
        moved[name] = np.abs(other - y)[0].max(axis=-1)
    hear = {name: int((each > 1e-12).sum()) for name, each in moved.items()}
    yield "Attention is the only way from one token to another. Without a mask every token may look at every other, as in BERT; with a causal mask only at itself and earlier ones, as in GPT. The block is the same."
    yield question(f"Token 2 of {run.tokens} changes, under a causal mask. How many tokens of the output change?", run.tokens - 1, "Token 2 and all after it.", 0.0)  # fmt: skip
    yield matrix("how far each token's output moves when token 2 changes", np.stack(list(moved.values())), "mask, token", tuple(moved), numbered(run.tokens))  # fmt: skip
    yield "So an encoder block and a block of GPT differ in the mask. A block of a translator's decoder has a third sub-layer between the two, which reads the source."
    yield exactly("causal", "tokens that hear of it under a causal mask", run.tokens - 1, hear["causal mask"])
    yield exactly("all", "... and without a mask", run.tokens, hear["no mask"])


@lesson.step("Back: every sum is a fork")
def backward(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    dy = rng.standard_normal(run.x.shape)
    done = run.lines(run.place)
    dx, by_hand = run.block.backward(dy, run.block.forward(run.x)[1]), run.lines_back(dy, done.caches)
    around = dy if run.place == "pre" else None
    yield "The way back undoes the lines from the last to the first. Where x was read twice, by the sub-layer and by the sum, its gradient is the sum of two. dy is the gradient of y, and ff^T, att^T, norm^T stand for the backwards of the parts."
    if around is not None:
        yield formula("dr = dy + norm2^T(ff^T(dy))         y = r + feed_forward(norm2(r))")
        yield formula("dx = dr + norm1^T(att^T(dr))        r = x + attention(norm1(x))")
        yield "dy stands in dr as it is, and dr in dx: that is the identity path of pre-LN, through any number of blocks."
    else:
        yield formula("ds = norm2^T(dy)      dr = norm1^T(ds + ff^T(ds))      dx = dr + att^T(dr)")
        yield "On the way from y to x every gradient passes two norms: post-LN has no path without one."
    yield agree("back", "the lines undone give what the block's backward gives", by_hand, dx)
    yield from derivation(EncoderBlock.backward)


def worst_gradients(run: Run) -> list[dict[str, Any]]:
    """For pre- and post-LN, of x and every parameter: the largest relative error of the backward."""
    rows = []
    for place in ("pre", "post"):
        settings = BlockSettings(6, 2, 12, norm_place=place, dropout=0.2)
        problem = layer_problem(EncoderBlock(settings, np.random.default_rng(1)), np.random.default_rng(2), {"x": np.random.default_rng(3).standard_normal((2, 3, 6))}, {"mask": causal_mask(3)}, dropout_seed=5, directions=1)  # fmt: skip
        report = check_gradients(problem.forward, problem.backward, problem.inputs, directions=1)
        rows.append({"place": f"{place}-LN", "tensors": len(report.inputs), "worst": report.worst})
    return rows


@lesson.step("Is it true?")
def proof(run: Run) -> Iterator[Shown]:
    rows = worst_gradients(run)
    yield "Every gradient of a small block, with a mask and with dropout, against differences of its forward: of x, of every weight, every bias, every gain. Each tensor is moved a little in a random direction, the loss is read before and after."
    yield table("the block's backward against differences", rows, place="block", tensors="tensors", worst="worst relative error :2")  # fmt: skip
    yield at_most("gradients", "worst relative error of all tensors", TOLERANCE, largest(row["worst"] for row in rows))
    yield check_gradients
    yield Try("tfx gradcheck nn.EncoderBlock")


@lesson.step("What short programs leave out")
def left_out(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    block = run.new_block(run.place, dropout=0.1)
    first, second = (block.forward(run.x, rng=rng)[0] for _ in range(2))
    used = [block.forward(run.x)[0] for _ in range(2)]
    rows = [{"when": "training, twice", "apart": np.abs(first - second).max()}, {"when": "in use, twice", "apart": np.abs(used[0] - used[1]).max()}]  # fmt: skip
    yield "Dropout. In training the original sets each number of a sub-layer's output to 0 with probability 0.1 before it is added (section 5.4), and scales up the rest. In use it does nothing, and a program without it computes the same."
    yield table("the same block twice on the same tokens, dropout 0.1", rows, when="when", apart="outputs differ by :3")
    yield Said("A Transformer relies on attention alone.", "false", "Blocks have networks, sums and norms; attention alone makes all tokens alike within a few layers. The paper did without recurrence and convolution.", "C111")  # fmt: skip
    yield "Since 2017 the plan stayed: many models have RMSNorm in front, a gated network, no biases. GPT-J and PaLM run both sub-layers side by side: x + attention(norm(x)) + feed_forward(norm(x))."
    yield exactly("use", "in use two runs differ by", 0.0, float(rows[1]["apart"]))
    yield at_least("training", "in training they do", 1e-3, float(rows[0]["apart"]))
    yield Source("Chowdhery et al.", 2022, "PaLM", "section 2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A block has two sub-layers, self-attention between tokens and a feed-forward network on each token, each with a residual connection and a norm. Pre-LN in two lines: r = x + attention(norm1(x)), y = r + feed_forward(norm2(r))."
    yield "The original is post-LN, norm(x + f(x)), with dropout on each f. Shapes stay (B, T, C), so blocks stack; a pre-LN stack ends with one more norm."
    yield Try("tfx quiz transformer-block")
