"""The original Transformer, end to end: its parts, how they connect, and where its parameters are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, near, question, setting, table, within,
)  # fmt: skip
from tfx.lab.block.small_transformer import (
    HEADS, INNER, WIDTH, WORDS, shares_of_network, small_transformer, stages, sub_layers, with_and_without,
)  # fmt: skip
from tfx.lab.scale.published_sizes import BOTH, PUBLISHED, Count, Sizes, as_number, count
from tfx.measure.verdicts import smallest
from tfx.ops.basics.dropout import dropout_mask
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.settings import require_multiple

#: Ids of the source and of the target; blocks in each stack of the small model; the rate of dropout in the base model.
SRC, TGT, BLOCKS = np.array([[3, 4, 5, 6, 7]]), np.array([[1, 8, 9]]), 2
DROPPED, NUMBERS, MILLION = 0.1, 10_000, 1e6


@dataclass(frozen=True)
class Settings:
    width: int = setting(512, 8, 8192, "C, the numbers of a token, a multiple of 8; F is four times as many")
    blocks: int = setting(6, 1, 96, "blocks of the encoder, and as many of the decoder")
    vocabulary: int = setting(37_000, 100, 500_000, "tokens that the model knows")

    def check(self) -> None:
        require_multiple("width", self.width, 8)


class Run:
    """model: a small Transformer with random weights.  counted: the parameters of one with the reader's sizes."""

    def __init__(self, request: Request) -> None:
        s: Settings = request.settings
        self.blocks, self.width, self.vocabulary, self.seed = s.blocks, s.width, s.vocabulary, request.seed
        self.counted: Count = count(Sizes(BOTH, s.blocks, s.width, 4 * s.width, 8, s.vocabulary, final_norm=False))
        self.model = small_transformer(request.seed, BLOCKS)


lesson = Lesson(Run, Settings)


@lesson.step("The parts, and what each is there for")
def the_parts(run: Run) -> Iterator[Shown]:
    jobs = {
        "attention": ("routes", "word 1, when word 2 changes"),
        "positions": ("give order", "word 1, when 2 and 3 swap"),
        "feed-forward": ("processes", "how far f is from linear"),
        "residual": ("carries", "likeness to the input after 2"),
        "norm": ("keeps size", "size after 12 sub-layers"),
    }
    found = with_and_without(run.seed, SRC)
    rows = [{"part": part, "job": job, "look": look, "on": found[part][0], "off": found[part][1]} for part, (job, look) in jobs.items()]  # fmt: skip
    shown = ("attention", "positions", "feed-forward")
    yield "Most neural translators before 2017 were recurrent: word by word, each step waiting for the last. The Transformer has attention in place of recurrence and convolution: training works on all places at once, and any two source words are one step apart in each layer. Five parts do it, between an embedding that makes vectors and a map that makes words."
    yield table("what each part is for, with random weights", rows, part="part", job="job", look="what is looked at", on="with :2", off="without :2")  # fmt: skip
    yield "How far: f(a + b) - f(a) - f(b), for one word and biases of 0. Without the network attention is left, on one word a linear map. Likeness: a cosine. Such pictures help to remember; no head is given a role by the design."
    yield agree("off", "without attention or positions nothing moves; one word's attention is linear", [found[part][1] for part in shown], to=1e-12)  # fmt: skip
    yield at_least("on", "with them something does", 1e-3, smallest(found[part][0] for part in shown))
    yield at_least("kept", "likeness: what the sum keeps more than the norm alone", 0.3, found["residual"][0] - found["residual"][1])  # fmt: skip
    yield agree("size", "the norm keeps the size at 1", found["norm"][0], 1.0, to=1e-3)


@lesson.step("Two stacks and how they connect")
def two_stacks(run: Run) -> Iterator[Shown]:
    found = [sub_layers(stack.blocks[0]) for stack in (run.model.encoder, run.model.decoder)]
    yield "The encoder reads the source, the decoder writes the target. Each is a stack of blocks of one build, each block with weights of its own. The paper has 6 and 6."
    yield formula("encoder block:  self-attention -> feed-forward")
    yield formula("decoder block:  masked self-attention -> cross-attention -> feed-forward")
    yield "An arrow leads from one sub-layer to the next. The cross-attention of every decoder block reads the same thing: the output of the last encoder block."
    yield question(f"{run.blocks} blocks on each side: how many sub-layers have both stacks?", run.blocks * sum(found), "Two in an encoder block, three in a decoder block.", 0)  # fmt: skip
    yield exactly("sublayers", "sub-layers of the two blocks", "2, 3", ", ".join(map(str, found)))
    yield See("self-vs-cross", "three_ways")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")


