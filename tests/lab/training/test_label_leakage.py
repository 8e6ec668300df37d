import functools
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab import frame
from tfx.lab.training import label_leakage
from tfx.lab.training.label_leakage import draw_rows, least_loss
from tfx.ops.attention.masks import window_mask

PLACE = "tfx.lab.training.label_leakage"
DEFAULT = label_leakage.Settings()
SMALL = replace(DEFAULT, symbols=4, length=4, steps=80, draws=2)


def of(masked, shifted, **changed):
    """That row with other numbers."""

    def change(row):
        return {**row, **changed} if (row["masked"], row["shifted"]) == (masked, shifted) else row

    return change


BREAKS = Table(
    SMALL,
    Broken("tokens that repeat", {"both", "shift-alone"}, repeats=0.95),
    Broken(
        "a mask that lets the next input in",
        {"both", "honest", "mask-is-right"},
        planted={
            f"{PLACE}.causal_mask": lambda o: lambda n: window_mask(n, left=None, right=1),
            f"{PLACE}.measure_model": instead(label_leakage.measure_model),
        },
    ),
    Broken("a model that has not learned to copy", {"mask-alone"}, row=of("on", "off", loss=1.0)),
    Broken("... from the place after it", {"shift-alone"}, row=of("off", "on", loss=1.3)),
    Broken("... from anywhere", {"neither"}, row=of("off", "off", loss=1.0)),
    Broken("an output that moves", {"honest"}, row=of("on", "on", answer=1e-3)),
    Broken("outputs that do not move", {"cheats"}, row=of("off", "off", answer=0.0)),
    Broken("later tokens that are seen", {"mask-is-right"}, row=of("on", "off", later=1e-3)),
    Broken("a loss of next to nothing with both", {"both"}, row=of("on", "on", loss=0.01)),
    always={f"{PLACE}.measure_model": instead(functools.cache(label_leakage.measure_model))},  # trained only once
)  # fmt: skip


def test_the_least_loss_is_log_v_for_every_place_that_cannot_see_its_answer():
    found = [least_loss(DEFAULT, masked, shifted) for masked, shifted in label_leakage.CELLS]
    assert found == pytest.approx([np.log(8), 0, np.log(8) / 6, 0])


def test_tokens_are_even_and_independent_unless_they_repeat():
    rows = draw_rows(DEFAULT, 20_000, np.random.default_rng(0))
    assert np.bincount(rows.ravel()) / rows.size == pytest.approx(np.full(8, 1 / 8), abs=5e-3)
    assert (rows[:, 1:] == rows[:, :-1]).mean() == pytest.approx(1 / 8, abs=5e-3)
    again = draw_rows(replace(DEFAULT, repeats=1.0), 50, np.random.default_rng(0))
    assert (again == again[:, :1]).all()


def test_a_bigram_guess_is_no_better_than_log_v_on_these_tokens():
    """The least loss once more, from counts of pairs: what an honest model could learn of the token before."""
    rows = draw_rows(DEFAULT, 50_000, np.random.default_rng(1))
    pairs = np.zeros((8, 8))
    np.add.at(pairs, (rows[:, :-1].ravel(), rows[:, 1:].ravel()), 1.0)
    guess = pairs / pairs.sum(axis=1, keepdims=True)
    assert -(pairs * np.log(guess)).sum() / pairs.sum() == pytest.approx(np.log(8), abs=2e-3)


def test_what_is_said():
    result = BREAKS.run(label_leakage)
    both, mask, shift, neither = (row["loss"] for row in result.rows)
    assert result.notes[0].text == (
        f"Mask and shift together leave a loss of {both:.3f}, and log V is 1.386. The mask alone leaves {mask:.3f}, "
        f"the shift alone {shift:.3f}, neither {neither:.3f}: those models copy."
    )
    assert result.question.answer == shift and result.question.explanation.endswith("log V / T = 0.347.")
    curves = result.plots[0].series
    assert [curve.label for curve in curves] == ["mask and shift", "mask alone", "shift alone", "neither", "log V"]
    assert curves[0].x[0] == 8 and curves[0].x[-1] == 80 and curves[2].y == result.rows[2]["curve"]


def test_the_same_seed_gives_the_same_rows():
    few = replace(SMALL, steps=50)
    one, again, other = (frame.run(label_leakage, few, seed).rows for seed in (3, 3, 4))
    assert one == again and one != other


def test_a_model_that_copied_its_answers_cannot_write():
    """Tokens that mostly repeat: an honest model goes on with the first token, one that copies writes what it finds."""
    settings = replace(SMALL, repeats=0.8, steps=100)
    share = {}
    for masked, shifted in label_leakage.CELLS:
        model, losses = label_leakage.learn(settings, masked, shifted, 3)
        assert len(losses) == 100
        rows = label_leakage.write_on(model, settings, masked, shifted, 200, np.random.default_rng(1))
        share[masked, shifted] = float((rows[:, 1:] == rows[:, :1]).mean())
    assert share[True, True] > 0.95
    assert max(value for cell, value in share.items() if cell != (True, True)) < 0.5
