"""attention-shapes: the tracer tells the truth, loud mistakes are loud and silent ones do damage."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.attention.shapes.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import (
    all_text,
    failed_in,
    records_of,
    request_for,
    sentences,
    steps_of,
    tables,
)
from tfx.lab.attention.shape_mistakes import Raised, provoke, raised_mistakes, silent_mistakes
from tfx.lab.attention.shape_trace import random_weights, trace_many_heads, trace_one_head
from tfx.ops.attention.multi_head import Maps, multi_head_attention_forward
from tfx.records import Matrix, Question

run_of = runs_of(topic)


def test_the_named_axes_have_the_traced_lengths():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 5, 12)), rng.standard_normal((2, 7, 12))
    traced = trace_many_heads(x, y, random_weights(rng, 12, 3, 6), 3)
    lengths = {"B": 2, "T": 5, "S": 7, "C": 12, "H": 3, "D": 4, "Dv": 6, "H*D": 12, "H*Dv": 18}
    for line in traced.lines:
        assert line.shape == tuple(lengths[axis] for axis in line.axes.split(", ")), line


def test_the_named_axes_of_one_head_have_the_traced_lengths():
    rng = np.random.default_rng(0)
    traced = trace_one_head(*(rng.standard_normal(shape) for shape in ((5, 4), (7, 4), (7, 6))))
    lengths = {"T": 5, "S": 7, "D": 4, "Dv": 6}
    for line in traced.lines:
        assert line.shape == tuple(lengths[axis] for axis in line.axes.split(", ")), line


def test_the_tracer_computes_multi_head_attention():
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 5, 12)), random_weights(rng, 12, 3, 4)
    out, _ = multi_head_attention_forward(x, x, Maps(w.w_q, w.w_k, w.w_v, w.w_o), n_heads=3)
    assert trace_many_heads(x, x, w, 3).out == pytest.approx(out, abs=1e-12)


def test_every_loud_mistake_is_answered_with_the_sizes_that_do_not_fit():
    for mistake in raised_mistakes(6, 3, 4):
        assert mistake.kind in ("ValueError", "TypeError"), mistake
        assert any(character.isdigit() for character in mistake.message), mistake


def test_a_call_without_a_mistake_is_reported_as_such():
    assert provoke("fine", lambda: 1).kind == ""


@pytest.mark.parametrize("seed", range(5))
def test_silent_mistakes_keep_the_shape_and_change_the_numbers(seed):
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal((2, 6, 8)), random_weights(rng, 8, 2, 4)
    for mistake in silent_mistakes(x, w, 2):
        assert mistake.shape == x.shape and mistake.error > 0.01


def test_with_one_head_only_the_transposed_weights_do_damage():
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 6, 8)), random_weights(rng, 8, 1, 8)
    errors = {mistake.tried: mistake.error for mistake in silent_mistakes(x, w, 1)}
    assert errors.pop("weights transposed") > 0.01 and max(errors.values()) < 1e-12


def test_what_is_said_about_w_o_follows_the_widths():
    def told(*pairs: str) -> str:
        return sentences(records_of(topic.the_width, run_of(*pairs)))[-1]

    first = "W_O, one more learned matrix, mixes the heads and brings them back to C. "
    last = " Equal widths in and out also let layers be stacked."
    sizes = "shapes (2,6,8) (2,6,6)"
    fails = f'Without it the sum fails: "operands could not be broadcast together with {sizes}".'
    assert told() == first + fails + last
    assert (
        told("d_v=4")
        == first
        + ("Here H * Dv = C = 8, so the sum would even work without it; but this layer would then not mix its heads.")
        + last
    )
    assert (
        told("heads=1", "d_v=1")
        == first
        + ("Here the sum without it is possible only because a width of 1 is stretched to 8: a silent mistake.")
        + last
    )


def test_every_prediction_is_a_product_of_the_sizes_on_the_screen():
    def asked(step, *pairs, text=None):
        run = topic.Run(request_for("attention-shapes", *pairs, text=text))
        (question,) = (record for record in records_of(step, run) if isinstance(record, Question))
        return question

    numbers = asked(topic.the_letters, "batch=3", "d_model=12", text="one two three four")
    assert (numbers.prompt, numbers.answer) == ("The input X is (B, T, C). How many numbers is that here?", 3 * 4 * 12)
    weights = asked(topic.many_heads, "batch=3", "heads=4", text="one two three four five")
    assert (weights.prompt, weights.answer) == (
        "A T x T matrix for each head and sentence: how many weights are that?",
        sum(1 for _ in itertools.product(range(3), range(4), range(5), range(5))),
    )
    assert weights.explanation == "3 x 4 x 5 x 5. Twice the tokens make four times as many."


def test_every_axis_of_the_first_table_has_its_size():
    run = run_of("batch=3", "heads=4", "d_model=20", "d_v=7", "other=a b c d")
    (shown,) = tables(records_of(topic.the_letters, run))
    assert [(row["letter"], row["here"]) for row in shown.rows] == [
        ("B", "3"), ("T", "6"), ("S", "6; cross-attention: 4"), ("C", "20"), ("H", "4"), ("D", "5"), ("Dv", "7"),
    ]  # fmt: skip


def test_the_entry_by_hand_is_a_query_times_a_key():
    told, _ = sentences(records_of(topic.rows_and_columns, run_of()))
    run = run_of()
    terms = " + ".join(f"({q:.2f})({k:.2f})" for q, k in zip(run.q[5], run.k[1], strict=True))
    entry = math.fsum(q * k for q, k in zip(run.q[5], run.k[1], strict=True))
    assert told == (
        f'Row 6, column 2 is the query of "mat" with the key of "cat": {terms} = {entry:.3f}. '
        "Equal words have equal vectors (until positions come), so equal rows and columns."
    )


def test_equal_words_have_equal_rows_and_columns_and_only_then_is_it_told():
    scores = next(
        record for record in records_of(topic.rows_and_columns, run_of()) if isinstance(record, Matrix)
    ).values
    assert (scores[0] == scores[4]).all() and (scores[:, 0] == scores[:, 4]).all()
    other = topic.Run(request_for("attention-shapes", text="one two three"))
    assert "Equal words" not in sentences(records_of(topic.rows_and_columns, other))[0]


def test_nothing_is_used_before_it_is_explained():
    """Softmax, queries, keys, values and weights come from the topic before; what comes later says so."""
    said = all_text(steps_of("attention-shapes"))
    for later in (
        "heads: later in this topic",
        "wide (later)",
        "a mask (later)",
        "(the next topic)",
        "more of it later",
    ):
        assert later in said, later
    assert "jacobian" not in said.lower() and "causal" not in said.lower()


def traced(name, **arrays):
    """The run whose trace `name` holds other arrays: functions of the right ones and of `by`."""

    def spoil(run, patch, by):
        right = getattr(run, name)
        setattr(run, name, right._replace(**{key: change(getattr(right, key), by) for key, change in arrays.items()}))

    return spoil


def other_trace(by):
    """Cross-attention with queries and keys in each other's place."""
    return lambda x, y, w, heads: trace_many_heads(y, x, w, heads)


