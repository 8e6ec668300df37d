"""Two 4-bit codes in one byte: the low half first.

    byte = low + 16 high             low, high: 0 .. 15

Signed codes -8 .. 7 are stored as 4-bit two's complement, so that 15 means -1.
"""

from __future__ import annotations

import math

from tfx.backend import Array, xp_of


def pack_nibbles(codes: Array) -> Array:
    """codes: any shape, int8 in -8 .. 7 or uint8 in 0 .. 15 -> (ceil(n / 2),) uint8; an odd one out gets a 0 beside it.

    Raises TypeError for other dtypes.
    """
    if str(codes.dtype) not in ("int8", "uint8"):
        raise TypeError(f"codes must be int8 or uint8, not {codes.dtype}")
    xp = xp_of(codes)
    flat = codes.reshape(-1).astype("uint8") & 15
    if flat.size % 2:
        flat = xp.concatenate([flat, xp.zeros(1, dtype="uint8")])
    return flat[::2] | (flat[1::2] << 4)


def unpack_nibbles(packed: Array, shape: tuple[int, ...], signed: bool = True) -> Array:
    """packed: uint8 -> codes of that shape, int8 if signed, else uint8; undoes `pack_nibbles`."""
    xp = xp_of(packed)
    flat = xp.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)
    codes = flat[: math.prod(shape)].reshape(shape)
    if not signed:
        return codes
    return (codes.astype("int8") ^ 8) - xp.asarray(8, dtype="int8")  # 8 .. 15 mean -8 .. -1