@lesson.step("What is wrapped around each sub-layer")
def wrapped(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, f = np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.0, 1.0])
    y = layer_norm_forward(x + f)[0]
    zeros = float((dropout_mask((NUMBERS,), DROPPED, rng) == 0).mean())
    yield "What a sub-layer f gives is added to what it read, and LayerNorm follows (post-LN):"
    yield formula("LayerNorm(x + dropout(f(x)))", "x: what the sub-layer reads")
    yield "By hand, without dropout: x = (1, 2, 3), f(x) = (2, 0, 1). The sum is (3, 2, 4), its mean 3, its variance 2/3."
    yield question("Which number comes out last? (The norm's gain is 1, its bias 0.)", y[2], "(4 - 3) / sqrt(2/3).")
    yield f"Dropout sets numbers of f(x) to 0 at random, in training only, each with probability {DROPPED} in the base model; here {zeros:.1%} of {NUMBERS:,}. The others are divided by {1 - DROPPED:g}, so that their mean stays. The sums of embeddings and positions get dropout too."
    yield agree("hand", "the sum, less its mean, over its deviation", y, (x + f - 3) / np.sqrt(2 / 3), to=1e-4)
    yield near("dropped", "share of numbers that are 0", DROPPED, zeros, float(np.sqrt(DROPPED * (1 - DROPPED) / NUMBERS)))  # fmt: skip
    yield layer_norm_forward
    yield See("norm-placement")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 5.4")


@lesson.step("One pass through the whole, with shapes")
def one_pass(run: Run) -> Iterator[Shown]:
    found = stages(run.model, SRC, TGT)
    s, t = SRC.shape[1], TGT.shape[1]
    yield f"A small model, random weights: C = {WIDTH}, H = {HEADS} heads, F = {INNER}, {BLOCKS} + {BLOCKS} blocks, {WORDS} tokens. One sentence, B = 1: S = {s} tokens of source, T = {t} of target."
    yield table("what leaves each stage", [{"stage": name, "shape": str(x.shape)} for name, x in list(found.items())[:-1]], stage="stage", shape="shape")  # fmt: skip
    yield question("Softmax comes last. How many probabilities come out?", t * WORDS, "One for each token, at each place of the target.", 0)  # fmt: skip
    yield agree("same", "stage by stage gives what the model gives", found["a score for each token"], run.model.forward(SRC, TGT)[0])  # fmt: skip
    yield agree("sum", "the probabilities of each place sum to 1", found["softmax: probabilities"].sum(axis=-1), 1.0)


@lesson.step("One table, used three times")
def one_table(run: Run) -> Iterator[Shown]:
    found, e = stages(run.model, SRC, TGT), run.model.embedding.table.value
    c, words = run.width, run.vocabulary
    placed = np.sqrt(WIDTH) * e[SRC] + run.model.src_input.positions.forward(np.zeros((*SRC.shape, WIDTH)))[0]
    yield "At the bottom a token becomes a vector: its row of the embedding table E, times sqrt(C), plus the encoding of its place. At the top the decoder's vector is multiplied with every row, by dot products; softmax makes probabilities of these scores."
    yield formula("bottom: sqrt(C) E[id] + PE     top: softmax(x E^T)", "x: what the decoder gives for a place")
    yield "In the paper source, target and output share one matrix E: their vocabulary is one. The answer at place t is about the token that the decoder reads at t + 1."
    yield question(f"{words:,} tokens, C = {c}: how many million weights does the sharing save?", 2 * words * c / MILLION, "Two tables of three.", 0.02, "million")  # fmt: skip
    yield agree("bottom", "rows times sqrt(C), plus places", found["source: embedding and place"], placed)
    yield agree("top", "scores are products with the rows", found["a score for each token"], found["decoder, output"] @ e.T)  # fmt: skip
    yield See("positional-sinusoidal")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.4")


