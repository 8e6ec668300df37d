"""encode-decode-walkthrough: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.architectures.walkthrough.lesson as topic
from tests.lessons.steps import (
    all_text,
    checks,
    failed,
    failed_in,
    records_of,
    request_for,
    sentences,
    steps_of,
    tables,
)
from tfx.errors import BadInput
from tfx.records import Matrix, Question

TOPIC = "encode-decode-walkthrough"
KEPT = {name: getattr(topic, name) for name in vars(topic)}


def run_of(*pairs: str, seed: int = 0) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs, seed=seed))


@pytest.fixture(scope="module")
def trained() -> topic.Run:
    return run_of()


@pytest.fixture
def run(trained) -> topic.Run:
    """Another run with the same model, to be spoilt."""
    fresh = run_of()
    fresh.model = trained.model
    return fresh


@pytest.mark.parametrize("pairs", [[], ["sentence=50"], ["sentence=2"]])
def test_every_check_holds(pairs):
    steps = steps_of(TOPIC, *pairs, seed=len(pairs) and int(pairs[0][-1]) + 1)
    assert len(steps) == 6 and not failed(steps)
    assert list(checks(steps)) == [*SPOILT] and all_text(steps).isascii()


@pytest.mark.parametrize("pair", ["sentence=0", "sentence=51"])
def test_settings_out_of_range_are_refused(pair):
    with pytest.raises(BadInput):
        run_of(pair)


def shorter(run, patch, by):
    encode = run.model.encode
    patch.setattr(run.model, "encode", lambda src: (encode(src)[0][:, 1:], encode(src)[1]))


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
        patch.setattr(topic, "one_wrong", lambda run: change(*KEPT["one_wrong"](run), by))

    return spoil


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


#: check -> its step, and how it is spoilt; with `by` not a number where that can be.
SPOILT = {
    "memory": ("encoding", shorter),
    "greedy": ("decoding", other_ids),
    "sum": ("decoding", times(1)),
    "maps": ("maps", map_of(lambda w, by: np.concatenate([w, w], axis=-1) / 2)),
    "rows": ("maps", map_of(lambda w, by: w * by)),
    "same": ("both_ways", times(2)),
    "before": ("both_ways", answers(scaled_first)),
    "after": ("both_ways", answers(unmoved)),
    "projected": ("too_strong", fewer),
    "chosen": ("too_strong", improbable),
}


@pytest.mark.parametrize("by", [1.2, math.nan])
@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(id, by, run, monkeypatch):
    if by != by and id in ("memory", "greedy", "maps", "projected"):
        return  # ids and sizes are never NaN
    step, spoil = SPOILT[id]
    assert not failed_in(getattr(topic, step), run)
    spoil(run, monkeypatch, by)
    assert failed_in(getattr(topic, step), run) == {id}


def asked(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def test_the_questions_are_answered_by_the_sizes(run):
    assert asked(topic.encoding, run).answer == 5 * 24
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


def test_what_goes_in_and_comes_out_is_shown(run):
    shown = records_of(topic.encoding, run)
    x, y = (r.values for r in shown if isinstance(r, Matrix))
    table, places = run.model.embedding.table.value, run.model.src_input.positions
    assert x.shape == y.shape == (5, 6) and table.shape[1] == 24 and places is not None
    assert y == pytest.approx(run.model.encode(run.src)[0][0, :, :6])
    assert sentences(shown)[0].endswith(f"as ids: {', '.join(str(i) for i in run.src[0])}.")


def test_the_changes_that_are_told_are_measured(run):
    right, misled = topic.one_wrong(run)
    first, later = abs(misled[0] - right[0]).max(), abs(misled[1:] - right[1:]).max()
    assert sentences(records_of(topic.both_ways, run))[-1] == (
        "That is no help against own errors. With another word in the first place, the answer of place 1, which does "
        f"not see it, moves by {first:.2g}; the largest change of a probability after it is {later:.2g}. How "
        "large it is depends on what was learned."
    )
