"""self-vs-cross: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.heads.self_vs_cross.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def longer(run, patch, by):
    """Cross-attention that reads one word more."""
    right = run.attend
    run.attend = lambda x_q, x_kv, mask=None: right(x_q, x_kv[1:], None)


def shown_more(by):
    return lambda *sizes: KEPT["who_sees_whom"](*sizes) + np.eye(7, k=4, dtype=int)


def sees_ahead(by):
    """Every token of the language model gives `by` - 1.2 + 0.001 to a later one."""

    def load(name):
        shipped = KEPT["load"](name)
        forward = shipped.model.forward

        def leaking(ids):
            logits, cache = forward(ids)
            weights = cache.stack.blocks[-1].attention.weights
            weights[..., 1, 2] = by - 1.2 + 1e-3
            return logits, cache

        shipped.model.forward = leaking
        return shipped

    return load


def exchanged(run, patch, by):
    """Each word looks at the neighbour of its source word."""

    def forward(q, k, v):
        out, cache = KEPT["attention_forward"](q, k, v)
        cache.weights[:] = np.roll(cache.weights, 1, axis=-1)
        return out, cache

    patch.setattr(topic, "attention_forward", forward)


def attention(run, patch, by):
    def forward(q, k, v):
        out, cache = KEPT["attention_forward"](q, k, v)
        cache.weights[:] *= by
        return out, cache

    patch.setattr(topic, "attention_forward", forward)


def moved(*wrong):
    def moves(by):
        given = iter(([*wrong[:3]], [0, 0, 0], [0, 0, 0], [wrong[3] * by] * 3))
        return lambda model: [by / by * x for x in next(given)]

    return moves


class TestSelfVsCross(TopicTests):
    lesson, steps = topic, 8
    changed = [asked(f"target={target}", text="two words") for target in ("un deux", "mot " * 64)]
    refused = ["target=one", "target=" + "word " * 65]
    spoilt = {
        "shapes": Spoilt("three_ways", longer, no_nan="a shape"),
        "seen": Spoilt("masks", instead(topic, "who_sees_whom", shown_more), no_nan="ones are counted"),
        "row-self": Spoilt(
            "example_self",
            result(topic, "it_looks_at", lambda found, by: (by * found[0], found[1])),
            no_nan="`looks_at` raises for such weights",
        ),
        "noun": Spoilt(
            "example_self",
            result(topic, "it_looks_at", lambda found, by: (by * found[0][::-1], found[1])),
            also={"row-self"},
            no_nan="`looks_at` raises for such weights",
        ),
        "future": Spoilt("example_masked", instead(topic, "load", sees_ahead)),
        "aligned": Spoilt("example_cross", exchanged, no_nan="words are compared"),
        "row-cross": Spoilt("example_cross", attention, nan_also={"aligned"}),
        "with": Spoilt("take_away", instead(topic, "moves", moved(1.0, 1e-7, 1.0, 0.0)), nan_also={"gone"}),
        "gone": Spoilt("take_away", instead(topic, "moves", moved(1.0, 1.0, 1.0, 1e-3)), nan_also={"with"}),
        "last": Spoilt("take_away", instead(topic, "moved_by_last_word", lambda by: lambda model: 1e-7 * by)),
        "square": Spoilt("names", longer, no_nan="a shape"),
    }


def test_the_three_calls_are_told_with_their_shapes():
    shown = records_of(topic.three_ways, run_of("target=un deux trois quatre", text="a b c"))
    assert [list(row.values()) for row in tables(shown)[0].rows] == [
        ["encoder self", "source", "source", "none", "(3, 3)"],
        ["masked self", "target", "target", "causal", "(4, 4)"],
        ["cross", "target", "source", "none", "(4, 3)"],
    ]
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == sum(1 for _ in range(4) for _ in range(3))


def test_the_picture_of_the_masks_follows_the_rule_pair_by_pair():
    (picture,) = (r for r in records_of(topic.masks, run_of()) if isinstance(r, Matrix))
    names = ["s1", "s2", "s3", "s4", "t1", "t2", "t3"]
    assert list(picture.rows) == list(picture.cols) == names
    for asks in names:
        for read in names:
            if read[0] == "s":
                allowed = read != "s4"
            else:
                allowed = asks[0] == "t" and int(read[1]) <= int(asks[1])
            assert picture.values[names.index(asks), names.index(read)] == allowed, (asks, read)


def test_what_carries_over_is_measured_in_both_directions():
    """Taking out one attention stops what it carries, and nothing else in a model of one block each."""
    model = topic.translator(4)
    encoder, decoder = model.encoder.blocks[0], model.decoder.blocks[0]
    layers = (encoder.attention, decoder.cross_attention, decoder.attention)
    for i, layer in enumerate(layers):
        kept = layer.output.w.value.copy()
        layer.output.w.value[:] = 0
        found = topic.moves(model)
        layer.output.w.value[:] = kept
        assert [x == 0 for x in found] == [j == i for j in range(3)]
    rows = tables(records_of(topic.take_away, run_of(seed=4)))[0].rows
    assert [row["whole"] for row in rows] == pytest.approx(topic.moves(model))
    assert [row["lost"] for row in rows] == [0, 0, 0]


def test_without_masked_self_attention_the_word_written_last_is_known():
    model = topic.translator(4)
    kept = model.decoder.blocks[0].attention.output.w.value.copy()
    model.decoder.blocks[0].attention.output.w.value[:] = 0
    src, last = np.array([[3, 4, 5, 6]]), {word: np.array([[1, 7, 8, word]]) for word in (9, 10)}
    by_hand = np.abs(model.forward(src, last[9])[0][0, -1] - model.forward(src, last[10])[0][0, -1]).max()
    model.decoder.blocks[0].attention.output.w.value[:] = kept
    assert by_hand > 0.01 and topic.moved_by_last_word(model) == pytest.approx(by_hand)
    assert sentences(records_of(topic.take_away, run_of(seed=4)))[1] == (
        'So without the first an ambiguous word ("bank") keeps one vector, whatever its neighbours are. Without the '
        "second the output may be fluent, but knows nothing of the source. Without the third the decoder knows the "
        "word that it wrote last, and none before it. In deeper models it is the same for all blocks together."
    )


def test_the_examples_are_told_as_they_are():
    said = sentences(records_of(topic.example_self, run_of()))
    assert said[1].startswith('... too tired: "it" looks at: animal 0.9')
    assert said[2].startswith('... too wide: "it" looks at: street 0.')
    assert sentences(records_of(topic.example_masked, run_of()))[-1] == (
        'The word "returns" looked at itself and what stood before it; its weights on the 3 words after it are exactly '
        "0. So the model learned from every place at once, without seeing an answer."
    )
    assert sentences(records_of(topic.example_cross, run_of()))[-1].startswith(
        '"black" comes second and looks at "noir", the third source word:'
    )
