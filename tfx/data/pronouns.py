"""What does "it" refer to?  A small grammar of sentences in which only the adjective tells.

    the animal did not cross the street because it was too tired      it -> animal
    the animal did not cross the street because it was too wide       it -> street

Every sentence has one mover, one place, one "it" and one adjective that fits either movers or places.  Word order
varies (active, passive, reason first), so that no rule about positions does better than a coin; the adjectives are
balanced, so that always answering one kind of noun does not either.

A fifth of the (mover, place) pairs never occurs in training although each of their nouns does: whoever answers those
has learned what the adjective asks for, not which pairs go together.  (animal, street) is one of them.

The example is from Uszkoreit 2017, "Transformer: A Novel Neural Network Architecture for Language Understanding";
the idea of such pairs from Levesque, Davis and Morgenstern 2012, "The Winograd Schema Challenge".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MOVERS = ("animal", "dog", "cat", "horse", "cow", "fox", "child", "robot", "chicken", "goat", "wolf", "rabbit")
PLACES = ("street", "road", "river", "bridge", "field", "forest", "square", "park", "lake", "valley", "path", "tunnel")
FITS_MOVERS = ("tired", "hungry", "scared", "slow", "lazy", "weak", "sleepy", "thirsty", "sick", "shy")
FITS_PLACES = ("wide", "deep", "busy", "narrow", "crowded", "muddy", "icy", "steep", "long", "noisy")
_DEEP = ("river", "forest", "lake", "valley")  # the only places that the grammar calls deep

_SLOTS: dict[str, tuple[str, ...]] = {  # an empty choice means that the word may be left out
    "when": ("", "", "yesterday", "today"),
    "mover": MOVERS,
    "place": PLACES,
    "aux": ("did", "could"),
    "verb": ("cross", "enter", "reach", "leave", "visit", "find"),
    "verbed": ("crossed", "entered", "reached", "left", "visited", "found"),
    "why": ("because", "since", "as"),
    "degree": ("", "too", "too", "so", "very"),
    "adjective": FITS_MOVERS + FITS_PLACES,
}

TEMPLATES = (
    "{when} the {mover} {aux} not {verb} the {place} {why} it was {degree} {adjective}",
    "{when} {why} it was {degree} {adjective} the {mover} {aux} not {verb} the {place}",
    "{when} the {place} was not {verbed} by the {mover} {why} it was {degree} {adjective}",
    "{when} {why} it was {degree} {adjective} the {place} was not {verbed} by the {mover}",
    "{when} the {mover} {verbed} the {place} although it was {degree} {adjective}",
    "{when} although it was {degree} {adjective} the {mover} {verbed} the {place}",
    "{when} the {place} was {verbed} by the {mover} although it was {degree} {adjective}",
    "{when} although it was {degree} {adjective} the {place} was {verbed} by the {mover}",
)

PAD = "<pad>"
_LITERALS = {word for template in TEMPLATES for word in template.split() if not word.startswith("{")}
#: id -> word; `<pad>` is 0.  The classes of the answer are these same ids.
VOCABULARY = (PAD, *sorted(_LITERALS | {word for choices in _SLOTS.values() for word in choices if word}))
_ID_OF = {word: i for i, word in enumerate(VOCABULARY)}


class Sentence(NamedTuple):
    """One sentence with its answer: `words[referent]` is what `words[it]` stands for."""

    words: tuple[str, ...]
    it: int
    referent: int
    mover: str
    place: str
    adjective: str

    @property
    def answer(self) -> str:
        return self.words[self.referent]

    @property
    def text(self) -> str:
        return " ".join(self.words)


class Batch(NamedTuple):
    """Sentences as arrays.  ids: (B, T) padded with 0; lengths, it, referent, answer: (B,), all int64."""

    ids: np.ndarray
    lengths: np.ndarray
    it: np.ndarray
    referent: np.ndarray
    answer: np.ndarray


def is_held_out(mover: str, place: str) -> bool:
    """True for the fifth of all pairs that training never shows; (animal, street) is the first of them."""
    return (MOVERS.index(mover) + 2 * PLACES.index(place)) % 5 == 0


def noun_pairs(held_out: bool) -> list[tuple[str, str]]:
    """All (mover, place) pairs of one side of the split."""
    return [(mover, place) for mover in MOVERS for place in PLACES if is_held_out(mover, place) == held_out]


def sentences(n: int, seed: int, held_out: bool = False) -> list[Sentence]:
    """n random sentences, half of them about the mover.  The same seed gives the same sentences."""
    rng = np.random.default_rng(seed)
    pairs = noun_pairs(held_out)
    return [_draw(rng, pairs) for _ in range(n)]


def training_batch(rng: np.random.Generator, batch_size: int) -> Batch:
    """batch_size fresh training sentences, drawn with `rng`."""
    pairs = noun_pairs(held_out=False)
    return to_batch([_draw(rng, pairs) for _ in range(batch_size)])


def _draw(rng: np.random.Generator, pairs: Sequence[tuple[str, str]]) -> Sentence:
    chosen = {slot: choices[int(rng.integers(len(choices)))] for slot, choices in _SLOTS.items()}
    chosen["mover"], chosen["place"] = pairs[int(rng.integers(len(pairs)))]
    fitting: tuple[str, ...] = FITS_MOVERS if rng.integers(2) else FITS_PLACES
    if chosen["place"] not in _DEEP:
        fitting = tuple(adjective for adjective in fitting if adjective != "deep")
    chosen["adjective"] = fitting[int(rng.integers(len(fitting)))]
    template = TEMPLATES[int(rng.integers(len(TEMPLATES)))]
    return _sentence(template.format(**chosen).split(), chosen["mover"], chosen["place"], chosen["adjective"])


def _sentence(words: Sequence[str], mover: str, place: str, adjective: str) -> Sentence:
    noun = mover if adjective in FITS_MOVERS else place
    return Sentence(tuple(words), words.index("it"), words.index(noun), mover, place, adjective)


def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for word in template.split():
        slot = word.strip("{}")
        if slot == word:
            parts.append(f"{word} ")
            continue
        group = f"(?P<{slot}>{'|'.join(sorted({c for c in _SLOTS[slot] if c}))}) "
        parts.append(f"(?:{group})?" if "" in _SLOTS[slot] else group)
    return re.compile("".join(parts))


_PATTERNS = tuple(_pattern(template) for template in TEMPLATES)
_LONGEST_TEXT = 400  # characters; no sentence of the grammar comes near


def parse(text: str) -> Sentence | None:
    """The sentence if the grammar makes it, else None.  Capitals, commas, a full stop and "didn't" are accepted."""
    if len(text) > _LONGEST_TEXT:
        return None
    plain = text.lower().replace("\u2019", "'").replace("n't", " not").replace(",", " ")
    words = re.sub(r"\s*[.!]\s*$", "", plain).split()
    for pattern in _PATTERNS:
        found = pattern.fullmatch(" ".join(words) + " ")
        if found:
            return _sentence(words, found["mover"], found["place"], found["adjective"])
    return None


def fits(text: str) -> bool:
    """True when the pronoun models know every word and the shape of this sentence."""
    return parse(text) is not None


def encode(words: Sequence[str]) -> np.ndarray:
    """Words of the grammar -> (T,) int64 ids.  Raises ValueError for any other word."""
    unknown = [word for word in words if word not in _ID_OF]
    if unknown:
        raise ValueError(f'"{unknown[0]}" is not a word of the pronoun grammar')
    return np.array([_ID_OF[word] for word in words], dtype=np.int64)


def to_batch(batch: Sequence[Sentence]) -> Batch:
    """Pads to the longest sentence of the batch."""
    lengths = np.array([len(sentence.words) for sentence in batch], dtype=np.int64)
    ids = np.zeros((len(batch), int(lengths.max(initial=0))), dtype=np.int64)
    for row, sentence in zip(ids, batch, strict=True):
        row[: len(sentence.words)] = encode(sentence.words)
    it = np.array([sentence.it for sentence in batch], dtype=np.int64)
    referent = np.array([sentence.referent for sentence in batch], dtype=np.int64)
    return Batch(ids, lengths, it, referent, ids[np.arange(len(batch)), referent])
