"""One character, one token.

The smallest vocabulary that needs no rule, and the longest sequences.  Ids follow the code points.
Out of vocabulary: a character that the corpus did not hold, or that lost its place, is `<unk>`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Self

from tfx.tokenizers.tokenizer import Corpus, Piece, Tokenizer, room_for, special_of, texts_of


class CharacterTokenizer(Tokenizer):
    """characters: those with an id of their own."""

    kind = "character"
    unknown = "<unk>"

    def __init__(self, characters: Sequence[str], special: Sequence[str] = ()) -> None:
        super().__init__(characters, special)
        for character in characters:
            if len(character) != 1:
                raise ValueError(f"{character!r} is not one character")

    @classmethod
    def train(cls, corpus: Corpus, vocab_size: int | None = None, special: Sequence[str] = ()) -> Self:
        """The characters of the corpus; with vocab_size the most frequent ones, a tie going to the lower code point.

        Raises ValueError for an empty corpus or a vocab_size that leaves no room for a character.
        """
        counts = Counter(character for text in texts_of(corpus) for character in text)
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        special = special_of(special)
        if vocab_size is not None:
            room_for(vocab_size, len(special) + 2, f"{cls.unknown}, {len(special)} special tokens and a character")
            ranked = ranked[: vocab_size - len(special) - 1]
        return cls(sorted(ranked), special)

    def state(self) -> dict[str, Any]:
        return {"characters": self.tokens[len(self.reserved) :], "special": self.special}

    def _cut(self, text: str) -> Iterator[Piece]:
        unknown = self.id_of[self.unknown]
        return (Piece(self.id_of.get(character, unknown), i, i + 1) for i, character in enumerate(text))

    def _join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)
