"""label-leakage: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest

import lessons.masks.label_leakage.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result
from tests.lessons.steps import records_of, request_for, sentences, tables
from tfx.records import Matrix, Question

TOPIC = "label-leakage"
KEPT = dict(vars(topic))
cells_of = functools.cache(lambda: topic.Run(request_for(TOPIC)).cells)


def run_of(*pairs: str, seed: int = 0) -> topic.Run:
    run = topic.Run(request_for(TOPIC, *pairs, seed=seed))
    if not pairs and not seed:
        run.cells = dict(cells_of())
    return run


def cell(which, **changed):
    """One of the four has another number, `by` times what is said here."""

    def spoil(run, patch, by):
        values = {name: value * by for name, value in changed.items()}
        run.cells[which] = run.cells[which]._replace(**values)

    return spoil


def words(run, patch, by):
    patch.setattr(topic, "WORDS", ("we", "we", "read", "it"))


def drawn(run, patch, by):
    class Lab:
        CELLS = topic.lab.CELLS

        @staticmethod
        def draw_rows(settings, n, rng):
            rows = KEPT["lab"].draw_rows(settings, n, rng).astype(float)
            rows[: n // 10] = np.arange(rows.shape[1]) if by == by else by
            return rows

    patch.setattr(topic, "lab", Lab)


BOTH, MASK, SHIFT, NEITHER = topic.lab.CELLS


class TestLabelLeakage(TopicTests):
    lesson, steps = topic, 7
    changed = [["symbols=3", "repeats=0.5"], ["symbols=12", "repeats=0.9"], ["symbols=12", "repeats=0.5"]]
    refused = ["symbols=2", "symbols=13", "repeats=0.4", "repeats=0.91"]
    run_of = staticmethod(run_of)
    spoilt = {
        "own": Spoilt(
            "the_answer_inside",
            instead(topic, "WORDS", lambda by: ("we", "we", "read", "it")),
            no_nan="words are counted",
        ),
        "counts": Spoilt(
            "by_hand",
            result(topic, "sees_answer", lambda seen, by: seen | (np.arange(len(seen)) == 3)),
            no_nan="places are counted",
        ),
        "copies": Spoilt("the_floor", drawn, no_nan="copies are counted"),
        "honest": Spoilt("four_runs", cell(BOTH, loss=0.5)),
        "copied": Spoilt("four_runs", cell(NEITHER, loss=0.2)),
        "last": Spoilt("four_runs", cell(SHIFT, loss=0.4)),
        "writes": Spoilt("four_runs", cell(BOTH, written=0.7)),
        "useless": Spoilt("four_runs", cell(MASK, written=0.4)),
        "blind": Spoilt("the_probe", cell(BOTH, answer=1e-9)),
        "found": Spoilt("the_probe", cell(MASK, answer=0.05)),
        "copy": Spoilt("too_strong", cell(MASK, loss=0.2)),
    }


def test_who_sees_its_answer_is_found_by_the_rule():
    (picture,) = (r for r in records_of(topic.by_hand, run_of()) if isinstance(r, Matrix))
    assert list(picture.rows) == ["mask and shift", "mask alone", "shift alone", "neither"]
    for row, (mask, shift) in zip(picture.values, topic.lab.CELLS, strict=True):
        for place in (1, 2, 3, 4):
            stands = place + 1 if shift else place  # the input in which the answer stands
            visible = stands <= 4 and (not mask or stands <= place)
            assert row[place - 1] == visible
    (asked,) = (r for r in records_of(topic.by_hand, run_of()) if isinstance(r, Question))
    assert asked.answer == topic.sees_answer(False, True, 20).sum()


def test_the_floor_is_an_entropy():
    """Counted over all rows of three tokens and their chances."""
    settings = topic.lab.Settings(symbols=3, length=3, repeats=0.7)
    total = 0.0
    for row in np.ndindex(3, 3, 3):
        chances = [1 / 3, *(0.1 + 0.7 * (a == b) for a, b in itertools.pairwise(row))]
        total -= math.prod(chances) * math.log(math.prod(chances))
    assert topic.least(settings, True, True) == pytest.approx(total / 3)
    assert topic.least(settings, True, False) == topic.least(settings, False, False) == 0
    shown = records_of(topic.the_floor, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    h = -(5 / 6) * math.log(5 / 6) - 5 * (1 / 30) * math.log(1 / 30)
    assert asked.answer == pytest.approx((math.log(6) + 4 * h) / 5)
    assert sentences(shown)[0].endswith("Who knows the one before is right with chance 0.833 at most.")
    assert sentences(shown)[1] == (
        f"log 6 = {math.log(6):.3f} for the first token. For each other h = -(0.8333 log 0.8333 + 5 * 0.03333 log "
        f"0.03333) = {h:.3f}."
    )


def test_the_four_runs_are_measured_once_more():
    rows = tables(records_of(topic.four_runs, run_of()))[0].rows
    settings = run_of().settings
    for row, (mask, shift) in zip(rows, topic.lab.CELLS, strict=True):
        model, _ = topic.lab.learn(settings, mask, shift, 0)
        new = topic.lab.draw_rows(settings, 4000, np.random.default_rng((0, 1)))
        logits = topic.lab.logits_of(model, settings, mask, shift, new)[0].astype(float)
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        p = np.take_along_axis(e / e.sum(axis=-1, keepdims=True), new[..., None], axis=-1)
        assert row["loss"] == pytest.approx(-np.log(p).mean(), rel=1e-3)
    assert rows[0]["written"] > 90 and max(row["written"] for row in rows[1:]) < 40
    told = sentences(records_of(topic.four_runs, run_of()))[1]
    most = max(row["written"] for row in rows[1:])
    assert told == (
        f"The three that leak look better in training, but at most {most:.0f} percent of what they write goes on "
        "right; guessing gives 17. They copy what stands where the answer stood. The honest one has the highest "
        "loss, and can write."
    )


def test_a_later_token_alone_moves_nothing_with_the_mask_alone():
    """What the text says of the usual test of a mask."""
    settings = run_of().settings
    model, _ = topic.lab.learn(settings, True, False, 0)
    new = topic.lab.draw_rows(settings, 20, np.random.default_rng(0))
    moved = topic.future_leak(lambda ids: topic.lab.logits_of(model, settings, True, False, ids)[0], new, 6)
    assert moved == 0


def test_what_moves_with_its_answer_is_told_for_each_way():
    """The answer and all later tokens changed at every place, written out."""
    rows = tables(records_of(topic.the_probe, run_of()))[0].rows
    settings = run_of().settings
    for row, (mask, shift) in zip(rows, topic.lab.CELLS, strict=True):
        model, _ = topic.lab.learn(settings, mask, shift, 0)
        new = topic.lab.draw_rows(settings, 4000, np.random.default_rng((0, 1)))[:20]
        before, moved = topic.lab.logits_of(model, settings, mask, shift, new)[0], 0.0
        for place in range(1, 5):
            other = new.copy()
            other[:, place:] = (other[:, place:] + 1) % 6
            after = topic.lab.logits_of(model, settings, mask, shift, other)[0]
            moved = max(moved, float(np.abs(after - before)[:, 1 : place + 1].max()))
        assert row["moved"] == pytest.approx(moved, rel=1e-4, abs=1e-12)
