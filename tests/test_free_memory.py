"""Free memory: that of the machine, or less where the process or its group may have less."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.running import ROOT, one_sentence, run
from tfx import free_memory as free

GIB = 2**30


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """8 GiB free, no limits; writes files of the system as a test wants them."""
    monkeypatch.setattr(free, "PROC", tmp_path / "proc")
    monkeypatch.setattr(free, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(free, "of_the_process", lambda: iter(()))

    def write(path: str, text: str) -> None:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="ascii")

    write("proc/meminfo", f"MemTotal: 999 kB\nMemAvailable:   {8 * 2**20} kB\n")
    return write


def test_without_limits_it_is_what_the_machine_has_free(machine):
    assert free.free_memory() == 8 * GIB
    machine("proc/self/cgroup", "0::/\n")
    machine("groups/memory.max", "max\n")
    machine("groups/memory.current", "5\n")
    assert free.free_memory() == 8 * GIB


def test_a_group_leaves_its_limit_less_what_it_uses_and_cached_files_can_go(machine):
    machine("proc/self/cgroup", "0::/a/b\n")
    machine("groups/a/b/memory.max", "max\n")
    machine("groups/a/b/memory.current", "5\n")
    machine("groups/a/memory.max", f"{3 * GIB}\n")
    machine("groups/a/memory.current", f"{2 * GIB}\n")
    assert free.free_memory() == GIB
    machine("groups/a/memory.stat", f"anon 7\ninactive_file {GIB // 2}\n")
    assert free.free_memory() == 1.5 * GIB
    machine("groups/a/memory.current", f"{5 * GIB}\n")
    assert free.free_memory() == 0.0


def test_groups_of_the_first_version_count_too(machine):
    machine("proc/self/cgroup", "4:memory:/box\n1:cpu:/box\n0::/\n")
    machine("groups/memory/box/memory.limit_in_bytes", f"{2 * GIB}\n")
    machine("groups/memory/box/memory.usage_in_bytes", f"{GIB}\n")
    machine("groups/memory/box/memory.stat", f"total_inactive_file {GIB // 4}\n")
    machine("groups/memory/memory.limit_in_bytes", "9223372036854771712\n")
    machine("groups/memory/memory.usage_in_bytes", "0\n")
    assert free.free_memory() == 1.25 * GIB


def test_a_system_that_tells_nothing_gives_what_is_installed_or_none(machine, monkeypatch):
    machine("proc/meminfo", "")
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 10}
    monkeypatch.setattr(free.os, "sysconf", lambda name: sizes[name])
    assert free.free_memory() == 40960
    monkeypatch.setattr(free.os, "sysconf", lambda name: {}[name])
    monkeypatch.delattr(free.os, "sysconf")
    assert free.free_memory() is None


LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({3 * GIB}, {3 * GIB}))
sys.argv[0] = "tfx"
from tfx_cli.__main__ import main
sys.exit(main({["explain", "scaling-variance", "--set", "d_k=8192"]!r}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ulimit -v is told by Linux")
def test_what_ulimit_leaves_is_all_that_is_asked_for(tmp_path):
    from tests.cli.running import Ran, environment

    done = subprocess.run(
        [sys.executable, "-c", LIMITED], env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True
    )
    sentence = one_sentence(Ran(done.returncode, done.stdout, done.stderr))
    assert done.returncode == 2 and sentence.startswith("tfx: these settings need about 3.7 GiB of memory, and ")
    free_then = float(sentence.split("and ")[1].split()[0])
    assert 1.0 < free_then < 3.0 and "at most half of it is used." in sentence
    assert run("explain", "scaling-variance", "--set", "help", home=tmp_path).code == 0
