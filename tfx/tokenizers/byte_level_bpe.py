"""Byte-pair encoding over bytes: no text is unknown, and nothing is lost (GPT-2: Radford et al. 2019, section 2.2).

    "it's low" -> it 's _low            (_ is the space, written U+0120 in the tokens)

The text is cut by GPT-2's pattern (splitting.chunks), which leaves every space with the word behind it; each chunk
begins as its bytes of UTF-8, and merges.py does the rest.  The 256 bytes are the alphabet even where the corpus holds
few of them.  Ids: special tokens, then the byte symbols by code point (`!` is the first), then the merged tokens.

decode(encode(text)) == text, and decode_bytes(encode_bytes(data)) == data for any bytes at all.
Out of vocabulary: nothing; unfamiliar text only takes more tokens, at worst one for each byte.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

from tfx.tokenizers.bpe import pairs_of, tokens_of
from tfx.tokenizers.merges import Merge, apply_merges, learn_merges, ranks_of
from tfx.tokenizers.over_bytes import SYMBOL_OF, OverBytes, utf8
from tfx.tokenizers.splitting import chunks
from tfx.tokenizers.tokenizer import Corpus, Piece, room_for, special_of, texts_of

_ALPHABET = sorted(SYMBOL_OF)
_REMEMBERED = 1 << 16


class ByteLevelBPE(OverBytes):
    """merges: pairs of token texts, spelt in the byte symbols, in the order learned."""

    kind = "byte_level_bpe"

    def __init__(self, merges: Iterable[Sequence[str]], special: Sequence[str] = ()) -> None:
        """Raises ValueError for a merge of texts that are no tokens yet."""
        self.merges = pairs_of(merges)
        super().__init__(tokens_of(_ALPHABET, self.merges), special)
        self._ranks = ranks_of(
            Merge(self.id_of[left], self.id_of[right], self.id_of[left + right]) for left, right in self.merges
        )
        self._byte_ids = [self.id_of[symbol] for symbol in SYMBOL_OF]
        self._chunks: dict[str, list[tuple[int, int]]] = {}

    @classmethod
    def train(cls, corpus: Corpus, vocab_size: int, special: Sequence[str] = (), min_frequency: int = 1) -> Self:
        """Merges until there are vocab_size tokens, or fewer when no pair is left as frequent as min_frequency.

        Raises ValueError for an empty corpus or a vocab_size below 256 and the special tokens.
        """
        special = special_of(special)
        counts = Counter(text[start:end] for text in texts_of(corpus) for start, end in chunks(text))
        room_for(vocab_size, len(special) + 256, f"{len(special)} special tokens and 256 bytes")
        rank = {symbol: i for i, symbol in enumerate(_ALPHABET)}
        id_of = [rank[symbol] for symbol in SYMBOL_OF]
        cut = [([id_of[byte] for byte in utf8(chunk)], count) for chunk, count in counts.items()]
        merges, symbols = learn_merges(cut, _ALPHABET, vocab_size - len(special), min_frequency, special)
        return cls([(symbols[merge.left], symbols[merge.right]) for merge in merges], special)

    def state(self) -> dict[str, Any]:
        return {"merges": self.merges, "special": self.special}

    def _cut(self, text: str) -> Iterator[Piece]:
        """A token that ends inside a character is given the whole of it: the stretches may then overlap."""
        for start, end in chunks(text):
            chunk = text[start:end]
            owner = [i for i, character in enumerate(chunk, start) for _ in utf8(character)]  # byte -> its character
            at = 0
            for symbol, length in self._pieces_of(chunk):
                yield Piece(symbol, owner[at], owner[at + length - 1] + 1)
                at += length

    def _pieces_of(self, chunk: str) -> list[tuple[int, int]]:
        found = self._chunks.get(chunk)
        if found is None:
            found = apply_merges([self._byte_ids[byte] for byte in utf8(chunk)], self._ranks)
            if len(self._chunks) < _REMEMBERED:
                self._chunks[chunk] = found
        return found
