"""WordPiece: pieces learned by likelihood, words cut by the longest match (Schuster and Nakajima 2012; Devlin 2019).

    unwanted -> un ##want ##ed          (## says: inside a word)

Learning is in wordpiece_training.py: as in BPE neighbours are merged, but chosen by likelihood and not by count.

Encoding (BERT).  Words are cut at white space and around punctuation; each is cut from the left, always taking the
longest piece in the vocabulary.  Nothing goes back on a choice: with `ab`, `a`, `##bc` alone, abc is `ab` and then
nothing for ##c.

Out of vocabulary: a word that cannot be cut to its end, or is longer than 100 characters, is one `[UNK]` as a whole.
Decoding puts a space before every piece that is not marked ##, so spaces around punctuation do not come back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from tfx.tokenizers.splitting import words_and_marks
from tfx.tokenizers.tokenizer import Corpus, Piece, Tokenizer, reserve, texts_of
from tfx.tokenizers.wordpiece_training import INSIDE, SCORES, cut_word, learn_pieces

LONGEST_WORD = 100


class WordPiece(Tokenizer):
    """vocabulary: the pieces, those inside a word with ## in front."""

    kind = "wordpiece"
    unknown = "[UNK]"
    between = " "

    def __init__(self, vocabulary: Sequence[str], special: Sequence[str] = ()) -> None:
        super().__init__(vocabulary, special)
        self._longest = max((len(piece.removeprefix(INSIDE)) for piece in vocabulary), default=0)
        self._vocabulary = {piece: self.id_of[piece] for piece in vocabulary}

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        vocab_size: int,
        special: Sequence[str] = (),
        score: str = "likelihood",
        min_frequency: int = 1,
    ) -> Self:
        """Merges until there are vocab_size tokens, or fewer when no pair is left as frequent as min_frequency.

        Raises ValueError for an empty corpus, a vocab_size that cannot hold the characters, or an unknown score.
        """
        if score not in SCORES:
            raise ValueError(f"score is one of {', '.join(SCORES)}, not {score!r}")
        counts = Counter(text[start:end] for text in texts_of(corpus) for start, end in words_and_marks(text))
        cut = {word: cut_word(word) for word in counts}
        alphabet = sorted(set().union(*cut.values()))
        reserved = reserve(cls.unknown, special, vocab_size, len(alphabet))
        id_of = {symbol: i for i, symbol in enumerate(alphabet)}
        symbols = [([id_of[symbol] for symbol in cut[word]], count) for word, count in counts.items()]
        pieces = learn_pieces(symbols, alphabet, vocab_size - len(reserved), SCORES[score], min_frequency, reserved)
        return cls(pieces, special)

    def state(self) -> dict[str, Any]:
        return {"vocabulary": self.tokens[len(self.reserved) :], "special": self.special}

    def _cut(self, text: str) -> Iterator[Piece]:
        for start, end in words_and_marks(text):
            pieces = self._longest_matches(text[start:end], start) if end - start <= LONGEST_WORD else None
            yield from [Piece(self.id_of[self.unknown], start, end)] if pieces is None else pieces

    def _longest_matches(self, word: str, start: int) -> list[Piece] | None:
        pieces: list[Piece] = []
        at = 0
        while at < len(word):
            match = longest_match(word, at, self._vocabulary, self._longest)
            if match is None:
                return None
            found, end = match
            pieces.append(Piece(found, start + at, start + end))
            at = end
        return pieces

    def _join(self, tokens: Sequence[str]) -> str:
        return "".join(
            token[len(INSIDE) :] if token.startswith(INSIDE) and token != INSIDE else " " + token for token in tokens
        ).removeprefix(" ")


def longest_match(word: str, at: int, vocabulary: Mapping[str, int], longest: int) -> tuple[int, int] | None:
    """-> (id, end) of the longest piece that word[at:end] is, at most `longest` characters; None when none fits."""
    prefix = INSIDE if at else ""
    for end in range(min(len(word), at + longest), at, -1):
        found = vocabulary.get(prefix + word[at:end])
        if found is not None:
            return found, end
    return None
