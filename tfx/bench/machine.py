"""Where something was measured: versions, processor, threads.  Every benchmark puts it among its params."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tfx.free_memory import free_memory


def machine() -> dict[str, Any]:
    """Python, NumPy and its BLAS, the processor and its cores, and PyTorch's version where it has been imported."""
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    torch = sys.modules.get("torch")
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "torch": None if torch is None else torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": usable_cores(),
    }


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, as Linux or the platform module tells it."""
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def last_level_cache_mib(caches: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Size of the largest cache of the first core, as Linux tells it; elsewhere 32 MiB, as much as most have."""
    sizes = [int(size.read_text(encoding="ascii").strip().removesuffix("K")) for size in caches.glob("index*/size")]
    return max(1, max(sizes) // 1024) if sizes else 32


def large_copy_mib() -> int:
    """So much that a cache holds only a small part: eight times the last one, or a sixteenth of the free memory where
    that is less, since a copy takes it twice."""
    free = free_memory()
    wanted = 8 * last_level_cache_mib()
    return wanted if free is None else max(1, min(wanted, int(free / 16 / 2**20)))
