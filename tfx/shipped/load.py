"""The trained models that come with tfx: loading one, and reading a text the way it reads.

    pointing   which noun does "it" stand for?  Its last layer was trained to point at the answer
    plain      the same network and sentences, trained on the answer alone
    language   predicts the next token of any text; learned from the documentation inside Python

make_weights.py trains them again (`make weights`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfx import models
from tfx.data import pronouns, python_docs
from tfx.errors import BadInput, unknown_name
from tfx.io.model_file import load_model
from tfx.io.npz import DamagedFile
from tfx.models import LanguageModel, PronounModel
from tfx.shipped.language_scores import LanguageScores, as_ids, score_language
from tfx.shipped.pronoun_scores import PronounScores, score_on_unseen_pairs
from tfx.tokenizers import WordTokenizer
from tfx.tokenizers.tokenizer import Piece

NAMES = ("pointing", "plain", "language")
ABOUT = {
    "pointing": 'a pronoun model whose attention was trained to point at what "it" stands for',
    "plain": "a pronoun model that was trained on the answer alone",
    "language": "a small language model, trained on the documentation inside Python",
}
#: The longest text that lessons show, in tokens.
MAX_TOKENS = 128
_COUNTED = 1_000  # a longer text is not read to its end to say how long it is
_FOLDER = Path(__file__).parent / "weights"
_TRY = "Give one sentence: --text 'the cat sat on the mat'"


class Reading(NamedTuple):
    """A text as one model sees it.  T tokens.

    tokens: as in the vocabulary (`##ing` for a piece inside a word); surfaces: the reader's own spelling of each.
    ids: (T,) int64.  sentence: what the pronoun grammar found, None for the language model.
    words: in the reader's spelling; word_of: for each token the word, from 0, that it is a piece of.
    """

    tokens: tuple[str, ...]
    surfaces: tuple[str, ...]
    ids: np.ndarray
    sentence: pronouns.Sentence | None
    words: tuple[str, ...]
    word_of: tuple[int, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Each token as readers know it, with a hyphen where its word goes on: `su-`, `-it-`, `-case`."""
        words = self.word_of
        before = [i > 0 and words[i - 1] == word for i, word in enumerate(words)]
        after = [*before[1:], False]
        return tuple("-" * b + surface + "-" * a for surface, b, a in zip(self.surfaces, before, after, strict=True))


@dataclass(frozen=True)
class Shipped:
    """A model with what belongs to it.  `meta` is what was recorded when it was made: seed, steps, Python, scores."""

    name: str
    model: PronounModel | LanguageModel
    vocabulary: tuple[str, ...]
    meta: dict[str, Any]
    untrained: bool

    @property
    def about(self) -> str:
        return ABOUT[self.name]

    @functools.cached_property
    def tokenizer(self) -> WordTokenizer:
        """Text <-> ids of the language model."""
        return WordTokenizer.of_vocabulary(self.vocabulary)

    def read(self, text: str) -> Reading:
        """Raises BadInput for a text that is empty, longer than MAX_TOKENS, or outside this model's grammar."""
        if self.name == "language":
            found = self.tokenizer.first_pieces(text, MAX_TOKENS + 1)
            if not found:
                raise BadInput("the text is empty: there is no token to look at.", _TRY)
            if len(found) > MAX_TOKENS:
                long = self.tokenizer.first_pieces(text, _COUNTED)
                count = f"{len(long):,}" if len(long) < _COUNTED else f"{_COUNTED:,} or more"
                raise BadInput(
                    f"the text is longer than {MAX_TOKENS} tokens, the most this lesson shows: it has {count}, "
                    "as unusual words are cut to pieces.",
                    _TRY,
                )
            ids = np.array([piece.id for piece in found], dtype=np.int64)
            tokens = tuple(self.vocabulary[piece.id] for piece in found)
            surfaces = tuple(text[piece.start : piece.end] for piece in found)
            return Reading(tokens, surfaces, ids, None, *_words(text, found))
        sentence = pronouns.parse(text)
        if sentence is None:
            raise BadInput(
                f'the "{self.name}" model knows only sentences of its small grammar, and this is not one.',
                "Try: the dog did not enter the park because it was too crowded, or use model language.",
            )
        words = sentence.words
        return Reading(words, words, pronouns.encode(words), sentence, words, tuple(range(len(words))))


#: A word as readers see it: letters with apostrophes inside ("didn't"), a number, or one mark.
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+|[^\w\s]|_")


def _words(text: str, pieces: Sequence[Piece]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The words that the pieces were cut from, and the word of each piece."""
    spans = [found.span() for found in _WORD.finditer(text, 0, pieces[-1].end)]
    word_of, word = [], 0
    for piece in pieces:
        while spans[word][1] <= piece.start:
            word += 1
        word_of.append(word)
    return tuple(text[start:end] for start, end in spans), tuple(word_of)


def load(name: str, dtype: str = "float64", untrained: bool = False, seed: int = 0) -> Shipped:
    """A fresh copy of the model `name`, with values of `dtype`.

    untrained: the same architecture with the random weights it would start from under `seed`, for comparison.
    Raises BadInput for an unknown name, DamagedFile when the file in the installation is damaged.
    """
    if name not in NAMES:
        raise unknown_name("model", name, NAMES, f"models: {', '.join(NAMES)}")
    path = _FOLDER / f"{name}.npz"
    model, meta = load_model(path, str(np.dtype(dtype)))
    wanted = LanguageModel if name == "language" else PronounModel
    if not isinstance(model, wanted):
        raise DamagedFile(f"{path} holds a {type(model).__name__}, not a {wanted.__name__}.", "Install tfx again.")
    vocabulary = meta.get("vocabulary") if name == "language" else pronouns.VOCABULARY
    if not _is_vocabulary(vocabulary, model):
        raise DamagedFile(f"{path} has not one word for each number that its model reads.", "Install tfx again.")
    if untrained:
        model = models.build(model.config | {"seed": seed})
    assert isinstance(model, PronounModel | LanguageModel)
    return Shipped(name, model, tuple(vocabulary or ()), meta, untrained)


def _is_vocabulary(words: object, model: models.Model) -> bool:
    """Whether these are different words, as many as the model has numbers for."""
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) for word in words):
        return False
    return len(set(words)) == len(words) == model.config.get("vocab", model.config.get("n_tokens", len(words)))


def choose(text: str) -> str:
    """ "pointing" for a sentence of the pronoun grammar, "language" for any other text."""
    return "pointing" if pronouns.fits(text) else "language"


@functools.cache
def held_out_scores(name: str, n: int = 400, seed: int = 1) -> PronounScores:
    """Measured now: "pointing" or "plain" on n sentences whose nouns never met in training."""
    model = load(name, "float32").model
    if not isinstance(model, PronounModel):
        raise ValueError(f"{name} does not answer pronoun questions; its scores come from language_held_out_scores")
    return score_on_unseen_pairs(model, n, seed)


def language_held_out_scores(docstrings: bool = False) -> LanguageScores:
    """Measured now: perplexity on held-out paragraphs, next to what counting gives.

    docstrings=False judges by the language reference alone (and counts only there), in about a second.
    """
    shipped = load("language", "float32")
    if not isinstance(shipped.model, LanguageModel):
        raise TypeError("language.npz holds no language model")
    training, held_out = (as_ids(shipped.tokenizer, python_docs.paragraphs(side, docstrings)) for side in (False, True))
    return score_language(shipped.model, training, held_out)
