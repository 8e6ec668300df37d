"""Settings of the models: one random direction for each parameter tensor, so that one number sees all of it.

One layer is enough: two on top of each other are checked as nn.EncoderStack and nn.DecoderStack.
"""

from __future__ import annotations

from typing import Any

SIZES: dict[str, Any] = {
    "d_model": 6,
    "n_heads": 3,
    "d_ff": 11,
    "n_layers": 1,
    "max_len": 9,
    "dropout": 0.2,
    "activation": "gelu_tanh",
}
SCHEMES = ("rotary", "alibi", "sandwich", "relative")
