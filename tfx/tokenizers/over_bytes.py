"""Tokens made of bytes: what the byte tokenizer and byte-level BPE share.

Any text is bytes in UTF-8, and there are only 256 of them, so nothing is ever unknown.  A token must still be
something to print.  GPT-2 (Radford et al. 2019, their published encoder) gives each byte a character that shows:
bytes that print in Latin-1 stand for themselves, the 68 others for the characters from U+0100 on, in order.  The space
becomes U+0120 (a G with a dot), the newline U+010A (a C with a dot).

Bytes that are not UTF-8 travel through `str` as lone surrogates (Python's `surrogateescape`, PEP 383), so that
decode_bytes(encode_bytes(data)) == data for any data.  decode() shows them as U+FFFD, as it does with a character of
which some bytes are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tfx.tokenizers.tokenizer import Tokenizer


def _symbols() -> Iterator[str]:
    spare = 256
    for byte in range(256):
        if 33 <= byte <= 126 or 161 <= byte <= 172 or 174 <= byte <= 255:
            yield chr(byte)
        else:
            yield chr(spare)
            spare += 1


#: byte -> the character that stands for it, and back
SYMBOL_OF = tuple(_symbols())
BYTE_OF = {symbol: byte for byte, symbol in enumerate(SYMBOL_OF)}


def utf8(text: str) -> bytes:
    """The bytes of `text`.  Raises UnicodeEncodeError (a ValueError) for a lone surrogate that stands for no byte."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        reason = "a lone surrogate stands for no byte; bytes that are not UTF-8 come in by encode_bytes"
        raise UnicodeEncodeError("utf-8", text, error.start, error.end, reason) from None


class OverBytes(Tokenizer):
    """A tokenizer whose tokens are spelt in SYMBOL_OF."""

    def encode_bytes(self, data: bytes) -> list[int]:
        """The ids of any bytes, UTF-8 or not.  Raises TypeError for what is not bytes."""
        if not isinstance(data, bytes | bytearray):
            raise TypeError(f"data is bytes, not {type(data).__name__}; for a str there is encode")
        return self.encode(data.decode("utf-8", "surrogateescape"))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes behind the ids; a special token as it is spelt.  Raises as decode does."""
        special = frozenset(self.special)
        return b"".join(
            utf8(token) if token in special else bytes(BYTE_OF[symbol] for symbol in token)
            for token in self._known(ids)
        )

    def _join(self, tokens: Sequence[str]) -> str:
        return bytes(BYTE_OF[symbol] for token in tokens for symbol in token).decode("utf-8", "replace")
