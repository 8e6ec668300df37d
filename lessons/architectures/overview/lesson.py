"""The original Transformer, end to end: its parts, how they connect, and where its parameters are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.lab.block.add_and_norm import through_sublayers
from tfx.lab.scale.parameter_budget import of_parts
from tfx.lab.scale.published_sizes import BOTH, PUBLISHED, Count, Sizes, as_number, count
from tfx.measure.ablation import without
from tfx.measure.verdicts import smallest
from tfx.models import DecoderOnly, EncoderDecoder
from tfx.nn.block_settings import BlockSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.softmax import softmax_forward
from tfx.settings import require_multiple

#: The small model that runs here: C, H, F, blocks in each stack, and the vocabulary.
WIDTH, HEADS, INNER, BLOCKS, WORDS = 16, 2, 64, 2, 20
SRC, TGT = np.array([[3, 4, 5, 6, 7]]), np.array([[1, 8, 9]])
MILLION = 1e6


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
        self.model = small(request.seed)


def small(seed: int, positions: str = "sinusoidal") -> EncoderDecoder:
    return EncoderDecoder(WORDS, WIDTH, n_heads=HEADS, d_ff=INNER, n_layers=BLOCKS, max_len=8, norm_place="post", activation="relu", positions=positions, dtype="float64", seed=seed)  # fmt: skip


lesson = Lesson(Run, Settings)


def first_moves(model: EncoderDecoder, other: list[int]) -> float:
    """How far the first source word's vector moves when the source becomes `other`."""
    return float(np.abs(model.encode(SRC)[0][:, 0] - model.encode(np.array([other]))[0][:, 0]).max())


def bends(run: Run, rng: np.random.Generator) -> tuple[float, float]:
    """f(a + b) - f(a) - f(b), its largest number, of the feed-forward network and of attention: one word, zero biases."""
    block, (a, b) = run.model.encoder.blocks[0], rng.standard_normal((2, 1, 1, WIDTH))
    parts = [getattr(block, name).forward for name in ("feed_forward", "attention")]
    network, attention = (float(np.abs(f(a + b)[0] - f(a)[0] - f(b)[0]).max()) for f in parts)
    return network, attention


@lesson.step("The parts, and what each is there for")
def the_parts(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    mixing = [block.attention.output.w for block in run.model.encoder.blocks]
    exchanged, swapped = [3, 11, 5, 6, 7], [3, 5, 4, 6, 7]
    with without(*((w, slice(None)) for w in mixing)):
        alone = first_moves(run.model, exchanged)
    bent, straight = bends(run, rng)
    ways = (("both", 2), ("norm", 2), ("both", 12), ("add", 12))
    sums, norms, held, grown = (through_sublayers(*way, WIDTH, np.random.default_rng(run.seed)) for way in ways)
    rows = [
        {"part": "attention", "job": "routes", "look": "word 1, when word 2 changes", "on": first_moves(run.model, exchanged), "off": alone},
        {"part": "positions", "job": "give order", "look": "word 1, when 2 and 3 swap", "on": first_moves(run.model, swapped), "off": first_moves(small(run.seed, "none"), swapped)},
        {"part": "feed-forward", "job": "processes", "look": "how far f is from linear", "on": bent, "off": straight},
        {"part": "residual", "job": "carries", "look": "likeness to the input after 2", "on": sums.kept, "off": norms.kept},
        {"part": "norm", "job": "keeps size", "look": "size after 12 sub-layers", "on": held.size[-1], "off": grown.size[-1]},
    ]  # fmt: skip
    yield "Most translators before 2017 were recurrent: word by word, each step waiting for the last. The Transformer has attention in place of recurrence and convolution: training works on all places at once, and any two source words are one step apart in each layer. Five parts do it, between an embedding that makes vectors and a map that makes words."
    yield table("what each part is for, with random weights", rows, part="part", job="job", look="what is looked at", on="with :2", off="without :2")  # fmt: skip
    yield "How far: f(a + b) - f(a) - f(b), for one word and biases of 0. Without the network attention is left, on one word a linear map. Likeness: a cosine. Such pictures help to remember; but nobody assigns a role to a head."
    yield agree("off", "without attention or positions nothing moves; one word's attention is linear", [row["off"] for row in rows[:3]], to=1e-12)  # fmt: skip
    yield at_least("on", "with them something does", 1e-3, smallest([row["on"] for row in rows[:3]]))
    yield at_least("kept", "likeness: what the sum keeps more than the norm alone", 0.3, sums.kept - norms.kept)
    yield agree("size", "the norm keeps the size at 1", held.size[-1], 1.0, to=1e-3)


def sublayers(block: EncoderBlock | DecoderBlock) -> int:
    """Parts of a block that have weights and are no norms."""
    return len({name.partition(".")[0] for name in block.parameters() if not name.startswith("norm")})


@lesson.step("Two stacks and how they connect")
def two_stacks(run: Run) -> Iterator[Shown]:
    found = [sublayers(stack.blocks[0]) for stack in (run.model.encoder, run.model.decoder)]
    yield "The encoder reads the source, the decoder writes the target. Each is a stack of blocks of one build, each block with weights of its own. The paper has 6 and 6."
    yield formula("encoder block:  self-attention -> feed-forward")
    yield formula("decoder block:  masked self-attention -> cross-attention -> feed-forward")
    yield "Every decoder block reads the same thing in its cross-attention: the output of the last encoder block. Every one of these sub-layers f is wrapped alike, post-LN:"
    yield formula("LayerNorm(x + dropout(f(x)))", "x: what the sub-layer reads")
    yield "Dropout zeroes some numbers of f(x) in training, before the sum; also of embeddings plus positions. Its rate is 0.1 in the base model."
    yield question(f"{run.blocks} blocks on each side: how many sub-layers have both stacks together?", run.blocks * sum(found), "Two in an encoder block, three in a decoder block.", 0)  # fmt: skip
    yield exactly("sublayers", "sub-layers of the two blocks", "2, 3", ", ".join(map(str, found)))
    yield See("self-vs-cross", "three_ways")
    yield See("norm-placement")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "sections 3.1 and 5.4")


