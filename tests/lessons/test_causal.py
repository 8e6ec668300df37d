"""masking-causal: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.masks.causal.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def off_by(k):
    """A mask whose diagonal is another one."""

    def spoil(run, patch, by):
        def mask(n, **options):
            right = KEPT["causal_mask"](n, **options)
            return right | np.eye(*right.shape, k=k, dtype=bool) if k else right & ~np.eye(*right.shape, dtype=bool)

        patch.setattr(topic, "causal_mask", mask)

    return spoil


def shorter_row(run, patch, by):
    def mask(n, past=0):
        right = KEPT["causal_mask"](n, past=past)
        return right & (np.arange(n + past) > 0) if past else right

    patch.setattr(topic, "causal_mask", mask)


def weighs(wrong):
    def spoil(run, patch, by):
        def forward(q, k, v, mask):
            out, cache = KEPT["attention_forward"](q, k, v, mask)
            wrong(cache.weights, by)
            return out, cache

        patch.setattr(topic, "attention_forward", forward)

    return spoil


def upper(weights, by):
    weights[0, 1] = by * 1e-13


def last_row(weights, by):
    weights[-1] *= by


def first_weight(weights, by):
    weights[0, 0] = by / 1.2 * (1 - 1e-13)


def attends(wrong):
    """run.attend gives something else: wrong(x, mask, what is right, by)."""

    def spoil(run, patch, by):
        right = run.attend
        run.attend = lambda x, mask: wrong(x, mask, right(x, mask), by)

    return spoil


def leak(x, mask, out, by):
    return out + 1e-12 * by * x[-1, 0] if mask is not None else out


def blind(x, mask, out, by):
    return out if mask is not None else 0 * out * by


def stiff(x, mask, out, by):
    return np.concatenate([out[:-1], 0 * out[-1:] * by]) if mask is not None else out


def first_output(x, mask, out, by):
    return out * by if mask is not None else out


def leaking(after, before):
    def spoil(run, patch, by):
        right = KEPT["blocked_weight"]
        given = {-np.inf: after, -30.0: before}
        patch.setattr(topic, "blocked_weight", lambda heads, c: by * given.get(c) if given.get(c) else right(heads, c))

    return spoil


def padded(run, patch, by):
    patch.setattr(topic, "padding_mask", lambda lengths, n: KEPT["padding_mask"]([2], n))


def reads(run, patch, by):
    class Reader:
        def __init__(self, model):
            self.reader = KEPT["reader_of"](model)

        def begin(self, n):
            self.reader.begin(n)

        def read(self, ids):
            return self.reader.read(ids) * by

    patch.setattr(topic, "reader_of", Reader)


class TestCausal(TopicTests):
    lesson, steps = topic, 8
    changed = [
        asked(penalty, text=text)
        for text in ("two words", "the the the", " ".join(["word"] * 64))
        for penalty in ("penalty=-1", "penalty=-1e4")
    ]
    refused = ["penalty=0", "penalty=-2e4"]
    spoilt = {
        "hidden": Spoilt("every_place", off_by(0), no_nan="masks are True and False"),
        "upper": Spoilt("triangle", weighs(upper), nan_also={"sums"}),
        "sums": Spoilt("triangle", weighs(last_row)),
        "first": Spoilt("triangle", weighs(first_weight), nan_also={"sums"}),
        "still": Spoilt("later_word", attends(leak), nan_also={"last"}),
        "leaks": Spoilt("later_word", attends(blind)),
        "last": Spoilt("later_word", attends(stiff)),
        "rule": Spoilt("in_code", off_by(1), no_nan="masks are True and False"),
        "new-row": Spoilt("in_code", shorter_row, no_nan="masks are True and False"),
        "infinite": Spoilt("with_others", leaking(1e-9, None)),
        "finite": Spoilt("with_others", leaking(None, 0.9)),
        "combined": Spoilt("with_others", padded, no_nan="masks are True and False"),
        "same": Spoilt("one_pass", reads),
        "alone": Spoilt("too_strong", attends(first_output)),
    }


def test_the_questions_of_a_text_are_its_next_words():
    rows = tables(records_of(topic.every_place, run_of(text="we read it")))[0].rows
    assert [list(row.values()) for row in rows] == [[1, "we", "read"], [2, "we read", "it"]]
    (asked,) = (r for r in records_of(topic.every_place, run_of()) if isinstance(r, Question))
    assert asked.answer == len(range(1, 1000))


def test_the_triangle_is_that_of_a_loop():
    run = run_of(seed=2)
    scores, weights = (r.values for r in records_of(topic.triangle, run) if isinstance(r, Matrix))
    for i in range(3):
        e = [math.exp(sum(run.x[i] * run.x[j]) / 4) for j in range(i + 1)]
        assert weights[i].tolist() == pytest.approx([x / sum(e) for x in e] + [0] * (2 - i))
        assert np.exp(scores[i]).tolist() == pytest.approx(e + [0] * (2 - i))


def test_what_moves_is_measured_head_by_head():
    """The layer once more, place by place, without the words that a place does not see."""
    run = run_of(text="one two three four", seed=3)
    other = run.x.copy()
    other[-1] = topic.word_vectors(("another",), 16, 4)[0]
    rows = tables(records_of(topic.later_word, run))[0].rows
    for i, row in enumerate(rows):
        alone = [run.attend(x[: i + 1], None)[-1] for x in (other, run.x)]
        assert row["mask"] == pytest.approx(np.abs(alone[0] - alone[1]).max(), abs=1e-12)
        whole = [run.attend(x, None)[i] for x in (other, run.x)]
        assert row["none"] == pytest.approx(np.abs(whole[0] - whole[1]).max())


def test_pairs_are_counted_in_the_text():
    said = sentences(records_of(topic.in_code, run_of(text="a b c d")))
    assert said[0].endswith("-inf comes in only where it meets the scores. Of 4 * 4 pairs 10 are visible.")
    assert said[1] == (
        "With j < i the diagonal is blocked as well: 1 row has nothing to see, the first, and every place misses its "
        "own word. While a text is written, one new row at a time is needed: after 3 stored words a row of 4 ones."
    )
    (asked,) = (r for r in records_of(topic.in_code, run_of()) if isinstance(r, Question))
    assert asked.answer == sum(range(1, 101))


def test_what_a_finite_constant_leaks_is_measured_by_hand():
    heads = topic.draw_heads(0, 8, 2, 64, "float64", np)
    rows = tables(records_of(topic.with_others, run_of("penalty=-20")))[0].rows
    scores = heads.q @ heads.k.swapaxes(-1, -2)
    for way, added in (("after", scores / 8 - 20 * ~heads.causal), ("before", (scores - 20 * ~heads.causal) / 8)):
        e = np.exp(added)
        assert rows[2][way] == pytest.approx((e / e.sum(axis=-1, keepdims=True) * ~heads.causal).max())
    said = sentences(records_of(topic.with_others, run_of()))[1]
    assert said == (
        "A padding mask joins by and: a key is blocked if either forbids it. Four places, the last one filling: 9 of "
        "10 pairs are left. With two places of filling in front, 2 rows see nothing; this library gives them zeros."
    )
