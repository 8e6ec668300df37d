"""Gradients in float16: the shares that are lost are known, and each check notices what is taken from it."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.training import loss_scaling

PLACE = "tfx.lab.training.loss_scaling"


def without_subnormals(to_half):
    return lambda x: to_half(np.where(x < np.finfo(np.float16).tiny, 0.0, x))


BREAKS = Table(
    loss_scaling.Settings(scales=(0, 10, 24, 36), gradients=4000),
    Broken("a float16 that ends at its normal numbers", {"flushed"}, {f"{PLACE}.to_half": without_subnormals}),
    Broken(
        "a float16 without infinity",
        {"overflow"},
        {f"{PLACE}.to_half": lambda o: lambda x: o(np.where(x < 65504.0, x, np.nan))},
    ),
    Broken("a float16 of fewer bits", {"rounding"}, {f"{PLACE}.to_half": lambda o: lambda x: o(x * (1 + 2.0**-9))}),
    Broken("a loss that is not shared", {"model-loses"}, parts=1),
    Broken("no scale that is large enough", {"model-saved"}, scales=(0, 1)),
    Broken("updates that float16 takes", {"half-stays"}, {f"{PLACE}.UPDATE": instead(1e-3)}),
    Broken(
        "no float32 copy",
        {"master"},
        {f"{PLACE}.updated": lambda o: lambda times, size, master: o(times, size, False)},
    ),
    Broken(
        "updates twice as large",
        {"half-a-step"},
        {f"{PLACE}.updated": lambda o: lambda times, size, master: o(times, size if times > 1 else 2 * size, master)},
    ),
)


@pytest.mark.parametrize("seed", range(2))
def test_all_checks_hold(seed):
    found = frame.run(loss_scaling, loss_scaling.Settings(), seed, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_the_shares_are_those_of_the_logarithms():
    assert loss_scaling.laws(0, -10.0, -2.0) == (pytest.approx((10 - 25 * math.log10(2)) / 8), 0.0)
    assert loss_scaling.laws(24, -10.0, -2.0) == (0.0, pytest.approx((24 * math.log10(2) - 2 - math.log10(65520)) / 8))
    assert loss_scaling.laws(100, -10.0, -2.0) == (0.0, 1.0)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(loss_scaling)
    first, last = found.rows[0], found.rows[-1]
    best = sorted(found.rows, key=lambda row: row["model_error"])[0]
    true = 10 ** np.random.default_rng([0]).uniform(-10, -2, 4000)
    lost = (true.astype("float16") == 0).mean()
    assert first["flushed"] == lost and abs(lost - 0.309) < 0.04
    assert found.question.answer == lost
    assert found.notes[0].text == (
        f"At scale 2^0 float16 makes {lost:.0%} of the gradients zero, and a model's gradient is off by "
        f"{first['model_error']:.0%}. At 2^{best['scale']} these are {best['flushed']:.0%} and "
        f"{best['model_error']:.1%}; at 2^36 {last['overflowed']:.0%} overflow."
    )
    assert "leave a float16 weight of 1 at 1, and bring its float32 copy to 1.1." in found.notes[2].text
    assert [plot.title for plot in found.plots] == [
        f"float16 makes {lost:.0%} of the gradients zero at scale 2^0, and {last['overflowed']:.0%} infinite at 2^36",
        f"A model's gradient is off by {first['model_error']:.0%} at scale 2^0, by {best['model_error']:.1%} at "
        f"2^{best['scale']}",
    ]


def test_a_scale_that_overflows_is_named_and_not_drawn():
    found = frame.run(loss_scaling, loss_scaling.Settings(scales=(0, 15, 40), parts=1, gradients=100), 0)
    assert found.rows[-1]["model_error"] == math.inf
    assert found.plots[1].title.endswith("; from 2^40 on it overflows") and len(found.plots[1].series[0].x) == 2
