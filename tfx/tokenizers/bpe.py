"""Byte-pair encoding of words: frequent words whole, rare ones in pieces (Sennrich, Haddow and Birch 2016, 3.2).

    lowest -> low est_        (_ is the end of the word)

A text is split at white space.  Every word begins as its characters and a symbol for its end, and merges.py does the
rest.  The end symbol tells `est_` at the end from `est` inside (low est against est ate).  The paper writes it </w>;
here it is the space, the one character that no word can contain, and decoding is joining.

Lost: which white space stood between the words and how much of it, decode(encode(text)) == " ".join(text.split()).
That holds with special tokens too where they stand as words: one that touched a word comes back with a space.
Out of vocabulary: a character that the corpus did not hold is one `<unk>`; all around it is encoded as usual.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from tfx.tokenizers.merges import Merge, apply_merges, learn_merges, ranks_of
from tfx.tokenizers.splitting import words
from tfx.tokenizers.tokenizer import Corpus, Piece, Tokenizer, reserve, texts_of

END_OF_WORD = " "
_REMEMBERED = 1 << 16  # words whose pieces are kept: most of a text is the same few words


class BPE(Tokenizer):
    """alphabet: single characters, END_OF_WORD among them.  merges: pairs of token texts in the order learned."""

    kind = "bpe"
    unknown = "<unk>"
    between = " "

    def __init__(self, alphabet: Sequence[str], merges: Iterable[Sequence[str]], special: Sequence[str] = ()) -> None:
        """Raises ValueError for a merge of texts that are no tokens yet."""
        self.alphabet = tuple(alphabet)
        if len(set(self.alphabet)) != len(self.alphabet):
            raise ValueError(f"the alphabet has a character twice: {sorted(self.alphabet)}")
        self.merges = pairs_of(merges)
        super().__init__(tokens_of(self.alphabet, self.merges), special)
        self._ranks = ranks_of(
            Merge(self.id_of[left], self.id_of[right], self.id_of[left + right]) for left, right in self.merges
        )
        self._words: dict[str, list[tuple[int, int]]] = {}

    @classmethod
    def train(cls, corpus: Corpus, vocab_size: int, special: Sequence[str] = (), min_frequency: int = 1) -> Self:
        """Merges until there are vocab_size tokens, or fewer when no pair is left as frequent as min_frequency.

        Raises ValueError for an empty corpus or a vocab_size that cannot hold its characters.
        """
        counts = Counter(text[start:end] for text in texts_of(corpus) for start, end in words(text))
        alphabet = sorted({END_OF_WORD}.union(*counts))
        reserved = reserve(cls.unknown, special, vocab_size, len(alphabet))
        id_of = {symbol: i for i, symbol in enumerate(alphabet)}
        cut = [([id_of[symbol] for symbol in word + END_OF_WORD], count) for word, count in counts.items()]
        merges, symbols = learn_merges(cut, alphabet, vocab_size - len(reserved), min_frequency, reserved)
        return cls(alphabet, [(symbols[merge.left], symbols[merge.right]) for merge in merges], special)

    def state(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet, "merges": self.merges, "special": self.special}

    def _cut(self, text: str) -> Iterator[Piece]:
        for start, end in words(text):
            at = start
            for symbol, length in self._pieces_of(text[start:end]):
                yield Piece(symbol, at, min(at + length, end))  # the end symbol stands for no character of the word
                at += length

    def _pieces_of(self, word: str) -> list[tuple[int, int]]:
        found = self._words.get(word)
        if found is None:
            unknown = self.id_of[self.unknown]
            found = apply_merges([self.id_of.get(symbol, unknown) for symbol in word + END_OF_WORD], self._ranks)
            if len(self._words) < _REMEMBERED:
                self._words[word] = found
        return found

    def _join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens).removesuffix(END_OF_WORD)


def pairs_of(merges: Iterable[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Raises ValueError unless every merge joins two tokens."""
    pairs = [tuple(merge) for merge in merges]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"a merge joins two tokens, not {pair}")
    return tuple((left, right) for left, right in pairs)


def tokens_of(alphabet: Sequence[str], merges: Iterable[tuple[str, str]]) -> list[str]:
    """The alphabet and what the merges make of it, in order.  Raises ValueError when a merge joins no tokens."""
    made = dict.fromkeys(alphabet)
    for left, right in merges:
        if left not in made or right not in made:
            raise ValueError(f"the merge of {left!r} and {right!r} comes before both are tokens")
        made.setdefault(left + right)
    return list(made)
