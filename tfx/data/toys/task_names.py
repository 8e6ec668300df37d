"""The tasks of `tfx train`, and what each asks: a list that needs no NumPy.  tasks.py has the functions."""

from __future__ import annotations

TASK_NAMES = {
    "copy": "write each symbol where it stands",
    "reverse": "write the sequence from back to front",
    "sort": "write the symbols in increasing order",
}
