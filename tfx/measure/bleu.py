"""BLEU: how many n-grams of a translation stand in a reference as well?

    p_n  = sum over sentences of clipped matches of n-grams  /  sum of n-grams of the translations
    BP   = 1 if c > r else exp(1 - r / c)                    c, r: total lengths of translations and of references
    BLEU = BP exp(mean over n of log p_n)                    n = 1 .. 4

Clipped: an n-gram counts at most as often as in the reference that has it most.  r takes for each sentence the
reference nearest in length, the shorter one of two equally near.  BLEU is a measure of a whole corpus; of a single
sentence p_4 is often 0, and so is the product.
Source: Papineni et al. 2002, "BLEU: a Method for Automatic Evaluation of Machine Translation", section 2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

Sentence = Sequence[Hashable]


class Bleu(NamedTuple):
    """score: 0 to 1; precisions: p_1 .. p_N; brevity: BP."""

    score: float
    precisions: tuple[float, ...]
    brevity: float


def bleu(translations: Sequence[Sentence], references: Sequence[Sequence[Sentence]], max_n: int = 4) -> Bleu:
    """translations: sentences as sequences of tokens; references: for each sentence one or more.

    Raises ValueError when their numbers differ, a sentence has no reference, or nothing is translated, TypeError where
    a str or a token stands in place of a sentence: its letters would be taken for tokens.
    """
    if len(translations) != len(references):
        raise ValueError(f"{len(translations)} translations do not fit {len(references)} lists of references")
    if not translations or not all(references):
        raise ValueError("give at least one translation, and at least one reference for each")
    for i, (translation, several) in enumerate(zip(translations, references, strict=True)):
        _check_sentence(f"translations[{i}]", translation)
        if isinstance(several, str):
            raise TypeError(f"references[{i}] must be a list of sentences, not the str {several!r}")
        for j, reference in enumerate(several):
            _check_sentence(f"references[{i}][{j}]", reference)
    precisions = tuple(_precision(translations, references, n) for n in range(1, max_n + 1))
    length = sum(map(len, translations))
    wanted = sum(
        min((abs(len(r) - len(t)), len(r)) for r in rs)[1] for t, rs in zip(translations, references, strict=True)
    )
    brevity = 1.0 if length > wanted or length == wanted else (math.exp(1 - wanted / length) if length else 0.0)
    if min(precisions) == 0:
        return Bleu(0.0, precisions, brevity)
    return Bleu(brevity * math.exp(sum(map(math.log, precisions)) / max_n), precisions, brevity)


def _check_sentence(name: str, sentence: Sentence) -> None:
    """Raises TypeError unless it is a sequence of tokens, none of which is a sequence of tokens itself."""
    if isinstance(sentence, str) or not isinstance(sentence, Sequence | np.ndarray):
        raise TypeError(f"{name} must be a list of tokens, not {sentence!r}; one reference is [[tokens]], in two lists")
    for token in sentence:
        if not isinstance(token, Hashable):
            raise TypeError(f"{name} must be a list of tokens, but it holds the {type(token).__name__} {token!r}")


def _precision(translations: Sequence[Sentence], references: Sequence[Sequence[Sentence]], n: int) -> float:
    matches = total = 0
    for translation, several in zip(translations, references, strict=True):
        counts, allowed = _n_grams(translation, n), Counter[tuple[Hashable, ...]]()
        for reference in several:
            allowed |= _n_grams(reference, n)  # the maximum of each count
        matches += (counts & allowed).total()
        total += counts.total()
    return matches / total if total else 0.0


def _n_grams(sentence: Sentence, n: int) -> Counter[tuple[Hashable, ...]]:
    return Counter(tuple(sentence[i : i + n]) for i in range(len(sentence) - n + 1))
