"""The merges of byte-pair encoding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from lessons.practice.crossing import crossed
from lessons.practice.exercise import Exercise, Given
from tfx.tokenizers.merges import learn_merges

exercise = Exercise(
    "bpe-merges",
    "Byte-pair encoding: learn the merges",
    step="merging",
    rules=[
        "words is a dict: word -> how often it stands in the text. A word begins as its characters, no sign is added.",
        "A pair counts each place in a word where its two symbols stand side by side, times the number of the word; "
        "places may overlap: a a a has the pair (a, a) twice. No pair reaches from one word into another.",
        "The most frequent pair is merged in all words, in each from the left: a a a becomes aa a. Then counts are new.",
        "Of equally frequent pairs the one that comes first in Python's order of tuples of texts is merged.",
        "It ends after n merges, or when no pair counts at least `least`. least is 1 or more.",
        "The result is a list of pairs (left, right) in the order in which they were merged. words stays as it is.",
    ],
    hints=[
        "Keep each word as a list of symbols, beside its count. What is counted before the first merge, and what after?",
        "max(counts, key=...) takes the first of equal ones that it meets. What does the rule ask for? min with a key "
        "of two parts, (-count, pair), does it.",
        "Walk through a word with an index: two symbols further after a merge, one symbol otherwise.",
    ],
    learned="count neighbours, merge the most frequent pair everywhere, count again: the list of merges is the tokenizer.",
    results=["merges: a list of pairs"],
    texts=True,
)


@exercise.stub
def bpe_merges(words, n, least=1):
    """Learns up to n merges, the most frequent pair of neighbours each time.

    words: word -> count, n: merges at most, least: count that a pair must have
    -> [(left, right), ...]
    """
    ...


@exercise.solution
def solution(words: Any, n: int, least: int = 1) -> Any:
    cut = [(list(word), times) for word, times in words.items()]
    merges: list[tuple[str, str]] = []
    while len(merges) < n:
        counts: Counter[tuple[str, str]] = Counter()
        for symbols, times in cut:
            for pair in pairwise(symbols):
                counts[pair] += times
        best = min(counts, key=lambda pair, counts=counts: (-counts[pair], pair), default=None)  # type: ignore[misc]
        if best is None or counts[best] < least:
            break
        merges.append(best)
        for symbols, _ in cut:
            i = 0
            while i + 1 < len(symbols):
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i : i + 2] = [best[0] + best[1]]
                i += 1
    return merges


@exercise.truth
def truth(words: Any, n: int, least: int = 1) -> Any:
    alphabet = sorted(set("".join(words)))
    cut = [([alphabet.index(letter) for letter in word], times) for word, times in words.items()]
    merges, symbols = learn_merges(cut, alphabet, len(alphabet) + n, least, ties="spelling")
    return [(symbols[merge.left], symbols[merge.right]) for merge in merges]


@exercise.equal
def whole_words_again_each_time(words: Any, n: int, least: int = 1) -> Any:
    """No word is kept cut: each is cut anew by all merges so far."""
    merges: list[tuple[str, str]] = []
    for _ in range(n):
        places = []
        for word, times in words.items():
            symbols = tuple(word)
            for pair in merges:
                symbols = joined(symbols, pair) if pair[0] in symbols else symbols
            places += times * list(pairwise(symbols))
        if not places:
            break
        counts = Counter(places)
        most = max(counts.values())
        if most < least:
            break
        merges.append(min(pair for pair in counts if counts[pair] == most))
    return merges


def joined(symbols: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    """From the left, by recursion."""
    if len(symbols) < 2:
        return symbols
    if symbols[:2] == pair:
        return (pair[0] + pair[1], *joined(symbols[2:], pair))
    return (symbols[0], *joined(symbols[1:], pair))


@exercise.equal
def as_numbers(words: Any, n: int, least: int = 1) -> Any:
    """Symbols are numbers, words are rows of an array filled up with -1, and pairs are counted by np.unique."""
    spelled = sorted(set("".join(words)))
    rows = [np.array([spelled.index(letter) for letter in word], int) for word in words]
    times = list(words.values())
    merges: list[tuple[str, str]] = []
    for _ in range(n):
        pairs = [np.stack([row[:-1], row[1:]], axis=1) for row in rows if len(row) > 1]
        if not pairs:
            break
        weights = np.concatenate([np.full(len(row) - 1, t) for row, t in zip(rows, times, strict=True) if len(row) > 1])
        kinds, which = np.unique(np.concatenate(pairs), axis=0, return_inverse=True)
        counts = np.bincount(which.ravel(), weights)
        if counts.max() < least:
            break
        best = [(spelled[a], spelled[b]) for a, b in kinds[counts == counts.max()]]
        left, right = min(best)
        a, b = spelled.index(left), spelled.index(right)
        merges.append((left, right))
        new = len(spelled)
        spelled.append(left + right)
        for number, row in enumerate(rows):
            kept: list[int] = []
            for symbol in row.tolist():
                if kept and kept[-1] == a and symbol == b:
                    kept[-1] = new
                else:
                    kept.append(symbol)
            rows[number] = np.array(kept, int)
    return merges


@exercise.inputs
def inputs(rng: np.random.Generator) -> Iterator[Given]:
    def given(text: str, n: int, **more: int) -> dict[str, Any]:
        return {"words": dict(Counter(text.split())), "n": n} | more

    known = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    yield Given("the example of the paper", {"words": known, "n": 10})
    yield Given("until nothing is left", {"words": {**known, "slow": 1}, "n": 100})
    yield Given("no merge", {"words": known, "n": 0})
    yield Given("one merge", given("banana band ban an", 1))
    yield Given("no words", {"words": {}, "n": 3})
    yield Given("words of one letter", {"words": {"a": 4, "b": 2}, "n": 3})
    yield Given("one word", {"words": {"mississippi": 1}, "n": 6})
    yield Given("one letter many times", {"words": {"aaaaa": 1, "aaa": 2, "aa": 1}, "n": 4})
    yield Given("repetitions inside of words", {"words": {"abababa": 2, "baba": 3, "aab": 4}, "n": 5})
    yield Given(
        "one rare long word against short frequent ones", {"words": {"xyxyxyxy": 1, "pq": 3, "qp": 2, "pqp": 2}, "n": 4}
    )
    yield Given("all pairs equally frequent", {"words": {"zy": 1, "by": 1, "ba": 1, "az": 1}, "n": 4})
    yield Given("equally frequent, in another order", {"words": {"dc": 2, "cd": 2, "ab": 2, "abcd": 1}, "n": 6})
    yield Given(
        "a symbol that ends like the left one", {"words": {"cab": 5, "ab": 3, "ca": 4, "cb": 1, "caab": 2}, "n": 6}
    )
    yield Given("two merges", {"words": {"abab": 3, "cab": 1}, "n": 2})
    yield Given("threes of two letters", {"words": {"ababab": 3, "xababab": 2, "ababa": 1}, "n": 6})
    yield Given("a word of 44 letters", {"words": {"abracadabra" * 4: 1, "bra": 2}, "n": 14})
    yield Given("least 2", {"words": {"abc": 1, "abd": 1, "ef": 1}, "n": 9, "least": 2})
    yield Given("least is reached exactly", {"words": {"abc": 3, "cd": 2, "ef": 1}, "n": 9, "least": 3})
    yield Given("capitals, signs and other letters", given("Da da, da! DA. été ête da", 8))
    syllables = ["ta", "ri", "mo", "s", "en", "a"]
    text = " ".join("".join(syllables[i] for i in rng.integers(0, 6, rng.integers(1, 5))) for _ in range(60))
    yield Given("sixty words", given(text, 25))
    yield Given("sixty words, least 5", given(text, 60, least=5))
    rows = [
        *crossed(
            {"three letters": "bca", "one letter": "a", "two letters": "ba", "capitals": "aBAb", "signs": "a.b*(", "digits": "1a2+",
             "letters of many bytes": "a\U0001f600\uffe6\u00e9", "accents apart": "e\u0301\u00e9f"},
            {"5 words": 5, "one word": 1, "2 words": 2, "10 words": 10},
            {"up to 5 long": 5, "up to 2 long": 2, "up to 10 long": 10, "up to 12 long": 12},
            {"often": 4, "each once": 1, "very often": 20},
            {"3 merges": 3, "one merge": 1, "2 merges": 2, "12 merges": 12, "all that there are": 0, "more than there are": 99},
            {"": {}, "least 1": {"least": 1}, "least 2": {"least": 2}, "least 8": {"least": 8}},
            {"": 0, "in order": 1, "a single letter first": 2, "a single letter last": 3},
        ),
        *crossed(
            {"4 letters": "dcba", "large and small letters": "aAbB", "letters and signs": "a[b.", "of two to four bytes": "\u00e9e\U00010400\uffe6"},
            {"4 words": 4, "8 words": 8}, {"up to 6 long": 6, "up to 9 long": 9}, {"up to 7 times": 7, "once each": 1},
            {"6 merges": 6, "9 merges": 9, "all merges": 0, "98 merges": 98}, {"": {}, "at least 1": {"least": 1}, "at least 3": {"least": 3}},
            {"": 0, "a letter alone at the end": 3},
        ),
    ]  # fmt: skip
    for about, (letters, size, longest, often, n, least, order) in rows:
        single = {letters[0]: 3} if order > 1 else {}
        words = [
            "".join(letters[i] for i in rng.integers(0, len(letters), rng.integers(2, longest + 1)))
            for _ in range(size)
        ]
        counts = {word: int(rng.integers(1, often + 1)) for word in (sorted(words) if order == 1 else words)}
        all_words = counts | single if order == 3 else single | counts
        yield Given(about, {"words": all_words, "n": n or len(solution(all_words, 99))} | least)
