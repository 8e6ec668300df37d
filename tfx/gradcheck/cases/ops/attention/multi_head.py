"""Cases of tfx/ops/attention/multi_head.py."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Problem
from tfx.gradcheck.cases.sizes import DV, B, C, D, F, H, Rng, S, T, V
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import causal_mask, padding_mask
from tfx.ops.attention.multi_head import (
    Acting,
    Maps,
    Rotation,
    mean_heads_backward,
    mean_heads_forward,
    multi_head_attention_backward,
    multi_head_attention_forward,
)
from tfx.ops.basics.dropout import dropout_mask
from tfx.ops.positions.rotary import rotary_tables


def attend_by_name(x_q: Any, x_kv: Any, **named: Any) -> Any:
    """multi_head_attention_forward, with every array by its own name: as a check gives its inputs."""
    maps, acting = ({name: named.pop(name) for name in kind._fields if name in named} for kind in (Maps, Acting))
    return multi_head_attention_forward(x_q, x_kv, Maps(**maps), acting=Acting(**acting), **named)


def multi_head(rng: Rng, bias: bool = True, n_keys: int = S, n_kv_heads: int = H, **fixed: Any) -> Problem:
    inputs = {"x_q": rng.standard_normal((B, T, C)), "x_kv": rng.standard_normal((B, n_keys, C))}
    widths = {"w_q": C, "w_k": C // H * n_kv_heads, "w_v": C // H * n_kv_heads, "w_o": C}
    inputs |= {name: 0.4 * rng.standard_normal((C, width)) for name, width in widths.items()}
    if bias:
        inputs |= {name.replace("w", "b"): rng.standard_normal(width) for name, width in widths.items()}
    settings = {"n_heads": H, "n_kv_heads": n_kv_heads, **fixed}
    return Problem(attend_by_name, multi_head_attention_backward, inputs, settings)


def multi_head_other_values(rng: Rng) -> Problem:
    """Queries, keys and values from three inputs of three widths, four heads wider than the model, and a bias."""
    shapes = {"x_q": (B, T, D), "x_kv": (B, S, F), "w_q": (D, 2 * H), "w_k": (F, 2 * H), "w_v": (V, DV * H)}
    shapes |= {"w_o": (DV * H, C), "x_v": (B, S, V), "bias": (H, T, S)}
    inputs = {name: 0.5 * rng.standard_normal(shape) for name, shape in shapes.items()}
    return Problem(attend_by_name, multi_head_attention_backward, inputs, {"n_heads": H})


def multi_head_rotary(rng: Rng) -> Problem:
    problem = multi_head(rng, n_keys=T, mask=causal_mask(T))

    def forward(cos: Any, sin: Any, **given: Any) -> tuple[Any, Any]:
        return attend_by_name(**given, rotation=Rotation(cos, sin, "pairs"))

    cos, sin = rotary_tables(np.arange(4, 4 + T), 2)
    return problem._replace(forward=forward, fixed={**problem.fixed, "cos": cos, "sin": sin})


def multi_head_past(rng: Rng, lead: tuple[int, ...] = (B,), n_kv_heads: int = H) -> Problem:
    """Two tokens were read before; with lead (1,) every sequence of the batch has the same ones."""
    problem = multi_head(rng, n_kv_heads=n_kv_heads)
    stored = {name: rng.standard_normal((*lead, n_kv_heads, 2, C // H)) for name in ("past_k", "past_v")}

    def forward(past_k: Any, past_v: Any, **given: Any) -> tuple[Any, Any]:
        return attend_by_name(**given, past=KeyValue(past_k, past_v))

    def backward(dy: Any, cache: Any) -> Any:
        grads: Any = multi_head_attention_backward(dy, cache)
        return *grads[: len(problem.inputs)], grads.dpast.k, grads.dpast.v

    mask = causal_mask(T, 2 + S, past=2 + S - T)
    return Problem(forward, backward, {**problem.inputs, **stored}, {**problem.fixed, "mask": mask})


def mean_heads(rng: Rng) -> Problem:
    return Problem(mean_heads_forward, mean_heads_backward, {"weights": rng.standard_normal((B, H, T, S))})


CASES: tuple[Case, ...] = (
    Case(multi_head_attention_backward, "cross, padding", partial(multi_head, mask=padding_mask([S, 3], S))),
    Case(multi_head_attention_backward, "causal", partial(multi_head, n_keys=T, mask=causal_mask(T))),
    Case(multi_head_attention_backward, "no bias", partial(multi_head, bias=False)),
    Case(
        multi_head_attention_backward,
        "dropout",
        lambda rng: multi_head(rng, dropout=dropout_mask((B, H, T, S), 0.3, rng)),
    ),
    Case(multi_head_attention_backward, "three sources, bias on the scores", multi_head_other_values),
    Case(multi_head_attention_backward, "rotary positions, causal", multi_head_rotary),
    Case(multi_head_attention_backward, "multi-query", partial(multi_head, n_kv_heads=1)),
    Case(multi_head_attention_backward, "past keys and values", multi_head_past),
    Case(
        multi_head_attention_backward,
        "one past for all",
        partial(multi_head_past, lead=(1,), n_kv_heads=1),
    ),
    Case(mean_heads_backward, "three heads", mean_heads),
)
