"""The trained models that come with tfx: loading one, and reading a text the way it reads.

    pointing   which noun does "it" stand for?  Its last layer was trained to point at the answer
    plain      the same network and sentences, trained on the answer alone
    language   predicts the next token of any text; learned from the documentation inside Python

make_weights.py trains them again (`make weights`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfx import models
from tfx.data import pronouns, python_docs
from tfx.errors import BadInput, unknown_name
from tfx.io.model_file import load_model
from tfx.models import LanguageModel, PronounModel
from tfx.shipped.language_scores import LanguageScores, as_ids, score_language
from tfx.shipped.pronoun_scores import PronounScores, score_on_unseen_pairs
from tfx.tokenizers import WordTokenizer

NAMES = ("pointing", "plain", "language")
ABOUT = {
    "pointing": 'a pronoun model whose attention was trained to point at what "it" stands for',
    "plain": "a pronoun model that was trained on the answer alone",
    "language": "a small language model, trained on the documentation inside Python",
}
#: The longest text that lessons show, in tokens.
MAX_TOKENS = 64
_FOLDER = Path(__file__).parent / "weights"
_TRY = "Give one sentence: --text 'the cat sat on the mat'"


class Reading(NamedTuple):
    """A text as one model sees it.  T tokens.

    tokens: as in the vocabulary (`##ing` for a piece inside a word); surfaces: the reader's own spelling of each.
    ids: (T,) int64.  sentence: what the pronoun grammar found, None for the language model.
    """

    tokens: tuple[str, ...]
    surfaces: tuple[str, ...]
    ids: np.ndarray
    sentence: pronouns.Sentence | None


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
                raise BadInput(f"the text is longer than {MAX_TOKENS} tokens, the most this lesson shows.", _TRY)
            ids = np.array([piece.id for piece in found], dtype=np.int64)
            tokens = tuple(self.vocabulary[piece.id] for piece in found)
            return Reading(tokens, tuple(text[piece.start : piece.end] for piece in found), ids, None)
        sentence = pronouns.parse(text)
        if sentence is None:
            raise BadInput(
                f'the "{self.name}" model knows only sentences of its small grammar, and this is not one.',
                "Try: the dog did not enter the park because it was too crowded, or use model language.",
            )
        return Reading(sentence.words, sentence.words, pronouns.encode(sentence.words), sentence)


def load(name: str, dtype: str = "float64", untrained: bool = False, seed: int = 0) -> Shipped:
    """A fresh copy of the model `name`, with values of `dtype`.

    untrained: the same architecture with the random weights it would start from under `seed`, for comparison.
    Raises BadInput for an unknown name, DamagedFile when the file in the installation is damaged.
    """
    if name not in NAMES:
        raise unknown_name("model", name, NAMES, f"models: {', '.join(NAMES)}")
    model, meta = load_model(_FOLDER / f"{name}.npz", str(np.dtype(dtype)))
    if untrained:
        model = models.build(model.config | {"seed": seed})
    if not isinstance(model, PronounModel | LanguageModel):
        raise TypeError(f"{name}.npz holds a {type(model).__name__}")
    vocabulary = tuple(meta["vocabulary"]) if name == "language" else pronouns.VOCABULARY
    return Shipped(name, model, vocabulary, meta, untrained)


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
