"""A tokenizer for reading: whole words where it knows them, visible pieces where it does not.

    The gizmo's scheduling   ->   the  g ##iz ##mo  '  s  schedul ##ing

Text is lower-cased and cut into words, numbers and single punctuation marks.  A word of the vocabulary is one token;
any other is cut from the left, each time taking the longest piece the vocabulary holds; pieces inside a word are
marked `##`.  All letters and digits of ASCII are pieces, so only characters outside the vocabulary become `<unk>`.
Every token keeps the stretch of text it came from, so that a reader sees their own words.

Learning the vocabulary: the most frequent words whole, and pieces found by merging the most frequent neighbours in
the remaining words, again and again (byte-pair encoding: Sennrich, Haddow and Birch 2016, section 3.2).  The `##`
and the longest match are WordPiece's (Wu et al. 2016, section 4.1).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from tfx.errors import BadInput

UNKNOWN = "<unk>"
END = "<end>"  # closes a paragraph of the training text
MARK = "##"
_CHUNK = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")  # letters, a number, or one mark


class Token(NamedTuple):
    """id and text in the vocabulary, and the stretch of the reader's text it stands for: text[start:end]."""

    id: int
    text: str
    surface: str
    start: int


class WordTokenizer:
    """Text <-> tokens for one vocabulary.  vocabulary: id -> token text, `<unk>` and `<end>` among them."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self.vocabulary = tuple(vocabulary)
        self.id_of = {text: i for i, text in enumerate(self.vocabulary)}
        if len(self.id_of) != len(self.vocabulary) or UNKNOWN not in self.id_of or END not in self.id_of:
            raise ValueError(f"a vocabulary needs distinct entries with {UNKNOWN} and {END} among them")
        self._longest = max(len(text.removeprefix(MARK)) for text in self.vocabulary)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def encode(self, text: str, limit: int | None = None) -> list[Token]:
        """The tokens of `text`, none for blank text.  Raises BadInput as soon as there are more than `limit`."""
        tokens: list[Token] = []
        for chunk in _CHUNK.finditer(text):
            tokens.extend(self._pieces(chunk.group(), chunk.start(), limit))
            if limit is not None and len(tokens) > limit:
                raise BadInput(
                    f"the text is longer than {limit} tokens, the most this lesson shows.",
                    "Give one sentence: --text 'the cat sat on the mat'",
                )
        return tokens

    def decode(self, ids: Iterable[int]) -> str:
        """Words joined by single spaces, pieces joined to their word.  Raises ValueError for an id out of range."""
        words: list[str] = []
        for i in ids:
            if not 0 <= i < len(self.vocabulary):
                raise ValueError(f"id {i} is outside the vocabulary of {len(self.vocabulary)}")
            text = self.vocabulary[i]
            if text.startswith(MARK) and words:
                words[-1] += text.removeprefix(MARK)
            else:
                words.append(text)
        return " ".join(words)

    def _pieces(self, word: str, start: int, limit: int | None) -> Iterable[Token]:
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in word)  # same length: surfaces stay aligned
        at, found = 0, 0
        while at < len(word) and (limit is None or found <= limit):
            prefix = MARK if at else ""
            size = min(self._longest, len(word) - at)
            while size > 1 and prefix + lower[at : at + size] not in self.id_of:
                size -= 1
            text = prefix + lower[at : at + size]
            text = text if text in self.id_of else UNKNOWN
            yield Token(self.id_of[text], text, word[at : at + size], start + at)
            at, found = at + size, found + 1


def learn_vocabulary(texts: Iterable[str], n_words: int, n_pieces: int) -> tuple[str, ...]:
    """<unk>, <end>, all ASCII characters that print, n_words frequent words, n_pieces merged pieces; no repeats.

    Ties are broken by spelling, so that the same texts always give the same vocabulary.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_CHUNK.findall(text.lower()))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    words, rest = ranked[:n_words], ranked[n_words:]
    letters = string.ascii_lowercase + string.digits
    base = [UNKNOWN, END, *string.punctuation, *letters, *(MARK + c for c in letters)]
    merged = _merge_pieces({word: counts[word] for word in rest if word.isascii()}, n_pieces)
    return tuple(dict.fromkeys([*base, *words, *merged]))


def _merge_pieces(counts: dict[str, int], n_pieces: int) -> list[str]:
    """Byte-pair encoding of the words in `counts`: the n_pieces pieces made by merging, most frequent pair first."""
    split = {word: [word[0], *(MARK + c for c in word[1:])] for word in counts}
    pairs: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[str]] = {}
    for word in split:
        _count_pairs(word, split, counts[word], pairs, where)
    made: list[str] = []
    while len(made) < n_pieces and pairs:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        piece = best[0] + best[1].removeprefix(MARK)
        made.append(piece)
        for word in sorted(where[best]):
            _count_pairs(word, split, -counts[word], pairs, where)
            split[word] = _join(split[word], best, piece)
            _count_pairs(word, split, counts[word], pairs, where)
        pairs = +pairs  # drops the pairs that are gone
    return list(dict.fromkeys(made))


def _count_pairs(
    word: str,
    split: dict[str, list[str]],
    count: int,
    pairs: Counter[tuple[str, str]],
    where: dict[tuple[str, str], set[str]],
) -> None:
    pieces = split[word]
    for pair in pairwise(pieces):
        pairs[pair] += count
        where.setdefault(pair, set()).add(word)


def _join(pieces: list[str], pair: tuple[str, str], piece: str) -> list[str]:
    joined: list[str] = []
    for part in pieces:
        if joined and (joined[-1], part) == pair:
            joined[-1] = piece
        else:
            joined.append(part)
    return joined
