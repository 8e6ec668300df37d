import math
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, nan_where, times
from tests.strict_device import xp
from tfx.lab import frame
from tfx.lab.attention import temperature

PLACE = "tfx.lab.attention.temperature"
ATTENTION = f"{PLACE}.attention_forward"
SMALL = replace(temperature.Settings(), factors=(0.01, 1, 4, 1000), queries=60)
LAST = {"one-key", "its-value"}


def scaled(factor):
    """Attention whose scores are so many times as large as was asked."""
    return lambda o: lambda q, k, v, scale: o(q, k, v, scale=factor * scale)


BREAKS = Table(
    SMALL,
    Broken("no factor near 0", {"even"}, factors=(1, 2, 1000)),
    Broken("no large factor", LAST, factors=(0.01, 1, 4)),
    Broken("two keys tie for the best", LAST, best=2),
    Broken("an output twice as long", {"its-value"}, row=times(2, "output")),
    Broken("one key counts for more", {"one-key"}, row=times(1.1, "worth")),
    Broken("a step that is too long", {"slope"}, planted={f"{PLACE}.STEP": instead(0.3)}),
    Broken("entropy the other way round", {"sharper"}, row=lambda row: {**row, "entropy": 1 - row["entropy"]}),
    Broken("scores a tenth too large", {"even", "slope", "bounds"}, planted={ATTENTION: scaled(1.1)}),
    Broken("half the lead", {"bounds"}, planted={f"{PLACE}.outside": lambda o: lambda s, p, f: o(s / 2, p, f)}),
    Broken(
        "NaN in every weight and output",
        {"even", "slope", "sharper", "bounds", *LAST},
        planted={ATTENTION: nan_where(lambda q: True)},
    ),
)  # fmt: skip


def run(settings, seed, **asked):
    return frame.run(temperature, settings, seed, **asked)


@pytest.mark.parametrize("seed", range(5))
def test_all_checks_hold(seed):
    assert not [check for check in run(temperature.Settings(), seed, quick=True).checks if not check.holds]


def test_the_weights_are_those_of_the_formula():
    """One query by bare NumPy."""
    this = frame.prepare(temperature, replace(SMALL, queries=2), 4)
    q, k, v = temperature.draw(this)
    row = temperature.measure_row(this, 3.0)
    tops, worths, outputs = [], [], []
    for i in range(2):
        s = k[i] @ q[i, 0] / 4
        p = np.exp(3 * s) / np.exp(3 * s).sum()
        tops.append(p.max())
        worths.append(math.exp(-(p * np.log(p)).sum()))
        outputs.append(((p @ v[i]) ** 2).mean())
    assert row["top"] == pytest.approx(np.mean(tops)) and row["worth"] == pytest.approx(np.mean(worths))
    assert row["output"] == pytest.approx(math.sqrt(np.mean(outputs)))


def test_the_scores_have_variance_one_at_every_width():
    for d_k in (1, 4, 64):
        this = frame.prepare(temperature, replace(SMALL, queries=400, d_k=d_k), 0)
        q, k, _ = temperature.draw(this)
        assert (k @ q[:, 0, :, None] / math.sqrt(d_k)).var() == pytest.approx(1, abs=0.05)


def test_two_best_keys_share_the_weight_at_any_factor():
    last = run(replace(SMALL, best=2), 0).rows[-1]
    assert last["worth"] == pytest.approx(2, abs=0.05) and last["top"] == pytest.approx(0.5, abs=0.01)


def test_what_is_said_is_what_was_measured():
    found = run(temperature.Settings(), 0, quick=True)
    one = next(row for row in found.rows if row["factor"] == 1)
    assert found.question.answer == one["worth"] == pytest.approx(64 * math.exp(-0.5), rel=0.1)
    assert found.notes[0].text == (
        f"At factor 1 the weights are worth {one['worth']:.1f} of 64 equal keys, at factor 1000 "
        f"{found.rows[-1]['worth']:.2f}. A factor only turns up the gaps that are there."
    )


def test_a_device_finds_the_same(monkeypatch):
    host = run(SMALL, 1)
    monkeypatch.setattr(frame, "device_module", lambda device: xp)
    assert run(SMALL, 1, device="cuda").rows == host.rows


def test_more_queries_are_asked_in_full():
    assert temperature.Settings().full().queries == 10_000
