"""Every function that the library asks an array module for is in the CuPy that is installed."""

from __future__ import annotations

from functools import reduce

import pytest

from tests.test_device_names import ROOMS, ROOT, used_names


@pytest.mark.gpu
def test_the_installed_cupy_has_every_name_in_use():
    import cupy

    files = [path for room in ROOMS for path in sorted((ROOT / "tfx" / room).rglob("*.py"))]
    names = {name for path in files for name, _ in used_names(path.read_text(encoding="utf-8"))}
    assert len(names) > 30
    for name in sorted(names):
        assert reduce(getattr, name.split("."), cupy) is not None, name
