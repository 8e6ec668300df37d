"""positional-learned: every check can fail, and what is asked and told is found another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.position.learned.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


class Wrong(topic.Positions):
    """A layer that adds by * its rows, and reads longer texts than it has rows."""

    by = 1.0

    def forward(self, x, start=0):
        y, cache = super().forward(x[:, : self.table.value.shape[0]], start)
        return self.by * y, cache


def wrong_layer(run, patch, by):
    run.layer.__class__ = Wrong
    patch.setattr(Wrong, "by", by)


def backward(wrong):
    def spoil(run, patch, by):
        patch.setattr(topic, "add_positions_backward", lambda dy, c: wrong(by, *KEPT["add_positions_backward"](dy, c)))

    return spoil


def found(**changes):
    def spoil(run, patch, by):
        right = KEPT["look"](1)
        patch.setattr(topic, "looked", lambda seed: right._replace(**{k: f(by, right) for k, f in changes.items()}))

    return spoil


def uniform(by, right):
    return np.full((2, 4), by / by * 0.25)


def last_unused(by, dx, dtable):
    return dx, dtable + (np.arange(len(dtable)) == len(dtable) - 1)[:, None] * (by / by)


class TestLearned(TopicTests):
    lesson, steps = topic, 9
    changed = [["rows=2", "width=2"], ["rows=512", "width=256"]]
    refused = ["rows=1", "rows=513", "width=1", "width=257"]
    elsewhere = ("own", "owned", "closing")  # below
    by = 1.001
    spoilt = {
        "added": Spoilt("a_row_each", wrong_layer),
        "size": Spoilt(
            "how_many",
            lambda run, patch, by: setattr(run.layer.table, "value", run.layer.table.value[1:]),
            no_nan="rows are counted",
        ),
        "sum": Spoilt(
            "the_gradient", backward(lambda by, dx, dtable: (dx, by * dtable)), also={"gradcheck"}, nan_also={"unused"}
        ),
        "unused": Spoilt("the_gradient", backward(last_unused), also={"gradcheck"}, nan_also={"sum"}),
        "passes": Spoilt("the_gradient", backward(lambda by, dx, dtable: (by * dx, dtable)), also={"gradcheck"}),
        "gradcheck": Spoilt("the_gradient", backward(lambda by, dx, dtable: (by * dx, dtable)), also={"passes"}),
        "counts": Spoilt("seldom", backward(lambda by, dx, dtable: (dx, by * dtable)), nan_also={"seldom"}),
        "seldom": Spoilt("seldom", backward(lambda by, dx, dtable: (dx, 0 * by * dtable + 7)), also={"counts"}),
        "refused": Spoilt("one_too_many", wrong_layer, no_nan="a refusal is no number"),
        "named": Spoilt("two_languages", found(accuracy=lambda by, right: by * 0.8)),
        "on": Spoilt("two_languages", found(weights=uniform), also={"back"}),
        "back": Spoilt("two_languages", found(weights=uniform), also={"on"}),
        "moved": Spoilt("alike", found(before=lambda by, right: by / by * right.table)),
        "below-one": Spoilt(
            "alike", found(table=lambda by, right: by / by * right.table[[0, 0, 1, 2]]), nan_also={"moved", "own"}
        ),
    }


def test_a_norm_that_is_off_a_layer_that_owns_too_much_and_a_table_cut_short_are_seen(monkeypatch):
    run = run_of()
    norm = np.linalg.norm
    with monkeypatch.context() as patch:
        patch.setattr(topic.np.linalg, "norm", lambda x, **k: 1.001 * norm(x, **k))
        assert failed_in(topic.alike, run) == {"own"}
    run.layer.table.value = run.layer.table.value[1:]
    assert failed_in(topic.interview, run) == {"closing"}
    monkeypatch.setattr(topic, "Positions", lambda kind, n, width, rng: KEPT["Positions"]("learned", n, width, rng))
    assert failed_in(topic.against_sinusoids, run) == {"owned"}


def test_what_is_asked_is_found_another_way():
    asked = {}
    for step in ("how_many", "seldom"):
        records = records_of(getattr(topic, step), run_of("rows=9", "width=5"))
        asked[step] = next(r for r in records if isinstance(r, Question)).answer
    assert asked == {"how_many": sum(5 for _ in range(9)), "seldom": 1000}


def test_the_rows_that_texts_reach_fall_as_lengths_do():
    """Lengths with mean 16: a text reaches place t with probability (15/16) to the power t - 1."""
    (shown,) = tables(records_of(topic.seldom, run_of()))
    for row in shown.rows:
        chance = (15 / 16) ** (row["place"] - 1)
        assert row["texts"] == pytest.approx(1000 * chance, abs=5 * math.sqrt(1000 * chance * (1 - chance)) + 1)


def test_the_text_is_computed():
    run = run_of()
    first = run.dy[:, 0, 0]
    assert sentences(records_of(topic.the_gradient, run))[1] == (
        f"By hand, row 1, number 1, two texts: {first[0]:.3f} + ({first[1]:.3f}) = {sum(first):.3f}. The texts have 7 "
        "tokens, so row 8 was not used, and its gradient is 0."
    )
    (shown,) = tables(records_of(topic.one_too_many, run))
    assert [row["message"] for row in shown.rows] == ["read", "positions 0 to 8 are asked for but the table has 8 rows"]
    found = topic.look(run.model_seed)
    a, b = found.table, found.before
    moved = math.sqrt(((a - b) ** 2).sum() / (b**2).sum())
    told = sentences(records_of(topic.alike, run))[1]
    assert told.startswith(
        "Random rows of C = 32 numbers have cosines of 0.18 by size, as a root mean square. Training moved the table "
        f"by {moved:.0%} of its size."
    )
    assert sentences(records_of(topic.two_languages, run))[1].startswith(
        f"It names {found.accuracy:.0%} of the objects. With the same four rows verbs look on in the first "
    )


def test_random_rows_of_32_numbers_have_such_cosines():
    rows = np.random.default_rng(0).standard_normal((2, 4000, 32))
    cosines = rows.prod(axis=0).sum(axis=1) / np.sqrt((rows**2).sum(axis=2)).prod(axis=0)
    assert math.sqrt((cosines**2).mean()) == pytest.approx(0.18, rel=0.05)


def test_the_published_tables_have_as_many_numbers_as_are_told():
    (shown,) = tables(records_of(topic.how_many, run_of()))
    assert {row["model"]: row["numbers"] for row in shown.rows} == {"BERT-base": 393_216, "GPT-2": 786_432}
