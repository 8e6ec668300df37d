"""cross-attention: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import lessons.heads.cross_attention.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run
from tests.lessons.steps import failed_in, records_of, request_for, sentences, tables
from tfx.records import Matrix, Question

TOPIC = "cross-attention"
KEPT = dict(vars(topic))
trained = functools.cache(lambda seed: topic.Run(request_for(TOPIC, seed=seed)).model)


def run_of(*pairs: str, seed: int = 0) -> topic.Run:
    run = topic.Run(request_for(TOPIC, *pairs, seed=seed))
    run.model = trained(seed)
    return run


def test_every_check_holds_for_every_sentence():
    for sentence in (2, topic.SENTENCES):
        assert not failed_in(topic.alignment, run_of(f"sentence={sentence}"))


def other_row(by):
    def forward(q, k, v, scale=None):
        out, cache = KEPT["attention_forward"](q, k, v, scale=scale)
        cache.weights[:] *= by
        return out, cache

    return forward


def weights(run, patch, by):
    run.weights = by * run.weights


def longer(run, patch, by):
    run.weights = run.weights[:, :3] if by == by else run.weights[:, :0]


def marks(by):
    return lambda model, drawn: KEPT["examine"](model, drawn)._replace(accuracy=by / by * 0.85)


def first(*wrong):
    """What is written first: own source, other source, none; -1 is no word."""

    def words(by):
        given = iter(wrong)
        return lambda run, order: KEPT["first_words"](run, order) if next(given) else order - 100

    return words


class Model(topic.EncoderDecoder):
    """Of two layers: reads word by word otherwise, keeps fewer numbers, or has the same keys in both layers."""

    wrong, by = "", 1.0

    def decode(self, *args, **options):
        logits, cache = super().decode(*args, **options)
        return (self.by * logits if self.wrong == "same" else logits), cache

    def forward(self, src, tgt, **options):
        logits, cache = super().forward(src, tgt, **options)
        if self.wrong == "same":
            logits = logits / self.by
        blocks = list(cache.stack.blocks)
        for i, block in enumerate(blocks):
            read = block.cross_attention.read
            k = read.k[:, :1] if self.wrong == "stored" else 0 * read.k * self.by if self.wrong == "differ" else read.k
            blocks[i] = block._replace(cross_attention=block.cross_attention._replace(read=read._replace(k=k)))
        return logits, cache._replace(stack=cache.stack._replace(blocks=tuple(blocks)))


def model(wrong):
    def spoil(run, patch, by):
        patch.setattr(topic, "EncoderDecoder", type("Other", (Model,), {"wrong": wrong, "by": by}))

    return spoil


def memory(run, patch, by):
    class Short:
        def encode(self, src):
            return trained(0).encode(src)[0][:, 1:], None

    run.model = Short()


def other_average(by):
    def forward(q, k, v):
        out, cache = KEPT["attention_forward"](q, k, v)
        return out + (by - 1) * v[0], cache

    return forward


class TestCrossAttention(TopicTests):
    lesson, steps = topic, 8
    refused = ["sentence=0", "sentence=51"]
    run_of = staticmethod(run_of)
    spoilt = {
        "memory": Spoilt("the_need", memory, no_nan="numbers are counted"),
        "hand": Spoilt("the_formula", instead(topic, "attention_forward", other_row)),
        "rows": Spoilt("alignment", of_run("weights")),
        "shape": Spoilt("alignment", longer, no_nan="a shape"),
        "right": Spoilt("how_often", instead(topic, "examine", marks)),
        "shares": Spoilt("how_often", of_run("weights")),
        "follows": Spoilt(
            "another_source", instead(topic, "first_words", first(True, False, True)), no_nan="words are counted"
        ),
        "blind": Spoilt(
            "another_source", instead(topic, "first_words", first(True, True, False)), no_nan="words are counted"
        ),
        "same": Spoilt("once", model("same")),
        "stored": Spoilt("once", model("stored"), no_nan="numbers are counted"),
        "differ": Spoilt("once", model("differ")),
        "average": Spoilt("too_strong", instead(topic, "attention_forward", other_average)),
    }


def test_two_sources_with_one_reading_are_those_that_are_shown():
    """The values in the text, weighed by hand."""
    said, values = sentences(records_of(topic.too_strong, run_of()))[0], np.array([10, 20, 60])
    e = np.exp([0.5, 0.2, -0.3])
    p = e / e.sum()
    other = (10 + 1 / p[0], 20 - 1 / p[1], 60)
    assert sum(p * other) == pytest.approx(p @ values)
    assert said == (
        f"Weights {p[0]:.4f}, {p[1]:.4f}, {p[2]:.4f}: the values 10, 20, 60 give {p @ values:.2f}, and so do "
        f"{other[0]:.2f}, {other[1]:.2f}, 60. More heads and layers ask more questions; a single answer stays an "
        "average."
    )


def test_the_small_row_by_hand():
    (asked,) = (r for r in records_of(topic.the_formula, run_of()) if isinstance(r, Question))
    e = [math.exp(s) for s in (2, 0, -2)]
    assert asked.answer == pytest.approx((e[0] * 10 + e[1] * 20 + e[2] * 60) / sum(e))


def test_a_sentence_is_shown_with_its_translation():
    run = run_of("sentence=3")
    shown = records_of(topic.alignment, run)
    own, foreign = sentences(shown)[1].split("  ->  ")
    first, second, third, fourth = own.split()
    assert foreign.split() == [second[::-1], first[::-1], fourth[::-1], third[::-1]]
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    assert list(picture.rows) == foreign.split() and list(picture.cols) == ["<start>", *own.split()]
    best = [picture.cols[int(np.argmax(row))] for row in picture.values]
    assert f'To write "{foreign.split()[0]}" it looks most at "{best[0]}", then for' in sentences(shown)[2]


@pytest.mark.parametrize("seed", [0, 1])
def test_the_shares_are_counted_word_by_word(seed):
    run = run_of(seed=seed)
    shown = records_of(topic.how_often, run)
    right = looked = weight = 0
    for i in range(topic.SENTENCES):
        logits, cache = run.model.forward(run.drawn.src[i : i + 1], run.drawn.tgt[i : i + 1, :-1])
        rows = cache.blocks[-1].cross_weights[0, 0]
        for t, place in enumerate((2, 1, 4, 3)):
            right += logits[0, t].argmax() == run.drawn.tgt[i, t + 1]
            looked += rows[t].argmax() == place
            weight += rows[t, place]
    n = 4 * topic.SENTENCES
    counted = [100 * x / n for x in (right, looked, weight)]
    assert [row["share"] for row in tables(shown)[0].rows] == pytest.approx(counted, rel=1e-5)
    apart = sentences(shown)[1].startswith("It writes right far more often than it looks right:")
    assert apart == (seed == 1), "what the lesson says of --seed 1"


def test_the_first_words_are_counted():
    run = run_of()
    rows = tables(records_of(topic.another_source, run))[0].rows
    own, other = run.drawn.tgt[:, 1], np.roll(run.drawn.tgt[:, 1], 1)
    alike = 100 * float((own == other).mean())
    assert [row["own"] for row in rows[:2]] == pytest.approx([100, alike])
    assert [row["other"] for row in rows[:2]] == pytest.approx([alike, 100])
    assert rows[2]["own"] in {100 * float((own == word).mean()) for word in set(own.tolist())}


def test_what_is_kept_is_counted():
    shown = records_of(topic.once, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == 2 * 2 * 5 * 16 and generator_of(0, "once") is not None
    (need,) = (r for r in records_of(topic.the_need, run_of()) if isinstance(r, Question))
    assert need.answer == 20 * 24
    (read,) = tables(records_of(topic.the_need, run_of()))
    assert [list(row.values()) for row in read.rows] == [[5, 24, 120], [20, 24, 480]]
