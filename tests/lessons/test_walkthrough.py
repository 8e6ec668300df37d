"""encode-decode-walkthrough: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.architectures.walkthrough.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
learnt = cache(topic.learn_translator)


@pytest.fixture
def run() -> topic.Run:
    fresh = run_of()
    fresh.model = learnt(0)
    return fresh


def doubled(run, patch, by):
    encode = run.model.encode
    patch.setattr(run.model, "encode", lambda src: (np.concatenate([encode(src)[0]] * 2, axis=1), encode(src)[1]))


def other_ids(run, patch, by):
    patch.setattr(topic, "greedy_seq2seq", lambda *args, **more: KEPT["greedy_seq2seq"](*args, **more) + 1)


def times(part):
    def spoil(run, patch, by):
        ids, p = run.written
        run.written = ids, np.concatenate([p[:part], p[part:] * by])

    return spoil


def map_of(change):
    """The decoder's own map, changed."""

    def spoil(run, patch, by):
        forward = run.model.forward

        def wrong(*args):
            logits, cache = forward(*args)
            block = cache.blocks[0]
            spoilt = SimpleNamespace(weights=change(block.weights, by), cross_weights=block.cross_weights)
            return logits, SimpleNamespace(source=cache.source, blocks=[spoilt])

        patch.setattr(run.model, "forward", wrong)

    return spoil


def answers(change):
    def spoil(run, patch, by):
        run.both = change(*run.both, by)

    return spoil


def longer_input(run, patch, by):
    encode = run.model.encode

    def wrong(src):
        memory, source = encode(src)
        x = source.stack.reads[0]
        return memory, SimpleNamespace(stack=SimpleNamespace(reads=(np.concatenate([x, x], axis=1),)))

    patch.setattr(run.model, "encode", wrong)


def moves(row, add, times):
    """One array of what moves, the last row left as it is."""

    def spoil(run, patch, by):
        found = list(topic.moved(run))
        found[row] = np.append(found[row][:-1] * times + by * add, found[row][-1])
        patch.setattr(topic, "moved", lambda run: found)

    return spoil


def misspelt(run, patch, by):
    patch.setattr(topic, "list", lambda letters: list(letters)[1:], raising=False)


def scaled_first(right, misled, by):
    return right, np.concatenate([right[:1] + (by - 1) * 1e-4, misled[1:]])


def unmoved(right, misled, by):
    return right, np.concatenate([misled[:1], right[1:] + 1e-12 * by])


def fewer(run, patch, by):
    key = run.model.decoder.blocks[0].cross_attention.key.w
    patch.setattr(key, "value", key.value[1:])


def improbable(run, patch, by):
    ids, p = run.written
    run.written = ids, np.full_like(p, by / p.shape[1] / 1.3)


NO_NAN = "ids and sizes are never NaN"


class TestWalkthrough(TopicTests):
    lesson, steps = topic, 8
    changed = ["sentence=50", "sentence=2"]
    refused = ["sentence=0", "sentence=51"]
    known = {"learn_translator": learnt}
    spoilt = {
        "in": Spoilt("encoding", longer_input, no_nan=NO_NAN),
        "memory": Spoilt("context", doubled, no_nan=NO_NAN),
        "own-row": Spoilt("context", moves(1, 1e-9, 1)),
        "context": Spoilt("context", moves(2, 1e-6, 0)),
        "greedy": Spoilt("decoding", other_ids, no_nan=NO_NAN),
        "sum": Spoilt("decoding", times(1)),
        "maps": Spoilt("maps", map_of(lambda w, by: np.concatenate([w, w], axis=-1) / 2), no_nan=NO_NAN),
        "rows": Spoilt("maps", map_of(lambda w, by: w * by)),
        "same": Spoilt("both_ways", times(2)),
        "before": Spoilt("both_ways", answers(scaled_first)),
        "after": Spoilt("both_ways", answers(unmoved)),
        "undone": Spoilt("tasks", misspelt, no_nan=NO_NAN),
        "projected": Spoilt("too_strong", fewer, no_nan=NO_NAN),
        "chosen": Spoilt("too_strong", improbable),
    }


