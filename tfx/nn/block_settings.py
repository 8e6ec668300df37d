"""What a block can be, and what a stack of blocks can be.

The settings of a stack are those of its blocks and a few more.  Layers may differ: a setting of a block may be a tuple
with one entry for each layer, and `layer(i)` gives the settings of one of them.

    StackSettings(64, 4, 256, 2, activation=("relu", "swiglu"), experts=(None, {"n": 4}))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import Any

from tfx.arguments import number
from tfx.nn.attention_settings import AttentionSettings
from tfx.nn.expert_settings import ExpertSettings
from tfx.nn.feed_forward import check_activation
from tfx.nn.normalisation import PLACEMENTS, check_norm, check_placement
from tfx.nn.settings import S, Settings, size
from tfx.ops.basics.stochastic_depth import linear_decay_rates

#: The settings of a block in which the layers of a stack cannot differ.
FOR_ALL_LAYERS = ("d_model", "dropout", "parallel", "dtype")


@dataclass(frozen=True)
class PlainBlockSettings(Settings):
    """What every block has.

    norm: what the norms are, see nn/normalisation.py; norm_place: where they stand, "pre", "post" or "inner", see
    nn/residual.py; eps: theirs.  activation: also "glu", "swiglu" ... for a gated feed-forward network, see
    nn/feed_forward.py.  bias: offsets in maps and norms.  dropout: on attention weights and sub-layer outputs.
    """

    d_model: int = size(64)
    n_heads: int = size(4)
    d_ff: int = size(256)
    _: KW_ONLY
    norm: str = "layer_norm"
    norm_place: str = "pre"
    eps: float = 1e-5
    activation: str = "gelu"
    bias: bool = True
    dropout: float = 0.0
    dtype: str = "float32"

    def check(self) -> None:
        for kind in _entries(self.norm):
            check_norm(kind)
        for place in _entries(self.norm_place):
            check_placement(place)
        for activation in _entries(self.activation):
            check_activation(activation)
        for eps in _entries(self.eps):
            number("eps", eps, 0)

    @classmethod
    def from_dict(cls: type[S], saved: Mapping[str, Any]) -> S:
        """Also what was saved when the place of the norms was called norm, and their kind norm_kind."""
        saved = dict(saved)
        if saved.get("norm") in PLACEMENTS:
            saved["norm_place"] = saved.pop("norm")
        if "norm_kind" in saved:
            saved["norm"] = saved.pop("norm_kind")
        return cls.of(**saved)


@dataclass(frozen=True)
class BlockSettings(PlainBlockSettings):
    """drop_path: the rate of stochastic depth.  attention: see AttentionSettings.  experts: a mixture of them that
    stands in for the feed-forward network, see ExpertSettings.  parallel: attention and feed-forward network side by
    side, see nn/parallel_block.py.
    """

    _: KW_ONLY
    drop_path: float = 0.0
    attention: AttentionSettings = field(default=AttentionSettings(), metadata={"read": AttentionSettings.read})
    experts: ExpertSettings | None = field(default=None, metadata={"read": ExpertSettings.read})
    parallel: bool = False


@dataclass(frozen=True)
class StackSettings(BlockSettings):
    """drop_path: of the last block; it grows linearly from the first.  expert_every: 1 for experts in every block, 2
    for every other one, the second first (GShard, GLaM, Switch).  shared: one block, used n_layers times.
    final_norm: one after the last block, None = where the blocks do not end with one.
    """

    n_layers: int = size(2, 0)
    _: KW_ONLY
    expert_every: int = 1
    shared: bool = False
    final_norm: bool | None = None

    def check(self) -> None:
        super().check()
        if self.expert_every < 1:
            raise ValueError(f"experts stand in every 1st, 2nd, ... block, not in every {self.expert_every}th")
        for name in (setting.name for setting in fields(BlockSettings)):
            entries = getattr(self, name)
            if isinstance(entries, tuple):
                if name in FOR_ALL_LAYERS or self.shared:
                    raise ValueError(f"{name} is one for all layers, not {entries!r}")
                if len(entries) != self.n_layers:
                    raise ValueError(f"{name} has {len(entries)} entries for {self.n_layers} layers")

    def layer(self, index: int) -> BlockSettings:
        """The settings of one block, counted from 0."""
        own = {setting.name: getattr(self, setting.name) for setting in fields(BlockSettings)}
        own = {name: value[index] if isinstance(value, tuple) else value for name, value in own.items()}
        if not self.shared:
            if not isinstance(self.drop_path, tuple):
                own["drop_path"] = linear_decay_rates(self.n_layers, self.drop_path)[index]
            if (index + 1) % self.expert_every:
                own["experts"] = None
        return BlockSettings(**own)


def _entries(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
