"""Cutting a text into words before anything is learned, so that no token reaches across a word's edge.

Three ways:  words("to-day is it")           to-day | is | it
             words_and_marks("to-day is it") to | - | day | is | it
             chunks("to-day is it")          to | - | day | _is | _it   (_ is the space: nothing is lost)

`chunks` is GPT-2's pattern (Radford et al. 2019, their published encoder):
    's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+
Python's `re` does not know the Unicode classes \\p{L} and \\p{N}.  So the pattern runs over a shadow of the text, of
the same length, in which every character outside ASCII is replaced by one ASCII character of its class: a letter by A
(a capital, for the contractions are lower-case), a number by 0, white space by a tab, punctuation by !, all else by a
control character.  ASCII characters stay as they are, and the spans found in the shadow are the spans of the text.
The classes are those of one version of Unicode, whatever Python it runs under (unicode_classes.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tfx.tokenizers.unicode_classes import class_of

#: The characters outside ASCII with Unicode's property White_Space.  str.isspace also takes U+001C to U+001F.
_SPACES = frozenset("\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | frozenset(map(chr, range(0x2000, 0x200B)))
_STAND_IN = {"L": "A", "N": "0", "P": "!", "-": "\x01"}

_MARK = r"!-/:-@\[-`{-~"  # ASCII characters that print, apart from letters, digits and the space
_CHUNK = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+", re.ASCII)
_WORD = re.compile(r"\S+", re.ASCII)
_WORD_OR_MARK = re.compile(rf"[{_MARK}]|[^\s{_MARK}]+", re.ASCII)


class _Shadow(dict[int, str]):
    """Code point -> its stand-in, for str.translate; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if code < 128:
            stand_in = character
        elif character in _SPACES:
            stand_in = "\t"
        else:
            stand_in = _STAND_IN[class_of(code)]
        self[code] = stand_in
        return stand_in


_SHADOW = _Shadow()

Span = tuple[int, int]


def words(text: str) -> Iterator[Span]:
    """The spans (start, end) between white space."""
    return _spans(_WORD, text)


def words_and_marks(text: str) -> Iterator[Span]:
    """The spans between white space, every punctuation mark for itself: BERT's basic split (Devlin et al. 2019).
    ASCII symbols such as $ and + count as punctuation; Chinese characters are not set apart."""
    return _spans(_WORD_OR_MARK, text)


def chunks(text: str) -> Iterator[Span]:
    """The spans of GPT-2's pattern.  They cover the text without gap or overlap."""
    return _spans(_CHUNK, text)


def _spans(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    return (match.span() for match in pattern.finditer(text.translate(_SHADOW)))