def asked(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def test_the_questions_are_answered_by_the_sizes(run):
    assert asked(topic.encoding, run).answer == 5 * 24
    assert asked(topic.context, run).answer == 10 * 24
    assert asked(topic.tasks, run).answer == len(["12", "June", "2017"]) * len("2017-06-12")
    assert asked(topic.decoding, run).answer == 1
    assert asked(topic.maps, run).answer == 4 * 5


def test_what_is_written_is_written_again_from_the_source_each_time(run):
    """The whole model anew for each word, encoder included."""
    rows = tables(records_of(topic.decoding, run))[0].rows
    ids = [int(run.truth[0, 0])]
    for step, row in enumerate(rows, start=1):
        logits = run.model.forward(run.src, np.array([ids]))[0][0, -1].astype(float)
        e = np.exp(logits - logits.max())
        assert row["step"] == step and row["reads"] == " ".join(topic.words(np.array(ids)))
        ids.append(int(logits.argmax()))
        assert row["writes"] == topic.words(np.array(ids))[-1] and row["p"] == pytest.approx(
            e.max() / e.sum(), rel=1e-4
        )
    assert len(rows) == 4


def test_what_goes_in_is_a_row_of_the_table_and_its_place(run):
    shown = records_of(topic.encoding, run)
    (x,) = (r.values for r in shown if isinstance(r, Matrix))
    table, places = run.model.embedding.table.value, run.model.src_input.positions.table.value
    assert x == pytest.approx((math.sqrt(24) * table[run.src[0]] + places[:5])[:, :6], rel=1e-5)
    assert sentences(shown)[0].endswith(f"As ids, start mark first: {', '.join(str(i) for i in run.src[0])}.")


def test_what_moves_with_the_last_word_is_measured_again(run):
    (shown,) = tables(records_of(topic.context, run))
    other = shown.title.removeprefix("Y, and what changes with ").split()[0]
    word = topic.words(run.src[0])[-1]
    assert shown.title == f"Y, and what changes with {other} for {word}" and other != word
    changed = run.src.copy()
    changed[0, -1] = 1 + topic.OWN.index(other)
    assert 1 + topic.OWN.index(word) == run.src[0, -1] and changed[0, -1] > 4
    y, z = (run.model.encode(ids)[0][0] for ids in (run.src, changed))
    assert [row["y"] for row in shown.rows] == pytest.approx(abs(z - y).max(axis=-1))
    assert [[row["one"], row["two"]] for row in shown.rows] == pytest.approx(y[:, :2])
    table = run.model.embedding.table.value
    far = math.sqrt(24) * abs(table[changed[0, -1]] - table[run.src[0, -1]]).max()
    assert [row["x"] for row in shown.rows] == pytest.approx([0, 0, 0, 0, far], rel=1e-5)


def test_the_tasks_are_worked_out(run):
    (shown,) = tables(records_of(topic.tasks, run))
    assert [(row["src"], row["tgt"], row["s"], row["t"]) for row in shown.rows] == [
        ("c a t", "t a c", 3, 3),
        ("three two three", "3 2 3", 3, 3),
        ("12 June 2017", "2 0 1 7 - 0 6 - 1 2", 3, 10),
    ]


def test_the_changes_that_are_told_are_measured(run):
    one_by_one = run.written[1]
    right, misled = run.both
    first, later = abs(misled[0] - right[0]).max(), abs(misled[1:] - right[1:]).max()
    told = sentences(records_of(topic.both_ways, run))
    assert told[1].endswith(f"Here the probabilities differ by at most {abs(right - one_by_one).max():.0e}.")
    assert told[2] == (
        "That is no help against its own errors. Let another word be written first: the answer of place 1, which does "
        f"not see it, moves by {first:.2g}; the largest change of a probability after it is {later:.2g}. How "
        "large it is depends on what was learned."
    )


def test_the_numbers_of_the_last_steps_are_those_of_the_model(run):
    c, s, v = 24, 5, 17
    said = [r.truth for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert f"2 S C^2 = {2 * s * c * c:,} multiply-adds a layer here." in said[1]
    assert said[2].startswith(f"It gives a probability for each of {v} tokens.")
    assert run.model.embedding.table.value.shape[0] == v
    assert sentences(records_of(topic.maps, run))[1].startswith("The linear map behind it gives (4, 17): ")


def test_the_map_that_is_shown_is_that_of_cross_attention(run):
    ids, _ = run.written
    (shown,) = (r for r in records_of(topic.maps, run) if isinstance(r, Matrix))
    block = run.model.forward(run.src, ids[:, :-1])[1].blocks[0]
    assert shown.values == pytest.approx(block.cross_weights[0, 0]) and shown.values.shape == (4, 5)
    assert list(shown.rows) == topic.words(ids[0, 1:]) and list(shown.cols) == topic.words(run.src[0])
