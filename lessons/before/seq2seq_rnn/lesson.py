"""Sequence-to-sequence with an RNN: an encoder, one vector, a decoder; a text reversed by weights set by hand."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.data.toys.tasks import TASKS
from tfx.lab.sequences.reversal import Reverser
from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
from tfx.ops.basics.softmax import softmax_forward

DEFAULT_TEXT = "drawer"
LONGEST = 12
CHANCES = (0.9, 0.8, 0.5)


@dataclass(frozen=True)
class Settings:
    width: int = setting(256, 8, 512, "C, the numbers of the context vector")


class Run:
    """letters: (n,) of the text; ids: (1, n); model: a reverser for these letters; written: what it makes of them."""

    def __init__(self, request: Request) -> None:
        self.width, self.seed = request.settings.width, request.seed
        self.letters = "".join(read_words(request.text, DEFAULT_TEXT, at_least=1))[:LONGEST]
        self.alphabet = sorted(set(self.letters))
        self.ids = np.array([[self.alphabet.index(letter) for letter in self.letters]])
        self.model = Reverser(np.random.default_rng(request.seed), self.width, len(self.alphabet))
        self.states = self.model.encode(self.ids)
        self.written = self.model.from_one_vector(self.states[:, -1], len(self.letters))

    @property
    def output(self) -> str:
        return "".join(self.alphabet[i] for i in self.written.symbols[0])


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A sequence in, another one out")
def task(run: Run) -> Iterator[Shown]:
    kinds = [
        {"task": "translation", "in": "a sentence", "out": "another language"},
        {"task": "summary", "in": "a long text", "out": "a short one"},
        {"task": "dialogue, answers", "in": "what was said, or asked", "out": "an answer"},
        {"task": "paraphrase, style", "in": "a sentence", "out": "another wording"},
        {"task": "speech, code", "in": "sound, or a request", "out": "words, or a program"},
    ]
    yield "Many tasks read one sequence and write another. The lengths may differ, and nobody says which word of the one belongs to which of the other."
    yield table("tasks of this form", kinds, task="task", **{"in": "in", "out": "out"})
    yield "A sequence-to-sequence model maps an input sequence to an output sequence. Before 2017 it was mostly made of two recurrent networks, for translation above all."
    yield Source("Sutskever, Vinyals and Le", 2014, "Sequence to Sequence Learning with Neural Networks")


@lesson.step("Encoder, context, decoder")
def parts(run: Run) -> Iterator[Shown]:
    yield "The encoder reads the source word by word into its state. Its last state is the context c: all that is handed over. The decoder starts from it and writes one word at a time; each step gets the word that was written last."
    yield formula("encoder:  h_t = f(x_t, h_{t-1})", "t = 1 ... n")
    yield formula("context:  c = h_n", "or something made of all h_t")
    yield formula("decoder:  s_t = g(y_{t-1}, s_{t-1}, c)", "s: its state, y_0: a start sign")
    yield formula("output:   p(y_t) = softmax(s_t W + b)", "one number for each word")
    yield "softmax turns the numbers of a row into chances: e to the power of each, divided by the sum of these powers, so that all are above 0 and add up to 1. From these chances a word is chosen, the likeliest or one by lot. A stop sign is a word as well: with it the decoder ends."
    yield Said("An RNN encoder-decoder ends in a softmax that gives the next word.", "true with conditions", "It gives a chance for every word; which one is written is chosen afterwards.", "C306")  # fmt: skip


@lesson.step("One vector must carry everything")
def context(run: Run) -> Iterator[Shown]:
    n, c = len(run.letters), run.states[0, -1]
    yield f'A task small enough to set the weights by hand: write "{run.letters}" in reverse. Each letter has a code, E[letter], {run.width} random numbers. The encoder turns its state by an orthogonal matrix R (it keeps lengths) and adds the code of the letter.'
    yield formula("h_t = h_{t-1} R + E[x_t]", "R orthogonal, h_0 = 0")
    yield matrix(f"the context after {n} letters, its first numbers", c[:8], "vector, number", ("c",))
    yield question("How many numbers does the decoder get of a text of 1,000 letters?", run.width, "As many as of one letter: the context has a fixed width.", 0)  # fmt: skip
    by_hand = sum(run.model.codes[i] @ np.linalg.matrix_power(run.model.turn, n - 1 - t) for t, i in enumerate(run.ids[0]))  # fmt: skip
    yield "Nothing in c looks like a letter. It is the sum of all codes: the last as it is, the one before turned once, the first turned most."
    yield agree("sum", "the context, and the sum of turned codes", c, by_hand, to=1e-9)
    yield Reverser


@lesson.step("The decoder writes, and takes away what it wrote")
def writing(run: Run) -> Iterator[Shown]:
    scores = run.written.states[0] @ run.model.codes.T
    rows = []
    for t, i in enumerate(run.written.symbols[0]):
        others = np.delete(scores[t], i)
        rows.append({"t": t + 1, "letter": run.alphabet[i], "score": scores[t, i], "next": others.max() if others.size else None})  # fmt: skip
    yield "The decoder writes the letter whose code fits its state best, takes that code away and turns back, so that the letter before comes to lie straight:"
    yield formula("s_{t+1} = (s_t - E[y_t]) R^-1", "y_t: largest E[letter] . s_t")
    yield table("step by step", rows, t="t", letter="written", score="its fit :3", next="best other :3")
    wanted = run.letters[::-1]
    right = sum(a == b for a, b in zip(run.output, wanted, strict=True))
    yield f'Written: "{run.output}", {right} of {len(wanted)} letters right. A right code answers with about 1; the letters that are still to come disturb it, less the wider c is.'
    if run.width >= 256 and len(run.letters) <= 8:
        yield exactly("reversed", "what is written", wanted, run.output)
    yield exactly("last-first", "the last letter comes first: fit of the first step is largest for", run.alphabet[int(scores[0].argmax())], run.output[0])  # fmt: skip
    yield Try.here(width=16 if run.width != 16 else 256)


@lesson.step("Learning: the true next word, one after the other")
def training(run: Run) -> Iterator[Shown]:
    loss = -sum(math.log(p) for p in CHANCES)
    chances = ", ".join(f"{p:g}" for p in CHANCES)
    yield "Real models learn their weights from pairs of sequences: make each true next word as likely as can be. The chance of a whole output is the product of the chances of its words; its negative logarithm, a sum over words, is the loss."
    yield formula("loss = - sum_t log p(y_t | y_1 ... y_{t-1}, source)", "log: natural logarithm")
    yield question(f"The true words had the chances {chances}. What is the loss?", loss, "-(" + " + ".join(f"log {p:g}" for p in CHANCES) + ").")  # fmt: skip
    yield f"Their product is {math.prod(CHANCES):.3f}; e to the power of minus the loss is {math.exp(-loss):.3f}, too."
    yield "While it learns, the decoder is fed the true words, not its own (teacher forcing): else one early mistake could spoil all that follows."
    yield Said("Teacher forcing lets an RNN decoder train in parallel.", "false", "All inputs are known, but each state still waits for the one before. Parallel training came with convolutions, and with attention, that see no later word.", "C252")  # fmt: skip
    yield agree("product", "exp(-loss), and the product of the chances", math.exp(-loss), math.prod(CHANCES))


@lesson.step("A real one: states, context, chances")
def real(run: Run) -> Iterator[Shown]:
    model = RecurrentSeq2Seq(9, 4, attention="none", cell="rnn", dtype="float64", seed=run.seed)
    src, tgt = np.array([[3, 5, 2]]), np.array([[0, 6]])
    logits, cache = model.forward(src, tgt)
    chances, _ = softmax_forward(logits)
    state = cache.steps[-1].cell.last[0]
    yield "The library's translator with random weights, 4 numbers wide. (Its encoder reads from both sides, 2 numbers each; c is both last states.)"
    yield matrix(
        "h_t of the encoder, then the last s_t",
        np.concatenate([cache.memory[0], state]),
        "after, number",
        ("h_1", "h_2", "h_3", "s_2"),
    )
    yield matrix("chances of the next word, out of 9", chances[0], "after, word")
    yield "Two rows of chances, and nothing is chosen yet."
    yield agree("chances", "chances of every row sum to 1", chances[0].sum(axis=-1), 1.0)
    yield at_least("all", "the smallest chance of a word", 1e-6, float(chances.min()))
    yield RecurrentSeq2Seq


@lesson.step("Toys of this form")
def toys(run: Run) -> Iterator[Shown]:
    ids = run.ids % 10
    rows = [{"task": name, "in": " ".join(map(str, ids[0])), "out": " ".join(map(str, toy.answer(ids)[0]))} for name, toy in TASKS.items()]  # fmt: skip
    yield "Small tasks with exact answers show what a model can do. Here your letters as numbers:"
    yield table("three toys", rows, task="task", **{"in": "in", "out": "out"})
    yield "Copying needs the same place, reversing one that is mostly far, sorting all of them. What they share with translation: which input place an output needs is for the model to find out."
    yield "Since 2017 most such models are Transformers: an encoder and a decoder as here, joined by attention (module 3) in place of c; or a decoder alone that reads source and target as one text."
    yield exactly("sorted", "the sorted toy's output", " ".join(map(str, sorted(ids[0]))), rows[2]["out"])
    yield See("attention-intuition")
    yield Try("tfx train reverse")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A sequence-to-sequence model maps one sequence to another whose length may differ. An encoder RNN reads the source into a state; a decoder RNN starts from it and emits one token at a time, each from the tokens before."
    yield "It is trained to make each true next token likely, with the true tokens fed in. It served translation, summaries, speech and dialogue before Transformers. Without attention, all that the decoder knew of the source was one vector of fixed size."
    yield Try("tfx quiz seq2seq-rnn")
