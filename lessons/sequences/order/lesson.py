"""Sequences and why order matters: a list with places, the bag that loses them, and what the bag can still answer."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, exactly, formula, matrix, near, question, setting, table,
)  # fmt: skip
from tfx.lab.sequences.sequence_layers import Recurrent
from tfx.lab.sequences.word_order import answered, counts, orders
from tfx.measure.verdicts import smallest

DEFAULT_TEXT = "the dog bit the man"
ARTICLES, WIDTH = ("the", "a", "an"), 8


@dataclass(frozen=True)
class Settings:
    animals: int = setting(8, 3, 32, "animals that the sentences of the experiment are about")
    sentences: int = setting(2000, 400, 20_000, "sentences of the experiment, half of them to learn from")

    def bytes_needed(self) -> float:
        """The pairs of neighbours, one-hot, as integers, and as numbers for the read-out."""
        return 2 * 8.0 * self.sentences * 3 * (self.animals + 1) ** 2


class Run:
    """words: the sentence; other: the same words with two of them in each other's place; ids of both: (2, T)."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.other = swapped(self.words)
        self.bag = tuple(dict.fromkeys(self.words))
        self.ids = np.array([[self.bag.index(word) for word in words] for words in (self.words, self.other)])


def swapped(words: tuple[str, ...]) -> tuple[str, ...]:
    """The first and the last word that is no article change places; where those are alike, the first and the last."""
    named = [i for i, word in enumerate(words) if word not in ARTICLES]
    for first, last in ((min(named, default=0), max(named, default=0)), (0, len(words) - 1)):
        if words[first] != words[last]:
            return tuple(words[{first: last, last: first}.get(i, i)] for i in range(len(words)))
    return words


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A sequence is a list with places")
def places(run: Run) -> Iterator[Shown]:
    yield "Most of what a Transformer reads comes as a sequence: the words of a sentence, the letters of a word, the frames of a film, the notes of a tune, the bases of a gene. Its elements stand one after another. Each has a place, and places count from 1."
    yield formula("x_1, x_2, ..., x_T", "T: how many elements, the length")
    yield table("your sentence", [{"place": i, "word": word} for i, word in enumerate(run.words[:12], start=1)], place="place", word="word")  # fmt: skip
    yield f"T = {len(run.words)} here, and {len(run.bag)} different word{'s' * (len(run.bag) > 1)}. Two sequences are equal when they have equal elements at equal places. So the order is part of what a sequence is, not decoration."


@lesson.step("The same words, another sentence")
def the_bag(run: Run) -> Iterator[Shown]:
    one, other = (" ".join(words) for words in (run.words, run.other))
    bags, moved = counts(run.ids, len(run.bag)), int((run.ids[0] != run.ids[1]).sum())
    shown = np.arange(min(len(run.bag), 8))
    yield f'Put two words in each other\'s place: "{one}" becomes "{other}".'
    yield "The simplest way to turn a text into numbers is to count its words: a bag of words. Nobody writes down where they stood."
    yield matrix("how often each word occurs", bags[:, shown], "sentence, word", ("first", "second"), labels(tuple(run.bag[i] for i in shown)))  # fmt: skip
    yield f"The sentences differ at {moved} of {len(run.words)} places, and their bags are equal. A model that sees the bag alone gives both the same answer, whatever it has learned."
    yield agree("same-bag", "the two bags are equal", bags[0], bags[1], to=0)
    yield counts
    yield Try.here(text="a cat saw a bird" if one == DEFAULT_TEXT else DEFAULT_TEXT)


@lesson.step("How many sentences share one bag?")
def how_many(run: Run) -> Iterator[Shown]:
    often = [n for n in Counter(run.words).values() if n > 1]
    length, total = len(run.words), orders(run.words)
    below = " * ".join(f"{n}!" for n in often)
    yield "T different elements can be ordered in T! = T * (T - 1) * ... * 1 ways. Equal words may change places unseen: divide by the factorial of how often each occurs."
    yield formula("orders = T! / (n_1! * n_2! * ...)", "n_i: how often word i occurs")
    yield question(f"{length} words, {'some of them repeated (' + ', '.join(map(str, often)) + ' times)' if often else 'all different'}: how many orders?", total, f"{length}!{' / (' + below + ')' if often else ''}.", 0.01)  # fmt: skip
    yield f"By hand: {length}!{' / (' + below + ')' if often else ''} = {written(total)}. {'Whoever knows the bag alone cannot say which of them was meant.' if total > 1 else 'Words that are all alike have one order.'}"
    yield exactly("orders", "the formula, multiplied out word by word", written(total), written(placed(run.words)))
    yield orders