def stages(model: EncoderDecoder) -> dict[str, np.ndarray]:
    """What leaves each stage on the way from two rows of ids to probabilities."""
    x, _ = model.src_input.forward(SRC)
    memory, encoder = model.encoder.forward(x)
    y, _ = model.tgt_input.forward(TGT)
    hidden, decoder = model.decoder.forward(y, memory, causal_mask(TGT.shape[1]))
    logits, _ = model.output.forward(hidden)
    return {
        "source ids": SRC,
        "embedding * sqrt(C) + positions": x,
        "encoder, weights of self-attention": encoder.blocks[0].weights,
        "encoder, output": memory,
        "target ids": TGT,
        "decoder, weights of self-attention": decoder.blocks[0].weights,
        "decoder, weights of cross-attention": decoder.blocks[0].cross_weights,
        "decoder, output": hidden,
        "linear map: a score for each token": logits,
        "softmax: probabilities": softmax_forward(logits)[0],
    }


@lesson.step("One pass through the whole, with shapes")
def one_pass(run: Run) -> Iterator[Shown]:
    found = stages(run.model)
    s, t = SRC.shape[1], TGT.shape[1]
    yield f"A small model with random weights: C = {WIDTH}, H = {HEADS} heads, F = {INNER}, {BLOCKS} blocks on each side, {WORDS} tokens. One sentence, B = 1: S = {s} tokens of source, T = {t} of target."
    yield question("How many probabilities come out?", t * WORDS, "One for each token of the vocabulary, at each place of the target.", 0)  # fmt: skip
    yield table("what leaves each stage", [{"stage": name, "shape": str(x.shape)} for name, x in found.items()], stage="stage", shape="shape")  # fmt: skip
    yield "At the bottom a row of the embedding table, times sqrt(C), plus the place. At the top a linear map: in the paper its matrix is the embedding table again, for source, target and output. Its answer at place t is about the token at t + 1."
    yield agree("same", "stage by stage gives what the model gives", found["linear map: a score for each token"], run.model.forward(SRC, TGT)[0])  # fmt: skip
    yield agree("sum", "the probabilities of each place sum to 1", found["softmax: probabilities"].sum(axis=-1), 1.0)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.4")


@lesson.step("Where the parameters are")
def budget(run: Run) -> Iterator[Shown]:
    c, n, words, counted = run.width, run.blocks, run.vocabulary, run.counted
    names = {"feed_forward": "feed-forward", "attention": "attention, all three kinds", "embedding": "embedding table, used three times", "rest": "norms"}  # fmt: skip
    rows = [{"part": text, "number": getattr(counted, key) / MILLION, "share": 100 * getattr(counted, key) / counted.total} for key, text in names.items()]  # fmt: skip
    law = n * (28 * c * c + 32 * c) + words * c
    yield f"Now the sizes of the base model, or those that you set: C = {c}, F = {4 * c}, {n} + {n} blocks, {words:,} tokens. Attention has four maps of C x C, the network two of C x F; an encoder block 4 C^2 + 8 C^2 weights, a decoder block, with two attentions, 8 C^2 + 8 C^2."
    yield question(f"How many million weights have those {2 * n} blocks, without biases and norms?", n * 28 * c * c / MILLION, f"{n} * 12 C^2 + {n} * 16 C^2.", 0.02, "million")  # fmt: skip
    yield table("the budget", rows, part="part", number="parameters [million] :4", share="share [%] :3")
    yield formula("blocks (28 C^2 + 32 C) + vocabulary * C", "blocks: on one side; 32 C: biases and norms")
    yield f"Together {counted.total:,}. The number of heads does not matter, nor does the length of a sentence."
    yield exactly("law", "parameters by the formula", law, counted.total)
    built = count(Sizes(BOTH, BLOCKS, WIDTH, INNER, HEADS, WORDS, final_norm=False)).total
    yield exactly("built", "the small model: counted from its sizes, and built", built, run.model.n_parameters)
    yield count
    yield Try.here(width=1024 if c != 1024 else 512)


