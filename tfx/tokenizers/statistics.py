"""How well a tokenizer fits a text: few tokens for a word, many bytes in a token, little unknown.

    fertility    tokens per word (words: what stands between white space); 1 is a token for every word
    compression  bytes of UTF-8 per token; 1 is the byte tokenizer on any text
    unknown      share of the tokens that are the unknown token

Fertility and compression are of one text: a tokenizer learned on English needs more tokens for the same sentence in
another language (Rust et al. 2021), and a model pays for every one of them.
"""

from __future__ import annotations

from typing import NamedTuple

from tfx.tokenizers.splitting import words
from tfx.tokenizers.tokenizer import Corpus, Tokenizer, texts_of


class Statistics(NamedTuple):
    """Counts of one corpus, and what follows from them."""

    texts: int
    words: int
    characters: int
    bytes: int
    tokens: int
    unknown_tokens: int
    distinct_tokens: int

    @property
    def fertility(self) -> float:
        """Tokens per word.  Raises ValueError when there is no word."""
        if not self.words:
            raise ValueError("fertility is tokens per word, and there is no word")
        return self.tokens / self.words

    @property
    def compression(self) -> float:
        """Bytes per token.  Raises ValueError when there is no token."""
        if not self.tokens:
            raise ValueError("compression is bytes per token, and there is no token")
        return self.bytes / self.tokens

    @property
    def unknown(self) -> float:
        """Share of unknown tokens, 0 when there is no token."""
        return self.unknown_tokens / self.tokens if self.tokens else 0.0


def measure(tokenizer: Tokenizer, corpus: Corpus) -> Statistics:
    """The statistics of the tokenizer on a corpus.  Raises ValueError when the corpus holds no text."""
    texts = list(texts_of(corpus))
    ids = [i for text in texts for i in tokenizer.encode(text)]
    unknown = None if tokenizer.unknown is None else tokenizer.id_of[tokenizer.unknown]
    return Statistics(
        texts=len(texts),
        words=sum(1 for text in texts for _ in words(text)),
        characters=sum(map(len, texts)),
        bytes=sum(len(text.encode("utf-8", "surrogatepass")) for text in texts),
        tokens=len(ids),
        unknown_tokens=ids.count(unknown) if unknown is not None else 0,
        distinct_tokens=len(set(ids)),
    )
