"""Encoder against decoder: what is in each stack, who depends on whom, and what only the decoder has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, matrix, numbered, question, setting, table,
)  # fmt: skip
from tfx.models import Encoder, EncoderDecoder
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.stacks import EncoderStack
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.softmax import softmax_forward

WIDTH, HEADS, VOCABULARY = 16, 2, 24
#: Ids of the sign that starts a target and of the one that ends it.
START, END = 1, 2


@dataclass(frozen=True)
class Settings:
    layers: int = setting(6, 2, 12, "N, blocks in each stack")
    source: int = setting(4, 3, 6, "S, words that are read")
    target: int = setting(5, 3, 6, "T, places of the decoder")


class Run:
    """src: (1, S); answer: (1, T), the words to be written and the end; tgt: (1, T), the same shifted by one place.
    model: untrained, with the norms of 2017."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.layers, self.s, self.t, self.seed = settings.layers, settings.source, settings.target, request.seed
        words = np.random.default_rng(request.seed).permutation(np.arange(3, VOCABULARY))
        self.src = words[None, : self.s]
        self.answer = np.append(words[self.s :][: self.t - 1], END)[None]
        self.tgt = np.append(START, self.answer[0, :-1])[None]
        self.model = EncoderDecoder(VOCABULARY, WIDTH, n_heads=HEADS, d_ff=4 * WIDTH, n_layers=self.layers, max_len=8, norm_place="post", activation="relu", dtype="float64", seed=request.seed)  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("A reader and a writer")
def reader_and_writer(run: Run) -> Iterator[Shown]:
    blocks = run.model.encoder.blocks[0], run.model.decoder.blocks[0]
    parts = (("self-attention", "attention"), ("cross-attention", "cross_attention"), ("feed-forward", "feed_forward"))
    rows = [{"part": name, "encoder": count_of(blocks[0], part), "decoder": count_of(blocks[1], part)} for name, part in parts]  # fmt: skip
    norms = [block.n_parameters - sum(row[side] for row in rows) for block, side in zip(blocks, ("encoder", "decoder"), strict=True)]  # fmt: skip
    rows.append({"part": "norms", "encoder": norms[0], "decoder": norms[1]})
    more = blocks[1].n_parameters - blocks[0].n_parameters
    yield "A translator has two jobs. Its encoder reads the whole source and gives one vector for each word, with the context worked in. Its decoder writes: from that and the words so far it predicts the next word."
    yield f"Each is a stack of N blocks, 6 in the original. An encoder block has two sub-layers, a decoder block one more, cross-attention, which reads the encoder. Each sub-layer has a residual connection and a norm. Here C = {WIDTH}; the feed-forward network goes from C to 4 C and back (512, 2048, 512 in the original)."
    yield table("parameters of one block", rows, part="part", encoder="encoder :7", decoder="decoder :7")
    yield question("How many more parameters has a decoder block?", more, "One more attention, one more norm.", 0.0)
    yield f"4 C^2 weights and 4 C biases of the attention, 2 C of the norm: {more:,}. Heads do not matter for it."
    yield exactly("more", "4 C^2 + 6 C more", 4 * WIDTH**2 + 6 * WIDTH, more)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")


def count_of(block: Any, part: str) -> int:
    return getattr(block, part).n_parameters if hasattr(block, part) else 0


def trace(block: Any, x: np.ndarray, memory: np.ndarray | None = None, mask: Any = None) -> list[tuple[str, np.ndarray]]:  # fmt: skip
    """A post-LN block line by line: what each line is called, and what it gives.  x: (1, T, C), memory: (1, S, C)."""
    parts = [("self-attention", lambda y: block.attention.forward(y, mask=mask)[0])]
    if memory is not None:
        parts.append(("cross-attention", lambda y: block.cross_attention.forward(y, memory)[0]))
    parts.append(("feed-forward", lambda y: block.feed_forward.forward(y)[0]))
    norms, lines = (block.norm1, block.norm2, getattr(block, "norm3", None)), [("x", x)]
    for (name, part), norm in zip(parts, norms, strict=False):
        given = part(x)
        added = x + given
        x = norm.forward(added)[0]
        lines += [(name, given), ("add", added), ("norm", x)]
    return lines


