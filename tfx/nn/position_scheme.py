"""How a model knows the order of its tokens, by name: a table added to the input, or something inside attention.

"sinusoidal"  "learned"   a table, added to the embeddings once (nn/positions.py)
"rotary"    Rotary        queries and keys are turned by their places, in every block (nn/rotary.py)
"alibi"     Alibi         scores fall with the distance, in every block (ops/positions/alibi.py); nothing is learned
"sandwich"  Sandwich      scores get the inner product of two sinusoids (ops/positions/sandwich.py); nothing is learned
"relative"  Relative      a learned number for each head and bucket of distances, shared by all blocks (T5)
"dynamic"   Dynamic       a small network makes a number of each distance (nn/dynamic_position_bias.py)
"none"                    no order at all, unless a causal mask gives one away

A scheme with settings of its own is given as an object: DecoderOnly(vocab, positions=Rotary(base=500_000)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfx.nn.attention import AttentionParts
from tfx.nn.dynamic_position_bias import DynamicPositionBias
from tfx.nn.positions import KINDS
from tfx.nn.relative_bias import AlibiBias, RelativeBias, SandwichBias
from tfx.nn.rotary import Rotary
from tfx.nn.settings import NamedSettings

if TYPE_CHECKING:
    from tfx.nn.block_settings import BlockSettings, StackSettings

Rng = np.random.Generator


@dataclass(frozen=True)
class Alibi(NamedSettings):
    """causal: the form for use with a causal mask."""

    name: ClassVar[str] = "alibi"
    causal: bool = False


@dataclass(frozen=True)
class Sandwich(NamedSettings):
    """width: how wide the sinusoids are whose product is taken; it need not be the width of the model."""

    name: ClassVar[str] = "sandwich"
    width: int = 128


@dataclass(frozen=True)
class Relative(NamedSettings):
    """n_buckets, max_distance: as in ops/positions/relative_buckets.py."""

    name: ClassVar[str] = "relative"
    n_buckets: int = 32
    max_distance: int = 128


@dataclass(frozen=True)
class Dynamic(NamedSettings):
    """kind: "dynamic" or "continuous"; d_ff: width of the network; activation: its."""

    name: ClassVar[str] = "dynamic"
    kind: str = "dynamic"
    d_ff: int = 16
    activation: str = "relu"


#: Name -> the settings of what stands inside attention.
IN_ATTENTION: dict[str, type[NamedSettings]] = {
    kind.name: kind for kind in (Rotary, Alibi, Sandwich, Relative, Dynamic)
}
SCHEMES = (*KINDS, *IN_ATTENTION)


def read_positions(given: Any) -> Any:
    """-> a name, or settings where they are not those that the name stands for.

    given: a name, settings, or {"name": ..., settings}.  Raises ValueError for an unknown name.
    """
    if isinstance(given, Mapping):
        named = dict(given)
        name: Any = named.pop("name", None)
        given = IN_ATTENTION[name].of(**named) if name in IN_ATTENTION else name
    if isinstance(given, NamedSettings):
        return given.name if given == type(given)() else given
    if given not in SCHEMES:
        raise ValueError(f"positions must be one of {', '.join(SCHEMES)}, not {given!r}")
    return given


def table_of(positions: Any) -> str:
    """The kind of table for nn.Positions: "none" where order is known inside attention."""
    return positions if isinstance(positions, str) and positions in KINDS else "none"


def attention_parts(
    positions: Any, settings: StackSettings, rng: Rng, causal: bool
) -> AttentionParts | tuple[AttentionParts, ...]:
    """What the positions put inside attention: the same for all layers, or where layers differ, for each.

    Layers that are alike share what is learned.  causal: distances are to the left only.
    """
    if not any(isinstance(entry, tuple) for entry in (positions, settings.n_heads, settings.attention)):
        return _parts(positions, settings, rng, causal)
    entries = positions if isinstance(positions, tuple) else (positions,) * settings.n_layers
    if len(entries) != settings.n_layers:
        raise ValueError(f"positions has {len(entries)} entries for {settings.n_layers} layers")
    kinds: list[Any] = []
    made: list[AttentionParts] = []
    for index, entry in enumerate(entries):
        if isinstance(positions, tuple) and table_of(entry) != "none":
            raise ValueError(f"a table is added once, so layers cannot differ in it: {entry!r} is no entry of a layer")
        layer = settings.layer(index)
        kind = (entry, layer.n_heads, layer.attention.heads(layer.d_model, layer.n_heads))
        made.append(made[kinds.index(kind)] if kind in kinds else _parts(entry, layer, rng, causal))
        kinds.append(kind)
    return tuple(made)


def _parts(positions: Any, settings: BlockSettings, rng: Rng, causal: bool) -> AttentionParts:
    scheme = IN_ATTENTION[positions]() if isinstance(positions, str) and positions in IN_ATTENTION else positions
    n_heads, dtype = settings.n_heads, settings.dtype
    if isinstance(scheme, Rotary):
        return AttentionParts(rotary=scheme.fitted(settings.attention.heads(settings.d_model, n_heads)[1]))
    bias: Any = None
    if isinstance(scheme, Alibi):
        bias = AlibiBias(n_heads, scheme.causal)
    elif isinstance(scheme, Sandwich):
        bias = SandwichBias(n_heads, scheme.width)
    elif isinstance(scheme, Relative):
        bias = RelativeBias(n_heads, rng, scheme.n_buckets, scheme.max_distance, not causal, dtype)
    elif isinstance(scheme, Dynamic):
        bias = DynamicPositionBias(n_heads, scheme.d_ff, rng, scheme.kind, None, scheme.activation, dtype)
    return AttentionParts(position_bias=bias)
