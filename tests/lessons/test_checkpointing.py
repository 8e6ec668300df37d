"""gradient-checkpointing: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.scale.checkpointing.lesson as topic
from lessons.writing import as_record
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def thin(at, place=0):
    """Of segments of that size (a function of the run) the arrays or the forwards are off."""

    def spoil(run, patch, by):
        right = run.thin

        def wrong(size):
            found = list(right(size))
            found[place] *= by if size == at(run) else 1
            return tuple(found)

        patch.setattr(run, "thin", wrong)

    return spoil


def thick(run, patch, by):
    right = run.thick
    patch.setattr(run, "thick", lambda size: right(size) * (by if size == 1 else 1))


def dropout(kept, value):
    def spoil(run, patch, by):
        right = topic.lab.off_with_dropout
        patch.setattr(topic.lab, "off_with_dropout", lambda state, *more: (
            (value if by == by else by) if state == kept else right(state, *more)))  # fmt: skip

    return spoil


def crooked(run, patch, by):
    right = topic.lab.there_and_back
    patch.setattr(topic.lab, "there_and_back", lambda stack, x, dy: right(stack, x, dy * (1 + (by - 1) * 1e-3)))


def held(run, patch, by):
    """What is held is the same both ways, or no number."""
    patch.setattr(topic, "held_bytes", lambda cache: 800.0 * by / by)


def ask(step, run=None):
    return next(r for r in records_of(step, run or run_of()) if isinstance(r, Question))


class TestCheckpointing(TopicTests):
    lesson, steps = topic, 8
    changed = [["layers=4", "tokens=32"], ["layers=36", "tokens=512"]]
    refused = ["layers=3", "layers=15", "layers=65", "tokens=31", "tokens=513"]
    spoilt = {
        "most": Spoilt("needs", of_run("plain", lambda right, by: 31 * by / 1.2)),
        "held": Spoilt("segments", thin(lambda run: run.root), also={"law"}),
        "law": Spoilt("segments", thin(lambda run: run.layers)),
        "best": Spoilt("the_root", lambda run, patch, by: patch.setattr(
            topic, "range", lambda *ends: range(1, 5), False), also={"run"}, no_nan="a count"),
        "run": Spoilt("the_root", thin(lambda run: run.root)),
        "twice": Spoilt("costs", thin(lambda run: run.root, 1)),
        "third": Spoilt("costs", instead(topic, "BACK", lambda by: 2 * by)),
        "bits": Spoilt("same_bits", crooked),
        "masks": Spoilt("same_bits", dropout(True, 1e-9)),
        "fresh": Spoilt("same_bits", dropout(False, 0.04)),
        "one": Spoilt("transformer_blocks", thick, nan_also={"share"}),
        "share": Spoilt("transformer_blocks", lambda run, patch, by: patch.setattr(run, "thick", lambda size: (
            run.plain * 0.51 * by / by)), also={"one"}),
        "same": Spoilt("attention", output(topic, "tiled_attention_forward", lambda y, by: y * (1 + (by - 1) * 1e-9))),
        "saved": Spoilt("attention", held),
    }  # fmt: skip


@pytest.mark.parametrize("layers", [9, 16])
def test_arrays_are_counted_again(layers):
    run = run_of(f"layers={layers}")
    root = math.isqrt(layers)
    for row in tables(records_of(topic.segments, run))[0].rows:
        assert row["held"] == math.ceil(layers / row["size"]) + row["size"] == row["inputs"] + row["size"]
    assert ask(topic.segments, run).answer == 2 * root == min(math.ceil(layers / k) + k for k in range(1, layers + 1))
    assert ask(topic.needs, run).answer == pytest.approx(run.plain)
    each = run.plain / layers
    for row in tables(records_of(topic.transformer_blocks, run))[0].rows:
        assert row["held"] == pytest.approx(math.ceil(layers / row["size"]) + each * row["size"] - 1)
        assert row["share"] == pytest.approx(100 * row["held"] / run.plain)
    assert ask(topic.transformer_blocks, run).answer == pytest.approx(layers + each - 1)


def test_a_block_keeps_what_its_caches_hold():
    run = run_of()
    x, total, seen = run.x, 0, set()
    for block in run.blocks:
        x, cache = block.forward(x)
        total += sum(size for size in sizes(cache, seen, block))
    assert run.plain == pytest.approx(total / run.x.nbytes)


def sizes(value, seen, block):
    weights = {id(p.value) for p in block.parameters().values()}
    if isinstance(value, np.ndarray):
        base = value
        while isinstance(base.base, np.ndarray):
            base = base.base
        if id(base) not in seen and id(base) not in weights:
            seen.add(id(base))
            KEPT.append(base)
            yield base.nbytes
    elif isinstance(value, tuple | list):
        for part in value:
            yield from sizes(part, seen, block)


KEPT: list[np.ndarray] = []


def test_what_is_kept_of_attention_is_told():
    shown = [as_record(each) for each in topic.attention(run_of("tokens=64"), np.random.default_rng(1))]
    rows = tables(shown)[0].rows
    assert [row["numbers"] for row in rows] == [3 * 64 * 16 + 64 * 64, 4 * 64 * 16 + 64]
    said = next(r for r in shown if isinstance(r, Said))
    n, d = 64, 1024
    share = 2 * n * n * d / (3 * (2 * n * n * d + 4 * n * d * d + 8 * n * d * d))
    assert said.truth == (
        f"Both depend on length and machine. Here one more pass over scores and P V is {share:.1%} of a step, at width "
        "1,024."
    )


def test_sayings_and_answers_have_their_reasons():
    said = [r.verdict for r in records_of(topic.the_root, run_of()) if isinstance(r, Said)]
    assert said == ["true with conditions"]
    assert {step: ask(getattr(topic, step)).explanation for step in WHY} == WHY
    assert ask(topic.costs).answer == pytest.approx(100 / 3) and ask(topic.the_root).answer == 20
    assert ask(topic.same_bits).answer == 0
    assert sentences(records_of(topic.same_bits, run_of()))[1].startswith("With dropout 0.3 in 4 blocks: 0 when the")


WHY = {
    "segments": "4 inputs, and 4 of the segment in work.",
    "the_root": "Segments of 10: 10 + 10.",
    "costs": "(1 + 1 + 2) / (1 + 2) = 4/3.",
    "same_bits": "The same operations, in the same order, on the same numbers.",
}
