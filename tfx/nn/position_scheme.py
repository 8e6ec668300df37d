"""How a model knows the order of its tokens, by name: a table added to the input, or something inside attention.

"sinusoidal"  "learned"   a table, added to the embeddings once (nn/positions.py)
"rotary"                  queries and keys are turned by their places, in every block (nn/rotary.py)
"alibi"                   scores fall with the distance, in every block (ops/positions/alibi.py); nothing is learned
"sandwich"                scores get the inner product of two sinusoids (ops/positions/sandwich.py); nothing is learned
"relative"                a learned number for each head and bucket of distances, shared by all blocks (T5)
"none"                    no order at all, unless a causal mask gives one away
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfx.nn.positions import KINDS
from tfx.nn.relative_bias import AlibiBias, RelativeBias, SandwichBias
from tfx.nn.rotary import Rotary

SCHEMES = (*KINDS, "rotary", "alibi", "sandwich", "relative")


def position_scheme(
    positions: str,
    d_model: int,
    n_heads: int,
    attention: Mapping[str, Any] | None,
    rng: np.random.Generator,
    dtype: Any,
    causal: bool,
) -> tuple[str, dict[str, Any]]:
    """-> the kind of table for nn.Positions, and the settings of nn.MultiHeadAttention: those given and what comes in.

    causal: distances are to the left only.  Raises ValueError for an unknown name.
    """
    if attention is not None and not isinstance(attention, Mapping):
        raise TypeError(f'attention must be settings by name, such as {{"kernel": "tiled"}}, not {attention!r}')
    settings = dict(attention or {})
    if positions in KINDS:
        return positions, settings
    if positions == "rotary":
        d_head = settings.get("d_head") or d_model // n_heads
        return "none", {"rotary": Rotary(d_head - d_head % 2), **settings}
    if positions == "alibi":
        return "none", {"position_bias": AlibiBias(n_heads), **settings}
    if positions == "sandwich":
        return "none", {"position_bias": SandwichBias(n_heads), **settings}
    if positions == "relative":
        return "none", {"position_bias": RelativeBias(n_heads, rng, bidirectional=not causal, dtype=dtype), **settings}
    raise ValueError(f"positions must be one of {', '.join(SCHEMES)}, not {positions!r}")
