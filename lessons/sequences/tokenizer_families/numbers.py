"""Numbers for the quiz on tokenizer families: each function draws one case and computes its truth."""

from __future__ import annotations

import math

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.nn.embedding import Embedding
from tfx.tokenizers import ByteTokenizer, Unigram, WordPiece, measure


@told_apart
def probability_of_cut(rng: np.random.Generator) -> NumberCase:
    """By the library's unigram model."""
    p = {piece: round(float(chance), 2) for piece, chance in zip(("un", "do", "ne"), rng.choice(np.arange(0.02, 0.4, 0.02), 3), strict=True)}  # fmt: skip
    model = Unigram([(piece, math.log(chance)) for piece, chance in p.items()])
    answer = math.exp(model.score([model.id_of[piece] for piece in p]))
    wrong = (
        Wrong(sum(p.values()), "probabilities added", "The pieces stand one after another: their probabilities multiply."),
        Wrong(min(p.values()), "the rarest piece decides", "Every piece counts, not the rarest alone."),
        Wrong(sum(p.values()) / 3, "mean of the probabilities", "A product, not a mean: longer cuts are less likely."),
    )  # fmt: skip
    return NumberCase({piece: f"{chance:g}" for piece, chance in p.items()}, answer, wrong, 0.02)


@told_apart
def pairs_ratio(rng: np.random.Generator) -> NumberCase:
    """How many times the pairs of tokens a longer cut costs."""
    few, factor = int(rng.choice([20, 40, 50, 80])), float(rng.choice([1.5, 2.5, 3.0, 4.0]))
    many = int(few * factor)
    wrong = (
        Wrong(factor, "cost grows with the length", "Attention compares each token with each: the pairs grow with the square."),
        Wrong(2 * factor, "doubling for squaring", "Squared, not doubled."),
        Wrong(2**factor, "exponential for quadratic", "The length is the base, and the exponent is 2."),
    )  # fmt: skip
    answer = float(np.zeros((many, many)).size / np.zeros((few, few)).size)
    return NumberCase({"few": few, "many": many}, answer, wrong, 0.01)


@told_apart
def tokens_per_word(rng: np.random.Generator) -> NumberCase:
    """Measured on a text of made-up words under the byte tokenizer."""
    words = ["a" * int(rng.integers(2, 7)) for _ in range(int(rng.integers(3, 6)))]
    text = " ".join(words)
    letters = sum(map(len, words))
    wrong = (
        Wrong(letters / len(words), "blanks cost nothing", "A blank is a byte as well, and a token."),
        Wrong(len(words) / len(text), "words per token", "It is tokens divided by words."),
        Wrong(float(len(text)), "tokens of the whole text", "Divide by the number of words."),
    )  # fmt: skip
    values = {"words": len(words), "letters": letters, "blanks": len(words) - 1}
    return NumberCase(values, measure(ByteTokenizer(), text).fertility, wrong, 0.01)


@told_apart
def larger_table(rng: np.random.Generator) -> NumberCase:
    """How many more entries a larger vocabulary needs."""
    small, width = int(rng.choice([200, 300, 500])), int(rng.choice([16, 32, 64]))
    large = small * int(rng.choice([2, 3]))
    sizes = [Embedding(size, width, rng).n_parameters for size in (small, large)]
    wrong = (
        Wrong(float(sizes[1]), "the whole table for the growth", "Only the new rows are more."),
        Wrong(float(large - small), "rows for entries", f"Each new row has {width} entries."),
        Wrong(float((large - small) ** 2), "pairs of tokens counted", "The table grows with the vocabulary, not with its square."),
    )  # fmt: skip
    return NumberCase({"small": small, "large": large, "width": width}, float(sizes[1] - sizes[0]), wrong, 0.0)


@told_apart
def longest_piece(rng: np.random.Generator) -> NumberCase:
    """By the library's WordPiece, which takes the longest piece from the left."""
    word = str(
        rng.choice(["playing", "replays", "players", "playful", "display", "playgrounds", "replaying", "displayed"])
    )
    first = int(rng.integers(2, 4))
    second = int(rng.integers(first + 2, len(word)))
    whole = [word[:first], "##" + word[first:second], "##" + word[second:]]
    letters = [word[0], *("##" + letter for letter in word[1:])]
    longer = word[: first + 1]  # taken first, so that the next piece does not fit as a whole
    vocabulary = list(dict.fromkeys([longer, *whole, *letters]))
    ids = WordPiece(vocabulary).encode(word)
    wrong = (
        Wrong(float(len(word)), "letters only", "The longest piece that fits is taken, not the shortest."),
        Wrong(3.0, "the best cut", "The longest piece is taken first, and nobody goes back on it, though fewer tokens would do."),
        Wrong(1.0, "unknown as a whole", "Every letter is in the vocabulary, so the word can be cut to its end."),
    )  # fmt: skip
    values = {"word": word, "pieces": ", ".join(piece for piece in vocabulary if len(piece.removeprefix("##")) > 1)}
    return NumberCase(values, float(len(ids)), wrong, 0.0)
