"""Cases of tfx/nn/masked_language_head.py."""

from __future__ import annotations

from functools import partial

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, Rng, T, V
from tfx.nn.embedding import Embedding
from tfx.nn.masked_language_head import MaskedLanguageHead

E = 4  # a table narrower than the model


def masked_language_head(rng: Rng, width: int = C) -> Problem:
    layer = MaskedLanguageHead(Embedding(V, width, rng, scaled=False), C, rng)
    return layer_problem(layer, rng, {"hidden": rng.standard_normal((B, T, C))})


CASES: tuple[Case, ...] = (
    Case(MaskedLanguageHead, "tied table", masked_language_head),
    Case(MaskedLanguageHead, "factorised embedding", partial(masked_language_head, width=E)),
)
