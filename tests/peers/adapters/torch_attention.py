"""PyTorch's attention and Transformer modules, and how their parameters are called here.

Theirs: weights are (out, in), query, key and value in one matrix, masks True = blocked, time first unless told.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.adapters import Skip
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.block_settings import BlockSettings, StackSettings
from tfx.nn.decoder_block import DecoderBlock
from tfx.nn.encoder_block import EncoderBlock
from tfx.nn.stacks import DecoderStack, EncoderStack
from tfx.ops.attention.key_value import KeyValue
from tfx.ops.attention.masks import causal_mask, combine_masks, from_additive, from_blocked
from tfx.ops.attention.multi_head import (
    mean_heads_backward,
    mean_heads_forward,
    merge_heads,
    repeat_heads,
    split_heads,
    sum_repeated_heads,
)
from tfx.ops.attention.scaled_dot_product import attention_backward_steps, attention_forward
from tfx.params import Layer

Arrays = dict[str, Any]

ATTENTION = {"out_proj.weight": "output.w", "out_proj.bias": "output.b"}
ENCODER_BLOCK = {
    **{f"self_attn.{theirs}": f"attention.{ours}" for theirs, ours in ATTENTION.items()},
    **{
        f"linear{i}.{theirs}": f"feed_forward.{layer}.{ours}"
        for i, layer in ((1, "first"), (2, "second"))
        for theirs, ours in (("weight", "w"), ("bias", "b"))
    },
    **{
        f"norm{i}.{theirs}": f"norm{i}.{ours}"
        for i in (1, 2, 3)
        for theirs, ours in (("weight", "gamma"), ("bias", "beta"))
    },
}
DECODER_BLOCK = ENCODER_BLOCK | {
    f"multihead_attn.{theirs}": f"cross_attention.{ours}" for theirs, ours in ATTENTION.items()
}
IN_PROJ = {"self_attn": "attention", "multihead_attn": "cross_attention", "": ""}
THREE = ("query", "key", "value")


def ours(params: Arrays) -> dict[str, np.ndarray]:
    """Parameters (or gradients) of a module, of a stack or of a whole model, under our names and in our shapes."""
    named: dict[str, np.ndarray] = {}
    for name, value in params.items():
        stem, last = _block_and_rest(name)
        owner, _, kind = last.rpartition(".")
        if kind in ("in_proj_weight", "in_proj_bias"):
            attention = stem + (IN_PROJ[owner] + "." if IN_PROJ[owner] else "")
            for part, piece in zip(THREE, np.split(value, 3), strict=True):
                named[f"{attention}{part}.{'b' if kind.endswith('bias') else 'w'}"] = piece.T
        elif kind in ("q_proj_weight", "k_proj_weight", "v_proj_weight"):
            named[f"{stem}{THREE['qkv'.index(kind[0])]}.w"] = value.T
        else:
            named[stem + (DECODER_BLOCK | ATTENTION | FINAL)[last]] = value.T
    return named


def theirs(names: Any, found: dict[str, np.ndarray]) -> Arrays:
    """The inverse of `ours`: gradients under the names and in the shapes that PyTorch has for `names`."""
    gradients: Arrays = {}
    for name, like in names.items():
        own = list(ours({name: like}))
        gradients[name] = np.concatenate([found[part].T for part in own])
    return gradients


FINAL = {"norm.weight": "norm.gamma", "norm.bias": "norm.beta"}


def _block_and_rest(name: str) -> tuple[str, str]:
    """ "encoder.layers.0.norm1.weight" -> "encoder.blocks.0.", "norm1.weight"."""
    parts = name.split(".")
    if "layers" in parts:
        i = parts.index("layers")
        return ".".join([*parts[:i], "blocks", parts[i + 1], ""]), ".".join(parts[i + 2 :])
    if parts[0] in ("encoder", "decoder"):
        return parts[0] + ".", ".".join(parts[1:])
    return "", name


def gradients(layer: Layer, params: Arrays) -> Arrays:
    return theirs(params, {name: parameter.grad for name, parameter in layer.parameters().items()})


def attention_mask(blocked: Any, padding: Any, n_heads: int, batch: int | None) -> Any:
    """Their mask (T, S) or (B H, T, S) and their padding (B, S) -> ours, broadcastable to (B, H, T, S).

    A mask of numbers is taken as 0 and -inf.  batch: None for one sequence without a batch axis.
    """
    masks = []
    if blocked is not None:
        allowed = from_blocked(blocked) if blocked.dtype == bool else from_additive(blocked)
        if allowed.ndim == 3 and batch is not None:
            allowed = allowed.reshape(batch, n_heads, *allowed.shape[1:])
        masks.append(allowed)
    if padding is not None:
        allowed = from_blocked(padding) if padding.dtype == bool else from_additive(padding)
        masks.append(allowed if batch is None else allowed[:, None, None, :])
    mask = combine_masks(*masks)
    if mask is not None and not mask.any(axis=-1).all():
        raise Skip("a query with nothing to attend to: zeros here, NaN there")
    return mask


def scaled_dot_product_attention(args: Any, kwargs: Any, params: Any, config: Any, cot: Any) -> Arrays:
    q, k, v = args[:3]
    given = args[3] if len(args) > 3 else kwargs.get("attn_mask")
    if kwargs.get("dropout_p", 0.0):
        raise Skip("dropout is random")
    mask, bias = (given, None) if given is not None and given.dtype == bool else (None, given)
    if kwargs.get("is_causal"):
        mask = causal_mask(q.shape[-2], k.shape[-2])
    n_kv_heads = k.shape[-3]
    if kwargs.get("enable_gqa"):
        k, v = repeat_heads(k, q.shape[-3]), repeat_heads(v, q.shape[-3])
    out, cache = attention_forward(q, k, v, mask, kwargs.get("scale"), bias=bias)
    grads = attention_backward_steps(cot[0], cache)
    dk, dv = grads.dk, grads.dv
    if kwargs.get("enable_gqa"):
        dk, dv = sum_repeated_heads(dk, n_kv_heads), sum_repeated_heads(dv, n_kv_heads)
    return {"out": [out], "grad_in": [grads.dq, dk, dv, grads.dbias]}


def multi_head_attention(args: Any, kwargs: Any, params: Arrays, config: Any, cot: Any) -> Arrays:
    settings = _settings(config, ("embed_dim", "num_heads", "dropout", "bias", "add_bias_kv", "add_zero_attn"))
    n_heads, batch_first = settings["num_heads"], settings.get("batch_first", False)
    q, k, v = (_batch_first(x, batch_first) for x in args[:3])
    layer = MultiHeadAttention(
        settings["embed_dim"],
        n_heads,
        np.random.default_rng(0),
        dtype="float64",
        bias=settings.get("bias", True),
        width_k=k.shape[-1],
        width_v=v.shape[-1],
    )
    extra = {name: value for name, value in params.items() if name in ("bias_k", "bias_v")}
    layer.load_state(ours({name: value for name, value in params.items() if name not in extra}))
    past = _in_front(extra, settings.get("add_zero_attn", False), layer, q)
    mask = attention_mask(
        kwargs.get("attn_mask"), kwargs.get("key_padding_mask"), n_heads, None if q.ndim == 2 else len(q)
    )
    if mask is not None and past is not None:  # what was put in front is seen by all
        mask = np.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(past.length, 0)], constant_values=True)
    y, cache = layer.forward(q, k, mask, x_v=v, past=past)
    n_past = 0 if past is None else past.length
    weights, dweights = cache.attention.weights, None if len(cot) < 2 else np.roll(cot[1], n_past, axis=-1)
    if kwargs.get("average_attn_weights", True):
        weights, mean_cache = mean_heads_forward(weights)
        dweights = None if dweights is None else mean_heads_backward(dweights, mean_cache)
    out = [_batch_first(y, batch_first), np.roll(weights, -n_past, axis=-1)]  # theirs stand behind
    grads = layer.backward(_batch_first(cot[0], batch_first), cache, dweights)
    grad_params = gradients(layer, {name: value for name, value in params.items() if name not in extra})
    for name, part in (("bias_k", "k"), ("bias_v", "v")):
        if name in extra:
            grad_params[name] = merge_heads(getattr(grads.dpast, part)[..., :1, :]).reshape(1, 1, -1)
    grad_in = [_batch_first(x, batch_first) for x in (grads.dx_q, grads.dx_kv, grads.dx_v)]
    return {"out": out, "grad_in": grad_in, "grad_params": grad_params}


def _in_front(extra: Arrays, zero: bool, layer: MultiHeadAttention, like: np.ndarray) -> KeyValue | None:
    """The learned key and value, then a key and value of zeros, as tokens that were read before."""
    lead = () if like.ndim == 2 else (1,)
    width = layer.n_heads * layer.d_head
    rows: dict[str, list[np.ndarray]] = {"k": [], "v": []}
    for part, found in rows.items():
        if f"bias_{part}" in extra:
            found.append(extra[f"bias_{part}"].reshape(*lead, 1, width))
        if zero:
            found.append(np.zeros((*lead, 1, width)))
    if not rows["k"]:
        return None
    return KeyValue(*(split_heads(np.concatenate(found, axis=-2), layer.n_heads) for found in rows.values()))


def encoder_layer(args: Any, kwargs: Any, params: Arrays, config: Any, cot: Any) -> Arrays:
    settings = _settings(config, LAYER_ARGUMENTS)
    block = _block(EncoderBlock, settings)
    return _run_block(block, settings, args, kwargs, params, cot, ("src_mask", "src_key_padding_mask"))


def decoder_layer(args: Any, kwargs: Any, params: Arrays, config: Any, cot: Any) -> Arrays:
    settings = _settings(config, LAYER_ARGUMENTS)
    block = _block(DecoderBlock, settings)
    names = ("tgt_mask", "tgt_key_padding_mask", "memory_mask", "memory_key_padding_mask")
    return _run_block(block, settings, args, kwargs, params, cot, names)


def _run_block(
    block: Any, settings: Arrays, args: Any, kwargs: Any, params: Arrays, cot: Any, names: tuple[str, ...]
) -> Arrays:
    batch_first = settings.get("batch_first", False)
    inputs = [_batch_first(x, batch_first) for x in args[: len(names) // 2]]
    block.load_state(ours(params))
    y, cache = block.forward(*inputs, *_masks(kwargs, names, settings["nhead"], inputs[0]))
    returned = block.backward(_batch_first(cot[0], batch_first), cache)
    grads = returned if isinstance(returned, tuple) else (returned,)
    return {
        "out": [_batch_first(y, batch_first)],
        "grad_in": [_batch_first(g, batch_first) for g in grads],
        "grad_params": gradients(block, params),
    }


class Transformer(Layer):
    """An encoder stack and a decoder stack, each with a final norm."""

    def __init__(self, settings: Arrays) -> None:
        sizes = [settings["d_model"], settings["nhead"], settings.get("dim_feedforward", 2048)]
        block = _block_settings(settings) | {"final_norm": True}
        rng = np.random.default_rng(0)
        self.encoder = EncoderStack(StackSettings(*sizes, settings.get("num_encoder_layers", 6), **block), rng)
        self.decoder = DecoderStack(StackSettings(*sizes, settings.get("num_decoder_layers", 6), **block), rng)


def transformer(args: Any, kwargs: Any, params: Arrays, config: Any, cot: Any) -> Arrays:
    settings = _settings(config, ("d_model", "nhead", "num_encoder_layers", "num_decoder_layers", *LAYER_ARGUMENTS[2:]))
    batch_first = settings.get("batch_first", False)
    src, tgt = (_batch_first(x, batch_first) for x in args[:2])
    model = Transformer(settings)
    model.load_state(ours(params))
    (src_mask,) = _masks(kwargs, ("src_mask", "src_key_padding_mask"), settings["nhead"], src)
    names = ("tgt_mask", "tgt_key_padding_mask", "memory_mask", "memory_key_padding_mask")
    tgt_mask, memory_mask = _masks(kwargs, names, settings["nhead"], tgt)
    memory, encoder_cache = model.encoder.forward(src, src_mask)
    y, decoder_cache = model.decoder.forward(tgt, memory, tgt_mask, memory_mask)
    dtgt, dmemory = model.decoder.backward(_batch_first(cot[0], batch_first), decoder_cache)
    dsrc = model.encoder.backward(dmemory, encoder_cache)
    return {
        "out": [_batch_first(y, batch_first)],
        "grad_in": [_batch_first(dsrc, batch_first), _batch_first(dtgt, batch_first)],
        "grad_params": gradients(model, params),
    }


LAYER_ARGUMENTS = (
    *("d_model", "nhead", "dim_feedforward", "dropout", "activation", "layer_norm_eps", "batch_first", "norm_first"),
    "bias",
)


def _settings(config: Any, names: tuple[str, ...]) -> Arrays:
    settings = dict(zip(names, config["args"], strict=False)) | config["kwargs"]
    if settings.get("dropout", 0.1 if "d_model" in settings else 0.0):
        raise Skip("dropout is random")
    return settings


def _block_settings(settings: Arrays) -> Arrays:
    return {
        "norm_place": "pre" if settings.get("norm_first", False) else "post",
        "activation": settings.get("activation", "relu"),
        "dtype": "float64",
        "eps": settings.get("layer_norm_eps", 1e-5),
        "bias": settings.get("bias", True),
    }


def _block(kind: Any, settings: Arrays) -> Any:
    sizes = (settings["d_model"], settings["nhead"], settings.get("dim_feedforward", 2048))
    return kind(BlockSettings(*sizes, **_block_settings(settings)), np.random.default_rng(0))


def _masks(kwargs: Arrays, names: tuple[str, ...], n_heads: int, x: np.ndarray) -> list[Any]:
    """One mask for each pair of names: a mask and a padding."""
    batch = None if x.ndim == 2 else len(x)
    pairs = zip(names[::2], names[1::2], strict=True)
    return [attention_mask(kwargs.get(mask), kwargs.get(padding), n_heads, batch) for mask, padding in pairs]


def _batch_first(x: Any, already: bool) -> Any:
    """(T, B, C) <-> (B, T, C); one sequence (T, C) as it is."""
    return x if already or x.ndim == 2 else x.swapaxes(0, 1)


OPS = {
    ("op", "nn.functional.scaled_dot_product_attention"): scaled_dot_product_attention,
    ("module", "MultiheadAttention"): multi_head_attention,
    ("module", "TransformerEncoderLayer"): encoder_layer,
    ("module", "TransformerDecoderLayer"): decoder_layer,
    ("module", "Transformer"): transformer,
}
