"""Cases of tfx/nn/segment_input.py."""

from __future__ import annotations

from functools import partial

import numpy as np

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.sizes import IDS, C, Rng, S, V
from tfx.nn.embedding import Embedding
from tfx.nn.segment_input import SegmentInput

E = 4  # a table narrower than the model
SEGMENTS = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 1, 0]])


def segment_input(
    rng: Rng, width: int = C, segments: np.ndarray | None = SEGMENTS, positions: str = "learned"
) -> Problem:
    tokens = Embedding(V, width, rng, scaled=False)
    layer = SegmentInput(tokens, C, 2, positions, S, rng, dropout=0.2)
    return layer_problem(layer, rng, {"ids": IDS}, {"segments": segments}, dropout_seed=5)


CASES: tuple[Case, ...] = (
    Case(SegmentInput, "two segments, dropout", segment_input),
    Case(SegmentInput, "factorised embedding", partial(segment_input, width=E)),
    Case(SegmentInput, "one segment, no positions", partial(segment_input, segments=None, positions="none")),
)