def rows_of(lines: list[tuple[str, np.ndarray]]) -> list[dict[str, Any]]:
    return [{"line": name, "shape": str(y.shape), "mean": round(float(y.mean()), 9) + 0.0, "variance": y.var(axis=-1).mean()} for name, y in lines]  # fmt: skip


@lesson.step("The encoder, line by line")
def encoder_block(run: Run) -> Iterator[Shown]:
    _, cache = run.model.encode(run.src)
    block, x = run.model.encoder.blocks[0], cache.stack.reads[0]
    lines = trace(block, x)
    yield f"Ids, (B, S), become vectors: a row of the embedding table times sqrt(C), plus the encoding of the place: (B, S, C). From here on the shape stays. Block 1 of {run.layers}, untrained, on {run.s} words:"
    yield table("encoder block; variance: of a word's C numbers, on average", rows_of(lines), line="line", shape="shape", mean="mean :2", variance="variance :3")  # fmt: skip
    yield "Self-attention has no causal mask: each word reads all words, those after it too. Each add is the line before the sub-layer plus what the sub-layer gave; each norm brings mean 0 and variance 1 back (its gain is 1 and its bias 0 before training)."
    yield agree("encoder-lines", "the lines give what the block gives", lines[-1][1], block.forward(x)[0])
    yield agree("encoder-norm", "a word leaves with variance 1", lines[-1][1].var(axis=-1), 1.0, to=1e-3)
    yield EncoderBlock.forward


class Stacked:
    """A pre-LN encoder.  sizes: root of the mean square before and after each block; last: behind the final norm.
    filling: how far a real word moves when filling follows it, with and without a padding mask."""

    def __init__(self, src: np.ndarray, layers: int, seed: int) -> None:
        model = Encoder(VOCABULARY, WIDTH, n_heads=HEADS, d_ff=4 * WIDTH, n_layers=layers, max_len=16, dtype="float64", seed=seed)  # fmt: skip
        hidden, cache = model.encode(src)
        end = model.stack.blocks[-1].forward(cache.stack.reads[-1])[0]
        self.sizes = [float(np.sqrt((x * x).mean())) for x in (*cache.stack.reads, end)]
        self.last, self.shape = float(np.sqrt((hidden * hidden).mean())), hidden.shape
        filled, s = np.pad(src, ((0, 0), (0, 3))), src.shape[1]
        with_mask, without = model.encode(filled, np.array([s]))[0], model.encode(filled)[0]
        self.filling = [float(np.abs(x[:, :s] - hidden).max()) for x in (with_mask, without)]


