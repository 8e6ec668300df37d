"""Numbers for the quiz on beams: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.generate import beam_search
from tfx.generate.beam import length_divisor
from tfx.lab.generation.random_trees import START, Tree, reader_of_tree


def two_by_two(rng: np.random.Generator) -> tuple[dict[str, int], Tree]:
    """Percents of A, of A after A and of A after B; the rest is B.  The likeliest first word leads nowhere."""
    a, after_a, after_b = int(rng.integers(52, 66)), int(rng.integers(51, 60)), int(rng.integers(85, 98))
    p, q, r = a / 100, after_a / 100, after_b / 100
    tree = Tree(2, (np.log([[p, 1 - p]]), np.log([[q, 1 - q], [r, 1 - r]])))
    shown = {"a": a, "b": 100 - a, "aa": after_a, "ab": 100 - after_a, "ba": after_b, "bb": 100 - after_b}
    return shown, tree


def found(tree: Tree, width: int) -> float:
    """Percent of the text that a beam of that width finds."""
    return 100 * math.exp(beam_search(reader_of_tree(tree), [START], 2, width)[0].log_probability)


@told_apart
def greedy_text(rng: np.random.Generator) -> NumberCase:
    """What greedy decoding writes."""
    shown, tree = two_by_two(rng)
    wrong = (
        Wrong(found(tree, 2), "greedy finds the best", "Greedy has dropped B before it sees what follows it."),
        Wrong(float(shown["a"]), "one token for the text", "The second word has to be chosen as well."),
        Wrong((shown["a"] + shown["aa"]) / 2, "mean for product", "Chances of one text are multiplied."),
    )
    return NumberCase(shown, found(tree, 1), wrong, 0.01, "percent")


@told_apart
def beam_of_two(rng: np.random.Generator) -> NumberCase:
    """What a beam of 2 finds: all of these texts."""
    shown, tree = two_by_two(rng)
    wrong = (
        Wrong(found(tree, 1), "beam for greedy", "At width 2 B is kept as well, and what follows it is better."),
        Wrong(float(shown["ba"]), "second factor alone", "The first word B has a chance, too."),
        Wrong(found(tree, 1) + found(tree, 2), "two texts for one", "A beam looks at several texts, and gives the best one."),
    )  # fmt: skip
    return NumberCase(shown, found(tree, 2), wrong, 0.01, "percent")


@told_apart
def exact_width(rng: np.random.Generator) -> NumberCase:
    """The width that drops nothing before the last word."""
    v, n = int(rng.integers(3, 9)), int(rng.integers(3, 6))
    wrong = (
        Wrong(float(v), "words for beginnings", "After two words there are more beginnings than words."),
        Wrong(float(v * (n - 1)), "sum for product", "Each word more multiplies the beginnings."),
        Wrong(
            float(v**n), "last word kept", "After the last word the best text is taken; no beginning has to be kept."
        ),
    )
    return NumberCase({"v": v, "n": n, "texts": v**n}, float(beginnings(v, n - 1)), wrong, 0.0)


def beginnings(words: int, length: int) -> int:
    """How many there are, from a tree with so many words."""
    places = [np.full((words**t, words), -math.log(words)) for t in range(length + 1)]
    return len(Tree(words, tuple(places)).log_p[length])


@told_apart
def divided(rng: np.random.Generator) -> NumberCase:
    """By how much the longer text leads, by the mean."""
    short, long = int(rng.integers(2, 5)), int(rng.integers(7, 13))
    a, b = -float(rng.integers(14, 20)) / 10 * short, -float(rng.integers(8, 13)) / 10 * long
    a, b = round(a, 1), round(b, 1)
    by = b / length_divisor(long, "mean") - a / length_divisor(short, "mean")
    wrong = (
        Wrong(b - a, "not divided", "Each log p is divided by the length of its own text."),
        Wrong(-by, "order of the texts", "The question is by how much the longer one leads."),
        Wrong((b - a) / (long - short), "difference divided", "Each is divided first; then the two are compared."),
    )
    return NumberCase({"short": short, "long": long, "a": a, "b": b}, by, wrong, 0.02, "nats")
