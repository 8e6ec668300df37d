"""A model that adds one number."""

from __future__ import annotations

from dataclasses import dataclass

from tfx.models.model import Model, buildable
from tfx.nn.settings import Settings, size
from tfx.params import Parameter


@dataclass(frozen=True)
class AdderSettings(Settings):
    width: int = size(3)
    seed: int = size(0, 0)
    dtype: str = "float32"


class AdderCache:
    pass


@buildable
class Adder(Model):
    settings_type = AdderSettings

    def make(self, settings, rng):
        self.shift = Parameter(rng.standard_normal(settings.width).astype(settings.dtype))

    def forward(self, x):
        return x + self.shift.value, None
