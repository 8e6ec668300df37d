"""Encoder against decoder: what is in each stack, who depends on whom, and what only the decoder has."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, matrix, numbered, question, setting, table,
)  # fmt: skip
from tfx.lab.block.line_by_line import line_by_line
from tfx.lab.block.pre_norm_stack import FILLING, through_stack
from tfx.lab.block.small_transformer import INNER, WIDTH, WORDS, small_transformer
from tfx.lab.scale.published_sizes import PUBLISHED
from tfx.measure.dependence import dependence
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.through_blocks import forward_through
from tfx.ops.attention.masks import causal_mask
from tfx.ops.basics.softmax import softmax_forward

#: Ids of the sign that starts a target and of the one that ends it.
START, END = 1, 2


@dataclass(frozen=True)
class Settings:
    layers: int = setting(6, 2, 12, "N, blocks in each stack")
    source: int = setting(3, 3, 6, "S, words that are read")
    target: int = setting(4, 3, 6, "T, places of the decoder")


class Run:
    """src: (1, S); answer: (1, T), the words to be written and the end; tgt: (1, T), the same shifted by one place.
    model: untrained, with the norms of 2017."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.layers, self.s, self.t, self.seed = settings.layers, settings.source, settings.target, request.seed
        words = np.random.default_rng(request.seed).permutation(np.arange(3, WORDS))
        self.src = words[None, : self.s]
        self.answer = np.append(words[self.s :][: self.t - 1], END)[None]
        self.tgt = np.append(START, self.answer[0, :-1])[None]
        self.model = small_transformer(request.seed, self.layers)

    def outputs(self, both: np.ndarray) -> np.ndarray:
        """(S + T,) ids, source first -> (S + T, C): the encoder's vectors and the decoder's."""
        memory, _ = self.model.encode(both[None, : self.s])
        y, _ = self.model.tgt_input.forward(both[None, self.s :])
        return np.concatenate([memory[0], self.model.decoder.forward(y, memory, causal_mask(self.t))[0][0]])


lesson = Lesson(Run, Settings)


@lesson.step("A reader and a writer")
def reader_and_writer(run: Run) -> Iterator[Shown]:
    encoder, decoder = run.model.encoder.blocks[0], run.model.decoder.blocks[0]
    parts = {"self-attention": "attention", "cross-attention": "cross_attention", "feed-forward": "feed_forward", "norms": "norm"}  # fmt: skip
    rows = [{"part": name, "encoder": count_of(encoder, part), "decoder": count_of(decoder, part)} for name, part in parts.items()]  # fmt: skip
    more = decoder.n_parameters - encoder.n_parameters
    yield "A translator has two jobs. Its encoder reads the source and gives a vector for each word, the context worked in. Its decoder writes: it predicts the next word, from these vectors and the words so far."
    yield f"Each is a stack of N blocks (6 in the original). An encoder block has two sub-layers, a decoder block a third, cross-attention; each with residual and norm. Here C = {WIDTH}, F = {INNER}; in the original 512 to 2048 and back."
    yield table("parameters of one block", rows, part="part", encoder="encoder :7", decoder="decoder :7")
    yield question("How many more has a decoder block?", more, "4 C^2 + 4 C of the attention, 2 C of its norm.", 0.0)
    yield exactly("more", "4 C^2 + 6 C more", 4 * WIDTH**2 + 6 * WIDTH, more)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.1")


def count_of(block: Any, part: str) -> int:
    """Parameters of `part`; for "norm" of all norms."""
    names = {name: name.partition(".")[0].rstrip("123") for name in block.parameters()}
    return sum(parameter.value.size for name, parameter in block.parameters().items() if names[name] == part)


def rows_of(lines: list[tuple[str, np.ndarray]]) -> list[dict[str, Any]]:
    return [{"line": name, "shape": str(y.shape), "mean": round(float(y.mean()), 9) + 0.0, "variance": y.var(axis=-1).mean()} for name, y in lines]  # fmt: skip


