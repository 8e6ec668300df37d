"""Freed memory that stays with the process.

A training step makes and frees the same arrays again and again.  glibc gives large ones back to the system at once, so
that each step asks for them anew, and the system hands out every page of 4 KiB with a fault, filled with zeros: a tenth
of a step, more on a virtual machine.  Told to keep what was freed, it hands out the same, warm memory.  The price is
that the process stays as large as it ever was.

macOS, Windows and musl have other allocators, which are left as they are.
"""

from __future__ import annotations

import ctypes

#: Numbers of the settings in glibc's malloc.h, with what they are set to.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_SETTINGS = {
    _MMAP_THRESHOLD: 32 * 2**20,  # the most it allows: an array above that gets, and gives back, memory of its own
    _TRIM_THRESHOLD: 2**31 - 1,  # free memory at the end of the heap is kept up to this
    _ARENA_MAX: 1,  # one heap for all threads; with several, each that falls empty goes back
}


def keep_freed_memory() -> bool:
    """True when the allocator was told so; False where it is not glibc's.  It cannot be undone in this process."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all(bool(mallopt(setting, value)) for setting, value in _SETTINGS.items())
