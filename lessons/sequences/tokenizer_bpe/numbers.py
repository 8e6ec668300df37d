"""Numbers for the quiz on byte-pair encoding: each function draws one case and computes its truth."""

from __future__ import annotations

from collections import Counter

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.lab.sequences.merge_trace import apply_in_order, learn_by_counting, letters_of, pair_counts
from tfx.tokenizers import ByteLevelBPE, ByteTokenizer

WORDS = ("low", "lower", "newest", "widest", "new", "wider", "lowest", "slow", "slower", "west", "nest", "best", "rest")


def drawn_text(rng: np.random.Generator) -> Counter[str]:
    """Four words, each a few times."""
    words = rng.choice(WORDS, size=4, replace=False)
    return Counter({str(word): int(rng.integers(2, 8)) for word in words})


def listed(text: Counter[str]) -> str:
    return ", ".join(f"{word} {times} times" for word, times in text.items())


@told_apart
def pair_count(rng: np.random.Generator) -> NumberCase:
    """How often a pair of letters stands side by side in a text."""
    text = drawn_text(rng)
    counts = pair_counts(Counter({letters_of(word): times for word, times in text.items()}))
    inside = [pair for pair in counts if pair[1] != " " and sum("".join(pair) in word for word in text) > 1]
    a, b = inside[int(rng.integers(len(inside)))] if inside else ("w", "e")
    holders = [word for word in text if a + b in word]
    wrong = (
        Wrong(float(len(holders)), "different words counted once", "A word that stands five times counts five times."),
        Wrong(float(sum(times for word, times in text.items() if a in word or b in word)), "letters for pairs", "The two have to stand side by side, in this order."),
        Wrong(float(sum(text.values())), "words counted", "Only words that hold the pair count."),
    )  # fmt: skip
    return NumberCase({"text": listed(text), "a": a, "b": b}, float(counts[(a, b)]), wrong, 0.0)


@told_apart
def symbols_left(rng: np.random.Generator) -> NumberCase:
    """After the first merge; the sign for the end of a word counts."""
    text = drawn_text(rng)
    (first,) = learn_by_counting(text.elements(), 1)
    before = sum((len(word) + 1) * times for word, times in text.items())
    wrong = (
        Wrong(float(before), "a merge keeps the length", "Each pair that is merged is one symbol less."),
        Wrong(float(before - 1), "one place merged", "The pair is merged wherever it stands, not once."),
        Wrong(float(before - 2 * first.times), "both symbols gone", "Two symbols become one, so one is saved at each place."),
    )  # fmt: skip
    values = {"text": listed(text), "before": before, "count": first.times}
    return NumberCase(values, float(first.symbols), wrong, 0.0)


@told_apart
def tokens_of_word(rng: np.random.Generator) -> NumberCase:
    """A new word under a short list of merges, without a sign for the end of a word."""
    merges = [("e", "s"), ("es", "t"), ("l", "o"), ("lo", "w"), ("n", "e"), ("e", "r")]
    kept = [merges[i] for i in sorted(rng.choice(len(merges), size=4, replace=False))]
    word = str(rng.choice(["slowest", "newest", "lowest", "slower", "nestles", "restless", "lowers", "tester"]))
    states = apply_in_order(word, kept)
    pieces = (states[-1][1] if states else letters_of(word))[:-1]
    wrong = (
        Wrong(float(len(word)), "letters stay letters", "Merges are applied wherever they fit."),
        Wrong(1.0, "a word is a token", "Only what the list of merges builds becomes one token."),
        Wrong(float(len(pieces) + 1), "a merge forgotten", "Go through the list once more: each merge may use what earlier ones made."),
    )  # fmt: skip
    return NumberCase({"word": word, "merges": ", ".join(f"{a}+{b}" for a, b in kept)}, float(len(pieces)), wrong, 0.0)


@told_apart
def vocabulary_size(rng: np.random.Generator) -> NumberCase:
    """Counted on a tokenizer that was trained."""
    merges, special = int(rng.integers(3, 30)), int(rng.integers(1, 5))
    names = [f"<{i}>" for i in range(special)]
    text = " ".join(str(word) for word in rng.choice(WORDS, size=60))
    bpe = ByteLevelBPE.train(text, 256 + special + merges, names)
    made = len(bpe.merges)
    wrong = (
        Wrong(float(256 + special), "merges replace tokens", "A merge adds a token and takes none away: its parts stay."),
        Wrong(float(made + special), "bytes forgotten", "The 256 bytes are in the vocabulary from the start."),
        Wrong(float(256 + special + 2 * made), "two tokens a merge", "A merge makes one new token out of two old ones."),
    )  # fmt: skip
    return NumberCase({"merges": made, "special": special}, float(len(bpe)), wrong, 0.0)


@told_apart
def most_tokens(rng: np.random.Generator) -> NumberCase:
    """The worst case of a byte-level tokenizer: no merge fits."""
    letters, others = int(rng.integers(3, 20)), int(rng.integers(2, 9))
    text = "a" * letters + "\u03a9" * others  # one byte each, and two bytes each
    wrong = (
        Wrong(float(letters + others), "a byte is a character", "These other letters take two bytes each, and each byte can be a token."),
        Wrong(float(letters), "new letters left out", "Nothing is left out: every byte has a token."),
        Wrong(float(letters + 1), "new letters as one unknown", "There is no unknown token; each letter is written byte by byte."),
    )  # fmt: skip
    return NumberCase({"letters": letters, "others": others}, float(len(ByteTokenizer().encode(text))), wrong, 0.0)
