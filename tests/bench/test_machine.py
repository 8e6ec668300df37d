"""What a benchmark says about the machine."""

import os
import platform

import numpy as np

from tfx.bench.machine import machine, processor, usable_cores


def test_versions_and_cores_are_those_of_this_process():
    told = machine()
    assert (told["python"], told["numpy"]) == (platform.python_version(), np.__version__)
    assert 1 <= told["cores"] == usable_cores() <= (os.cpu_count() or 1)
    assert told["blas"] and told["processor"]


def test_the_processor_is_named_as_linux_names_it(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU 9000\nmodel name\t: Some CPU 9000\n", encoding="utf-8")
    assert processor(cpuinfo) == "Some CPU 9000"
    assert processor(tmp_path / "missing")
