"""What every tokenizer is: text <-> ids over a fixed list of tokens.

    ids = tokenizer.encode(text)      text = tokenizer.decode(ids)      tokenizer.tokens[id] is the text of a token

The reserved tokens come first: the unknown token, where the kind has one, then the special tokens (padding, end ...)
in the order in which they were given.  Learned tokens never spell a reserved one.  A reserved token is a mark that
the program puts between texts, so text that merely spells one (`<end>`) is ordinary text, unless
`encode(..., allow_special=True)` says that the text is trusted.

`pieces` says which stretch text[start:end] every id came from.  `save` and `load` use JSON without code in it.
"""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from tfx.arguments import whole_number
from tfx.tokenizers import storage


class Piece(NamedTuple):
    """One token of a text: its id, and the stretch text[start:end] that it stands for."""

    id: int
    start: int
    end: int


#: What is learnt from: texts; a str is a corpus of one text.
Corpus = str | Iterable[str]


class Tokenizer(ABC):
    """Base of all kinds.  A kind says how to cut a text (`_cut`), how to put tokens together (`_join`) and what it
    must store (`state`)."""

    kind: ClassVar[str]
    unknown: ClassVar[str | None] = None  # the token for what cannot be written otherwise; None: anything can

    between: ClassVar[str] = ""  # what stands between a special token and its neighbours when ids become text again

    def __init__(self, learned: Sequence[str], special: Sequence[str] = ()) -> None:
        """Raises ValueError when a token is empty or given twice, TypeError when one is no str."""
        self.special = special_of(special)
        self.reserved = self.special if self.unknown is None else (self.unknown, *self.special)
        self.tokens = (*self.reserved, *learned)
        for token in self.tokens:
            if not isinstance(token, str):
                raise TypeError(f"a token is a str, not {token!r}")
        self.id_of = {token: i for i, token in enumerate(self.tokens)}
        if len(self.id_of) != len(self.tokens):
            twice = next(token for i, token in enumerate(self.tokens) if self.id_of[token] != i)
            raise ValueError(f"the token {twice!r} is there twice")
        if "" in self.id_of:
            raise ValueError("a token must not be empty")
        longest_first = sorted(self.special, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """The ids of `text`; none for the empty text.  allow_special: the text may name special tokens."""
        return [piece.id for piece in self.pieces(text, allow_special)]

    def pieces(self, text: str, allow_special: bool = False) -> list[Piece]:
        """As encode, with the stretch of text behind every id.  Raises TypeError when `text` is not a str."""
        if not isinstance(text, str):
            raise TypeError(f"text is a str, not {type(text).__name__}")
        if not allow_special:
            return list(self._cut(text))
        found: list[Piece] = []
        at = 0
        for mark in self._special.finditer(text):
            found += _moved(self._cut(text[at : mark.start()]), at)
            found.append(Piece(self.id_of[mark.group()], mark.start(), mark.end()))
            at = mark.end()
        return found + _moved(self._cut(text[at:]), at)

    def decode(self, ids: Iterable[int], skip_special: bool = False) -> str:
        """The text of `ids`; special tokens as they are spelt, or left out.

        Where a kind forgets which white space stood between words, a special token stands as a word of its own.
        Raises ValueError for an id out of range and TypeError for an id that is no integer.
        """
        is_special = frozenset(self.special).__contains__
        texts: list[str] = []
        for special, run in itertools.groupby(self._known(ids), is_special):
            if not special:
                texts.append(self._join(list(run)))
            elif not skip_special:
                texts.extend(run)
        return self.between.join(text for text in texts if text)

    def _known(self, ids: Iterable[int]) -> Iterator[str]:
        if not isinstance(ids, Iterable):
            raise TypeError(f"ids are a sequence of integers, not {ids!r}")
        for given in ids:
            i = whole_number("an id", given)
            if not 0 <= i < len(self.tokens):
                raise ValueError(f"id {i} is outside the vocabulary of {len(self.tokens)} tokens")
            yield self.tokens[i]

    @abstractmethod
    def _cut(self, text: str) -> Iterable[Piece]:
        """The pieces of a text in which special tokens mean nothing."""

    @abstractmethod
    def _join(self, tokens: Sequence[str]) -> str:
        """The text of tokens among which none is special."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What the constructor needs to build this tokenizer again, as JSON can hold it."""

    def save(self, path: str | Path) -> None:
        """Writes the tokenizer as JSON; the old file stays until the new one is whole."""
        storage.write(Path(path), self.kind, self.state())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads what `save` wrote.  Raises BadInput for a missing or damaged file, or one of another kind."""
        return storage.read(Path(path), cls.kind, lambda state: cls(**state))


def special_of(special: Sequence[str]) -> tuple[str, ...]:
    """Raises TypeError unless special tokens are given one by one: a str would be taken letter by letter."""
    if isinstance(special, str) or not isinstance(special, Iterable):
        raise TypeError(f"special tokens are a list of str, not {special!r}")
    return tuple(special)


def texts_of(corpus: Corpus) -> Iterator[str]:
    """The texts of a corpus; a str is a corpus of one text.

    Raises TypeError for what is no text, ValueError when there is no character in it.
    """
    empty = True
    if not isinstance(corpus, Iterable):
        raise TypeError(f"a corpus is a str or several of them, not {corpus!r}")
    for text in (corpus,) if isinstance(corpus, str) else corpus:
        if not isinstance(text, str):
            raise TypeError(f"a corpus is made of str, not of {type(text).__name__}")
        empty = empty and not text
        yield text
    if empty:
        raise ValueError("the corpus holds no text to learn from")


def room_for(vocab_size: int, needed: int, what: str) -> None:
    """Raises ValueError when `needed` tokens, described by `what`, do not fit into vocab_size."""
    if whole_number("vocab_size", vocab_size) < needed:
        raise ValueError(f"vocab_size {vocab_size} is smaller than the {needed} tokens it must hold: {what}")


def reserve(unknown: str, special: Sequence[str], vocab_size: int, n_characters: int) -> tuple[str, ...]:
    """The reserved tokens.  Raises ValueError when they and the characters do not fit into vocab_size."""
    reserved = (unknown, *special_of(special))
    room_for(vocab_size, len(reserved) + n_characters, f"{len(reserved)} reserved, {n_characters} characters")
    return reserved


def _moved(pieces: Iterable[Piece], by: int) -> list[Piece]:
    return [Piece(i, start + by, end + by) for i, start, end in pieces]
