"""Embeddings: a token's number picks a row of a table, the table is learned, and its scale has to fit its company."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, by_hand, formula, matrix, proof, question, setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.lab.sequences.learned_words import KINDS, WordTable, learn_words
from tfx.models.word_vectors import SkipGram
from tfx.nn.embedding import Embedding
from tfx.nn.token_input import TokenInput
from tfx.ops.basics.embedding import embedding_backward, embedding_forward, one_hot
from tfx.ops.positions.positions import sinusoidal_positions

DEFAULT_TEXT = "the cat saw the dog"
ROWS = 1000  # of a table whose lengths are measured


@dataclass(frozen=True)
class Settings:
    width: int = setting(512, 16, 2048, "C, the numbers in a row, where lengths are measured")
    steps: int = setting(300, 200, 2000, "steps in which word vectors are learned")

    def check(self) -> None:
        if self.width % 2:
            raise BadInput(
                f"width must be even, a sine and a cosine each, not {self.width}.", "For example: --set width=512"
            )

    def bytes_needed(self) -> float:
        return 4 * 8.0 * ROWS * self.width


class Run:
    """words: the sentence; ids: (T,), their numbers in a vocabulary of its own; small: (V, 4), a random table for it."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.seed, self.width = request.seed, self.settings.width
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.vocabulary = sorted(set(self.words))
        self.ids = np.array([self.vocabulary.index(word) for word in self.words])
        self.small = np.random.default_rng(request.seed).standard_normal((len(self.vocabulary), 4))

    @cached_property
    def learned(self) -> tuple[WordTable, WordTable]:
        return learn_words(self.seed, self.settings.steps)

    @cached_property
    def tables(self) -> dict[str, np.ndarray]:
        """name -> (1000, C), rows as they begin under three habits."""
        drawn = np.random.default_rng((self.seed, 1)).standard_normal((ROWS, self.width))
        return {"1/sqrt(C)": drawn / math.sqrt(self.width), "0.02": 0.02 * drawn, "1": drawn}


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def length(rows: np.ndarray) -> float:
    """The mean length of rows: (N, C)."""
    return float(np.sqrt((rows * rows).sum(axis=-1)).mean())


@lesson.step("A token's number picks a row of a table")
def one_row(run: Run) -> Iterator[Shown]:
    shown = np.arange(min(len(run.words), 5))
    y, _ = embedding_forward(run.ids, run.small)
    yield "A token's number, its id, only names it: id 7 is not more than id 3. So a model keeps a table E with a row of numbers for each token, and looks up the row: the token's embedding."
    yield formula("x_t = E[id_t]", "E: (words, C), C numbers for each word of the vocabulary")
    yield matrix("the rows that your words pick", y[shown], "token (id), number", [f"{run.words[i]} ({run.ids[i]})" for i in shown])  # fmt: skip
    yield f"{len(run.vocabulary)} different word{'s' * (len(run.vocabulary) > 1)} here, and C = 4; the rows are random. Equal tokens get equal rows, wherever they stand."
    yield agree("rows", "each row is that of its id", y, np.stack([run.small[i] for i in run.ids]), to=0)
    yield embedding_forward


@lesson.step("A lookup is a product with a one-hot row")
def product(run: Run) -> Iterator[Shown]:
    rows, v, c = one_hot(run.ids, len(run.vocabulary), float), 50_000, run.width
    shown = np.arange(min(len(run.vocabulary), 8))
    yield "A one-hot row is 1 at the id's place, else 0. Times a matrix, it picks one row of it: so an embedding is a linear map, and learns like one. A lookup reads the row and multiplies nothing."
    yield matrix("one-hot rows of the first words", rows[:2, shown], "token, id", run.words[:2], labels(tuple(run.vocabulary[i] for i in shown)))  # fmt: skip
    yield formula("onehot(id) E = E[id]", "(1, words) x (words, C) -> (1, C)")
    yield question(f"{v:,} words and C = {c}: how many multiplications is that for one token?", v * c, "Words times C, all but C of them with 0.")  # fmt: skip
    yield Said("Text becomes numbers of tokens, and these become vectors.", "true", "The table is a linear map of one-hot rows.", "C284")  # fmt: skip
    yield agree("one-hot", "one-hot rows times the table, and rows looked up", rows @ run.small, embedding_forward(run.ids, run.small)[0], to=0)  # fmt: skip


