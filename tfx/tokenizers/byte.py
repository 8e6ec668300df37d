"""One byte of UTF-8, one token (ByT5: Xue et al. 2022).

Nothing is learned, the vocabulary is 256 and the special tokens, and nothing is out of vocabulary.  The price is
length: one token for an ASCII letter, two to four for other characters.  Special tokens come first, then byte b has
the id len(special) + b.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from tfx.tokenizers.over_bytes import SYMBOL_OF, OverBytes, utf8
from tfx.tokenizers.tokenizer import Corpus, Piece, room_for, special_of


class ByteTokenizer(OverBytes):
    """special: tokens before the 256 bytes."""

    kind = "byte"

    def __init__(self, special: Sequence[str] = ()) -> None:
        super().__init__(SYMBOL_OF, special)

    @classmethod
    def train(cls, corpus: Corpus = (), vocab_size: int | None = None, special: Sequence[str] = ()) -> Self:
        """The same for every corpus; the arguments are those of the other kinds."""
        special = special_of(special)
        if vocab_size is not None:
            room_for(vocab_size, len(special) + 256, f"{len(special)} special tokens and 256 bytes")
        return cls(special)

    def state(self) -> dict[str, Any]:
        return {"special": self.special}

    def _cut(self, text: str) -> Iterator[Piece]:
        first = len(self.special)
        for i, character in enumerate(text):
            for byte in utf8(character):
                yield Piece(first + byte, i, i + 1)
