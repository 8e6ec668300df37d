"""The letters of every shape in this library, declared once.

    B  batch                       C  model width (d_model)
    T  query length                F  feed-forward width (d_ff)
    S  key (and value) length      V  vocabulary size
    H  heads                       L  layers
    D  head width (d_k and d_v)    E  experts

A gradient is `d` + the name of what it belongs to and has its shape: `dx` goes with `x`.
Masks are boolean and broadcast to (..., T, S); True means "may attend".
"""

from __future__ import annotations

LETTERS = {
    "B": "batch",
    "T": "query length",
    "S": "key length",
    "C": "model width",
    "H": "heads",
    "D": "head width",
    "F": "feed-forward width",
    "V": "vocabulary size",
    "L": "layers",
    "E": "experts",
}
