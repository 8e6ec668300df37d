"""A tokenizer for reading: whole words where it knows them, visible pieces where it does not.

    The gizmo's scheduling   ->   the  g ##iz ##mo  '  s  schedul ##ing

Text is lower-cased and cut into words, numbers and single punctuation marks.  A word of the vocabulary is one token;
any other is cut from the left, each time taking the longest piece the vocabulary holds; pieces inside a word are
marked `##`.  All letters and digits of ASCII are pieces, so only characters outside the vocabulary become `<unk>`.
Every piece keeps the stretch of text it came from, so that a reader sees their own words.

Learning the vocabulary: the most frequent words whole, and pieces found by merging the most frequent neighbours in
the remaining words, again and again (byte-pair encoding: Sennrich, Haddow and Birch 2016, section 3.2; merges.py).  The
`##` and the longest match are WordPiece's (Wu et al. 2016, section 4.1; wordpiece.py).
"""

from __future__ import annotations

import itertools
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from tfx.tokenizers.merges import learn_merges
from tfx.tokenizers.tokenizer import Corpus, Piece, Tokenizer, texts_of
from tfx.tokenizers.wordpiece import longest_match
from tfx.tokenizers.wordpiece_training import INSIDE, cut_word, joined

UNKNOWN = "<unk>"
END = "<end>"  # closes a paragraph of the training text
_CHUNK = re.compile(r"[^\W\d_]+|\d+|[^\w\s]|_")  # letters, a number, or one mark


class WordTokenizer(Tokenizer):
    """learned: all tokens after `<unk>` and the special ones."""

    kind = "word"
    unknown = UNKNOWN

    def __init__(self, learned: Sequence[str], special: Sequence[str] = (END,)) -> None:
        super().__init__(learned, special)
        self._longest = max((len(token.removeprefix(INSIDE)) for token in learned), default=0)
        self._learned = {token: self.id_of[token] for token in learned}

    @classmethod
    def of_vocabulary(cls, vocabulary: Sequence[str]) -> Self:
        """vocabulary: id -> token, as `tokens` has it: `<unk>` and `<end>` first.  Raises ValueError without them."""
        if tuple(vocabulary[:2]) != (UNKNOWN, END):
            raise ValueError(f"a vocabulary begins with {UNKNOWN} and {END}, not with {list(vocabulary[:2])}")
        return cls(vocabulary[2:])

    @classmethod
    def train(cls, corpus: Corpus, n_words: int, n_pieces: int) -> Self:
        """All ASCII characters that print, the n_words most frequent words, n_pieces merged pieces; no repeats.

        Ties are broken by spelling, so that the same texts always give the same vocabulary.  Raises ValueError for an
        empty corpus.
        """
        counts: Counter[str] = Counter()
        for text in texts_of(corpus):
            counts.update(_CHUNK.findall(text.lower()))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        words, rest = ranked[:n_words], ranked[n_words:]
        letters = string.ascii_lowercase + string.digits
        base = [*string.punctuation, *letters, *(INSIDE + c for c in letters)]
        merged = _merged_pieces({word: counts[word] for word in rest if word.isascii()}, n_pieces)
        return cls(list(dict.fromkeys([*base, *words, *merged])))

    def first_pieces(self, text: str, n: int) -> list[Piece]:
        """The first n pieces of `text`, and no more work than they take, however long it is."""
        return list(itertools.islice(self._cut(text), n))

    def decode(self, ids: Iterable[int], skip_special: bool = False) -> str:
        """Words joined by single spaces, pieces joined to their word; a special token stands as a word."""
        return self._join([token for token in self._known(ids) if not (skip_special and token in self.special)])

    def state(self) -> dict[str, Any]:
        return {"learned": self.tokens[len(self.reserved) :], "special": self.special}

    def _cut(self, text: str) -> Iterator[Piece]:
        for chunk in _CHUNK.finditer(text):
            word, start = _lowered(chunk.group()), chunk.start()
            at = 0
            while at < len(word):
                found, end = longest_match(word, at, self._learned, self._longest) or (self.id_of[UNKNOWN], at + 1)
                yield Piece(found, start + at, start + end)
                at = end

    def _join(self, tokens: Sequence[str]) -> str:
        words: list[str] = []
        for token in tokens:
            if token.startswith(INSIDE) and words:
                words[-1] = joined(words[-1], token)
            else:
                words.append(token)
        return " ".join(words)


def _lowered(word: str) -> str:
    """Of the same length, so that stretches of the text stay aligned: a letter that would become two is left."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in word)


def _merged_pieces(counts: Mapping[str, int], n_pieces: int) -> list[str]:
    """The n_pieces pieces made by merging in the words of `counts`, most frequent pair first."""
    alphabet = sorted({piece for word in counts for piece in cut_word(word)})
    id_of = {piece: i for i, piece in enumerate(alphabet)}
    cut = [([id_of[piece] for piece in cut_word(word)], count) for word, count in counts.items()]
    _, pieces = learn_merges(cut, alphabet, len(alphabet) + n_pieces, join=joined, ties="spelling")
    return pieces[len(alphabet) :]