@lesson.step("Learning: every place sends its gradient to one row")
def way_back(run: Run) -> Iterator[Shown]:
    dy, (_, cache) = np.ones((len(run.ids), 4)), embedding_forward(run.ids, run.small)
    grad = embedding_backward(dy, cache)
    shown, often = np.arange(min(len(run.vocabulary), 4)), np.bincount(run.ids)
    word = run.vocabulary[int(often.argmax())]
    yield "Training lowers a number, the loss; a gradient, marked by d, says how it changes. The gradient at a place goes to the row that was looked up there."
    yield formula("dE[id] = sum of dx_t over all places t with id_t = id")
    yield question(f'Every place sends 1. What arrives at the row of "{word}"?', int(often.max()), "So many places add up.", 0)  # fmt: skip
    yield matrix("dE when every place sends ones", grad[shown], "token, number", labels(tuple(run.vocabulary[i] for i in shown)))  # fmt: skip
    yield "The classic mistake: to write the gradient into the row in place of adding it."
    yield agree("adds", "each row gets as often what one place sends", grad[:, 0], often, to=0)
    yield proof("the lookup", lambda e: embedding_forward(run.ids, e), lambda dx, kept: (embedding_backward(dx, kept),), {"e": run.small})  # fmt: skip
    yield embedding_backward


@lesson.step("Words that are used alike come to lie close")
def neighbours(run: Run) -> Iterator[Shown]:
    before, after = run.learned
    rows = [{"word": word, "before": ", ".join(before.nearest(word, 3)), "after": ", ".join(after.nearest(word, 3))} for word in ("dog", "street", "tired")]  # fmt: skip
    kinds = sum(len(words) for words in KINDS.values())
    yield "Nobody says what a word means. Let a table learn one thing alone: which words stand near each other, in sentences about animals that cross streets. Each word's row is pulled towards rows that a second table keeps for the words around it, and pushed away from those of random words (skip-gram)."
    yield table(f"the three nearest of {len(after.words)} words", rows, word="word", before="at random", after=f"after {run.settings.steps} steps")  # fmt: skip
    yield f"Of the {kinds} movers (such as dog), places and adjectives, {before.same_kind():.0%} have a nearest word of their own kind before, {after.same_kind():.0%} after. Words of one kind stand among the same neighbours, are pulled to the same rows, and so get similar ones."
    yield at_least("kinds", "nearest word of the same kind, after learning", 0.8, after.same_kind())
    yield at_most("random", "... and before", 0.7, before.same_kind())
    yield SkipGram
    yield Source("Mikolov et al.", 2013, "Distributed Representations of Words and Phrases and their Compositionality", "section 2")  # fmt: skip


@lesson.step("Close means: a small angle")
def angle(run: Run) -> Iterator[Shown]:
    _, after = run.learned
    a, b = after.row("dog"), after.row("cat")
    cosines = {other: after.cosine("dog", other) for other in ("cat", "tired", "lake", "because")}
    yield "How alike are two rows? Take the cosine of the angle between them: 1 in the same direction, 0 at a right angle, -1 opposite. |a|: root of the summed squares."
    yield formula("cosine = (a . b) / (|a| |b|)        a . b = a_1 b_1 + a_2 b_2 + ...")
    yield f"By hand, dog and cat: a . b = {by_hand(a, b, 2)} = {a @ b:.3f}; |a| = {length(a[None]):.3f}, |b| = {length(b[None]):.3f}."
    yield question("What is their cosine?", cosines["cat"], f"{a @ b:.3f} / ({length(a[None]):.3f} * {length(b[None]):.3f}).", 0.01)  # fmt: skip
    yield matrix("cosine with dog", np.array([list(cosines.values())]), "from, word", ("dog",), tuple(cosines))
    yield "Close is not equal in meaning: opposites stand among the same words. And one row cannot tell two meanings apart; layers above do."
    yield at_least("closer", "cosine of dog with cat, less that with because", 0.0, cosines["cat"] - cosines["because"])


