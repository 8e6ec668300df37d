"""Small models learn the toy tasks of tfx.data.toys, and do not where something that the task needs is taken away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest

from tfx.data.toys import grid_world
from tfx.data.toys.addition import Addition
from tfx.data.toys.agreement import Agreement
from tfx.data.toys.brackets import Brackets
from tfx.data.toys.entities import Entities
from tfx.data.toys.expressions import END, Expressions, is_expression, spelled
from tfx.data.toys.grid_world import GridMoves
from tfx.data.toys.labelled_sequences import LabelledSequences
from tfx.data.toys.lookup import Lookup
from tfx.data.toys.marked_summary import MarkedSummary
from tfx.data.toys.melodies import Melodies
from tfx.data.toys.motifs import Motifs
from tfx.data.toys.next_items import NextItems
from tfx.data.toys.repeats import Repeats
from tfx.data.toys.series import Series
from tfx.data.toys.shapes import ShapePixels, Shapes
from tfx.data.toys.styles import Styles
from tfx.data.toys.tasks import TASKS
from tfx.data.toys.translation import Translation
from tfx.measure.ablation import head_importance
from tfx.measure.activation_patching import restored
from tfx.measure.bleu import bleu
from tfx.measure.induction import induction_scores
from tfx.measure.ranking import auroc
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.train.toys import examine, learn_toy

TWO = {"n_layers": 2}
SQUARES = {"n_layers": 2, "positions": "learned", "batch": 32}
ONE_TOKEN = {"n_layers": 0}  # no attention: every token for itself
NO_ORDER = {"positions": "none"}


class Task(NamedTuple):
    """What is reached after `steps`: accuracy, or the share of rows that are right everywhere, above `least`; and with
    `control` instead it stays below `most`."""

    toy: Any
    steps: int
    sizes: dict[str, Any]
    measure: str
    least: float
    control: dict[str, Any] | None = None
    most: float = 0.0


REVERSE = replace(TASKS["reverse"], length=6, n_symbols=6)

QUICK = {
    "reverse": Task(REVERSE, 250, {}, "whole", 0.97, NO_ORDER, 0.05),
    "routing of tickets": Task(LabelledSequences(n_classes=5), 150, {}, "accuracy", 0.97),
    "entities": Task(Entities(), 150, {}, "accuracy", 0.94, ONE_TOKEN, 0.85),
    "styles": Task(Styles(), 150, {}, "whole", 0.97, ONE_TOKEN, 0.2),
}
SLOW = {
    "spam": Task(LabelledSequences(), 100, {}, "accuracy", 0.97),
    "translation": Task(Translation(), 200, {}, "whole", 0.97),
    "sentiment with negation": Task(LabelledSequences(negation=True), 300, TWO, "accuracy", 0.97, NO_ORDER, 0.8),
    "translation into two languages": Task(Translation(n_languages=2), 300, {}, "whole", 0.97, NO_ORDER, 0.3),
    "summaries by marks": Task(MarkedSummary(length=6), 300, TWO, "whole", 0.97),
    "grammar repair": Task(Agreement(), 300, TWO, "whole", 0.97, ONE_TOKEN, 0.01),
    "motifs": Task(Motifs(length=12), 400, TWO, "accuracy", 0.95, ONE_TOKEN, 0.85),
    "brackets": Task(Brackets(), 400, TWO, "whole", 0.97, NO_ORDER, 0.3),
    "melodies": Task(Melodies(), 400, {**TWO, "positions": "rotary"}, "accuracy", 0.95, ONE_TOKEN, 0.3),
    "segmentation": Task(ShapePixels(Shapes(side=6, lost=0.1)), 300, SQUARES, "accuracy", 0.94, ONE_TOKEN, 0.9),
    "lost pixels": Task(
        ShapePixels(Shapes(side=5, lost=0.2), "clean"), 300, SQUARES, "accuracy", 0.86, ONE_TOKEN, 0.75
    ),
}


def reached(task: Task, sizes: dict[str, Any]) -> float:
    return float(getattr(learn_toy(task.toy, task.steps, **sizes), task.measure))


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_task_is_learnt(name):
    assert reached(QUICK[name], QUICK[name].sizes) > QUICK[name].least


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_a_task_is_learnt(name):
    assert reached(SLOW[name], SLOW[name].sizes) > SLOW[name].least


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, task in {**QUICK, **SLOW}.items() if task.control is not None])
def test_without_what_it_needs_it_is_not(name):
    task = {**QUICK, **SLOW}[name]
    assert task.control is not None
    assert reached(task, {**task.sizes, **task.control}) < task.most


@pytest.mark.slow
def test_an_answer_is_read_from_the_text_in_two_steps_and_no_width_replaces_the_second():
    """Find the key, then read the place after it: one layer, wider and with as many parameters, cannot."""
    settings = {"steps": 800, "learning_rate": 1e-2, "positions": "learned"}
    deep = learn_toy(Lookup(), **settings, **TWO)
    wide = learn_toy(Lookup(), **settings, n_layers=1, d_model=48, d_ff=96)
    assert wide.model.n_parameters > deep.model.n_parameters
    assert deep.whole > 0.95
    assert wide.accuracy < 0.7


@pytest.mark.slow
def test_addition_is_learnt_from_many_sums_and_learnt_by_heart_from_few():
    sizes = {"n_layers": 2, "d_model": 48, "d_ff": 128, "positions": "learned", "learning_rate": 8e-3}
    assert learn_toy(Addition(), 800, **sizes).whole > 0.95
    by_heart = learn_toy(Addition(), 300, pool=200, **sizes)
    assert by_heart.losses[-1] < 0.05
    assert by_heart.whole < 0.3


def test_bleu_of_a_learnt_translation_is_high_and_of_an_unlearnt_one_is_not():
    toy = Translation(n_words=4)
    drawn = toy.draw(50, np.random.default_rng(5), held_out=True)
    references = [[row] for row in drawn.tgt[:, 1:].tolist()]
    scores = []
    for steps in (120, 1):
        logits = examine(learn_toy(toy, steps, d_model=24).model, drawn).logits
        scores.append(bleu(logits.argmax(axis=-1).tolist(), references).score)
    assert scores[0] > 0.9 and scores[1] < 0.1


def test_the_next_item_is_found_better_than_by_popularity():
    toy = NextItems()
    learnt = learn_toy(toy, 150, learning_rate=1e-2)
    drawn = toy.draw(500, np.random.default_rng(7), held_out=True)
    best = np.argsort(-examine(learnt.model, drawn).logits, axis=-1)[..., :3]
    hits = (best == drawn.targets[..., None]).any(axis=-1)[drawn.asked].mean()
    popular = np.isin(drawn.targets, np.argsort(-toy.popularity())[:3])[drawn.asked].mean()
    assert hits > 0.65 > 0.4 > popular


@pytest.mark.slow
def test_a_series_is_forecast_better_than_by_its_last_value_and_a_spike_is_noticed():
    toy = Series()
    model = learn_toy(toy, 300).model
    drawn, centres = toy.draw(300, np.random.default_rng(7), held_out=True), toy.centres()
    p, _ = softmax_forward(examine(model, drawn).logits)
    error = np.abs(p @ centres - centres[drawn.targets])[drawn.asked].mean()
    by_last = np.abs(centres[drawn.ids] - centres[drawn.targets])[drawn.asked].mean()
    assert error < 0.3 * by_last
    rows, place = toy.with_spike(300, np.random.default_rng(8))
    log_p, _ = log_softmax_forward(model.forward(rows[:, :-1])[0])
    surprise = -np.take_along_axis(log_p, rows[:, 1:, None], axis=2)[..., 0]
    at = np.arange(1, toy.length)
    seen = (at >= toy.warm_up) & (at <= place[:, None])  # what comes after a spike is read with it in view
    assert auroc(surprise[seen], (at == place[:, None])[seen]) > 0.97


@pytest.mark.slow
def test_completions_of_programs_parse():
    toy = Expressions(max_operators=2)
    model = learn_toy(toy, 300).model

    def completed(model: Any, n: int) -> float:
        rng, rows = np.random.default_rng(3), np.full((n, 1), END)
        for _ in range(toy.length):
            p = softmax_forward(model.forward(rows)[0][:, -1].astype("float64"))[0]
            drawn = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
            rows = np.concatenate([rows, drawn[:, None]], axis=1)
        return float(np.mean([is_expression(spelled(row[1:])) for row in rows]))

    assert completed(model, 200) > 0.9
    assert completed(learn_toy(toy, 1).model, 200) < 0.3


@pytest.mark.slow
def test_an_imitator_of_best_moves_finds_the_goal():
    toy = GridMoves(n_walls=2)
    model = learn_toy(toy, 400, pool=4000, n_layers=2, positions="learned").model
    grids = toy.draw(60, np.random.default_rng(9), held_out=True).ids.reshape(-1, 4, 4)

    def imitate(cells: np.ndarray) -> int:
        logits, _ = model.forward(cells.reshape(1, -1))
        return int(logits[0, cells.ravel() == grid_world.AGENT].argmax())

    rng = np.random.default_rng(0)
    reward = np.mean([grid_world.walk(cells, imitate, 8) for cells in grids])
    by_chance = np.mean([grid_world.walk(cells, lambda _: int(rng.integers(4)), 8) for cells in grids])
    assert reward > 0.7 and by_chance < 0.5, (reward, by_chance)


@pytest.mark.slow
def test_what_a_text_said_before_is_said_again_by_an_induction_head():
    """Two layers of one head learn it; the second looks at what came after the earlier occurrence.

    With four heads in a layer several do so, and none is missed alone."""
    toy = Repeats()
    model = learn_toy(toy, 600, learning_rate=1e-2, positions="learned", n_heads=1, **TWO).model
    drawn = toy.draw(300, np.random.default_rng(4), held_out=True)
    assert examine(model, drawn).accuracy > 0.95
    ids = np.tile(np.random.default_rng(5).permuted(np.tile(np.arange(10), (50, 1)), axis=1)[:, :5], (1, 3))
    scores = induction_scores(model, ids, period=5)
    lost = head_importance(model, lambda model: examine(model, drawn).accuracy)
    assert scores[1].max() > 0.5 and scores[1].max() > scores[0].max()
    assert lost[1, 0] > 0.4, "without that head it fails"
    clean, other = ids[:1, :8], ids[:1, :8].copy()
    other[0, 3] = (other[0, 3] + 1) % 10  # what came after the third token: the answer at the last place
    other[0, [i for i in range(8) if i != 3 and other[0, i] == other[0, 3]]] = clean[0, 3]
    answer = clean[0, 3]
    shares = restored(model, clean, other, lambda logits: float(logits[0, -1, answer]))
    assert shares[-1, -1] == pytest.approx(1, abs=1e-4), "after the last block only the last place speaks"
    assert np.abs(shares[-1, :-1]).max() < 1e-4
    assert shares[0, 3] > 0.5, "and before the first the token that differs"


def test_with_batch_norm_a_model_is_examined_on_each_row_as_if_it_were_alone():
    toy = Entities()
    model = learn_toy(toy, 3, norm="batch_norm").model
    drawn = toy.draw(4, np.random.default_rng(5), held_out=True)
    alone = [examine(model, type(drawn)(*(part[row : row + 1] for part in drawn))).logits for row in range(4)]
    np.testing.assert_allclose(np.concatenate(alone), examine(model, drawn).logits, rtol=0, atol=1e-5)