def placed(words: tuple[str, ...]) -> int:
    """The same number, counted otherwise: choose places for one word after the other among those that are free."""
    free, ways = len(words), 1
    for n in Counter(words).values():
        ways, free = ways * math.comb(free, n), free - n
    return ways


def written(n: int) -> str:
    return f"{n:,}" if n < 10**9 else f"{n:.3e}"


@lesson.step("What counts can answer, and what they cannot")
def two_questions(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    animals, sentences = run.settings.animals, run.settings.sentences
    right = answered(rng, animals, sentences)
    rows = [{"reader": name, "there": 100 * there, "biter": 100 * biter} for name, (there, biter) in right.items()]
    (there, half), ordered = right["counts of words"], smallest(right[name][1] for name in ("counts of neighbours", "words at places"))  # fmt: skip
    yield f'{sentences:,} sentences "animal bit animal", {animals} animals. Does the first animal of the list occur, and who bit? A matrix of numbers, fitted to one half, answers; it is tested on the other.'
    yield question("Every pair is as frequent in either order. Who sees counts alone names the biter right in what share?", 0.5, "Two candidates, and nothing to tell them apart.")  # fmt: skip
    yield table("answered right", rows, reader="what the matrix sees", there="occurs [%] :3", biter="who bit [%] :3")  # fmt: skip
    yield Said("Without its order a text says nothing.", "too strong", f"What occurs can be read from counts: {there:.0%} right. Who bit whom cannot, if either is as frequent: {half:.0%}, as by tossing a coin.")  # fmt: skip
    yield exactly("occurs", "counts tell what occurs: share right", 1.0, there)
    yield near("coin", "counts do not tell who bit: share right", 0.5, half, math.sqrt(0.25 / (sentences - sentences // 2)))  # fmt: skip
    yield exactly("ordered", "with neighbours or places both questions are answered", 1.0, ordered)
    yield Try.here(animals=4 if animals != 4 else 16)


@lesson.step("Adding a number for the place is not yet enough")
def too_late(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    words, where = rng.standard_normal((len(run.bag), WIDTH)), rng.standard_normal((len(run.words), WIDTH))
    x = words[run.ids]
    rnn = Recurrent.random(rng, WIDTH, 0.9)
    readers = {
        "sum of the word vectors": x.sum(axis=1),
        "sum of (word + place)": (x + where).sum(axis=1),
        "sum of (word * place), number by number": (x * where).sum(axis=1),
        "a network that reads word after word": rnn.forward(x)[0][:, -1],
    }
    gaps = {name: float(np.abs(one - other).max()) for name, (one, other) in readers.items()}
    yield "Networks see a vector, a row of numbers, for each word. Give each place a random vector as well. Which of these four results differ between your two sentences?"
    yield table(f"largest difference of {WIDTH} numbers", [{"reader": name, "gap": round(gap, 9)} for name, gap in gaps.items()], reader="what is made of the sentence", gap="difference :3")  # fmt: skip
    yield "A sum is a bag. The second row shows the trap: the sum of (word + place) is the sum of the words plus the sum of the places, and both are the same for either order. Word and place must meet in something that is no sum, before the sum is taken: a product, a bend, or a step that depends on what was read before."
    yield agree("blind", "sums of words, and of words plus places, are equal for both", [gaps["sum of the word vectors"], gaps["sum of (word + place)"]])  # fmt: skip
    if run.words != run.other:
        yield at_least("sees", "a product with the place, and reading in order, differ by", 1e-3, smallest(list(gaps.values())[2:]))  # fmt: skip


@lesson.step("Where order comes from in this course")
def onwards(run: Run) -> Iterator[Shown]:
    yield "Older networks know the order because they read in order: recurrent ones word after word, convolutions a few neighbours at a time."
    yield "Attention, the heart of the Transformer, adds up over all words at once. Without a mask, and without anything that marks the places, each word would get the same result in any order. So a Transformer is told where each word stands: in 2017 by a code that is added to the vectors, since then often by rotating vectors inside attention. (A causal mask, under which a word sees itself and those before it, already lets some of the order in.) Module 3 shows it."
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.5")
    yield Source("Elman", 1990, "Finding Structure in Time")
    yield See("transformer-vs-rnn", "the_order")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A sequence is an ordered list of elements: words, audio frames, notes, bases. The same elements in another order can mean something else, so a model needs to know places."
    yield f"Counts of words lose them: the words of this sentence have {written(orders(run.words))} orders, and all share one bag. Counts can say what occurs, and not who did what to whom."
    yield Try("tfx quiz sequences-order")
