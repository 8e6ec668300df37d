"""Every experiment on the strict device: nothing mixes host and device, and the numbers are those of the host."""

from dataclasses import replace

import pytest

from tests.strict_device import xp
from tfx.lab import experiment_module, experiments, frame
from tfx.lab.attention import masking, saturation, scaling
from tfx.lab.cost import complexity

SETTINGS = {
    "scaling": scaling.Settings(d_k=(1, 16, 64), pairs=2000, softmax_rows=20),
    "saturation": saturation.Settings(random_rows=100),
    "masking": masking.Settings(),
    "complexity": replace(complexity.Settings(), lengths=(8, 16, 32), d_model=16, turns=3),
}


@pytest.fixture(params=SETTINGS)
def experiment(request, monkeypatch):
    module = experiment_module(request.param)
    host = frame.run(module, SETTINGS[request.param], 0)
    monkeypatch.setattr(frame, "device_module", lambda device: xp)
    return host, frame.run(module, SETTINGS[request.param], 0, device="cuda")


def test_an_experiment_runs_on_a_device_and_finds_the_same(experiment):
    host, device = experiment
    assert device.params["device"] == "cuda"
    if host.name == "complexity":  # seconds differ, counts do not; memory is not traced on a device
        counts = [check for check in host.checks if check.id.startswith("count-")]
        assert [check for check in device.checks if check.id.startswith("count-")] == counts
        assert all(row["peak_mib"] is None for row in device.rows)
    else:
        assert device.rows == host.rows and device.checks == host.checks


@pytest.mark.gpu
@pytest.mark.parametrize("name", experiments())
def test_an_experiment_holds_on_a_graphics_card(name):
    result = frame.run(experiment_module(name), experiment_module(name).Settings(), 0, quick=True, device="cuda")
    timed = {"time-attention", "time-projections", "time-crossing"}  # a card is not filled by small n
    assert all(check.holds for check in result.checks if check.id not in timed), result.checks
