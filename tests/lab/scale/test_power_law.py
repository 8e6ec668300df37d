"""A power law over trained models: what breaks each check, and texts whose entropy is known by hand."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab.scale import power_law
from tfx.lab.scale.markov_texts import MarkovTexts, stationary
from tfx.models import DecoderOnly

PLACE = "tfx.lab.scale.power_law"


def same_for_all(row):
    return {**row, "each": [0.5 + 0.01 * number for number, _ in enumerate(row["each"])]}


def floor_of_none(row):
    """As if the entropy were 0."""
    return {**row, "each_loss": row["each"]}


BREAKS = Table(
    power_law.Settings(widths=(2, 4, 8, 16), vocab=32, steps=150, batch=16, seeds=2),
    Broken("models that are alike", {"falls", "hidden-by-floor"}, row=same_for_all),
    Broken("next to nothing to learn", {"falls", "hidden-by-floor"}, strength=0.01),
    Broken("no floor", {"hidden-by-floor"}, row=floor_of_none),
    Broken("the entropy of a blind guess", {"floor"}, row=lambda row: {**row, "entropy": math.log(32)}),
    Broken("another law", {"fit"}, planted={f"{PLACE}.kaplan_loss": instead(lambda n, d: (1e14 / n) ** 0.1)}),
)


def test_two_tokens_by_hand():
    """0 is followed by 1 always nearly, 1 by either: a third of the places hold 0."""
    table = np.array([[1e-9, 1 - 1e-9], [0.5, 0.5]])
    assert stationary(table) == pytest.approx([1 / 3, 2 / 3])


def test_the_stationary_chances_are_those_of_long_texts():
    texts = MarkovTexts(6, np.random.default_rng(0))
    assert texts.often @ texts.table == pytest.approx(texts.often, abs=1e-12)
    ids = texts.draw(2000, 9, np.random.default_rng(1))
    share = (ids[:, -1][:, None] == np.arange(6)).mean(axis=0)
    assert np.abs(share - texts.often).max() < 5 * math.sqrt(0.25 / 2000)


def test_texts_without_dependence_have_the_entropy_of_even_chances():
    assert MarkovTexts(8, np.random.default_rng(0), strength=1e-9).entropy == pytest.approx(math.log(8))


def test_nobody_is_below_the_floor():
    texts = MarkovTexts(6, np.random.default_rng(0))
    model = DecoderOnly(6, 4, 1, 8, 1, positions="none", tied=False)
    assert power_law.divergence(model, texts, np.random.default_rng(1)) > 0


def test_what_lessons_read_is_what_the_experiment_shows():
    screen = (Path(__file__).resolve().parents[2] / "screens/recorded/experiment-power-law.txt").read_text()
    rows = [line.split() for line in screen.splitlines() if re.match(r" +\d+ +\d+( +[\d.]+){4}$", line)]
    assert tuple((int(row[1]), float(row[2])) for row in rows) == power_law.RECORDED
    assert {float(row[5]) for row in rows} == {power_law.RECORDED_FLOOR}