@lesson.step("The two sizes of 2017")
def two_sizes(run: Run) -> Iterator[Shown]:
    base, big = PUBLISHED[:2]
    rows = [{"name": m.name, "c": m.sizes.width, "f": m.sizes.inner, "h": m.sizes.heads, "counted": count(m.sizes).total / MILLION, "paper": as_number(m.figure) / MILLION} for m in (base, big)]  # fmt: skip
    needed = [m.sizes.vocab + (as_number(m.figure) - count(m.sizes).total) / m.sizes.width for m in (base, big)]
    yield f"Both have {base.sizes.layers} blocks on each side and share one table of about {base.sizes.vocab:,} tokens between source, target and output (for English to German)."
    yield question(f"The big model has C = {big.sizes.width} and {big.sizes.heads} heads. How wide is a head?", big.sizes.width / big.sizes.heads, "C / H.", 0)  # fmt: skip
    yield table("counted, and as printed", rows, name="model", c="C", f="F", h="heads", counted="counted [million] :4", paper="paper [million] :3")  # fmt: skip
    yield f"Heads are {base.sizes.width // base.sizes.heads} wide in both: twice the width went into twice the heads. Papers call C d_model, F d_ff, H h, and the width of a head d_k."
    yield f"The counts are near the print, not equal to it. With these blocks the printed numbers would take about {needed[0]:,.0f} tokens for base and {needed[1]:,.0f} for big: no one vocabulary gives both, and the paper does not say how it counted."
    yield within("base", "base: counted over printed", 1.0, count(base.sizes).total / as_number(base.figure), 0.05)
    yield within("big", "big: counted over printed", 1.0, count(big.sizes).total / as_number(big.figure), 0.01)
    yield Try("tfx experiment published-models")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "table 3")


@lesson.step("What is often said too strongly, and what came later")
def too_strong(run: Run) -> Iterator[Shown]:
    base = count(PUBLISHED[0].sizes)
    encoder, decoder = (of_parts(block)["feed_forward"] / block.n_parameters for block in wide_blocks())
    gpt = DecoderOnly(WORDS, WIDTH, n_heads=HEADS, d_ff=INNER, n_layers=1, max_len=8, dtype="float64", seed=run.seed)
    yield Said("A Transformer consists of attention only.", "false", f"The network has {encoder:.0%} of an encoder block, {decoder:.0%} of a decoder block with its two attentions, and {base.feed_forward / base.total:.0%} of the base model; attention has {base.attention / base.total:.0%} of that.")  # fmt: skip
    yield Said("GPT is the decoder of 2017.", "too strong", "It has no source, so no cross-attention: its block is built like an encoder block, and run under a causal mask.")  # fmt: skip
    yield Said("Attention is cheaper than recurrence.", "true with conditions", "A layer of each takes about n^2 C and n C^2 multiply-adds for n tokens: attention is cheaper per layer where n < C.")  # fmt: skip
    yield Said("Short paths between words rid deep stacks of vanishing gradients.", "false", "Paths are short along the sentence. Through the depth gradients need residuals and norms.", "C112")  # fmt: skip
    yield "Since 2017 many models keep one half: BERT the encoder, GPT and most large language models the other, without cross-attention. T5 has both. Most put the norm in front of the sub-layer."
    yield within("two-thirds", "share of feed-forward in an encoder block", 2 / 3, encoder, 0.01)
    yield within("half", "share of feed-forward in a decoder block", 1 / 2, decoder, 0.01)
    yield exactly("gpt", "parameters of a GPT block: those of an encoder block", run.model.encoder.blocks[0].n_parameters, gpt.stack.blocks[0].n_parameters)  # fmt: skip


def wide_blocks() -> tuple[EncoderBlock, DecoderBlock]:
    """One of each, wide enough for biases and norms to be few."""
    settings, rng = BlockSettings(128, 8, 512), np.random.default_rng(0)
    return EncoderBlock(settings, rng), DecoderBlock(settings, rng)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    base = PUBLISHED[0].sizes
    yield f"The Transformer is an encoder-decoder that uses attention in place of recurrence and convolution. Token embeddings plus positions go through {base.layers} encoder blocks of self-attention and a feed-forward network, and {base.layers} decoder blocks of masked self-attention, cross-attention to the encoder's output and a feed-forward network. Every sub-layer has a residual sum and a LayerNorm; on top are a linear map and a softmax."
    yield f"Base: width {base.width}, inner width {base.inner}, {base.heads} heads of {base.width // base.heads}, dropout 0.1, about 65 million parameters as printed. The gains are training in parallel over places, and short paths between tokens."
    yield Try("tfx quiz architecture-overview")
