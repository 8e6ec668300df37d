"""output-projection: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.heads.output_projection.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, of_run, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def values(run, patch, by):
    run.w_v = run.w_v * np.where(np.arange(run.w_v.shape[1]) % run.d_v == 0, 0.0 if by == by else by, 1.0)


def other_shape(run, patch, by):
    run.out = run.out[1:] if by == by else np.array(by)


def fewer_rows(run, patch, by):
    run.w_o = np.zeros((1, 2)) if by == by else np.zeros((0, 0))


def reached(more):
    """One coordinate more, or one less, that is reached."""

    def spoil(run, patch, by):
        def reach(run, mixes):
            found = KEPT["reach"](run, mixes)
            if mixes is run.w_o and more < 0:
                found[0, 0] = by - 1.2
            if mixes is not run.w_o and more > 0:
                found[:, 0] = by
            return found

        patch.setattr(topic, "reach", reach)

    return spoil


def turned(run, patch, by):
    patch.setattr(topic, "largest", lambda found: by)


def pairs(*wrong):
    """The three cases, of which one is another."""
    return lambda run, patch, by: patch.setattr(
        topic, "PAIRS", ((10.0, 40.0), (40.0, 10.0), (wrong[0] * by, wrong[1] * by))
    )


class TestOutputProjection(TopicTests):
    lesson, steps = topic, 7
    changed = [
        asked(*pairs, text="the the")
        for pairs in (("heads=2", "d_v=1"), ("heads=8", "d_v=32"), ("heads=2", "d_v=32"), ("d_v=4",))
    ]
    refused = ["heads=1", "heads=9", "d_v=0", "d_v=33"]
    spoilt = {
        "blend": Spoilt("side_by_side", pairs(25.0, 25.0)),
        "apart": Spoilt("side_by_side", pairs(10 / 1.2, 40 / 1.2), no_nan="whether two differ is counted"),
        "hand": Spoilt("by_hand", output(topic, "linear_forward")),
        "sum": Spoilt("sum_of_heads", of_run("out")),
        "slices": Spoilt("without", reached(1), no_nan="what is reached is counted"),
        "every": Spoilt("without", reached(-1), no_nan="what is reached is counted"),
        "shape": Spoilt("width", other_shape),
        "holds": Spoilt("width", fewer_rows),
        "rank": Spoilt("one_map", values, no_nan="a rank is counted"),
        "turned": Spoilt("one_map", instead(topic, "largest", lambda by: lambda found: by)),
    }


def test_the_shares_of_the_heads_are_those_of_a_loop():
    run = run_of("heads=4", "d_v=3", seed=2)
    (picture,) = (r for r in records_of(topic.sum_of_heads, run) if isinstance(r, Matrix))
    assert picture.rows == ("head 1", "head 2", "head 3", "head 4", "sum")
    for h in range(4):
        for c in range(6):
            by_loop = sum(run.heads[h, -1, i] * run.w_o[3 * h + i, c] for i in range(3))
            assert picture.values[h, c] == pytest.approx(by_loop)
    assert np.allclose(picture.values[:4].sum(axis=0), picture.values[4])


def test_the_small_example_by_hand():
    shown = records_of(topic.by_hand, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == 10 * 1 + 40 * 0.5 and asked.prompt == "What is coordinate 1 of the output?"
    assert sentences(shown)[1] == (
        "Coordinate 2 is 10 * 0 + 40 * (-1) = -40. So head 1 writes to coordinate 1 alone, head 2 to both, to the "
        "second one with a minus. Training decides such weights; each head has its own rows of W_O for them."
    )


def test_what_a_head_reaches_is_counted():
    rows = tables(records_of(topic.without, run_of("heads=4", "d_v=5")))[0].rows
    assert [(row["free"], row["mixed"]) for row in rows] == [(5, 24)] * 4
    assert [column.label for column in tables(records_of(topic.without, run_of()))[0].columns][1:] == [
        "without W_O, of 18",
        "with W_O, of 18",
    ]


def test_the_width_is_told_as_it_is():
    shown = records_of(topic.width, run_of("d_v=4"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == 3 * 4 * 18
    assert [row["shape"] for row in tables(shown)[0].rows] == ["(6, 4)", "(6, 12)", "(12, 18)", "(6, 18)"]
    assert sentences(shown)[1].startswith("Here H * Dv is 12, not 18. With the usual Dv = C / H it always is C,")
    assert sentences(records_of(topic.width, run_of()))[1].startswith("Here H * Dv happens to be C too.")


def test_the_rank_is_the_number_of_singular_values():
    run = run_of("d_v=2")
    said = sentences(records_of(topic.one_map, run))[1]
    sizes = np.linalg.svd(run.w_v[:, :2] @ run.w_o[:2], compute_uv=False)
    assert (sizes > 1e-9).sum() == 2 and said.startswith("Here its rank is 2, of C = 18: a head writes in 2 directions")
