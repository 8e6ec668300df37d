"""Images as sequences: patches, the class token, and the Vision Transformer."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tfx.gradcheck.case import Case, Control, Problem, layer_problem
from tfx.gradcheck.cases.sizes import B, C, D, F, H, Rng, T
from tfx.models.vision_transformer import VisionTransformer
from tfx.nn.grid_positions import GridPositions
from tfx.nn.patch_embedding import PatchEmbedding
from tfx.ops.basics.class_token import ClassTokenCache, class_token_backward, class_token_forward
from tfx.ops.grids.patches import PatchesCache, patch_grid, patches_backward, patches_forward

CHANNELS = 3


def _images(rng: Rng, height: int, width: int) -> np.ndarray:
    return rng.standard_normal((B, height, width, CHANNELS))


def patches(rng: Rng, height: int = 4, width: int = 6, patch: int = 2) -> Problem:
    return Problem(patches_forward, patches_backward, {"images": _images(rng, height, width)}, {"patch": patch})


def class_token(rng: Rng) -> Problem:
    inputs = {"x": rng.standard_normal((B, T, C)), "token": rng.standard_normal(C)}
    return Problem(class_token_forward, class_token_backward, inputs)


def patches_as_strips(dy: Any, cache: PatchesCache) -> Any:
    """A reshape without the swap of axes: the numbers of one square land in a strip of the image."""
    return dy.reshape(cache.shape)


def patches_column_by_column(dy: Any, cache: PatchesCache) -> Any:
    h, w = patch_grid(cache.shape, cache.patch)
    turned = dy.reshape(dy.shape[0], w, h, dy.shape[2]).swapaxes(1, 2).reshape(dy.shape)
    return patches_backward(turned, cache)


def class_token_of_one_sequence(dy: Any, cache: ClassTokenCache) -> Any:
    return dy[:, 1:], dy[0, 0]


def patch_embedding(rng: Rng) -> Problem:
    return layer_problem(PatchEmbedding(2, CHANNELS, C, rng), rng, {"images": _images(rng, 4, 6)})


def grid(rng: Rng) -> Problem:
    return layer_problem(GridPositions((2, 3), n_before=1), rng, {"x": rng.standard_normal((B, 7, D))})


def vision_transformer(rng: Rng, **settings: Any) -> Problem:
    sizes: dict[str, Any] = {"channels": CHANNELS, "d_model": C, "n_heads": H, "d_ff": F, "n_layers": 1}
    model = VisionTransformer((4, 6), 2, 5, dropout=0.2, **sizes | settings)
    return layer_problem(model, rng, {"images": _images(rng, 4, 6)}, dropout_seed=5, directions=1)


CASES: tuple[Case, ...] = (
    Case(patches_backward, "squares of 2", patches),
    Case(patches_backward, "squares of 3, one below the other", partial(patches, height=9, width=3, patch=3)),
    Case(patches_backward, "single pixels", partial(patches, height=2, width=3, patch=1)),
    Case(class_token_backward, "batch of sequences", class_token),
    Case(PatchEmbedding, "three channels", patch_embedding),
    Case(GridPositions, "a token before the grid", grid),
    Case(VisionTransformer, "class token, learned positions, dropout", vision_transformer),
    Case(VisionTransformer, "mean of the patches", partial(vision_transformer, pool="mean")),
    Case(VisionTransformer, "positions on a grid", partial(vision_transformer, positions="grid", d_model=6)),
    Case(VisionTransformer, "no positions", partial(vision_transformer, positions="none")),
)

CONTROLS: tuple[Control, ...] = (
    Control("patches", "the axes are not swapped back", patches_as_strips, patches),
    Control("patches", "the squares are read column by column", patches_column_by_column, patches),
    Control("class_token", "only the first sequence counts", class_token_of_one_sequence, class_token),
)
