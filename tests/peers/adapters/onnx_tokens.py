"""Tokens and masks: look-ups, one-hot rows, dropout, choosing by a mask, triangles."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.ops.attention.masks import window_mask
from tfx.ops.basics.dropout import dropout_forward, dropout_mask
from tfx.ops.basics.embedding import embedding_forward, one_hot
from tfx.ops.basics.where import where_forward

NEGATIVE_IDS = "a negative id counts from the end in ONNX; tfx refuses it, because it is usually padding by mistake"
IDS_BEYOND = "an id beyond the vocabulary is a row of zeros in ONNX; tfx refuses it"


def look_up(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    data, ids = inputs
    if (ids < 0).any():
        raise Skip(NEGATIVE_IDS)
    axis = attrs.get("axis", 0) % data.ndim
    table = np.moveaxis(data, axis, 0)
    rows, _ = embedding_forward(ids, table.reshape(len(table), -1))
    rest = rows.reshape(*ids.shape, *table.shape[1:])
    return np.moveaxis(rest, range(ids.ndim), range(axis, axis + ids.ndim))


def one_hot_rows(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    ids, depth, (off, on) = inputs[0].astype(int), int(inputs[1].reshape(())), inputs[2]
    if (ids < 0).any() or (ids >= depth).any():
        raise Skip(NEGATIVE_IDS if (ids < 0).any() else IDS_BEYOND)
    return np.moveaxis(where_forward(one_hot(ids, depth), on, off)[0], -1, attrs.get("axis", -1))


def dropout(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, ratio, training = [*inputs, None, None][:3]
    rate = float(attrs.get("ratio", 0.5) if ratio is None else ratio)
    if training is None or not training:
        return dropout_forward(x, None)[0], np.ones(x.shape, dtype=bool)
    if rate:
        raise Skip("which numbers are dropped is random, and each library draws its own")
    multiplier = dropout_mask(x.shape, rate, np.random.default_rng(0), x.dtype)
    return dropout_forward(x, multiplier)[0], multiplier > 0


def where(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    return where_forward(*inputs)[0]


def triangle(inputs: list[Any], attrs: dict[str, Any], ctx: dict[str, Any]) -> Any:
    x, k = inputs[0], 0 if len(inputs) < 2 or inputs[1] is None else int(inputs[1])
    return choose_triangle(x, k, bool(attrs.get("upper", 1)))[0]


def choose_triangle(x: np.ndarray, k: int, upper: bool) -> tuple[np.ndarray, Any, bool]:
    """x on and below (or above) diagonal k, and 0 elsewhere: a window kept, or where k lies outside it, one blocked.

    Gives y, the cache, and whether x stands first in it.
    """
    side = -k if upper else k
    near, far = ("left", "right") if upper else ("right", "left")
    zero = np.zeros((), dtype=x.dtype)
    sides: dict[str, Any] = {near: side, far: None} if side >= 0 else {near: None, far: -side - 1}
    mask = window_mask(x.shape[-2], x.shape[-1], **sides)
    if side >= 0:
        return *where_forward(mask, x, zero), True
    return *where_forward(mask, zero, x), False


OPS = {"Gather": look_up, "OneHot": one_hot_rows, "Dropout": dropout, "Where": where, "Trilu": triangle}

OUT_OF_SCOPE = {
    "CumSum": "no operation of tfx is a running sum",
    "Einsum": "tfx writes its products as matmul, which is quicker and says which axes meet",
    "TopK": "routing and sampling ask which k are largest, as a step of their own; there is no operation for it",
}
