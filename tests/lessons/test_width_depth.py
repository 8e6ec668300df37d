"""width-depth: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.scale.width_depth.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run=None):
    return next(r for r in records_of(getattr(topic, step), run or run_of()) if isinstance(r, Question))


def shape(layers):
    """The width of that many layers is off."""

    def spoil(run, patch, by):
        right = topic.same_size
        wrong = lambda n, budget: right(n, budget)._replace(d_model=right(n, budget).d_model * by)  # noqa: E731
        patch.setattr(topic, "same_size", lambda n, budget: wrong(n, budget) if n == layers else right(n, budget))
        patch.setattr(topic, "block_parameters", lambda c, f: 8 * c * c if c != topic.WIDTH else 2224)

    return spoil


def recorded(place, column):
    """One number of the recorded experiment is off."""

    def spoil(run, patch, by):
        rows = [list(row) for row in topic.RECORDED]
        rows[place][column] *= by
        patch.setattr(topic, "RECORDED", tuple(map(tuple, rows)))

    return spoil


def counts(run, patch, by):
    right = run.work
    patch.setattr(run, "work", lambda stack: right(stack) * (by if stack is run.shared else 1))


def gradients(run, patch, by):
    each, whole = run.gradients
    run.__dict__["gradients"] = (each, whole * np.float32(by))


def copies(run, patch, by):
    """A copy in the stack is not one any more."""
    run.apart.blocks[1].attention.value.parameters()["w"].value[...] *= np.float32(by)


class Stored:
    """What is stored is off, for one of the stacks."""

    def __init__(self, stack, by):
        self.n_parameters, self.stack = stack.n_parameters * by, stack


def stored(run, patch, by):
    work = run.work(run.apart)
    run.apart = Stored(run.apart, by)
    patch.setattr(run, "work", lambda stack: work)


class TestWidthDepth(TopicTests):
    lesson, steps = topic, 8
    changed = [["layers=2", "parameters=500_000"], ["layers=24", "parameters=100_000_000"]]
    refused = ["layers=1", "layers=25", "parameters=499_999", "parameters=100_000_001"]
    spoilt = {
        "square": Spoilt("shapes", instead(topic, "block_parameters", lambda by: lambda c, f: (
            2224 if c == 16 else c**2.2 * by))),
        "half": Spoilt("shapes", shape(4)),
        "depth": Spoilt("shapes", stored),
        "deep": Spoilt("folds", result(topic, "folded", lambda y, by: y * (1 / by)), nan_also={"deep", "wide"}),
        "wide": Spoilt("folds", result(topic, "pieces", lambda n, by: n if n == 32 else 12 * by)),
        "control": Spoilt("two_steps", recorded(3, 4)),
        "sizes": Spoilt("two_steps", recorded(1, 3)),
        "cache": Spoilt("costs", shape(4)),
        "stored": Spoilt("shared", stored),
        "work": Spoilt("shared", counts),
        "sum": Spoilt("summed", gradients),
        "output": Spoilt("summed", copies, nan_also={"sum"}),
        "tied": Spoilt("where", instead(topic, "WORDS", lambda by: 1000 * by)),
    }  # fmt: skip


@pytest.mark.parametrize("layers", [2, 5])
def test_gradients_of_uses_add(layers):
    run = run_of(f"layers={layers}")
    each, whole = run.gradients
    assert len(each) == layers
    np.testing.assert_allclose(whole, sum(each), rtol=1e-3, atol=1e-6)
    assert abs(each[0] - each[1]).max() > 1e-3 * abs(each[0]).max()


def test_shapes_are_the_widest_that_fit():
    for row in tables(records_of(topic.shapes, run_of()))[0].rows:
        size = [row["layers"] * (8 * c * c + 11 * c) for c in (row["width"], row["width"] + 4)]
        assert size[0] == row["all"] <= 1_000_000 < size[1]
    assert ask("shapes").answer == pytest.approx((8 * 1536**2 + 11 * 1536) / (8 * 512**2 + 11 * 512))
    assert ask("costs").answer == pytest.approx(4 * 176 / 352)


def test_what_is_stored_and_computed():
    run = run_of("layers=6")
    rows = tables(records_of(topic.shared, run))[0].rows
    assert [row["stored"] for row in rows] == [6 * 2224, 2224]
    assert rows[0]["work"] == rows[1]["work"] == 6 * (8 * 16 * 16 * 4 + 2 * 4 * 4 * 16)
    said = next(r for r in records_of(topic.shared, run) if isinstance(r, Said))
    assert (said.verdict, said.truth) == ("true", "It stores 1/6 of the blocks; it saves no work.")


def test_the_other_answers():
    assert ask("folds").answer == 2**5 and ask("two_steps").answer == 0 and ask("shared").answer == 1
    assert ask("summed").answer == pytest.approx(0.2) and ask("where").answer == 16 * 1000
    assert sentences(records_of(topic.two_steps, run_of()))[1].startswith(f"{0.84 - 0.44:.2f} more where two steps")
