"""multi-head: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

import lessons.heads.multi_head.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def three_of(by):
    return lambda rng, n_heads, width=8: KEPT["layer_of"](rng, 4 if by == by else 1, width)


def more_parameters(by):
    return lambda rng, n_heads, width=8: SimpleNamespace(n_parameters=by * n_heads)


def shares(one, two):
    def wrong(by):
        given = iter((one * by, two / by))
        return lambda model, ids: next(given)

    return wrong


def backward(by):
    return topic._forward, lambda dy, cache: tuple(by * grad for grad in topic._backward(dy, cache))


def looked(shift):
    def wrong(by):
        def layer(run):
            weights, names = KEPT["last_layer"](run)
            return by * (weights + shift), names

        return layer

    return wrong


def other_work(by):
    return SimpleNamespace(
        projections=lambda n, c: (),
        attention_core=lambda n, c, h: (h,),
        total_matmul_flops=lambda costs: by * 10 * costs[0],
    )


class TestMultiHead(TopicTests):
    lesson, steps = topic, 9
    changed = [
        asked(*pairs, text=text, untrained=untrained)
        for pairs in (("heads=16", "first=-1e6"), ("heads=3", "first=0", "second=1e6"))
        for text, untrained in ((None, True), ("the the", False), ("two words and a few more", False))
    ]
    changed_seeds = (0,)
    refused = ["heads=1", "heads=17", "first=2e6"]
    usual = ("heads=4",)
    known = {
        "learn_two_sources": lambda n_heads, **_: n_heads,  # does not depend on the settings
        "share_of_pairs": lambda n_heads, ids: n_heads / 2,
    }
    spoilt = {
        "blurred": Spoilt("one_average", result(topic, "fetch")),
        "both": Spoilt("two_heads", result(topic, "fetch")),
        "alone": Spoilt("the_formula", output(topic, "attention_forward")),
        "own-row": Spoilt(
            "in_code",
            instead(topic, "split_heads", lambda by: lambda x, h: by / by * topic.reshape_alone(x, h)),
        ),
        "mixed": Spoilt(
            "in_code", instead(topic, "reshape_alone", lambda by: KEPT["split_heads"]), no_nan="rows in another order"
        ),
        "shape": Spoilt("in_code", instead(topic, "layer_of", three_of)),
        "gradcheck": Spoilt("in_code", instead(topic, "both_ways", backward)),
        "one": Spoilt("learned", instead(topic, "share_of_pairs", shares(0.5, 1.0)), also={"two"}),
        "two": Spoilt("learned", instead(topic, "share_of_pairs", shares(0.4, 1.0)), nan_also={"one"}),
        "owned": Spoilt("the_price", instead(topic, "layer_of", more_parameters)),
        "work": Spoilt("the_price", instead(topic, "counting", other_work)),
        "causal": Spoilt("trained_heads", instead(topic, "last_layer", looked(1e-3)), nan_also={"spread"}),
        "spread": Spoilt(
            "trained_heads", instead(topic, "entropy", lambda by: lambda weights: by * KEPT["entropy"](weights) + 3)
        ),
        "kept": Spoilt("too_strong", result(topic, "fetch")),
    }


def test_what_is_learned_is_what_the_models_name():
    """The two models once more, asked place by place."""
    shown = records_of(topic.learned, run_of(seed=1), seed=1)
    ids = generator_of(1, "learned").integers(6, size=(200, 12))
    rows = tables(shown)[0].rows
    for row, heads in zip(rows, (1, 2), strict=True):
        model = topic.learn_two_sources(n_heads=heads, seed=1, **topic.TASK)
        logits, _ = model.forward(ids)
        right = [
            logits[b, t, 0].argmax() == ids[b, t - 1] and logits[b, t, 1].argmax() == ids[b, t - 3]
            for b in range(200)
            for t in range(3, 12)
        ]
        assert row["share"] == pytest.approx(100 * np.mean(right)) and row["d"] == 16 / heads
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx((1 / 6) * (1 / 6))
    assert sentences(shown)[0] == (
        "Does training find it? A layer of attention alone reads random texts and names two past tokens at every "
        "place: the one 1 back and the one 3 back. Width 16, 120 training updates, then new texts:"
    )
    assert sentences(shown)[1].endswith(
        "can be right in no more than (6 + 1) / (2 * 6) = 58% of all pairs. Two heads have the same number of "
        "parameters and no such limit."
    )


def test_one_head_brings_home_the_average_and_two_bring_home_both():
    shown = records_of(topic.one_average, run_of("first=3", "second=8"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.prompt == "The two tokens hold 3 and 8. What does the head bring home?" and asked.answer == 5.5
    assert [(row["a"], row["b"]) for row in tables(shown)[0].rows] == [(3, 8), (5.5, 5.5), (0.5, 10.5)]
    assert [row["got"] for row in tables(shown)[0].rows] == pytest.approx([5.5] * 3)
    both = tables(records_of(topic.two_heads, run_of("first=3", "second=8")))[0]
    assert [row["looks"] for row in both.rows] == ["the first token", "the second token"]
    assert [row["got"] for row in both.rows] == pytest.approx([3, 8])


def test_the_maps_are_counted_and_named():
    shown = records_of(topic.the_formula, run_of("heads=3"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.prompt == "How many numbers do all four maps hold at C = 12, without offsets?" and asked.answer == sum(
        x.size for x in run_of("heads=3").w
    )
    assert [row["name"] for row in tables(shown)[0].rows] == ["X W_Q", "Q", "weights", "concat", "output"]


def test_the_wrong_reshape_moves_the_rows_that_the_picture_shows():
    (picture,) = (r for r in records_of(topic.in_code, run_of("heads=3")) if isinstance(r, Matrix))
    assert picture.values.tolist() == [[1, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0]]


def test_the_price_is_counted_by_hand():
    run = run_of("heads=4", text="one two three")
    one, all_ = tables(records_of(topic.the_price, run))[0].rows
    assert one["owned"] == all_["owned"] == 4 * 16 * 16 + 4 * 16
    assert one["work"] == all_["work"] == 4 * 3 * 16 * 16 + 2 * 3 * 3 * 16
    assert (one["weights"], all_["weights"]) == (9, 36)


def test_the_trained_heads_are_measured_another_way():
    run = run_of(text="the list of names")
    weights, names = topic.last_layer(run)
    rows = tables(records_of(topic.trained_heads, run))[0].rows
    for row, head in zip(rows, weights, strict=True):
        back = [sum(w * (i - j) for j, w in enumerate(line[: i + 1])) for i, line in enumerate(head)][1:]
        spread = [-sum(w * math.log(w) for w in line if w > 0) for line in head][1:]
        assert (row["back"], row["spread"]) == (pytest.approx(np.mean(back)), pytest.approx(np.mean(spread)))
        assert row["top"] == names[max(range(len(names)), key=lambda j: head[-1][j])]
    said = sentences(records_of(topic.trained_heads, run))[0]
    assert said == (
        'The small language model of this course reads your text, 4 tokens. Last layer: what the last token, "names", '
        "looks at most; on average over all but the first, how far back and how widely each head looks (entropy, "
        "with natural logarithms, in nats: 0 for one token, 1.39 for all alike)."
    )


def test_what_the_paper_measured_is_computed_from_its_table():
    said = [r.truth for r in records_of(topic.too_strong, run_of()) if isinstance(r, Said)]
    assert said[0] == (
        "In the table of 2017 one head is 0.9 below the best number in BLEU, a score of translations, and 32 heads are "
        "below it too, by 0.4. Of a trained model many heads can go with little loss (Voita et al. 2019)."
    )
    assert sentences(records_of(topic.too_strong, run_of()))[0].startswith(
        "Were the two facts kept in two coordinates, (10, 0) and (0, 40), one head would bring home (5, 20): half of "
        "each, and nothing is lost."
    )
