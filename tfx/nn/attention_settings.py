"""How attention attends: heads of keys and values, what acts on the scores, or a kernel in place of exact attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from tfx.arguments import whole_number
from tfx.nn.efficient_attention import Kernel
from tfx.nn.settings import Settings, size


@dataclass(frozen=True)
class AttentionSettings(Settings):
    """n_kv_heads: G, the heads of keys and values (1: multi-query attention), H unless told.  d_head: D, C / H unless
    told.  bias: offsets in the four maps; as in the block unless told.  soft_cap: of the scores, scale: their factor.
    logit_dropout: on the scores, so that the weights still sum to 1; head_dropout: on whole heads.
    kernel: another way to attend, see nn/efficient_attention.py.  It has no scores that a soft cap or dropout could act
    on: they are refused beside it.
    """

    _: KW_ONLY
    n_kv_heads: int | None = size(None)
    d_head: int | None = size(None)
    bias: bool | None = None
    scale: float | None = None
    soft_cap: float | None = None
    logit_dropout: float = 0.0
    head_dropout: float = 0.0
    kernel: Kernel | None = field(default=None, metadata={"read": Kernel.read})

    def check(self) -> None:
        if self.kernel is not None:
            refuse_beside_a_kernel(self)

    def heads(self, width: int, n_heads: int) -> tuple[int, int]:
        """-> G and D.  Raises ValueError when the heads do not divide the width, or G does not divide H."""
        whole_number("n_heads", n_heads)
        if n_heads < 1 or (self.d_head is None and width % n_heads):
            raise ValueError(f"width {width} cannot be split into {n_heads} heads of equal width")
        n_kv_heads = n_heads if self.n_kv_heads is None else whole_number("n_kv_heads", self.n_kv_heads)
        if n_kv_heads < 1 or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} query heads cannot share {self.n_kv_heads} key and value heads evenly")
        return n_kv_heads, width // n_heads if self.d_head is None else whole_number("d_head", self.d_head, 1)

    @classmethod
    def read(cls, given: Any) -> AttentionSettings:
        """None for the defaults, settings by name, or the settings themselves."""
        if isinstance(given, cls):
            return given
        if given is not None and not isinstance(given, Mapping):
            raise TypeError(f'attention must be settings by name, such as {{"kernel": "tiled"}}, not {given!r}')
        return cls.of(**(given or {}))


def refuse_beside_a_kernel(settings: AttentionSettings, position_bias: Any = None) -> None:
    """Raises ValueError for what acts on scores or weights, of which a kernel shows none."""
    if settings.soft_cap is not None or settings.logit_dropout or position_bias is not None:
        raise ValueError("soft_cap, logit_dropout and position_bias act on scores, and a kernel shows none")
    if settings.head_dropout:
        raise ValueError("head_dropout acts on attention weights, and a kernel shows none")
