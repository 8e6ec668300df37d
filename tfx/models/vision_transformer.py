"""Vision Transformer: an image, cut into squares, read by the encoder that reads words.

    x = patches(images) W + b                      (B, height, width, K) -> (B, N, C)
    x = [class token; x]                           (B, N + 1, C); not with pool="mean"
    x = dropout(x + positions)
    hidden = norm(blocks(x))                       pre-LN; every square attends to every other
    pooled = hidden[:, 0]                          or the mean over the squares
    logits = pooled W_h + b_h                      (B, classes)

Nothing but the positions says that the image has two dimensions: without them it is a bag of squares.
Source: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words", section 3.1, equations 1 to 4; the head is a single
linear layer, as in fine-tuning; mean instead of class token: appendix D.3.  eps = 1e-6 from the code
published with it.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

import numpy as np

from tfx.backend import Array, xp_of
from tfx.models.model import Model, buildable
from tfx.models.settings import ImageSettings
from tfx.nn.block_cache import BlockCache
from tfx.nn.block_settings import StackSettings
from tfx.nn.dropout import Dropout
from tfx.nn.grid_positions import GridPositions
from tfx.nn.init import embedding_normal
from tfx.nn.linear import Linear
from tfx.nn.patch_embedding import PatchEmbedding, PatchEmbeddingCache
from tfx.nn.positions import FrequenciesCache, PlacesCache, Positions
from tfx.nn.settings import size
from tfx.nn.stacks import EncoderStack, StackCache
from tfx.ops.basics.class_token import ClassTokenCache, class_token_backward, class_token_forward
from tfx.ops.basics.dropout import DropoutCache
from tfx.ops.basics.linear import LinearCache
from tfx.ops.grids.patches import check_images, image_shape, patch_grid
from tfx.ops.positions.positions import PositionsCache
from tfx.params import Parameter

POOLS = ("class", "mean")


class VisionTransformerCache(NamedTuple):
    """blocks[i].weights: who attended to whom in block i; .attention.attention holds q, k and v; .x is its input."""

    patches: PatchEmbeddingCache
    class_token: ClassTokenCache | None
    positions: PositionsCache | FrequenciesCache | PlacesCache | None
    dropout: DropoutCache
    stack: StackCache
    hidden_shape: tuple[int, ...]
    head: LinearCache

    @property
    def blocks(self) -> tuple[BlockCache, ...]:
        return self.stack.blocks


@dataclass(frozen=True)
class VisionTransformerSettings(StackSettings, ImageSettings):
    """pool: "class" or "mean"; positions: "learned", "sinusoidal" (squares counted line by line), "grid" (sinusoids of
    row and column) or "none".
    """

    _: KW_ONLY
    pool: str = "class"
    positions: str = "learned"
    eps: float = 1e-6
    seed: int = size(0, 0)

    def check(self) -> None:
        super().check()
        if self.pool not in POOLS:
            raise ValueError(f"pool must be one of {', '.join(POOLS)}, not {self.pool!r}")


@buildable
class VisionTransformer(Model):
    """Settings as in VisionTransformerSettings.  Raises ValueError when squares do not fit the image."""

    settings_type = VisionTransformerSettings

    def make(self, settings: VisionTransformerSettings, rng: np.random.Generator) -> None:
        width, dtype, n_before = settings.d_model, settings.dtype, int(settings.pool == "class")
        self.image_shape = image_shape(settings.image_size, settings.channels)
        self.grid = patch_grid((0, *self.image_shape), settings.patch)
        self.patches = PatchEmbedding(settings.patch, settings.channels, width, rng, dtype)
        self.class_token = Parameter(embedding_normal(rng, 1, width, dtype)[0]) if n_before else None
        self.positions: GridPositions | Positions
        if settings.positions == "grid":
            self.positions = GridPositions(self.grid, n_before)
        else:
            self.positions = Positions(settings.positions, n_before + self.grid[0] * self.grid[1], width, rng, dtype)
        self.dropout = Dropout(settings.dropout)
        self.stack = EncoderStack(settings, rng)
        self.head = Linear(width, settings.n_classes, rng, dtype=dtype)

    def forward(self, images: Array, rng: Any = None) -> tuple[Array, VisionTransformerCache]:
        """images: (B, height, width, K) float -> logits: (B, classes), cache.  rng: dropout, None in evaluation.

        Raises ValueError for images of another size than the model's.
        """
        check_images(images, self.image_shape)
        x, patches_cache = self.patches.forward(images)
        class_cache = None
        if self.class_token is not None:
            x, class_cache = class_token_forward(x, self.class_token.value)
        x, positions_cache = self.positions.forward(x)
        x, dropout_cache = self.dropout.forward(x, rng)
        hidden, stack_cache = self.stack.forward(x, rng=rng)
        pooled = hidden.mean(axis=1) if self.class_token is None else hidden[:, 0]
        logits, head_cache = self.head.forward(pooled)
        return logits, VisionTransformerCache(
            patches_cache, class_cache, positions_cache, dropout_cache, stack_cache, hidden.shape, head_cache
        )

    def backward(self, dlogits: Array, cache: VisionTransformerCache) -> Array:
        """dlogits: (B, classes) -> dimages: (B, height, width, K).  Adds to the gradient of every parameter."""
        xp = xp_of(dlogits)
        dpooled = self.head.backward(dlogits, cache.head)  # logits = pooled W_h + b_h
        if cache.class_token is None:
            n_squares = cache.hidden_shape[1]
            dhidden = xp.broadcast_to(dpooled[:, None] / n_squares, cache.hidden_shape)  # pooled = mean(hidden)
        else:
            dhidden = xp.zeros(cache.hidden_shape, dtype=dpooled.dtype)
            dhidden[:, 0] = dpooled  # pooled = hidden[:, 0]
        dx = self.stack.backward(dhidden, cache.stack)  # hidden = norm(blocks(x))
        dx = self.dropout.backward(dx, cache.dropout)
        dx = self.positions.backward(dx, cache.positions)  # x = x + positions
        if self.class_token is not None and cache.class_token is not None:
            dx, dtoken = class_token_backward(dx, cache.class_token)  # x = [class token; x]
            self.class_token.grad += dtoken
        return self.patches.backward(dx, cache.patches)  # x = patches(images) W + b

    def class_attention(self, cache: VisionTransformerCache, layer: int = -1) -> Array:
        """-> (B, H, h, w): how much the class token attends to each square in that layer, as a picture.

        A picture sums to 1 minus what the class token gives to itself.  Raises ValueError without a class token.
        """
        if cache.class_token is None:
            raise ValueError('there is no class token to look through: the model has pool="mean"')
        if not -len(cache.blocks) <= layer < len(cache.blocks):
            raise ValueError(f"there is no layer {layer} of {len(cache.blocks)}")
        weights = cache.blocks[layer].weights  # (B, H, N + 1, N + 1)
        return weights[:, :, 0, 1:].reshape(*weights.shape[:2], *self.grid)
