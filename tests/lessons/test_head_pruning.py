"""head-diversity-pruning: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.inside.head_pruning.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.data.pronouns import to_batch
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def shown_matrix(step, run):
    return next(r.values for r in records_of(step, run) if isinstance(r, Matrix))


def biased(run, patch, by):
    run.model.blocks[1].attention.output.b.value += 1
    forward = run.model.blocks[1].attention.forward
    patch.setattr(run.model.blocks[1].attention, "forward", lambda x: (forward(x)[0] * by**0.5 + (by - 1), None))


def alone(change):
    def spoil(run, patch, by):
        run.alone = {head: change(run.whole, found, by) for head, found in run.alone.items()}

    return spoil


def left(which, at, value):
    def spoil(run, patch, by):
        ways = [way._replace(left=[*way.left]) for way in run.both]
        ways[which].left[at] = value * by / 1.2
        run.both = tuple(ways)

    return spoil


def zeroed_off(run, patch, by):
    small = KEPT["remove_heads"]

    def wrong(attention, keep):
        layer = small(attention, keep)
        layer.output.w.value[...] *= by
        return layer

    patch.setattr(topic, "remove_heads", wrong)


class TestHeadPruning(TopicTests):
    lesson, steps = topic, 8
    changed = ["sentences=40"]
    refused = ["sentences=29", "sentences=101"]
    spoilt = {
        "sum": Spoilt("switched_off", biased),
        "missed": Spoilt("one_less", alone(lambda whole, found, by: (found[0], whole[1] + 0.2 * by))),
        "spared": Spoilt("one_less", alone(lambda whole, found, by: (found[0] - 0.3, found[1])), no_nan="a count"),
        "pairs": Spoilt("by_gradient", instead(topic, "ALL", lambda by: [(0, 0)] * 9), no_nan="a count"),
        "agrees": Spoilt("by_gradient", result(topic, "kendall_tau", lambda tau, by: -tau), no_nan="a count"),
        "half": Spoilt("prune", left(0, 3, 0.7), nan_also={"order"}),
        "order": Spoilt("prune", left(1, 3, 0.9)),
        "together": Spoilt("stand_in", alone(lambda whole, found, by: (found[0] - 0.2 * by, found[1]))),
        "same": Spoilt("faster", zeroed_off),
        "smaller": Spoilt("faster", instead(topic, "remove_heads", lambda by: lambda attention, keep: attention),
                          also={"same"}, no_nan="a count"),
        "double": Spoilt("alike", instead(topic, "MultiHeadAttention", lambda by: lambda *a, **k: off(by, *a, **k))),
        "bound": Spoilt("alike", result(topic, "head_distances", lambda d, by: 4 * by * d)),
    }  # fmt: skip


def off(by, *args, **kinds):
    """A layer whose output is a little different each time one is made."""
    layer = KEPT["MultiHeadAttention"](*args, **kinds)
    off.made = getattr(off, "made", 0) + 1
    forward, times = layer.forward, by**off.made
    layer.forward = lambda x: (forward(x)[0] * times, None)
    return layer


def test_a_head_is_taken_out_by_hand():
    run = run_of()
    grown = shown_matrix(topic.one_less, run)
    model = topic.load("plain").model
    model.blocks[0].attention.output.w.value[36:48] = 0
    batch = to_batch(run.asked)
    logits, _ = model.forward(batch.ids, batch.it, batch.lengths)
    log_p = [row[a] - math.log(np.exp(row).sum()) for row, a in zip(logits, batch.answer, strict=True)]
    assert grown[0, 3] == pytest.approx(-np.mean(log_p) - run.whole[1])
    assert ask(topic.switched_off, run).answer == 12 * 48 and ask(topic.faster, run).answer == 4 * 48 * 12
    assert f"with a loss of {run.whole[1]:.3f} nats." in sentences(records_of(topic.switched_off, run))[2]


def test_tau_is_counted_by_hand():
    run = run_of()
    score, grown = shown_matrix(topic.by_gradient, run).ravel(), shown_matrix(topic.one_less, run).ravel()
    pairs = list(itertools.combinations(range(8), 2))
    same = sum((score[i] > score[j]) == (grown[i] > grown[j]) for i, j in pairs)
    question = ask(topic.by_gradient, run)
    assert len(pairs) == 28 and question.answer == pytest.approx((2 * same - 28) / 28)
    assert question.prompt == f"In {same} of 28 pairs of heads score and loss have one order. tau?"


def test_heads_go_one_after_the_other():
    run = run_of()
    least, most = run.both
    rows = tables(records_of(topic.prune, run))[0].rows
    assert [row["out"] for row in rows] == [1, 2, 4, 6, 8]
    for row in rows:
        n = row["out"]
        assert row["left"] == pytest.approx(100 * run.right(*least.order[:n]))
        assert row["worst"] == pytest.approx(100 * run.right(*most.order[:n])) and row["head"] == topic.name(
            least.order[n - 1]
        )
    assert ask(topic.prune, run).answer == pytest.approx(rows[2]["left"] - rows[2]["worst"])


def test_layers_lose_more_than_their_heads():
    run = run_of(seed=2)  # here single heads of both layers are missed a little
    for layer, row in enumerate(tables(records_of(topic.stand_in, run))[0].rows):
        heads = [(layer, head) for head in range(4)]
        assert row["all"] == pytest.approx(100 * (run.whole[0] - run.right(*heads)))
        assert row["singly"] == pytest.approx(100 * sum(run.whole[0] - run.right(head) for head in heads))
    assert ask(topic.stand_in, run).answer == pytest.approx(row["all"] - row["singly"])


def test_distances_of_heads_are_computed_again():
    run = run_of()
    weights, distances = run.weights[1], shown_matrix(topic.alike, run)

    def h(p):
        return -sum(x * math.log(x) for x in p if x > 0)

    found = [
        h((p + q) / 2) - (h(p) + h(q)) / 2
        for text in weights
        for p, q in zip(text[0], text[2], strict=True)
    ]  # fmt: skip
    assert distances[0, 2] == pytest.approx(np.mean(found)) and ask(topic.alike, run).answer == pytest.approx(
        math.log(2)
    )
    mean = sum(distances[i, j] for i in range(4) for j in range(4)) / 12
    assert f"layer 2 {mean:.3f}." in sentences(records_of(topic.alike, run))[-1]