@lesson.step("Where the parameters are")
def budget(run: Run) -> Iterator[Shown]:
    c, n, words, counted = run.width, run.blocks, run.vocabulary, run.counted
    names = {"feed_forward": "feed-forward", "attention": "attention, all three kinds", "embedding": "the one table", "rest": "norms"}  # fmt: skip
    rows = [{"part": text, "number": getattr(counted, key) / MILLION, "share": 100 * getattr(counted, key) / counted.total} for key, text in names.items()]  # fmt: skip
    law = n * (28 * c * c + 32 * c) + words * c
    yield f"Base model, or your sizes: C = {c}, F = {4 * c}, {n} + {n} blocks, {words:,} tokens. An attention has four maps of C x C, a network two of C x F."
    yield question(f"How many million weights have the {2 * n} blocks? (No biases, no norms.)", n * 28 * c * c / MILLION, f"{n} (4 + 8) C^2 + {n} (8 + 8) C^2.", 0.02, "million")  # fmt: skip
    yield table("the budget", rows, part="part", number="parameters [million] :4", share="share [%] :3")
    yield formula("(blocks a side) (28 C^2 + 32 C) + words * C", "F = 4 C; 32 C: biases, norms")
    yield f"{counted.total:,} together, whatever the number of heads."
    yield exactly("law", "parameters by the formula", law, counted.total)
    built = count(Sizes(BOTH, BLOCKS, WIDTH, INNER, HEADS, WORDS, final_norm=False)).total
    yield exactly("built", "the small model: counted from its sizes, and built", built, run.model.n_parameters)
    yield Try.here(width=1024 if c != 1024 else 512)


@lesson.step("The two sizes of 2017")
def two_sizes(run: Run) -> Iterator[Shown]:
    base, big = PUBLISHED[:2]
    rows = [{"name": m.name, "c": m.sizes.width, "f": m.sizes.inner, "h": m.sizes.heads, "counted": count(m.sizes).total / MILLION, "paper": as_number(m.figure) / MILLION} for m in (base, big)]  # fmt: skip
    needed = [m.sizes.vocab + (as_number(m.figure) - count(m.sizes).total) / m.sizes.width for m in (base, big)]
    yield f"Both have {base.sizes.layers} + {base.sizes.layers} blocks and, for English to German, about {base.sizes.vocab:,} tokens."
    yield question(f"The big model has C = {big.sizes.width} and {big.sizes.heads} heads. How wide is a head?", big.sizes.width / big.sizes.heads, "C / H.", 0)  # fmt: skip
    yield table("counted, and as printed", rows, name="model", c="C", f="F", h="heads", counted="counted [million] :4", paper="paper [million] :3")  # fmt: skip
    yield f"Heads are {base.sizes.width // base.sizes.heads} wide in both (in papers d_k and d_v; C is d_model, F d_ff, H h)."
    yield f"The counts are near the print, not equal to it. With these blocks it would take about {needed[0]:,.0f} tokens for base and {needed[1]:,.0f} for big: no one vocabulary gives both, and the paper does not say how it counted."
    yield within("base", "base: counted over printed", 1.0, count(base.sizes).total / as_number(base.figure), 0.05)
    yield within("big", "big: counted over printed", 1.0, count(big.sizes).total / as_number(big.figure), 0.01)
    yield Try("tfx experiment published-models")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "table 3")


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    base = count(PUBLISHED[0].sizes)
    encoder, decoder = (shares_of_network(run.seed)[kind] for kind in ("encoder", "decoder"))
    yield Said("A Transformer consists of attention only.", "false", f"The network has {encoder:.0%} of an encoder block, {decoder:.0%} of a decoder block, {base.feed_forward / base.total:.0%} of the base model, where attention has {base.attention / base.total:.0%}.")  # fmt: skip
    yield Said("GPT is the decoder of 2017.", "too strong", "It has no source, so no cross-attention: its block is built like an encoder block, and run under a causal mask.")  # fmt: skip
    yield Said("Attention is cheaper than recurrence.", "true with conditions", "Without its four maps it takes 2 n^2 C multiply-adds for n tokens, an RNN 2 n C^2: less where n < C.")  # fmt: skip
    yield Said("Short paths between words rid deep stacks of vanishing gradients.", "false", "They are short along the sentence; in depth residuals and norms help.", "C112")  # fmt: skip
    yield "Since 2017 many models keep one half: BERT is an encoder; GPT, like most large language models, one stack under a causal mask. T5 has both."
    yield within("two-thirds", "share of feed-forward in an encoder block", 2 / 3, encoder, 0.01)
    yield within("half", "share of feed-forward in a decoder block", 1 / 2, decoder, 0.01)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    base = PUBLISHED[0].sizes
    yield f"The Transformer is an encoder-decoder that uses attention in place of recurrence and convolution. Token embeddings plus positions go through {base.layers} encoder blocks of self-attention and a feed-forward network, and {base.layers} decoder blocks of masked self-attention, cross-attention to the encoder's output and a feed-forward network. Every sub-layer has a residual sum and a LayerNorm; on top are a linear map and a softmax."
    yield f"Base: width {base.width}, inner width {base.inner}, {base.heads} heads of {base.width // base.heads}, dropout {DROPPED}, about 65 million parameters as printed. The gains are training in parallel over places, and short paths between tokens."
    yield Try("tfx quiz architecture-overview")
