"""Cases of tfx/models/decoder.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.case import Case, Problem, layer_problem
from tfx.gradcheck.cases.models.sizes import SCHEMES, SIZES
from tfx.gradcheck.cases.sizes import IDS, Rng, V
from tfx.models.decoder import DecoderOnly


def decoder_only(rng: Rng, **settings: Any) -> Problem:
    return layer_problem(DecoderOnly(V, **{**SIZES, **settings}), rng, {"ids": IDS}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(DecoderOnly, "pre-LN, tied, dropout", decoder_only),
    Case(
        DecoderOnly,
        "post-LN, no positions",
        partial(decoder_only, norm_place="post", positions="none"),
    ),
    *(Case(DecoderOnly, f"{positions} positions", partial(decoder_only, positions=positions)) for positions in SCHEMES),
    Case(
        DecoderOnly,
        "grouped queries, RMSNorm, SwiGLU, parallel, shared",
        partial(
            decoder_only,
            n_layers=2,
            attention={"n_kv_heads": 1},
            norm="rms_norm",
            bias=False,
            activation="swiglu",
            parallel=True,
            shared=True,
            positions="rotary",
        ),
    ),
)
