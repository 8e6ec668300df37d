"""How much memory could be used now: what the system has free, within what this process and its group may have.

A container and `ulimit -v` leave less than the machine has.  Where a limit cannot be read, it is taken for none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC, GROUPS = Path("/proc"), Path("/sys/fs/cgroup")
#: of a control group, version 2 and version 1: its limit, what it uses, and the part of that which only caches files
FILES = (("memory.max", "memory.current", "inactive_file"),
         ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"))  # fmt: skip


def free_memory() -> float | None:
    """Bytes that could be used now; None where the system does not tell."""
    known = [*of_the_system(), *of_the_process(), *of_the_groups()]
    return max(min(known), 0.0) if known else None


def of_the_system() -> Iterator[float]:
    """What is free on the machine; where it is not Linux, what is installed stands in for that."""
    available = number_in(PROC / "meminfo", "MemAvailable:")
    if available is not None:
        yield available * 1024
        return
    try:
        yield float(os.sysconf("SC_PAGE_SIZE")) * float(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return


def of_the_process() -> Iterator[float]:
    """What `ulimit -v` leaves of the address space."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = number_in(PROC / "self" / "status", "VmSize:")
    if limit != resource.RLIM_INFINITY and used is not None:
        yield limit - used * 1024


def of_the_groups() -> Iterator[float]:
    """What the control groups leave: that of the process and all above it.  A container sees its own as the root."""
    for line in lines_of(PROC / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root = GROUPS / controllers
            place = root / path.lstrip("/")
            for folder in (place, *place.parents):
                yield from left_in(folder)
                if folder == root:
                    break


def left_in(folder: Path) -> Iterator[float]:
    """limit - what is used and could not be dropped at once."""
    for limit_file, used_file, cached in FILES:
        limit, used = number_in(folder / limit_file), number_in(folder / used_file)
        if limit is not None and used is not None:
            yield limit - (used - (number_in(folder / "memory.stat", cached) or 0.0))


def number_in(path: Path, name: str = "") -> float | None:
    """The number that stands behind the name in a line, or alone; None where there is none ("max", no such file)."""
    for line in lines_of(path):
        words = line.split()
        if words and (not name or words[0] == name):
            number = words[1 if name else 0]
            return float(number) if number.isdigit() else None
    return None


def lines_of(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return []
