"""Tokens and masks: look-ups, choosing by a mask, triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tests.peers.adapters.onnx_tokens import choose_triangle
from tfx.ops.basics.embedding import embedding_backward, embedding_forward
from tfx.ops.basics.where import where_backward, where_forward


def _plain(settings: dict[str, Any]) -> None:
    if asked := [name for name, value in settings.items() if value]:
        raise Skip(f"an embedding in tfx is a look-up; {', '.join(asked)}: padding is kept out by masks and `keep`")


def embedding(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    _plain(kwargs)
    table, ids = args[:2]
    y, cache = embedding_forward(ids, table)
    return {"out": [y], "grad_in": [embedding_backward(cot[0], cache)]}


def embedding_layer(args: list[Any], kwargs: Any, params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    sizes = ("num_embeddings", "embedding_dim")
    _plain({name: value for name, value in config["kwargs"].items() if name not in sizes})
    y, cache = embedding_forward(args[0], params["weight"])
    return {"out": [y], "grad_params": {"weight": embedding_backward(cot[0], cache)}}


def where(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    x, mask, other = args
    y, cache = where_forward(mask, x, other)
    return {"out": [y], "grad_in": list(where_backward(cot[0], cache))}


def masked_fill(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    x, mask, value = args
    y, cache = where_forward(mask, np.asarray(value, dtype=x.dtype), x)
    dvalue, dx = where_backward(cot[0], cache)
    return {"out": [y], "grad_in": [dx, dvalue] if isinstance(value, np.ndarray) else [dx]}


def lower_triangle(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    return _triangle(args, kwargs, cot, upper=False)


def upper_triangle(args: list[Any], kwargs: dict[str, Any], params: Any, config: Any, cot: list[Any]) -> dict[str, Any]:
    return _triangle(args, kwargs, cot, upper=True)


def _triangle(args: list[Any], kwargs: dict[str, Any], cot: list[Any], upper: bool) -> dict[str, Any]:
    diagonal = args[1] if len(args) > 1 else kwargs.get("diagonal", 0)
    y, cache, x_first = choose_triangle(args[0], diagonal, upper)
    grads = where_backward(cot[0], cache)
    return {"out": [y], "grad_in": [grads[0] if x_first else grads[1]]}


OPS = {
    ("op", "nn.functional.embedding"): embedding,
    ("module", "Embedding"): embedding_layer,
    ("op", "where"): where,
    ("op", "masked_fill"): masked_fill,
    ("op", "tril"): lower_triangle,
    ("op", "triu"): upper_triangle,
}

OUT_OF_SCOPE = {
    ("op", "cumsum"): "no operation of tfx is a running sum",
    ("op", "einsum"): "tfx writes its products as matmul, which is quicker and says which axes meet",
    ("op", "gather"): "tfx picks whole rows (embedding) or the target of each row (cross-entropy), never any entries",
    ("op", "index_add"): "its scatter is the backward of embedding, compared there; tfx never adds one to an input",
    (
        "op",
        "topk",
    ): "routing and sampling ask which k are largest, as a step of their own; there is no operation for it",
}
