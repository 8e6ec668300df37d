"""efficient-flash: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.cost.flash.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.lab.cost.online_softmax import moved_in_tiles, moved_step_by_step
from tfx.records import Question, Said

run_of = runs_of(topic)
KEPT = dict(vars(topic))


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def last(change):
    """The state after the last block is another one."""

    def spoil(run, patch, by):
        patch.setattr(topic, "online_softmax", lambda *given: change([*KEPT["online_softmax"](*given)], by))

    return spoil


def larger(states, by):
    return [*states[:-1], states[-1]._replace(weighted=states[-1].weighted * by)]


def kept(**wrong):
    """Tiled attention keeps something else for the way back."""

    def spoil(run, patch, by):
        def forward(*given, **sizes):
            out, cache = KEPT["tiled_attention_forward"](*given, **sizes)
            return out, cache._replace(**{name: change(getattr(cache, name), by) for name, change in wrong.items()})

        patch.setattr(topic, "tiled_attention_forward", forward)

    return spoil


def more_kept(which):
    """Of twice the text that many more bytes are kept."""

    def spoil(run, patch, by):
        def held(cache):
            changed = hasattr(cache, "logsumexp") == which and cache.q.shape[-2] > run.t
            return KEPT["held_bytes"](cache) + 800 * changed

        patch.setattr(topic, "held_bytes", held)

    return spoil


class TestEfficientFlash(TopicTests):
    lesson, steps = topic, 7
    changed = [["length=64", "tile=8"], ["length=1000", "tile=256"]]
    refused = ["length=63", "length=1025", "tile=7", "tile=257"]
    usual = ["length=64", "tile=16"]
    by = 1 + 1e-6
    spoilt = {
        "one-tile": Spoilt("for_nothing", result(topic, "moved_in_tiles", lambda n, by: n + 1), no_nan="a count"),
        "blocks": Spoilt("in_blocks", last(larger)),
        "hand": Spoilt("by_two", last(larger)),
        "same": Spoilt("same_output", output(topic, "tiled_attention_forward")),
        "work": Spoilt("same_output", instead(topic, "work", lambda by: lambda a, heads: id(a)), no_nan="a count"),
        "weights": Spoilt("the_way_back", kept(logsumexp=lambda x, by: x + by - 1), also={"gradients"}),
        "gradients": Spoilt("the_way_back", result(
            topic, "tiled_attention_backward", lambda g, by: (g[0] * by, *g[1:]))),
        "linear": Spoilt("kept", more_kept(True), no_nan="a count"),
        "square": Spoilt("kept", more_kept(False), no_nan="a count"),
        "extra": Spoilt("kept", result(topic, "attention_core", lambda costs, by: 5 * costs), no_nan="a count"),
    }  # fmt: skip


@pytest.mark.parametrize(("t", "tile"), [(64, 16), (100, 30)])
def test_what_travels_is_counted_again(t, tile):
    run = run_of(f"length={t}", f"tile={tile}")
    whole = (t * 64 + t * 64 + t * t) + (t * t + t * t) + (t * t + t * 64 + t * 64)
    in_tiles = sum(2 * t * 64 for _ in range(0, t, tile)) + 2 * t * 64
    assert (moved_step_by_step(t, 64), moved_in_tiles(t, 64, tile)) == (whole, in_tiles)
    assert ask(topic.for_nothing, run).answer == whole
    assert f"In tiles of {tile} queries: {in_tiles:,}, a factor of {whole / in_tiles:.2g}." in sentences(
        records_of(topic.for_nothing, run)
    )[-1]  # fmt: skip


def test_two_blocks_by_hand():
    shown = records_of(topic.by_two, run_of())
    first = math.exp(-2) + 1
    second = math.exp(-1) * first + math.exp(-2) + 1
    (rows,) = (table.rows for table in tables(shown))
    assert [(row["m"], row["l"]) for row in rows] == [(3, pytest.approx(first)), (4, pytest.approx(second))]
    weights = [math.exp(s) for s in (1, 3, 2, 4)]
    o = sum(w * v for w, v in zip(weights, (10, 20, 30, 40), strict=True)) / sum(weights)
    assert rows[1]["o"] == pytest.approx(o) and ask(topic.by_two, run_of()).answer == pytest.approx(first)
    assert sentences(shown)[-1] == (
        f"Block 2: exp(3 - 4) * {first:.3f} + exp(2 - 4) + exp(4 - 4) = {second:.3f}. Without the shrinking it would "
        f"be {first + math.exp(-2) + 1:.3f}. At the end a / l is the output, and softmax of the whole row gives "
        f"{o:.3f}, too."
    )


def test_a_row_in_quarters():
    run = run_of("length=70", "tile=8", seed=3)
    rows = tables(records_of(topic.in_blocks, run))[0].rows
    scores = run.heads[0, 0] @ run.heads[1].T / 8
    assert [row["keys"] for row in rows] == ["1 to 18", "19 to 36", "37 to 54", "55 to 70"]
    for row, stop in zip(rows, (18, 36, 54, 70), strict=True):
        e = np.exp(scores[:stop])
        assert row["m"] == scores[:stop].max() and row["l"] == pytest.approx(e.sum() / np.exp(row["m"]))
        assert row["o"] == pytest.approx(e @ run.heads[2, :stop, 0] / e.sum())


def test_what_is_kept_is_counted_again():
    shown = records_of(topic.kept, run_of("length=64"))
    rows = tables(shown)[0].rows
    assert [(row["exact"], row["tiled"]) for row in rows] == [(t * t, t * 64 + t) for t in (64, 128)]
    n, c = 2048, 1024
    extra = n * n * c / (3 * (12 * n * c * c + 2 * n * n * c))
    (said,) = [r for r in shown if isinstance(r, Said)]
    assert said.truth.startswith(f"Q K^T once more is {extra:.1%} of a training step at T = 2,048, C = 1,024")
    assert ask(topic.kept, run_of("length=64")).answer == 64 * 65
    (asked,) = [r for r in records_of(topic.the_way_back, run_of()) if isinstance(r, Question)]
    assert asked.answer == pytest.approx(1)