@lesson.step("The encoder, line by line")
def encoder_block(run: Run) -> Iterator[Shown]:
    _, cache = run.model.encode(run.src)
    block, x = run.model.encoder.blocks[0], cache.stack.reads[0]
    lines = line_by_line(block, x)
    yield f"Ids, (B, S), become vectors, (B, S, C): a row of the table times sqrt(C), plus the encoding of the place. From here on the shape stays. Block 1 of {run.layers}, untrained, {run.s} words:"
    yield table("encoder block; variance: of a word's C numbers, on average", rows_of(lines), line="line", shape="shape", mean="mean :2", variance="variance :3")  # fmt: skip
    yield "Self-attention has no causal mask: each word reads all words, those after it too. An add is the line before the sub-layer plus what the sub-layer gave. A norm brings mean 0 and variance 1 (before training: gain 1, bias 0)."
    yield agree("encoder-lines", "the lines give what the block gives", lines[-1][1], block.forward(x)[0])
    yield agree("encoder-norm", "a word leaves with variance 1", lines[-1][1].var(axis=-1), 1.0, to=1e-3)
    yield line_by_line


@lesson.step("N blocks in a row")
def stack(run: Run) -> Iterator[Shown]:
    found = through_stack(run.src, run.layers, run.seed)
    shown = sorted({0, 1, run.layers // 2, run.layers})
    rows = [{"after": f"block {n}" if n else "input", "size": found.sizes[n]} for n in shown]
    yield "A stack is a loop: what a block gives, the next one reads, under the same mask, with weights of its own. Today a norm mostly stands in front of each sub-layer (pre-LN). Then nothing normalises the sum:"
    yield table("pre-LN encoder: root of the mean square", [*rows, {"after": "final norm", "size": found.last}], after="after", size="size :3")  # fmt: skip
    yield "So pre-LN needs one more norm behind the last block; post-LN ends with one."
    yield f"Out comes {found.shape}. In a batch of different lengths pass a padding mask: with it {FILLING} places of filling move no real word; without it, by up to {found.unmasked:.2f}."
    yield agree("final", "behind the final norm the size is 1", found.last, 1.0, to=1e-3)
    yield at_least("loud", "without it the size is far from 1: at least", 1.15, found.sizes[-1])
    yield agree("filling", "with a padding mask filling moves no real word", found.masked, 0.0)
    yield forward_through
    yield See("norm-placement", "the_end")


@lesson.step("The decoder, line by line")
def decoder_block(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    _, cache = run.model.decode(run.tgt, memory, source)
    block, x, mask = run.model.decoder.blocks[0], cache.stack.reads[0], causal_mask(run.t)
    lines = line_by_line(block, x, memory, mask)
    yield f"The same for a decoder block. It reads {run.t} places of the target."
    yield table("decoder block", rows_of(lines), line="line", shape="shape", mean="mean :2", variance="variance :3")
    yield f"Self-attention: causal mask, weights (B, H, {run.t}, {run.t}). Cross-attention: queries from here, keys and values from the encoder's output, weights (B, H, {run.t}, {run.s})."
    yield agree("decoder-lines", "the lines give what the block gives", lines[-1][1], block.forward(x, memory, mask=mask)[0])  # fmt: skip
    yield DecoderBlock


@lesson.step("Who depends on whom, measured")
def who_depends(run: Run) -> Iterator[Shown]:
    s, t = run.s, run.t
    picture = dependence(run.outputs, np.append(run.src, run.tgt), 0).astype(int)
    names = [*numbered(s, "s"), *numbered(t, "t")]
    yield f"Replace one word, run all {run.layers} + {run.layers} blocks, see what moves (s: source, t: target)."
    yield question(f"Input t2 of {t} is replaced. How many outputs of the decoder move?", t - 1, "Its own, and all after it.", 0.0)  # fmt: skip
    yield matrix("1: this output moves", picture, "output, replaced", names, names)
    yield "The encoder, above: full. The decoder, below: all of the source, and a triangle of its own inputs. The encoder knows no target, so it runs once."
    yield exactly("encoder-full", "encoder: pairs that depend, of S * S", s * s, int(picture[:s, :s].sum()))
    yield exactly("triangle", "decoder: those with t <= its place, and no other", str(np.tri(t, dtype=int).tolist()), str(picture[s:, s:].tolist()))  # fmt: skip
    yield exactly("source", "target on source, source on target", f"{t * s}, 0", f"{picture[s:, :s].sum()}, {picture[:s, s:].sum()}")  # fmt: skip


@lesson.step("What goes in, what comes out, and when")
def shifted(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    whole = run.model.decode(run.tgt, memory, source)[0]
    steps = [run.model.decode(run.tgt[:, :n], memory, source)[0][0, -1] for n in range(1, run.t + 1)]
    word = {START: "<start>", END: "<end>"} | {int(id): f"w{n}" for n, id in enumerate(run.answer[0, :-1], start=1)}
    rows = [{"place": f"t{n}", "reads": word[int(given)], "predicts": word[int(asked)], "sees": f"t1 to t{n}"} for n, (given, asked) in enumerate(zip(run.tgt[0], run.answer[0], strict=True), start=1)]  # fmt: skip
    yield "The encoder gets the source as it is, the decoder the target shifted right by one, a start sign in front. A place sees the words before the one it predicts:"
    yield table(f"a target of {run.t - 1} words", rows, place="place", reads="reads", predicts="predicts", sees="sees inputs")  # fmt: skip
    yield formula("p(target | source) = product over t of p(w_t | words before t, source)")
    yield f"(The bar is read: given.) Behind the last block a matrix gives a score for each word of the vocabulary, {whole.shape}; softmax makes probabilities of them."
    yield f"In training the target is known: one pass serves all {run.t} places. In use the decoder runs {run.t} times, the encoder once; given the same words, the numbers are the same."
    yield agree("steps", "one masked pass gives what pass after pass gives", whole[0], np.stack(steps))
    yield agree("softmax", "probabilities of each place sum to 1", softmax_forward(whole)[0].sum(axis=-1), 1.0)
    yield exactly("shift", "what a place reads is what the one before it predicts", str(run.answer[0, :-1].tolist()), str(run.tgt[0, 1:].tolist()))  # fmt: skip


@lesson.step("What is often said wrongly")
def too_strong(run: Run) -> Iterator[Shown]:
    memory, source = run.model.encode(run.src)
    first, second = (stored.k for stored in run.model.decode(run.tgt, memory, source)[1].stack.memory_present[:2])
    apart = float(np.abs(first - second).max())
    yield Said("The encoder's output is used by every block of the decoder.", "true with conditions", f"Its vectors are; each block makes keys and values of its own. Here keys of two differ by up to {apart:.2f}.", "C169")  # fmt: skip
    yield Said("A decoder writes word after word, so it learns word after word.", "false", "In training one pass under the mask serves all places.")  # fmt: skip
    yield Said("A decoder block is an encoder block with a causal mask.", "true with conditions", "Where a model has a decoder alone. Else it has cross-attention too.")  # fmt: skip
    yield Said("Encoders have no output layer.", "too strong", "That of a translator has none. One that works alone gets a head for its task.")  # fmt: skip
    yield at_least("own-keys", "keys that two decoder blocks make of the same memory differ by", 1e-3, apart)
    yield See("encode-decode-walkthrough", "too_strong")


@lesson.step("Since 2017: one of them is often enough")
def since(run: Run) -> Iterator[Shown]:
    base, gpt = (next(m for m in PUBLISHED if m.name == name).sizes.layers for name in ("Transformer, base", "GPT-3"))
    rows = [
        {"kind": "encoder alone", "like": "BERT", "sees": "both sides", "cross": "no", "use": "label, tag, search"},
        {"kind": "decoder alone", "like": "GPT", "sees": "itself and before", "cross": "no", "use": "write"},
        {"kind": "both", "like": "T5", "sees": "source whole", "cross": "yes", "use": "rewrite a text"},
    ]
    yield "A translator as of 2017 has both. Many later models have one of them:"
    yield table("three families", rows, kind="stacks", like="like", sees="a word sees", cross="cross-attention", use="mostly used to")  # fmt: skip
    yield "A decoder alone has no cross-attention: prompt and answer are one sequence, mostly under a causal mask. Most large language models are built so. The uses are habits, not limits: T5 also labels, and GPT also translates."
    yield f"Depth grew: {base} and {base} blocks in the original, {gpt} in GPT-3, a decoder alone. How many GPT-4 has was not made public."
    yield Source("Devlin et al.", 2019, "BERT", "section 3")
    yield Source("Brown et al.", 2020, "Language Models are Few-Shot Learners", "section 2.1")
    yield Source("Raffel et al.", 2020, "Exploring the Limits of Transfer Learning", "section 2.1")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "The encoder reads the whole input, each word sees both sides, and it gives one vector per word. Its block has self-attention and a feed-forward network. The decoder predicts the next word. Its block has causal self-attention, cross-attention to the encoder's output, and a feed-forward network; each sub-layer has a residual connection and a norm."
    yield "In a translator only the decoder has a causal mask, cross-attention, a shifted input and a vocabulary layer with softmax, and it writes step by step in use, though it trains on all places at once. BERT is an encoder, GPT a decoder without cross-attention, T5 has both."
    yield Try("tfx quiz encoder-vs-decoder")
