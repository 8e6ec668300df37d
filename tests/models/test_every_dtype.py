"""Whole models in float32 and float16: every scheme of positions, norm, activation and kernel keeps the dtype, and its
numbers are those of float64, rounded."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from tfx.models import DecoderOnly, Encoder
from tfx.nn.normalisation import NORMS
from tfx.nn.position_scheme import SCHEMES
from tfx.ops.feed_forward.activations import ACTIVATIONS
from tfx.ops.feed_forward.gated import GATES

IDS = np.random.default_rng(0).integers(0, 30, (2, 16))
#: How far outputs may be from float64, as a share of the largest; gradients four times as far.
FAR = {"float32": 2e-5, "float16": 2e-2}

BOTH: dict[str, dict[str, Any]] = {
    **{f"positions {name}": {"positions": name} for name in SCHEMES},
    **{f"norm {name}": {"norm": name} for name in NORMS},
    **{f"activation {name}": {"activation": name} for name in (*ACTIVATIONS, *GATES)},
    "grouped, soft cap, experts, parallel": {
        "attention": {"n_kv_heads": 1, "soft_cap": 5.0}, "experts": {"n": 3, "k": 2}, "parallel": True,
    },
}  # fmt: skip
EITHER_WAY: dict[str, dict[str, Any]] = {
    "linear": {}, "longformer": {"window": 3}, "sparse_transformer": {"stride": 4}, "big_bird": {"block": 2},
    "performer": {}, "lsh": {"n_buckets": 4},
}  # fmt: skip
AS_IT_IS: list[Any] = [
    "tiled", "memory_efficient", {"name": "random_synthesizer", "max_len": 16},
    {"name": "dense_synthesizer", "max_len": 16},
]  # fmt: skip
NOT_CAUSAL: list[Any] = ["nystrom", {"name": "linformer", "max_len": 16, "rank": 4}, "fourier"]


def kernels(causal: bool) -> list[Any]:
    either = [{"name": name, "causal": causal, **settings} for name, settings in EITHER_WAY.items()]
    return [*either, *AS_IT_IS, *([] if causal else NOT_CAUSAL)]


CASES = [
    *((kind, name, settings) for kind in (Encoder, DecoderOnly) for name, settings in BOTH.items()),
    *(
        (kind, f"kernel {kernel if isinstance(kernel, str) else kernel['name']}", {"attention": {"kernel": kernel}})
        for kind in (Encoder, DecoderOnly)
        for kernel in kernels(kind is DecoderOnly)
    ),
]


def output_and_gradients(model: Any, dtype: str) -> tuple[np.ndarray, np.ndarray, set[str]]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        y, cache = model.forward(IDS)
        model.backward(np.random.default_rng(2).standard_normal(y.shape).astype(dtype), cache)
    grads = [parameter.grad for parameter in model.parameters().values()]
    whole = np.concatenate([grad.astype("float64").reshape(-1) for grad in grads])
    return y.astype("float64"), whole, {str(y.dtype), *(str(grad.dtype) for grad in grads)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "settings"), CASES, ids=[f"{kind.__name__} {name}" for kind, name, _ in CASES]
)
def test_a_model_keeps_its_dtype_and_its_numbers(kind, name, settings):
    models = {}
    for dtype in ("float64", "float32", "float16"):
        models[dtype] = kind(30, 16, 2, 32, 2, 16, seed=1, dtype="float64", **settings)
        models[dtype].load_state(models["float64"].state())
        models[dtype].astype(dtype)
    y64, grads64, _ = output_and_gradients(models["float64"], "float64")
    for dtype, far in FAR.items():
        y, grads, kinds = output_and_gradients(models[dtype], dtype)
        assert kinds == {dtype}
        assert np.abs(y - y64).max() <= far * np.abs(y64).max()
        assert np.abs(grads - grads64).max() <= 4 * far * np.abs(grads64).max()
