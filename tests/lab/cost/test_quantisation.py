"""Weights of a few bits: the noise has a law, and what rounding takes from a network is measured network by network."""

import functools
import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.cost import quantisation
from tfx.lab.cost.quantisation import Settings

PLACE = "tfx.lab.cost.quantisation"


def of_bits(bits, change):
    return lambda row: {**row, **change(row)} if row["bits"] == bits else row


def shorter_steps(original):
    """Codes as they are, and scales that are a tenth too small."""

    def made(w, bits, **settings):
        codes = original(w, bits, **settings)
        return codes._replace(scale=codes.scale * 0.9)

    return made


BREAKS = Table(
    Settings(bits=(8, 4, 1), models=3, steps=120),
    Broken("an error of more than half a step", {"half-step"}, row=of_bits(8, lambda row: {"half_steps": 1.01})),
    Broken("noise that no law explains", {"noise"}, row=of_bits(1, lambda row: {"noise_error": -8.0})),
    Broken("scales that are too small", {"half-step", "noise", "outlier"},
           planted={f"{PLACE}.quantise": shorter_steps}),
    Broken("bytes for one bit more", {"bytes"}, row=of_bits(4, lambda row: {"bytes": row["bytes"] + 100 / 32})),
    Broken("a scale for each column, and the loud weight's alone grows", {"outlier"},
           planted={f"{PLACE}.outlier_noise": instead(lambda rng: (7.2, 0.1))}),
    Broken("4 bits that cost", {"many"}, row=of_bits(4, lambda row: {"after_by_seed": [0.8] * 3})),
    Broken("1 bit that costs nothing", {"few", "aware"},
           row=of_bits(1, lambda row: {"after_by_seed": row["before_by_seed"]})),
    Broken("training that knows of no rounding", {"aware"},
           planted={f"{PLACE}.trained_with": instead(lambda *given: quantisation.rounded_after(*given)[1])}),
    always={f"{PLACE}.{name}": instead(functools.cache(getattr(quantisation, name)))
            for name in ("rounded_after", "trained_with")},
)  # fmt: skip


def test_one_bit_keeps_two_over_pi_of_normal_weights():
    w = np.random.default_rng(0).standard_normal((4000, 20))
    rounded = quantisation.rounding(1)(w)
    assert (rounded**2).mean() / (w**2).mean() == pytest.approx(2 / math.pi, rel=0.01)
    assert len(np.unique(abs(rounded[:, 0]))) == 1


@pytest.mark.parametrize("bits", [8, 4, 3])
def test_noise_of_steps_is_that_of_an_even_spread(bits):
    found = quantisation.noise_of(bits, np.random.default_rng(1))
    assert abs(found["noise_error"]) < 5 and found["half_steps"] <= 1
    assert found["ratio"] == pytest.approx(found["law"], abs=0.2)


def test_a_network_that_is_not_rounded_is_as_it_was():
    before, after = quantisation.rounded_after(20, 8, 0, 0)
    model, _, new = quantisation.world(0, 0)
    model.load_state(quantisation.learnt(20, 0, 0))
    assert quantisation.judge(model, new).accuracy == before and abs(before - after) < 0.02


@pytest.mark.parametrize("bits", [(8, 4), (2, 1), (3, 1)])
def test_bits_without_many_or_few_are_judged_by_those_that_are_there(bits):
    assert len(frame.run(quantisation, Settings(bits=bits, models=2, steps=2), 0).checks) == 7


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(quantisation)
    high, four, one = found.rows
    before, after, aware = (100 * np.mean(one[f"{way}_by_seed"]) for way in ("before", "after", "aware"))
    said = found.notes[0].text
    assert said.startswith(
        f"Rounded to 4 bits after training, networks name {four['after']:.3g}% rightly, before {before:.3g}%; to 1 "
        f"bit, {after:.3g}%. Learnt so they reach {aware:.3g}%: "
    )
    assert found.question.answer == pytest.approx(after)
    assert found.plots[0].title == (
        f"1 bit: {after:.3g}% right, rounded after training, {aware:.3g}% learnt so, {before:.3g}% without"
    )
    assert found.plots[1].title == (
        f"Signal over noise: {high['ratio']:.3g} dB with 8 bits, {one['ratio']:.2g} dB with 1"
    )
