"""What people write in the place of learning merges: one loop, in which one thing is done otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from lessons.sequences.tokenizer_bpe.exercises.bpe_merges import exercise

Pair = tuple[str, str]
Cut = list[tuple[list[str], int]]


def counted(cut: Cut) -> Counter[Pair]:
    counts: Counter[Pair] = Counter()
    for symbols, times in cut:
        for pair in pairwise(symbols):
            counts[pair] += times
    return counts


def first_by_spelling(counts: Counter[Pair]) -> Pair:
    return min(counts, key=lambda pair: (-counts[pair], pair))


def from_the_left(symbols: list[str], pair: Pair) -> list[str]:
    if pair[0] not in symbols:
        return symbols
    found: list[str] = []
    i = 0
    while i < len(symbols):
        here = tuple(symbols[i : i + 2]) == pair
        found.append("".join(pair) if here else symbols[i])
        i += 2 if here else 1
    return found


def learned(
    words: Any,
    n: int,
    least: int,
    count: Callable[[Cut], Counter[Pair]] = counted,
    choose: Callable[[Counter[Pair]], Pair] = first_by_spelling,
    merge: Callable[[list[str], Pair], list[str]] = from_the_left,
) -> list[Pair]:
    cut = [(list(word), times) for word, times in words.items()]
    merges: list[Pair] = []
    while len(merges) < n:
        counts = count(cut)
        if not counts or max(counts.values()) < least:
            break
        merges.append(choose(counts))
        cut = [(merge(symbols, merges[-1]), times) for symbols, times in cut]
    return merges


@exercise.mistake
def words_counted_once(words: Any, n: int, least: int = 1) -> Any:
    """Each word counts once, however often it stands in the text.

    Why: The loop runs over the keys.
    Hint: Does a word that stands there 1,000 times weigh as much as one that stands there once?
    """
    return learned(words, n, least, count=lambda cut: counted([(symbols, 1) for symbols, _ in cut]))


@exercise.mistake
def once_a_word(words: Any, n: int, least: int = 1) -> Any:
    """A pair counts once in a word, even if it stands there twice.

    Why: The question is asked as: how many words have it?
    Hint: How often does banana have (a, n)?
    """

    def count(cut: Cut) -> Counter[Pair]:
        counts: Counter[Pair] = Counter()
        for symbols, times in cut:
            for pair in set(pairwise(symbols)):
                counts[pair] += times
        return counts

    return learned(words, n, least, count=count)


@exercise.mistake
def overlaps_left_out(words: Any, n: int, least: int = 1) -> Any:
    """Places that overlap count once: a a a has (a, a) one time.

    Why: Only so many can be merged, and text.count counts so.
    Hint: Read the rule again: how many places has a a a?
    """

    def count(cut: Cut) -> Counter[Pair]:
        counts: Counter[Pair] = Counter()
        for symbols, times in cut:
            for pair in set(pairwise(symbols)):
                counts[pair] += times * (len(symbols) - len(from_the_left(symbols, pair)))
        return counts

    return learned(words, n, least, count=count)


@exercise.mistake
def across_words(words: Any, n: int, least: int = 1) -> Any:
    """Words are written one behind the other, and pairs reach across.

    Why: The text is joined first, and spaces are dropped.
    Hint: Can the last letter of a word and the first one of the next be a token?
    """
    text = [symbol for word, times in words.items() for _ in range(times) for symbol in word]
    merges: list[Pair] = []
    while len(merges) < n:
        counts = Counter(pairwise(text))
        if not counts or max(counts.values()) < least:
            break
        merges.append(first_by_spelling(counts))
        text = from_the_left(text, merges[-1])
    return merges


@exercise.mistake
def first_that_was_met(words: Any, n: int, least: int = 1) -> Any:
    """Of equally frequent pairs the one that was met first is merged.

    Why: max and most_common take it, without being told.
    Hint: Put the words in another order. Should the merges change?
    """
    return learned(words, n, least, choose=lambda counts: max(counts, key=lambda pair: counts[pair]))


@exercise.mistake
def last_by_spelling(words: Any, n: int, least: int = 1) -> Any:
    """Of equally frequent pairs the last by spelling is merged.

    Why: max of (count, pair) takes the larger pair.
    Hint: Of (a, b) and (c, d), each once: which comes first?
    """
    return learned(words, n, least, choose=lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))


@exercise.mistake
def by_the_joined_text(words: Any, n: int, least: int = 1) -> Any:
    """Equally frequent pairs are put in order by what they spell together.

    Why: The new token is what one sees.
    Hint: (ab, c) and (a, bcd): which is the first as a tuple, and which as a text?
    """
    return learned(words, n, least, choose=lambda counts: min(counts, key=lambda pair: (-counts[pair], "".join(pair))))


@exercise.mistake
def counts_of_the_beginning(words: Any, n: int, least: int = 1) -> Any:
    """The pairs of letters are counted once, and the n most frequent are the merges.

    Why: Counting again looks like a waste.
    Hint: Can a merge join what an earlier one made?
    """
    counts = counted([(list(word), times) for word, times in words.items()])
    order = sorted(counts, key=lambda pair: (-counts[pair], pair))
    return [pair for pair in order if counts[pair] >= least][:n]


@exercise.mistake
def one_place_in_a_word(words: Any, n: int, least: int = 1) -> Any:
    """Only the first place in each word is merged.

    Why: The loop ends with break, or index finds one place.
    Hint: What becomes of b a n a n a when (a, n) is merged?
    """

    def merge(symbols: list[str], pair: Pair) -> list[str]:
        at = next((i for i, two in enumerate(pairwise(symbols)) if two == pair), None)
        return symbols if at is None else [*symbols[:at], "".join(pair), *symbols[at + 2 :]]

    return learned(words, n, least, merge=merge)


@exercise.mistake
def from_the_right(words: Any, n: int, least: int = 1) -> Any:
    """Places are merged from the right: a a a becomes a aa.

    Why: Deleting from the end spares the indices.
    Hint: Which two of a a a are merged by the rule?
    """

    def merge(symbols: list[str], pair: Pair) -> list[str]:
        turned = [symbol[::-1] for symbol in symbols[::-1]]
        return [symbol[::-1] for symbol in from_the_left(turned, (pair[1][::-1], pair[0][::-1]))[::-1]]

    return learned(words, n, least, merge=merge)


@exercise.mistake
def replaced_as_text(words: Any, n: int, least: int = 1) -> Any:
    """Symbols are joined by spaces and the pair is replaced in the text, also where it is the end or the beginning of
    a longer symbol.

    Why: str.replace is one line; the code in the paper has a regular expression with both edges.
    Hint: Replace "a b" in "ca b". Is a a symbol there?
    """

    def merge(symbols: list[str], pair: Pair) -> list[str]:
        return " ".join(symbols).replace(" ".join(pair), "".join(pair)).split(" ")

    return learned(words, n, least, merge=merge)


@exercise.mistake
def joined_texts(words: Any, n: int, least: int = 1) -> Any:
    """The new tokens come back as texts, not the pairs.

    Why: They are what the vocabulary gets.
    Hint: abc was made of which two?
    """
    return ["".join(pair) for pair in learned(words, n, least)]


@exercise.mistake
def n_is_the_vocabulary(words: Any, n: int, least: int = 1) -> Any:
    """n is taken for the size of the vocabulary, letters included.

    Why: Libraries ask for that size.
    Hint: How many merges are asked for?
    """
    return learned(words, n - len(set("".join(words))), least)


@exercise.mistake
def more_than_least(words: Any, n: int, least: int = 1) -> Any:
    """A pair must count more than `least`.

    Why: > is written for >=.
    Hint: May a pair that stands there exactly `least` times be merged?
    """
    return learned(words, n, least + 1)


@exercise.mistake
def least_left_out(words: Any, n: int, least: int = 1) -> Any:
    """`least` is not used.

    Why: It is 1 in the first tests.
    Hint: Call it with least=3.
    """
    return learned(words, n, 1)


@exercise.mistake
def sign_for_the_end(words: Any, n: int, least: int = 1) -> Any:
    """A sign for the end of the word is put behind each word.

    Why: The paper does so.
    Hint: Does the rule add a sign?
    """
    cut = {(*word, "</w>"): times for word, times in words.items()}
    return learned(cut, n, least)
