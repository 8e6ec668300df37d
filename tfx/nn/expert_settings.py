"""What a mixture of experts can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from tfx.arguments import whole_number
from tfx.nn.settings import Settings
from tfx.ops.experts.expert_capacity import expert_capacity
from tfx.ops.experts.router_losses import check_losses

LEVELS = ("token", "sequence")


@dataclass(frozen=True)
class ExpertSettings(Settings):
    """d_ff: F of each expert, one number or E of them (experts of several scales); the block's unless told.

    n: E; k: experts for a token.  renormalise: gates sum to 1; unless told, for k > 1 (top-k), and not for k = 1
    (Switch).  noisy: noise on the logits while training, of a size that is learnt.
    capacity_factor: places of an expert, in even shares; None = no limit, nothing is dropped.  by_importance: tokens
    with the largest gates get places first, instead of the first in the batch.
    level: "token", or "sequence": one choice for all tokens of a sequence, from their mean.
    With a choice for a sequence, or a limit on places, what a token gets depends on later ones: not for step by step.
    losses: name -> coefficient, see ops/experts/router_losses.py; an even load at 0.01 unless told.
    Raises ValueError for k outside 1 .. E and other settings that cannot be.
    """

    _: KW_ONLY
    n: int = 8
    k: int = 2
    d_ff: int | tuple[int, ...] | None = None
    renormalise: bool | None = None
    noisy: bool = False
    capacity_factor: float | None = None
    by_importance: bool = False
    level: str = "token"
    losses: Mapping[str, float] | None = None

    def complete(self) -> None:
        if self.losses is not None and not isinstance(self.losses, Mapping):
            raise TypeError(f"losses are coefficients by name, not {self.losses!r}")
        if self.losses is not None:
            object.__setattr__(self, "losses", dict(self.losses))

    def check(self) -> None:
        n, k = self.n, self.k
        if whole_number("n", n) < 1:
            raise ValueError(f"a mixture needs at least one expert, not {n}")
        if not 1 <= whole_number("k", k) <= n:
            raise ValueError(f"a token can choose 1 to {n} of {n} experts, not {k}")
        if self.level not in LEVELS:
            raise ValueError(f'the level of routing must be one of {", ".join(LEVELS)}, not "{self.level}"')
        if self.capacity_factor is not None:
            expert_capacity(0, n, k, self.capacity_factor)  # raises for a factor that leaves no place
        losses = self.coefficients
        check_losses(losses)
        if losses.get("load") and (not self.noisy or k == n):
            raise ValueError("the load loss asks what noise would change: it needs noisy=True and k < n")

    @property
    def coefficients(self) -> dict[str, float]:
        """The losses, and what they weigh."""
        return {"balance": 0.01} if self.losses is None else dict(self.losses)

    @classmethod
    def read(cls, given: Any) -> ExpertSettings | None:
        """None for no mixture, settings by name, or the settings themselves."""
        if given is None or isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise TypeError(f'experts must be settings by name, such as {{"n": 4, "k": 2}}, not {given!r}')
        return cls.of(**given)
