"""Unigram language model: every piece has a probability, a text takes the most probable cut (Kudo 2018).

    _the_cats -> _the _cat s            (_ is U+2581, which stands for the space)

The space is a symbol like any other, and one is put in front, so that a word looks the same at the start of a text and
inside (SentencePiece: Kudo and Richardson 2018).  No piece reaches across a space.  Decoding is joining the pieces and
putting the spaces back: nothing is lost but U+2581 itself, which comes back as a space.

BPE has one way to cut a word; here all ways have a probability.  `sample` draws one, another at every epoch, which
trains a model to be at ease with all of them (subword regularisation, Kudo 2018, section 3.1).

Out of vocabulary: a character that the corpus did not hold is one `<unk>`, scored 10 nats below the rarest piece.  Each
has one of its own, so that every piece still says which stretch of the text it stands for; Hugging Face's Unigram joins
neighbours of this kind to one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from tfx.arguments import whole_number
from tfx.tokenizers.lattice import Edge, Lattice, Path, lattice_of, n_best, sample, viterbi
from tfx.tokenizers.tokenizer import Corpus, Piece, Tokenizer, reserve, texts_of
from tfx.tokenizers.unigram_training import learn_unigram

SPACE = "\u2581"
UNKNOWN_PENALTY = 10.0
LONGEST_PIECE = 16
_WORD = re.compile(f"{SPACE}[^{SPACE}]*", re.DOTALL)
_REMEMBERED = 1 << 16


class Unigram(Tokenizer):
    """scores: (piece, log of its probability), spaces written as SPACE."""

    kind = "unigram"
    unknown = "<unk>"

    def __init__(self, scores: Iterable[Sequence[Any]], special: Sequence[str] = ()) -> None:
        self.scores = tuple((str(piece), float(score)) for piece, score in scores)
        super().__init__([piece for piece, _ in self.scores], special)
        if not all(np.isfinite(score) for _, score in self.scores):
            raise ValueError("the score of a piece is the logarithm of its probability, a finite number")
        self._score_of = {piece: (self.id_of[piece], score) for piece, score in self.scores}
        self._longest = max((len(piece) for piece, _ in self.scores), default=1)
        lowest = min((score for _, score in self.scores), default=0.0)
        self._unknown = (self.id_of[self.unknown], lowest - UNKNOWN_PENALTY)
        self._words: dict[str, tuple[Edge, ...]] = {}

    @classmethod
    def train(
        cls,
        corpus: Corpus,
        vocab_size: int,
        special: Sequence[str] = (),
        seed_size: int | None = None,
        longest: int = LONGEST_PIECE,
    ) -> Self:
        """At most vocab_size tokens, the pieces from the most probable down.  seed_size: how many pieces to start
        from, 8 times vocab_size unless told.  Time grows with it and with the number of different words.

        Raises ValueError for an empty corpus or a vocab_size that cannot hold its characters.
        """
        whole_number("longest", longest, 1)
        if seed_size is not None:
            whole_number("seed_size", seed_size, 1)
        counts = Counter(word for text in texts_of(corpus) for word in _WORD.findall(_marked(text)))
        characters = set().union(*counts)
        reserved = reserve(cls.unknown, special, vocab_size, len(characters))
        wanted = vocab_size - len(reserved)
        model = learn_unigram(counts, wanted, seed_size or 8 * vocab_size, longest, forbidden=reserved)
        return cls(sorted(model.items(), key=lambda item: (-item[1], item[0])), special)

    def state(self) -> dict[str, Any]:
        return {"scores": self.scores, "special": self.special}

    def sample(self, text: str, rng: np.random.Generator, temperature: float = 1.0) -> list[int]:
        """The ids of a cut drawn from the model: 1 as probable as it says, towards 0 the best one, large all alike.

        Kudo's alpha is 1 / temperature; EM makes sharp models, and he trains with temperatures of 2 to 10.
        Raises ValueError unless the temperature is above 0.
        """
        if not temperature > 0:
            raise ValueError(f"the temperature must be above 0, not {temperature}")
        words = _WORD.findall(_marked(text))
        return [edge.id for word in words for edge in sample(self.lattice(word), rng, temperature).edges]

    def n_best(self, text: str, n: int) -> list[tuple[float, list[int]]]:
        """The n most probable cuts, best first: the log of the probability of the pieces, and the ids."""
        whole_number("n", n, 1)
        return [(path.score, [edge.id for edge in path.edges]) for path in n_best(self.lattice(_marked(text)), n)]

    def score(self, ids: Iterable[int]) -> float:
        """The log of the probability of the pieces with these ids."""
        return sum(self._score_of.get(token, self._unknown)[1] for token in self._known(ids))

    def lattice(self, marked: str) -> Lattice:
        """All ways to cut a text in which spaces are written as SPACE."""
        return lattice_of(marked, self._score_of, self._longest, self._unknown)

    def best(self, marked: str) -> Path:
        """The most probable of them."""
        return viterbi(self.lattice(marked))

    def _cut(self, text: str) -> Iterator[Piece]:
        """The space in front stands for no character of the text: positions are one less than in the marked text."""
        for word in _WORD.finditer(_marked(text)):
            at = word.start() - 1
            for edge in self._edges_of(word.group()):
                yield Piece(edge.id, max(at + edge.start, 0), at + edge.end)

    def _edges_of(self, word: str) -> tuple[Edge, ...]:
        found = self._words.get(word)
        if found is None:
            found = self.best(word).edges
            if len(self._words) < _REMEMBERED:
                self._words[word] = found
        return found

    def _join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens).replace(SPACE, " ").removeprefix(" ")


def _marked(text: str) -> str:
    return SPACE + text.replace(" ", SPACE) if text else ""
