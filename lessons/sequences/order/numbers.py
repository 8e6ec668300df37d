"""Numbers for the quiz on sequences and order: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, ShapeCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.word_order import counts, orders
from tfx.ops.basics.embedding import one_hot

WORDS = ("bonbon", "letter", "pepper", "noon", "cocoa", "tomato", "kayak", "level", "papaya", "see")


@told_apart
def orders_of_letters(rng: np.random.Generator) -> NumberCase:
    """All orders of the letters of a word in which some repeat."""
    word = str(rng.choice(WORDS))
    n, different = len(word), len(set(word))
    answer = float(orders(word))
    wrong = (
        Wrong(float(math.factorial(n)), "repeats counted as different", "Equal letters may change places, and nobody sees it."),
        Wrong(float(math.factorial(different)), "each letter taken once", f"There are {n} places to fill, not {different}."),
        Wrong(float(different**n), "letters drawn freely", "The letters are given; each is used as often as it occurs."),
    )  # fmt: skip
    return NumberCase({"word": word}, answer, wrong, 0.0)


@told_apart
def first_of_bag(rng: np.random.Generator) -> NumberCase:
    """How often the best guess from a bag of n different names says which one came first: counted over all orders."""
    names = int(rng.choice([2, 3, 4, 5, 6, 8]))
    share = orders(range(names - 1)) / orders(range(names))  # the orders that begin with the name that is guessed
    wrong = (
        Wrong(1.0, "a bag keeps the order", "The bag says which names there are, and not which came first."),
        Wrong(1.0 / math.factorial(names) if names > 2 else 0.25, "the whole order guessed", "Only the first place is asked for, not the whole order."),
        Wrong(0.0, "a bag knows nothing", "It names the candidates; a guess among them is right now and then."),
    )  # fmt: skip
    return NumberCase({"names": names}, share, wrong, 0.01)


@told_apart
def sequences_of_length(rng: np.random.Generator) -> NumberCase:
    """Counted by listing them."""
    vocabulary, length = int(rng.choice([2, 3, 4, 5])), int(rng.choice([2, 3, 4]))
    answer = float(len(list(np.ndindex(*[vocabulary] * length))))
    wrong = (
        Wrong(float(vocabulary * length), "places added", "Each place has the full choice, so the choices multiply."),
        Wrong(float(length**vocabulary), "base and exponent exchanged", "It is one factor for each place."),
        Wrong(float(math.comb(vocabulary + length - 1, length)), "bags counted", "That counts bags, in which order does not matter."),
    )  # fmt: skip
    return NumberCase({"vocabulary": vocabulary, "length": length}, answer, wrong, 0.0)


@told_apart
def shape_of_bags(rng: np.random.Generator) -> ShapeCase:
    """The shape of one-hot rows, summed over the places."""
    batch, length, vocabulary = (int(n) for n in rng.choice(np.arange(2, 12), size=3, replace=False))
    ids = rng.integers(vocabulary, size=(batch, length))
    rows = one_hot(ids, vocabulary)
    return ShapeCase(
        {"batch": batch, "length": length, "vocabulary": vocabulary},
        counts(ids, vocabulary).shape,
        (
            Wrong(rows.shape, "sum keeps its axis", "The axis that is summed over is gone."),
            Wrong((batch, length), "words summed away", "The sum goes over the places; what is left is a number for each word."),
            Wrong((length, vocabulary), "sentences summed", "Every sentence keeps a bag of its own."),
        ),
    )  # fmt: skip
