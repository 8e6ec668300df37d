"""Encoder-only, decoder-only, encoder-decoder: one block, three ways to put it together, and what follows from each."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, between, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.masked_tokens import mask_tokens
from tfx.data.span_corruption import corrupt_spans, restore_spans
from tfx.lab.scale.published_sizes import BOTH, PUBLISHED, count
from tfx.lab.training.fill_the_gap import Filled, filled, most
from tfx.measure.dependence import dependence
from tfx.measure.verdicts import smallest
from tfx.models import DecoderOnly, Encoder, EncoderDecoder
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask

DEFAULT_TEXT = "the cat sat on the mat"
WIDTH, LONGEST, STEPS, ASKED = 16, 6, 80, 1000
MODELS = ("BERT-base", "BERT-large", "GPT-2 small", "T5-base")


@dataclass(frozen=True)
class Settings:
    layers: int = setting(3, 2, 8, "blocks in a stack")
    source: int = setting(3, 1, 3, "words that the encoder of the encoder-decoder reads")
    symbols: int = setting(6, 3, 10, "different tokens in the texts with gaps")


class Run:
    """ids: (1, T), the same number for the same word.  The three models are untrained, with random weights."""

    def __init__(self, request: Request) -> None:
        self.words = read_words(request.text, DEFAULT_TEXT, at_least=4)[:LONGEST]
        self.settings, self.seed = request.settings, request.seed
        self.names, self.n, self.source = labels(self.words), len(self.words), self.settings.source
        vocabulary = list(dict.fromkeys(self.words))
        self.ids = np.array([[vocabulary.index(word) for word in self.words]])
        self.other = len(vocabulary)
        self.encoder, self.decoder, self.both = (kind(self.other + 1, **self.sizes(self.settings.layers)) for kind in (Encoder, DecoderOnly, EncoderDecoder))  # fmt: skip
        self.prefix = causal_mask(self.n) | (np.arange(self.n) < self.source)

    def sizes(self, layers: int) -> dict[str, object]:
        return {"d_model": WIDTH, "n_heads": 2, "d_ff": 4 * WIDTH, "n_layers": layers, "max_len": LONGEST, "dtype": "float64", "seed": self.seed}  # fmt: skip

    def both_outputs(self, ids: np.ndarray) -> list[np.ndarray]:
        """The encoder's vector of each source word, then the decoder's scores at each target place."""
        memory, source = self.both.encode(ids[:, : self.source])
        return [*memory[0], *self.both.decode(ids[:, self.source :], memory, source)[0][0]]

    @cached_property
    def pictures(self) -> dict[str, np.ndarray]:
        """(T, T) of bool for each family: does the output of a row move with the word of a column?"""
        outputs = {
            "encoder": lambda ids: self.encoder.forward(ids)[0][0],
            "decoder": lambda ids: self.decoder.forward(ids)[0][0],
            "both": self.both_outputs,
            "prefix": lambda ids: self.encoder.forward(ids, mask=self.prefix)[0][0],
        }
        return {name: dependence(output, self.ids, self.other) for name, output in outputs.items()}

    @cached_property
    def gaps(self) -> dict[str, Filled]:
        with blas_threads(1):
            return {name: filled(causal, self.settings.symbols, STEPS, ASKED, self.seed) for name, causal in (("no mask", False), ("causal mask", True))}  # fmt: skip


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("One block, three ways to put it together")
def three_questions(run: Run) -> Iterator[Shown]:
    rows = [
        {"family": "encoder-only", "like": "BERT, ViT", "sees": "all tokens", "cross": "no", "asked": "hidden words; a label"},
        {"family": "decoder-only", "like": "GPT", "sees": "itself, earlier ones", "cross": "no", "asked": "the next token"},
        {"family": "encoder-decoder", "like": "T5", "sees": "source; earlier ones", "cross": "yes", "asked": "the output text"},
    ]  # fmt: skip
    sizes = [model.stack.blocks[0].n_parameters for model in (run.encoder, run.decoder)]
    yield "BERT, GPT, T5 and ViT sound like four inventions. All of them stack the block of the last module. To place a model, ask: what may a token look at, does it read a second sequence (cross), and what is it asked in training?"
    yield table("three families", rows, family="family", like="like", sees="token sees", cross="cross", asked="is asked for")  # fmt: skip
    yield "The first gives a vector for each token, good to label, tag and search with. The second goes on writing. The third reads one text and writes another, joined to it by cross-attention."
    yield question(f"An encoder-only block has {sizes[0]:,} parameters here. A decoder-only one?", sizes[1], "The same block under another mask; a mask has none.", 0)  # fmt: skip
    yield exactly("same-block", "parameters of a decoder-only block, as of an encoder-only one", sizes[0], sizes[1])


def drawn(picture: np.ndarray) -> list[str]:
    return [" ".join("#" if moves else "." for moves in row) for row in picture]


@lesson.step("Who depends on whom, measured")
def who_sees(run: Run) -> Iterator[Shown]:
    n, s, pictures = run.n, run.source, run.pictures
    rows = [{"word": name, "encoder": a, "decoder": b, "both": c} for name, a, b, c in zip(run.names, *(drawn(pictures[each]) for each in ("encoder", "decoder", "both")), strict=True)]  # fmt: skip
    marks = int(pictures["decoder"].sum())
    yield f"Replace one word, run all {run.settings.layers} blocks, mark each output that moves (#). A row is an output, a column the word replaced. The encoder-decoder has the first {s} as its source, the other {n - s} as its target."
    yield table("does the output move?", rows, word="output at", encoder="encoder-only", decoder="decoder-only", both="encoder-decoder")  # fmt: skip
    yield question(f"How many marks has the decoder-only picture of {n} words?", marks, f"1 + 2 + ... + {n}.", 0)
    yield "A full square; a triangle; and both: the source sees itself alone, the target all of the source and its own past."
    expected = {"encoder": np.ones((n, n)), "decoder": np.tri(n), "both": np.maximum(np.tri(n), np.arange(n) < s)}
    for name, picture in expected.items():
        yield exactly(f"picture-{name}", f"pairs that differ from the picture expected ({name})", 0, int((pictures[name] != picture).sum()))  # fmt: skip


@lesson.step("By hand: one row of scores under two masks")
def by_hand(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores = np.round(rng.uniform(-1, 2, 3), 1)
    full, causal = (attend_forward(scores[None], np.eye(3), mask)[0][0] for mask in (None, np.array([[True, True, False]])))  # fmt: skip
    e = np.exp(scores)
    rows = [{"family": name, **{f"w{i}": w for i, w in enumerate(row, 1)}} for name, row in (("encoder-only", full), ("decoder-only", causal))]  # fmt: skip
    yield f"Word 2 of three has the scores {scores[0]:.1f}, {scores[1]:.1f}, {scores[2]:.1f} for words 1 to 3. An encoder takes the softmax of all; a decoder blocks word 3, which comes later."
    yield formula("weight j = exp(s_j) / sum over visible k of exp(s_k)", "s_j: score for word j")
    yield question("Decoder-only: the weight of word 1?", causal[0], f"{e[0]:.3f} / ({e[0]:.3f} + {e[1]:.3f})")
    yield table("weights of word 2", rows, family="family", w1="word 1 :3", w2="word 2 :3", w3="word 3 :3")
    one = Encoder(run.other + 1, **run.sizes(1))
    apart = [np.abs(model.encode(run.ids)[0] - model.encode(run.ids, mask=causal_mask(run.n))[0]).max(axis=-1)[0] for model in (one, run.encoder)]  # fmt: skip
    yield f"Same weights of the model, two masks, two results: word 1 of your sentence moves by up to {apart[1][0]:.2f}. The last word may see all in both. In a stack of one block it gets the same vector; after {run.settings.layers} blocks it differs by {apart[1][-1]:.2f}, as it has heard from words that saw less."
    yield agree("by-hand", "softmax over what is visible", causal[:2], e[:2] / e[:2].sum())
    yield agree("last-of-one", "one block: the last word under both masks", apart[0][-1])
    yield at_least("last-of-more", "more blocks: it differs by at least", 1e-3, float(apart[1][-1]))
    yield attend_forward


@lesson.step("How many attention layers, how many parameters")
def parameters(run: Run) -> Iterator[Shown]:
    sizes = {model.name: model.sizes for model in PUBLISHED if model.name in MODELS}
    rows = []
    for name, size in sizes.items():
        c = count(size)
        rows.append({"name": name, "kind": size.kind, "blocks": f"{size.layers} + {size.layers}" if size.kind == BOTH else str(size.layers), "attention": c.attention / 1e6, "ff": c.feed_forward / 1e6, "embedding": c.embedding / 1e6, "total": c.total / 1e6})  # fmt: skip
    t5, layers = sizes["T5-base"], count(sizes["T5-base"]).attention // (4 * sizes["T5-base"].width ** 2)
    encoder, decoder = run.both.encoder.blocks[0].n_parameters, run.both.decoder.blocks[0].n_parameters
    yield f"The encoder-decoder is the one with another block: a decoder block that reads a source has an attention and a norm more (here {decoder:,} numbers against {encoder:,})."
    yield question(f"T5-base has {t5.layers} blocks in each stack. How many attention layers?", layers, f"{t5.layers} in the encoder, 2 * {t5.layers} in the decoder.", 0)  # fmt: skip
    yield table("published models, counted from their sizes; in millions", rows, name="model", kind="stacks", blocks="blocks", attention="attention :3", ff="network :3", embedding="tables :3", total="total :4")  # fmt: skip
    yield f"At equal depth and width an encoder-decoder has about twice the parameters of one stack, but a token passes one stack only. BERT-large has {count(sizes['BERT-large']).total / 1e9:.2f} billion; families are no sizes."
    yield exactly("attention-layers", "attention parameters of T5-base / (4 C^2)", 3 * t5.layers, layers)
    yield exactly("more", "a decoder block that reads a source has 4 C^2 + 6 C more", 4 * WIDTH**2 + 6 * WIDTH, decoder - encoder)  # fmt: skip
    yield Source("Raffel et al.", 2020, "Exploring the Limits of Transfer Learning", "sections 3.1.1, 3.2.1")


@lesson.step("What each is asked in training")
def objectives(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    signs = {run.other: "[MASK]", run.other + 1: "<1>", run.other + 2: "<2>"} | dict(zip(run.ids[0].tolist(), run.words, strict=True))  # fmt: skip
    masked = mask_tokens(run.ids, rng, run.other, run.other, masked=1.0, random=0.0)
    cut = corrupt_spans(run.ids[0], (run.other + 1, run.other + 2), rng)
    place, n = int(masked.chosen[0].argmax()), 200
    asked = int(mask_tokens(np.zeros((1, n), int), rng, 2, 1).chosen.sum())

    def text(ids: np.ndarray) -> str:
        return " ".join(signs[id] for id in ids.tolist())

    yield "Each makes questions of plain text, without labels (pre-training). Of your words:"
    yield formula(f"encoder-only      {text(masked.ids[0])}  ->  {run.words[place]}")
    yield formula(f"decoder-only      {text(run.ids[0, :-1])}  ->  {text(run.ids[0, 1:])}")
    yield formula(f"encoder-decoder   {text(cut.source)}  ->  {text(cut.target)}")
    yield "BERT chooses some tokens, hides most of these, and is asked for the chosen alone. GPT is asked for the next token at every place. T5 replaces spans of text by signs, <1>, and writes down what stood there."
    yield question(f"BERT chooses 15 percent of {n} tokens. Places asked?", asked, f"0.15 * {n}; GPT at {n - 1}, all that have a next token.", 0)  # fmt: skip
    yield "GPT learns from more places, BERT from both sides at each. The next token cannot be asked of an encoder without a mask: it would read it, one place on."
    yield exactly("hidden", "places asked, 15 percent", round(0.15 * n), asked)
    yield exactly("restored", "the spans put back give the text", text(run.ids[0]), text(restore_spans(*cut, (run.other + 1, run.other + 2))))  # fmt: skip
    yield See("label-leakage", "by_hand")


@lesson.step("What breaks: a gap whose answer comes later")
def the_gap(run: Run) -> Iterator[Shown]:
    free, causal, v = run.gaps["no mask"], run.gaps["causal mask"], run.settings.symbols
    rows = [{"mask": name, "before": 100 * each.before, "after": 100 * each.after} for name, each in run.gaps.items()]
    yield f"Texts of doubled tokens, like a a c c a a, each pair drawn from {v} anew; one of the middle two is hidden, and its partner tells it. Two small models, alike but for the mask, learn to fill gaps ({STEPS} updates), then fill {ASKED:,} new ones."
    yield question("With a causal mask, partner after the gap: how many percent right?", 100 / v, f"It cannot see the partner, so it guesses: 1 in {v}.")  # fmt: skip
    yield table(
        "gaps filled correctly", rows, mask="model", before="partner before [%] :3", after="partner after [%] :3"
    )
    yield f"Over all gaps a causal reader is right in {most(v):.0%} at most, on average. More training does not help: the answer never reaches the place. A causal model must be asked at the end, when it has read both sides."
    yield at_least("free", "no mask: share right, the worse of two", 0.95, smallest(free))
    yield at_least("left", "causal mask, partner before: share right", 0.95, causal.before)
    yield between("right", f"causal mask, partner after: 1 / {v}, give or take", 1 / v - 0.1, 1 / v + 0.1, causal.after)
    yield Source("Devlin et al.", 2019, "BERT", "section 3.1")


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Encoders understand, decoders generate.", "too strong", "Habits, not limits. The first GPT was tuned to label texts (Radford 2018), and T5 writes labels.")  # fmt: skip
    yield Said("BERT reads left to right, and right to left.", "false", "It reads all places in one pass. A token sees both sides in every block; nothing is read twice and joined.")  # fmt: skip
    yield Said("T5 is trained on the text-to-text task.", "too strong", "That is the format of all its tasks. From plain text it learns by writing the spans that were cut out; the models first released met other tasks in pre-training too.")  # fmt: skip
    yield See("architecture-overview", "too_strong")
    yield See("encoder-vs-decoder", "too_strong")


@lesson.step("Since then: masks in between, and other data")
def since(run: Run) -> Iterator[Shown]:
    same = int((run.pictures["prefix"] != run.pictures["both"]).sum())
    depth, one, two = run.settings.layers, run.encoder.n_parameters, run.both.n_parameters
    words, none = "pieces of words", "none"
    rows = [{"name": "BERT", "reads": words, "mask": none}, {"name": "GPT", "reads": words, "mask": "causal"}, {"name": "T5", "reads": words, "mask": "none, then causal"}, {"name": "ViT", "reads": "squares of a picture", "mask": none}]  # fmt: skip
    yield "Blocks do not know what a token was: the same ones read words, pictures, slices of sound, proteins and program code."
    yield table("four models", rows, name="model", reads="a token is", mask="mask")
    yield f"Most large language models since GPT-3 are decoder-only: prompt and answer are one sequence. A mask in between shows the prompt, here {run.source} words, from both sides: a prefix language model. Its picture is that of the encoder-decoder, in {run.n**2 - same} of {run.n**2} pairs, from {depth} blocks instead of {depth} + {depth}: {one:,} numbers, not {two:,}. The mask settles who sees whom; cross-attention is one way to it."
    yield exactly("prefix", "pairs in which the two pictures differ", 0, same)
    yield Source("Raffel et al.", 2020, "Exploring the Limits of Transfer Learning", "section 3.2.1")
    yield Try("tfx experiment four-kinds")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "The three families share one block. They differ in the mask, in cross-attention, and in what they are asked in training. Encoder-only, like BERT: every token sees both sides, hidden tokens are asked for; it gives representations, to label and to search. Decoder-only, like GPT: causal mask, next token; it writes. Encoder-decoder, like T5: a two-sided reader and a causal writer, joined by cross-attention, for one text in and another out."
    yield "ViT is an encoder over squares of a picture. The uses are habits: with enough size a decoder-only model labels and translates too. What a causal model cannot do is use, at a place, what comes after it."
    yield Try("tfx quiz architecture-families")
