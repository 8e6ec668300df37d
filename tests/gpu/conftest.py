"""The device of a test: its name, and the module that computes there."""

from __future__ import annotations

from typing import Any

import pytest

import tests.strict_device  # noqa: F401  (registers itself)
from tfx.backend import device_module


@pytest.fixture(params=["strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> str:
    """Raises EnvironmentProblem, and so fails the test, where there is no card."""
    device_module(request.param)
    return request.param


@pytest.fixture
def xp(device: str) -> Any:
    return device_module(device)
