"""Where the norm stands: behind the sum, in front of the sub-layer, or on the branch, and what that does to training."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, between, formula, matrix, question,
    setting, table, within,
)  # fmt: skip
from tfx.lab.block.norm_placement import PLACES, Stacked, through_stack
from tfx.lab.block.norm_placement import Settings as Stacks
from tfx.lab.block.norm_stability import N_SYMBOLS, loss_at_the_end
from tfx.lab.block.norm_stability import Settings as Trainings
from tfx.nn.residual import Residual
from tfx.ops.norms.layer_norm import layer_norm_forward

#: Random stacks behind each number; steps of the training.
DRAWS, STEPS = 6, 40


@dataclass(frozen=True)
class Settings:
    depth: int = setting(24, 8, 48, "blocks of the deep stacks")
    rate: float = setting(0.01, 0.001, 0.03, "the learning rate of the training")


class Run:
    """x, f: (4,), a token and what a sub-layer gives."""

    def __init__(self, request: Request) -> None:
        self.depth, self.rate, self.seed = request.settings.depth, request.settings.rate, request.seed
        rng = np.random.default_rng(request.seed)
        self.x, self.f = np.round(2 * rng.standard_normal((2, 4)), 1)
        self.place = cache(self._place)

    def _place(self, place: str, depth: int, final_norm: bool = True) -> dict[str, float]:
        """Means over random stacks: the size of the stream, and gradients of maps in the first and the last block."""
        settings = Stacks(width=16, tokens=8, final_norm=final_norm)
        found: list[Stacked] = [through_stack(settings, place, depth, np.random.default_rng((self.seed, n))) for n in range(DRAWS)]  # fmt: skip
        by_block = np.exp(np.mean([np.log(one.feed_forward) for one in found], axis=0))
        return {"depth": depth, "size": math.sqrt(np.mean([one.square for one in found])), "first": float(by_block[0]), "last": float(by_block[-1])}  # fmt: skip


lesson = Lesson(Run, Settings)


def norm(x: np.ndarray) -> np.ndarray:
    return np.asarray(layer_norm_forward(x[None], eps=0.0)[0][0])


@lesson.step("Three places for one norm")
def three_places(run: Run) -> Iterator[Shown]:
    x, f = run.x, run.f
    y = {"post-LN": norm(x + f), "third form": x + norm(f)}
    yield "LayerNorm standardises each token. Beside a sub-layer f and a sum it can stand in three places, and the place decides how a deep stack begins to learn."
    yield formula("post-LN:      y = norm(x + f(x))        behind the sum: the original of 2017")
    yield formula("pre-LN:       y = x + f(norm(x))        in front of f: GPT-2 and most since")
    yield formula("third form:   y = x + norm(f(x))        on the branch")
    yield matrix("a token, what f gives, and y", np.stack([x, f, *y.values()]), "row, number", ("x", "f(x)", *y))
    yield f"In post-LN y has mean 0; in the third form {y['third form'].mean():.3f}, that of x: the stream is never normalised. Some texts print it as post-LN. In pre-LN and the third form no norm stands on the way from y back to x."
    yield agree("post", "post-LN: y has mean 0 and variance 1", [y["post-LN"].mean(), y["post-LN"].var()], [0.0, 1.0])
    yield agree("third", "third form: y has the mean of x", y["third form"].mean(), x.mean())
    yield Residual


@lesson.step("The size of the stream")
def the_stream(run: Run) -> Iterator[Shown]:
    rows = [{"depth": depth} | {place: run.place(place, depth)["size"] for place in PLACES} for depth in (2, 6, run.depth)]  # fmt: skip
    law, last = math.sqrt(1 + 2 * run.depth), rows[-1]
    yield "Now whole blocks, attention and a feed-forward network, with random weights, as at the start of training. The stream is what flows from block to block; its size was 1."
    yield question(f"In the third form each block adds two outputs of size 1, uncorrelated. How large is the stream behind {run.depth} blocks?", law, f"Squares add up: 1 + 2 * {run.depth}; take the root.")  # fmt: skip
    yield table(f"size of the stream, mean of {DRAWS} stacks", [{"depth": row["depth"], "pre": row["pre-LN"], "post": row["post-LN"], "third": row["third form"]} for row in rows], depth="blocks", pre="pre-LN :3", post="post-LN :3", third="third form :3")  # fmt: skip
    yield f"Post-LN stays at 1. Pre-LN grows, too, like a root: that is its price. Behind {run.depth} blocks its stream has size {last['pre-LN']:.2f}, and a block's own part is small beside it. So a pre-LN stack needs one more norm at its end, before the output is read."
    yield agree("one", "post-LN: the stream has size 1 at every depth", [row["post-LN"] for row in rows], 1.0, to=1e-3)
    yield within("root", "third form: size over the root of 1 + 2 a block", 1.0, last["third form"] / law, 0.12)
    yield at_least("grows", "pre-LN: size of the stream", 2.0, last["pre-LN"])


@lesson.step("The gradient of the last block")
def the_gradient(run: Run) -> Iterator[Shown]:
    depths = sorted({2, run.depth // 4, run.depth})
    rows = [
        {"depth": d, "pre": run.place("pre-LN", d)["last"], "post": run.place("post-LN", d)["last"]} for d in depths
    ]
    pre, post = (rows[-1][key] / rows[0][key] for key in ("pre", "post"))
    expected = math.sqrt(2 / run.depth)
    yield "And the gradients nearest to the output? In pre-LN the norm at the end divides them by the size of the stream, which grows like the root of the depth. In post-LN nothing does."
    yield question(f"If pre-LN's falls like 1 / sqrt(blocks), what is left at {run.depth} blocks of what it is at 2?", expected, f"The root of 2 / {run.depth}.")  # fmt: skip
    yield table(f"norm of the gradient of the last map, mean of {DRAWS} stacks", rows, depth="blocks", pre="pre-LN :3", post="post-LN :3")  # fmt: skip
    yield f"Measured: pre-LN keeps {pre:.2f} of it, post-LN {post:.2f}. With large gradients near the output large first steps do harm. So post-LN wants a warm-up, a learning rate that starts small; pre-LN hardly does."
    yield within("falls", "pre-LN: what is left, by 1 / sqrt(blocks)", expected, pre, 0.5 * expected)
    yield between("stays", "post-LN: what is left", 0.5, 2.0, post)
    yield Source("Xiong et al.", 2020, "On Layer Normalization in the Transformer Architecture")


@cache
def losses(rate: float, seed: int) -> dict[str, float]:
    """Six blocks learn to reverse four symbols, from the same first weights and on the same batches."""
    settings = Trainings(steps=STEPS)
    runs = {"pre-LN": ("pre", 0.0), "post-LN": ("post", 0.0), "post-LN, warm-up": ("post", 0.5)}
    return {name: loss_at_the_end(settings, place, rate, warmup, seed) for name, (place, warmup) in runs.items()}


@lesson.step("So let them learn")
def training(run: Run) -> Iterator[Shown]:
    found, guess = losses(run.rate, run.seed), math.log(N_SYMBOLS)
    rows = [{"way": name, "loss": loss} for name, loss in found.items()]
    yield f"Encoders of six blocks, alike in all else, learn to write four symbols backwards: {STEPS} steps of AdamW, a form of gradient descent, at the learning rate {run.rate:g}. Loss: mean of -log p of the right symbol, in nats."
    yield question(f"A guess among {N_SYMBOLS} symbols has p = 1/{N_SYMBOLS}. What is its loss?", guess, f"The natural logarithm of {N_SYMBOLS}.")  # fmt: skip
    yield table("loss at the end", rows, way="norm", loss="loss [nats] :3")
    yield f"Post-LN ends at {found['post-LN']:.2f}, pre-LN at {found['pre-LN']:.2f}. With a rate that grows over the first half of the steps, post-LN ends at {found['post-LN, warm-up']:.2f}."
    if run.rate == Settings().rate:
        yield "It is the large first steps that post-LN does not bear: at a tenth of this rate, in the experiment, the two are close."
        yield at_least("gap", "rate 0.01: post-LN's loss above pre-LN's", 0.25, found["post-LN"] - found["pre-LN"])
        yield at_least(
            "mends", "rate 0.01: what a warm-up takes off", 0.25, found["post-LN"] - found["post-LN, warm-up"]
        )
    yield Try.here(rate=0.001)
    yield Try("tfx experiment norm-stability")


@lesson.step("The norm at the end")
def the_end(run: Run) -> Iterator[Shown]:
    given, without = run.place("pre-LN", run.depth), run.place("pre-LN", run.depth, False)
    ratio = without["last"] / given["last"]
    rows = [{"end": "with a final norm", "last": given["last"]}, {"end": "without", "last": without["last"]}]
    yield "A pre-LN block ends with a sum, so the output layer would get a stream of any size. Some programs forget this norm, as it belongs to the stack and not to the block. A post-LN block ends with a norm already."
    yield table(f"pre-LN, {run.depth} blocks", rows, end="end of the stack", last="gradient of the last block :3")  # fmt: skip
    yield f"Without it the last gradient is {ratio:.2f} times as large. The norm divides gradients by the size of what it reads, {given['size']:.2f}: that is where the root of the depth came from."
    yield between("divides", "last gradient without it over with it, by the size of the stream", 0.5, 2.0, ratio / given["size"])  # fmt: skip
    yield Said("A pre-LN stack needs no norm behind its last block.", "false", "Its stream has grown, and would reach the output layer so. GPT-2 brought this norm along with pre-LN.", "C126")  # fmt: skip


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    third = run.place("third form", run.depth)
    yield Said("Post-norm is x + LayerNorm(Sublayer(x)).", "false", f"That is the third form. In random stacks of {run.depth} blocks its first block's gradient is {third['first'] / third['last']:.0f} times its last one's.", "C107")  # fmt: skip
    yield Said("Pre-LN trains more stably.", "true", "At large rates and without a warm-up. At small rates, or with one, both learn.", "C108")  # fmt: skip
    yield Said("Post-LN is more expressive.", "too strong", "Where it trains it was at times found to end slightly better. Why is debated, and no toy ranks final scores.", "C109")  # fmt: skip
    yield at_least("explodes", "third form: first gradient over last, at least the number of blocks", run.depth / 2, third["first"] / third["last"])  # fmt: skip
    yield "Since 2017: GPT-2 moved the norm to the front, and most followed, not all. Swin V2 and OLMo 2 use the third form, Gemma 2 a norm on either side of f, DeepNet post-LN with a weighted sum."
    yield Source("Liu et al.", 2022, "Swin Transformer V2", "section 3.2")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Post-LN is norm(x + f(x)), pre-LN x + f(norm(x)). Pre-LN leaves an identity path without a norm, and at the start its gradient near the output falls like one over the root of the depth, so it bears large rates with little warm-up."
    yield "Its price is a stream that grows, and one norm more at the end. Post-LN keeps the stream at size 1 and large gradients near the output at any depth, so deep stacks need a warm-up; once it trains, it may end slightly better."
    yield Try("tfx quiz norm-placement")
