"""Cases of tfx/models/transformer_xl.py."""

from __future__ import annotations

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.nn.segment_memory import states
from tfx.gradcheck.cases.sizes import B, F, H, Rng, T
from tfx.models.transformer_xl import TransformerXL

WIDTH, DIRECTIONS = 6, 1


def transformer_xl(rng: Rng, norm_place: str, tied: bool) -> Problem:
    layer = TransformerXL(8, WIDTH, H, F, 1, 4, norm_place=norm_place, activation="gelu", tied=tied, dropout=0.2)
    ids, fixed = rng.integers(8, size=(B, T)), {"memory": (states(rng, 4),)}
    return layer_problem(layer, rng, {"ids": ids}, fixed, dropout_seed=5, directions=DIRECTIONS)


CASES: tuple[Case, ...] = (
    Case(TransformerXL, "post-LN, tied, memory, dropout", lambda rng: transformer_xl(rng, "post", True)),
    Case(TransformerXL, "pre-LN, its own output", lambda rng: transformer_xl(rng, "pre", False)),
)