def scaled_pairs(run, patch, by):
    """zip, whose second entries are a little too large."""
    patch.setattr(topic, "zip", lambda a, b, strict: [(x, by * y) for x, y in zip(a, b, strict=strict)], raising=False)


def silent(**changes):
    """The last of the silent mistakes, changed by functions of `by`."""
    return result(
        topic,
        "silent_mistakes",
        lambda found, by: (*found[:-1], found[-1]._replace(**{name: f(by) for name, f in changes.items()})),
    )


def a_row_short(right):
    return lambda dout, cache: (right(dout, cache)[0][..., 1:, :], *right(dout, cache)[1:])


def wider(array, by):
    return np.concatenate([array, array[..., :1]], axis=-1)


class TestShapes(TopicTests):
    lesson, steps = topic, 9
    seeds = range(5)
    changed = [
        "heads=1", ["heads=8", "d_v=1"], "d_v=4", ["heads=1", "d_v=1"],
        ["batch=16", "d_model=256", "heads=16", "d_v=64"], "other=one", "other=" + "w " * 64,
        ["batch=1", "d_model=2", "heads=2"],
        *(asked(text=text, seed=0) for text in ("it it", "a " * 64, "x" * 500 + " y")),
    ]  # fmt: skip
    refused = [
        *("batch=0", "heads=0", "heads=3", "d_model=1", "d_v=65", "d_model=512", "other=", "other=" + "w " * 65),
        *(asked(text=text) for text in ("", "one", "word " * 65, "word " * 10_000)),
    ]
    usual = ("d_v=4",)
    elsewhere = ("gradcheck", "grad-shapes")  # below
    by = 1.001
    spoilt = {
        "square": Spoilt("one_head", traced("one", weights=wider), no_nan="a shape"),
        "square: an output short": Spoilt("one_head", traced("one", out=lambda out, by: out[1:]), no_nan="a shape"),
        "entry": Spoilt("rows_and_columns", scaled_pairs),
        "sums": Spoilt("rows_and_columns", traced("one", weights=lambda w, by: by * w)),
        "per-head": Spoilt("many_heads", traced("many", weights=lambda w, by: np.moveaxis(w, 1, -1)), no_nan="a shape"),
        "cross": Spoilt("across", instead(topic, "trace_many_heads", other_trace), no_nan="a shape"),
        "widths": Spoilt("the_width", traced("many", heads=wider), no_nan="a shape"),
        "residual": Spoilt("the_width", traced("many", out=lambda out, by: out[:1]), no_nan="a shape"),
        "raised": Spoilt(
            "what_raises",
            result(topic, "raised_mistakes", lambda found, by: (Raised("no mistake", "", ""), *found)),
            no_nan="errors are counted",
        ),
        "same-shape": Spoilt("what_does_not", silent(shape=lambda by: (1, 2)), no_nan="a shape"),
        "wrong-numbers": Spoilt("what_does_not", silent(error=lambda by: 0.0 * by)),
    }


def test_gradients_of_the_wrong_shape_or_size_are_noticed(monkeypatch):
    backward = topic.attention_backward
    monkeypatch.setattr(
        topic, "attention_backward", lambda dout, cache: (1.001 * backward(dout, cache)[0], *backward(dout, cache)[1:])
    )
    assert failed_in(topic.interview, run_of()) == {"gradcheck"}
    monkeypatch.setattr(topic, "attention_backward", a_row_short(backward))
    monkeypatch.setattr(topic, "proof", lambda *a: "what the proof says of such a gradient is not the question here")
    assert failed_in(topic.interview, run_of()) == {"grad-shapes"}
