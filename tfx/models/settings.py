"""What models of text and of images have in common, as settings."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from tfx.nn.block_settings import StackSettings
from tfx.nn.position_scheme import read_positions
from tfx.nn.settings import Settings, size


@dataclass(frozen=True)
class Vocabulary(Settings):
    """vocab: V, how many different tokens there are."""

    vocab: int = size()


@dataclass(frozen=True)
class TextSettings(StackSettings, Vocabulary):
    """positions: a name in nn/position_scheme.py, or settings such as Rotary(base=500_000); "learned" reaches up to
    max_len.  tied: the output shares the embedding.  scaled_embedding: look-ups times sqrt(C).  dropout: on the input
    too.  Other settings as in nn/block_settings.py.
    """

    max_len: int = size(128)
    _: KW_ONLY
    positions: Any = field(default="sinusoidal", metadata={"read": read_positions})
    tied: bool = True
    scaled_embedding: bool = True
    seed: int = size(0, 0)


@dataclass(frozen=True)
class ImageSettings(Settings):
    """image_size: (height, width) in pixels, patch: pixels on the side of a square."""

    image_size: tuple[int, int] = size()
    patch: int = size()
    n_classes: int = size()
    channels: int = size(1)