@lesson.step("Why multiply by sqrt(C)?")
def scale(run: Run) -> Iterator[Shown]:
    root, pe = math.sqrt(run.width), length(sinusoidal_positions(ROWS, run.width))
    rows: list[dict[str, Any]] = [{"std": name, "bare": length(e), "scaled": root * length(e), "share": root * length(e) / pe} for name, e in run.tables.items()]  # fmt: skip
    yield "The Transformer of 2017 adds to each row a position vector PE: C/2 pairs of sine and cosine, whose squares sum to 1 in each pair."
    yield question(f"How long is a position vector of C = {run.width} numbers?", math.sqrt(run.width / 2), "The root of C/2.")  # fmt: skip
    yield table(f"mean length at C = {run.width}, by the standard deviation of a table's entries", rows, std="deviation", bare="row :3", scaled="row * sqrt(C) :3", share="... over PE :3")  # fmt: skip
    yield f"With entries of deviation 1/sqrt(C) rows have length {rows[0]['bare']:.2f}; beside {pe:.1f} of the position a word would drown. Times sqrt(C) it has {rows[0]['scaled']:.1f}. (The paper gives no reason; this is the usual one.)"
    yield within("unit", "deviation 1/sqrt(C): mean length of a row", 1.0, rows[0]["bare"], 0.05)
    yield agree("position", "squared length of every position vector, over C/2", (sinusoidal_positions(50, run.width) ** 2).sum(axis=-1) / (run.width / 2), 1.0)  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.4")


@lesson.step("From ids to the first layer, in one line")
def the_input(run: Run) -> Iterator[Shown]:
    wide = run.width * length(run.tables["1"]) / math.sqrt(run.width)
    rng = np.random.default_rng(run.seed)
    model = TokenInput(Embedding(len(run.vocabulary), 8, rng, "float64"), "sinusoidal", 64, rng, dtype="float64")
    x, _ = model.forward(run.ids[None])
    table_of, places = model.embedding.table.value, sinusoidal_positions(len(run.ids), 8)
    yield "What the first layer of the Transformer of 2017 reads:"
    yield formula("X = dropout(sqrt(C) E[ids] + PE)", "(T, C): a row for each token")
    yield "Dropout sets random numbers to 0 in training and scales up the rest. It (section 5.4) and the factor (3.4) are often left out of code that is passed around. GPT-2 and BERT have no factor; many models of today add no position."
    yield agree("sum", "the library's input, and the line above", x[0], math.sqrt(8) * table_of[run.ids] + places)
    yield TokenInput
    yield Said("Multiplying embeddings by sqrt(d_model) balances word and position.", "true with conditions", f"If entries begin with deviation 1/sqrt(C). With deviation 1 the factor makes rows of {wide:.0f}, and the position drowns.", "C092")  # fmt: skip
    yield Said("Values within -1 and 1 keep positions from drowning the words.", "false", f"What counts is the length of the whole vector: {math.sqrt(run.width / 2):.1f} at C = {run.width}.", "C091")  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "An embedding is a table with a learned row for each token; a lookup equals a one-hot row times the table. Tokens that are used alike get rows in similar directions, measured by the cosine."
    yield "The gradient of a row is the sum over all places where its token stood. The 2017 model multiplies rows by sqrt(C). The usual reason: rows that begin with length 1 would drown beside position vectors of length sqrt(C/2)."
    yield Try("tfx quiz embeddings")
