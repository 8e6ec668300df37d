"""The corpora on which our tokenizers are compared with a peer: made here by rule, or part of Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

#: Texts that break tokenizers: white space of all kinds, apostrophes, digits, emoji with joiners, many scripts.
AWKWARD = [
    "",
    " ",
    "  two  spaces   three ",
    "tabs\tand\nnewlines\r\n\n\n and \x0b\x0c others \x85 \xa0 \u2003 \u2028 \u3000 end",
    "\x1c\x1d\x1e\x1f are no white space \u200b nor is this \ufeff",
    "it's I'm we're they've she'll he'd 'tis 'S 'LL rock'n'roll ' 's",
    "1 12 123 1,234.50 0x1F \u0663\u0664 \u00bd \u2168 \u00b2 \u4e00\u4e8c\u4e09",
    "na\u00efve caf\u00e9 e\u0301 \u0130stanbul stra\u00dfe \ufb01ne \u01c5",
    "\u043f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35 \u1780\u17d2\u1789\u17bb\u17c6",
    "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3002\u4f60\u597d\uff0c\u4e16\u754c\uff01\uc548\ub155\ud558\uc138\uc694",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f1e9\U0001f1ea \u270c\U0001f3fd \u2764\ufe0f",
    'for i in range(10): x[i] += y_1 * (z - 3) // 2  # ok? -> {"a": [1, 2]}',
    "aaaaaaaa aaaaaaa aaaaaa aaaaa aaaa aaa aa a",
    "<unk> [UNK] <end> </w> ## \u0120 \u2581 <|endoftext|>",
    "supercalifragilisticexpialidocious " + "x" * 300,
]

_SYLLABLES = [
    *("ba", "ka", "da", "fo", "go", "hi", "ja", "ku", "lo", "mi", "no", "pa", "qu", "ri", "sa", "te", "u", "vo"),
    *("wi", "xe", "yo", "za", "th", "sh", "ing", "er", "\u00e9", "\u00f1a", "\u0436\u0438", "\u4e2d"),
]


def pick(rng: random.Random, choices: Sequence[T]) -> T:
    """One of them; only rng.random() is promised to stay the same in every version of Python."""
    return choices[int(rng.random() * len(choices))]


def made_up_language(seed: int = 0, n_words: int = 4000) -> list[str]:
    """A language of 600 made-up words, a few of them frequent and most of them rare: ties at every count."""
    rng = random.Random(seed)
    lexicon = ["".join(pick(rng, _SYLLABLES) for _ in range(1 + int(4 * rng.random()))) for _ in range(600)]
    words = [lexicon[int(600 * rng.random() ** 3)] for _ in range(n_words)]
    return [" ".join(words[i : i + 20]) + pick(rng, ".!?") for i in range(0, n_words, 20)]


def awkward_corpus(seed: int = 0) -> list[str]:
    """The awkward texts again and again, cut and glued at random: emoji lose their halves, words their ends."""
    rng = random.Random(seed)
    texts = list(AWKWARD)
    for _ in range(400):
        left, right = pick(rng, AWKWARD), pick(rng, AWKWARD)
        texts.append(left[: int(rng.random() * (len(left) + 1))] + right[int(rng.random() * (len(right) + 1)) :])
    return texts


def two_letters(seed: int = 0) -> list[str]:
    """Words over a and b alone: overlapping pairs (aaa), and many ways to spell the same text."""
    rng = random.Random(seed)
    return [" ".join("".join(pick(rng, "aab") for _ in range(1 + int(9 * rng.random()))) for _ in range(900))]


def python_topics() -> list[str]:
    """The language reference that help() prints: other words in other versions of Python."""
    from pydoc_data.topics import topics

    return [topics[name] for name in sorted(topics)]


#: name -> (the texts, vocabulary size to train)
CORPORA = {
    "made_up_language": (made_up_language, 700),
    "awkward": (awkward_corpus, 900),
    "two_letters": (two_letters, 300),
    "python_topics": (python_topics, 1500),
}


def texts_to_encode(corpus: Sequence[str]) -> list[str]:
    """What both encode after training: the awkward texts, and the beginnings of some of the corpus."""
    return AWKWARD + [text[:500] for text in corpus[:10]]
