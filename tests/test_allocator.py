"""Memory that was freed is handed out again without a page fault."""

import platform
import subprocess
import sys

import pytest

STEPS = """
import resource, sys
import numpy as np
from tfx.allocator import keep_freed_memory
kept = keep_freed_memory() if sys.argv[1] == "keep" else None
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    several = [np.ones(2**18) for _ in range(8)]  # 2 MiB each
    return float(several[-1][0])
step()
before = faults()
for _ in range(10):
    step()
print(kept, faults() - before)
"""


def faults(how):
    done = subprocess.run([sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True)
    kept, n = done.stdout.split()
    return kept, int(n)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators are left as they are")
def test_kept_memory_costs_no_page_faults_and_given_back_memory_does():
    kept, few = faults("keep")
    _, many = faults("leave")
    assert kept == "True"
    assert few < 100 and many > 10 * 100