@lesson.step("N blocks in a row")
def stack(run: Run) -> Iterator[Shown]:
    found = Stacked(run.src, run.layers, run.seed)
    shown = sorted({0, 1, run.layers // 2, run.layers})
    rows = [{"after": f"block {n}" if n else "input", "size": found.sizes[n]} for n in shown]
    yield "A stack is a loop: the output of one block is the input of the next, under the same mask, with weights of its own. Today the norm mostly stands in front of each sub-layer (pre-LN). Then nothing normalises the sum:"
    yield table("pre-LN encoder: root of the mean square", [*rows, {"after": "final norm", "size": found.last}], after="after", size="size :3")  # fmt: skip
    yield "So a pre-LN stack needs one more norm behind the last block. It is easily forgotten. A post-LN stack, as in 2017, ends with a norm already."
    yield f"Out comes {found.shape}, a vector for each id. If sentences of a batch differ in length, pass a padding mask. With it three places of filling move no real word; without it, by up to {found.filling[1]:.2f}."
    yield agree("final", "behind the final norm the size is 1", found.last, 1.0, to=1e-3)
    yield at_least("loud", "without it the size is far from 1: at least", 1.15, found.sizes[-1])
    yield agree("filling", "with a padding mask filling moves no real word", found.filling[0], 0.0)
    yield EncoderStack.forward
    yield See("norm-placement", "the_end")


@lesson.step("The decoder, line by line")
def decoder_block(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    logits, cache = run.model.decode(run.tgt, memory, source)
    block, x, mask = run.model.decoder.blocks[0], cache.stack.reads[0], causal_mask(run.t)
    lines = trace(block, x, memory, mask)
    yield f"The same for a decoder block, with {run.t} places. Its input is the target, embedded in the same way."
    yield table("decoder block", rows_of(lines), line="line", shape="shape", mean="mean :2", variance="variance :3")
    yield f"Self-attention has a causal mask, weights (B, H, {run.t}, {run.t}). Cross-attention asks with the decoder's vectors and takes keys and values from the encoder's last output, weights (B, H, {run.t}, {run.s})."
    yield f"Behind the last block one more matrix gives a score for every word of the vocabulary, {logits.shape}, and softmax makes probabilities of them."
    yield agree("decoder-lines", "the lines give what the block gives", lines[-1][1], block.forward(x, memory, mask=mask)[0])  # fmt: skip
    yield agree("softmax", "probabilities of each place sum to 1", softmax_forward(logits)[0].sum(axis=-1), 1.0)
    yield DecoderBlock.forward


def dependencies(model: EncoderDecoder, src: np.ndarray, tgt: np.ndarray) -> np.ndarray:
    """(S + T, S + T) of 0 and 1: does the output at a row move when the word at a column is another one?  Rows: the S
    outputs of the encoder, then the T of the decoder; columns: source, then the decoder's inputs."""

    def outputs(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        memory, source = model.encode(both[:, :s])
        return memory[0], model.decode(both[:, s:], memory, source)[0][0]

    s, both = src.shape[1], np.concatenate([src, tgt], axis=1)
    right, moved = outputs(both), []
    for place in range(both.shape[1]):
        other = both.copy()
        other[0, place] = 0
        far = [np.abs(a - b).max(axis=-1) for a, b in zip(outputs(other), right, strict=True)]
        moved.append(np.concatenate(far) > 1e-12)
    return np.stack(moved, axis=1).astype(int)


@lesson.step("Who depends on whom, measured")
def who_depends(run: Run) -> Iterator[Shown]:
    picture = dependencies(run.model, run.src, run.tgt)
    s, t = run.s, run.t
    names = [*numbered(s, "s"), *numbered(t, "t")]
    yield f"Replace one word, run all {run.layers} + {run.layers} blocks, and mark each output that moves. s: source, t: target."
    yield question(f"Input t2 of {t} is replaced. How many outputs of the decoder move?", t - 1, "Its own, and all after it.", 0.0)  # fmt: skip
    yield matrix("1: this output moves", picture, "output, replaced", names, names)
    yield "Upper left, the encoder: full. Lower right, the decoder: a triangle, its own place and those before. Lower left: every place of the decoder depends on every word of the source. Upper right: the encoder knows nothing of the target, so it runs once, however long the output gets."
    yield exactly("encoder-full", "encoder: pairs that depend, of S * S", s * s, int(picture[:s, :s].sum()))
    yield exactly("triangle", "decoder: those with t <= its place, and no other", str(np.tri(t, dtype=int).tolist()), str(picture[s:, s:].tolist()))  # fmt: skip
    yield exactly("source", "target on source, source on target", f"{t * s}, 0", f"{picture[s:, :s].sum()}, {picture[:s, s:].sum()}")  # fmt: skip


@lesson.step("What goes in, and when")
def shifted(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    whole = run.model.decode(run.tgt, memory, source)[0][0]
    steps = [run.model.decode(run.tgt[:, :n], memory, source)[0][0, -1] for n in range(1, run.t + 1)]
    word = {START: "<start>", END: "<end>"} | {int(id): f"w{n}" for n, id in enumerate(run.answer[0, :-1], start=1)}
    rows = [{"place": f"t{n}", "reads": word[int(given)], "predicts": word[int(asked)], "sees": f"t1 to t{n}"} for n, (given, asked) in enumerate(zip(run.tgt[0], run.answer[0], strict=True), start=1)]  # fmt: skip
    yield "The encoder gets the source as it is. The decoder gets the target shifted right by one place, with a sign for the start in front. So a place sees its input and those before it, which are the words before the one it is to predict."
    yield table(f"a target of {run.t - 1} words", rows, place="place", reads="reads", predicts="is to predict", sees="sees inputs")  # fmt: skip
    yield f"In training the target is known: one pass predicts all {run.t} places. In use it is not: to write these words the encoder runs once, the decoder {run.t} times, each time with one word more. Where the same words are fed in, both ways give the same numbers."
    yield formula("p(w1 .. wT | source) = product over t of p(w_t | w_1 .. w_(t-1), source)", "w_t: the word at place t; | reads: given")  # fmt: skip
    yield agree("steps", "one masked pass gives what pass after pass gives", whole, np.stack(steps))
    yield exactly("shift", "what a place reads is what the one before it predicts", str(run.answer[0, :-1].tolist()), str(run.tgt[0, 1:].tolist()))  # fmt: skip
    yield See("label-leakage", "interview")


@lesson.step("What is often said wrongly")
def too_strong(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    first, second = (stored.k for stored in run.model.decode(run.tgt, memory, source)[1].stack.memory_present[:2])
    apart = float(np.abs(first - second).max())
    yield Said("In training encoder and decoder work at the same time.", "false", "The first cross-attention waits for the whole encoder. What runs side by side are the places within a stack.", "C170")  # fmt: skip
    yield Said("The output of the encoder is used by every block of the decoder.", "true with conditions", f"Its vectors are. Each block makes keys and values of its own from them; here the keys of blocks 1 and 2 differ by up to {apart:.2f}.", "C169")  # fmt: skip
    yield Said("A decoder writes word after word, so it also learns word after word.", "false", "In training the true words are given, and one pass under the mask serves all places.")  # fmt: skip
    yield Said("A decoder block is an encoder block with a causal mask.", "true with conditions", "True of models that have a decoder alone. One that reads an encoder has cross-attention too.")  # fmt: skip
    yield Said("Encoders have no output layer.", "too strong", "The encoder of a translator has none. An encoder that works alone gets a head for its task.")  # fmt: skip
    yield at_least("own-keys", "keys that two decoder blocks make of the same memory differ by", 1e-3, apart)


@lesson.step("Since 2017: one of them is often enough")
def since(run: Run) -> Iterator[Shown]:
    rows = [
        {"kind": "encoder alone", "like": "BERT", "sees": "both sides", "cross": "no", "use": "label, tag, search"},
        {"kind": "decoder alone", "like": "GPT", "sees": "itself and before", "cross": "no", "use": "write"},
        {"kind": "both", "like": "T5", "sees": "source whole", "cross": "yes", "use": "turn one text into another"},
    ]
    yield "A translator needs both. Other tasks do with one of them:"
    yield table("three families", rows, kind="stacks", like="like", sees="a word sees", cross="cross-attention", use="mostly used to")  # fmt: skip
    yield "A model with a decoder alone drops the encoder and with it cross-attention: prompt and answer are one sequence under a causal mask. That is what most large language models are today. The uses are habits, not limits: T5 also labels, and GPT also translates."
    yield "Depth grew: 6 and 6 blocks in the original, 96 in GPT-3, which has a decoder alone. How many GPT-4 has was not made public."
    yield Source("Devlin et al.", 2019, "BERT", "section 3")
    yield Source("Brown et al.", 2020, "Language Models are Few-Shot Learners", "section 2.1")
    yield Source("Raffel et al.", 2020, "Exploring the Limits of Transfer Learning", "section 2.1")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "The encoder reads the whole input, each word sees both sides, and it gives one vector per word. Its block has self-attention and a feed-forward network. The decoder predicts the next word. Its block has causal self-attention, cross-attention to the encoder's output, and a feed-forward network; each sub-layer has a residual connection and a norm."
    yield "In a translator only the decoder has a causal mask, cross-attention, a shifted input and a vocabulary layer with softmax, and it writes step by step in use, though it trains on all places at once. BERT is an encoder, GPT a decoder without cross-attention, T5 has both."
    yield Try("tfx quiz encoder-vs-decoder")
