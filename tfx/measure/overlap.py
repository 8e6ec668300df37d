"""Intersection over union: how well does one box cover another?

    IoU = area of the intersection / area of the union          1 = the same box, 0 = apart

Source: the measure of the PASCAL VOC challenge, Everingham et al. 2010, section 4.2, where 0.5 counts as found.
"""

from __future__ import annotations

import numpy as np


def intersection_over_union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """first, second: (..., 4) boxes as (top, left, height, width), sizes not negative -> (...,)."""
    begin = np.maximum(first[..., :2], second[..., :2])
    end = np.minimum(first[..., :2] + first[..., 2:], second[..., :2] + second[..., 2:])
    both = np.prod(np.maximum(end - begin, 0), axis=-1)
    union = np.prod(first[..., 2:], axis=-1) + np.prod(second[..., 2:], axis=-1) - both
    return both / np.where(union > 0, union, 1)
