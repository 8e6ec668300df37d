"""Cases of tfx/models/language.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.models.sizes import SIZES
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.language import LanguageModel


def language_model(rng: Rng) -> Problem:
    return layer_problem(LanguageModel(V, **SIZES), rng, {"ids": IDS}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (Case(LanguageModel, "maps without offsets", language_model),)
