"""positional-need: what moves and what stays is measured, every check can fail, every number is found another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.position.need.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, output, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, steps_of, tables
from tfx.errors import BadInput
from tfx.records import Check, Question, Said

TOPIC = "positional-need"
ATTEND = topic.Run.attend
run_of = runs_of(topic)


def test_a_text_with_one_order_only_is_refused():
    with pytest.raises(BadInput, match="only one order"):
        run_of(text="no no no")


def by_place(out, by):
    """Attention that multiplies what stands at the second place."""
    return out * np.where(np.arange(len(out)) == 1, by, 1.0)[:, None]


def places_left_out(by):
    return lambda x, table: (x * (by / by), None)


def invariant(out, by):
    """The same output at every place, whatever the order."""
    return np.tile(out.mean(axis=0), (len(out), 1)) * (by / by)


def mask_left_out(by):
    return lambda run, x, mask=None: ATTEND(run, x) * (by / by)


def all_named(by):
    return lambda attention, scheme, seed: by / by * (1.0 if scheme != "none" else 0.6)


def none_named(by):
    return lambda attention, scheme, seed: by / by * 0.4


class TestNeed(TopicTests):
    lesson, steps = topic, 9
    changed = [asked("width=4", text="go on"), asked("width=256", text="a b a b a"), asked(text="x " * 63 + "y")]
    changed_seeds = (0,)
    refused = ["width=3", "width=257"]
    elsewhere = ("terms", "kinds", "convolution")  # below
    known = {"named": lambda attention, scheme, seed: 1.0 if scheme != "none" else 0.4}
    by = 1.001
    spoilt = {
        "pooled": Spoilt("same_words", output(topic, "self_attention_forward", by_place)),
        "equivariant": Spoilt(
            "equivariant", output(topic, "self_attention_forward", by_place), nan_also={"not-invariant"}
        ),
        "not-invariant": Spoilt(
            "equivariant", output(topic, "self_attention_forward", invariant), nan_also={"equivariant"}
        ),
        "positions": Spoilt("add_positions", instead(topic, "add_positions_forward", places_left_out)),
        "by-mask": Spoilt("the_mask", output(topic, "attend_forward")),
        "mask-moves": Spoilt("the_mask", instead(topic.Run, "attend", mask_left_out)),
        "both-ways": Spoilt("named_places", instead(topic, "named", all_named), nan_also={"with-places"}),
        "with-places": Spoilt("named_places", instead(topic, "named", none_named), nan_also={"both-ways"}),
        "joined": Spoilt("add_or_join", output(topic, "linear_forward")),
        "closing": Spoilt("interview", instead(topic, "add_positions_forward", places_left_out)),
    }


def test_the_terms_of_a_score_are_those_of_the_vectors():
    """Another way: the whole score less that of the words alone is what the three other terms give."""
    run = run_of()
    (shown,) = tables(records_of(topic.add_or_join, run))
    (row,) = shown.rows
    z = run.x + topic.sinusoidal_positions(5, 16)
    q, k = z @ run.w[0], z @ run.w[1]
    assert row["sum"] == pytest.approx(q[0] @ k[1])
    assert row["word"] == pytest.approx((run.x @ run.w[0])[0] @ (run.x @ run.w[1])[1])
    assert row["word"] + row["wp"] == pytest.approx((run.x @ run.w[0])[0] @ k[1])
    assert row["place"] + row["wp"] == pytest.approx(q[0] @ k[1] - q[0] @ (run.x @ run.w[1])[1])
    run.positions = np.full_like(run.positions, math.nan)
    assert "terms" in failed_in(topic.add_or_join, run)


def test_the_kinds_that_learn_nothing_are_those_of_the_library():
    """Sinusoids, rotation and ALiBi own no parameters; a table and relative terms do."""
    from tfx.nn.positions import Positions
    from tfx.nn.relative_bias import AlibiBias, RelativeBias

    rng = np.random.default_rng(0)
    owners = [Positions("sinusoidal", 4, 8, rng), Positions("learned", 4, 8, rng), RelativeBias(2, rng), AlibiBias(2)]
    assert [bool(list(layer.parameters())) for layer in owners] == [False, True, True, False]
    (shown,) = tables(records_of(topic.kinds, run_of()))
    assert [row["learned"] == "nothing" for row in shown.rows] == [True, False, False, True, True]


def test_what_is_asked_is_found_another_way():
    run, asked = run_of("width=7", text="one two three"), {}
    for step in ("same_words", "add_positions"):
        asked[step] = next(r for r in records_of(getattr(topic, step), run) if isinstance(r, Question))
    assert asked["same_words"].answer == 0 and asked["add_positions"].answer == 7 + 7 + 7
    rng = np.random.default_rng(0)  # a guess at each of 4 places, and the mark
    guessed = (rng.integers(1, 5, size=20000) == rng.integers(1, 5, size=20000)).mean()
    (question,) = (r for r in records_of(topic.named_places, run_of()) if isinstance(r, Question))
    assert question.answer == pytest.approx((1 + 4 * guessed) / 5, rel=0.02)


def test_the_text_is_computed():
    run = run_of(text="dog bites man")
    weights = np.exp(run.x @ run.w[0] @ (run.x @ run.w[1]).T / 4)
    weights /= weights.sum(axis=1, keepdims=True)
    v = run.x @ run.w[2]
    by_hand = " + ".join(f"{p:.3f} ({x:.3f})" for p, x in zip(weights[0], v[:, 0], strict=True))
    assert sentences(records_of(topic.equivariant, run))[1] == (
        "Why: a score depends on two vectors alone, softmax divides by a sum over all words, and an output is a sum "
        f'over all words. By hand, number 1 of the output at "dog": {by_hand} = {(weights @ v)[0, 0]:.3f}. A sum does '
        "not depend on the order of its terms."
    )
    out, other = weights @ v, (weights @ v)[::-1]
    assert (
        f"Place by place the output differs by {np.sqrt(((out - other) ** 2).sum() / (out**2).sum()):.0%} of its size"
        in (sentences(records_of(topic.equivariant, run))[2])
    )
    assert sentences(records_of(topic.same_words, run))[1] == (
        'The word "bites" stood at place 2 and now stands at place 2, and its output is the same. So it is for every '
        "word."
    )
    assert "a position of 4 numbers makes a token 20 wide" in sentences(records_of(topic.add_or_join, run))[0]
    assert "and costs 320 weights." in sentences(records_of(topic.add_or_join, run))[1]


def test_the_moved_means_are_recomputed():
    run = run_of()
    z = [x + topic.sinusoidal_positions(5, 16) for x in (run.x, run.x[::-1])]

    def mean(x, causal):
        s = x @ run.w[0] @ (x @ run.w[1]).T / 4
        e = np.exp(np.where(np.tri(5, dtype=bool) | (not causal), s, -np.inf))
        return (e / e.sum(axis=1, keepdims=True) @ x @ run.w[2]).mean(axis=0)

    placed = np.linalg.norm(mean(z[1], False) - mean(z[0], False)) / np.linalg.norm(mean(z[0], False))
    assert sentences(records_of(topic.add_positions, run))[1] == (
        f"Now the mean output of the other order differs by {placed:.0%} of its size."
    )
    here, there = mean(run.x, True), mean(run.x[::-1], True)
    masked = np.linalg.norm(there - here) / np.linalg.norm(here)
    assert sentences(records_of(topic.the_mask, run))[1].endswith(f"the mean output now moves by {masked:.0%}.")


def test_two_random_directions_are_nearly_at_right_angles_in_wide_vectors():
    """The mean of |cos| is near sqrt(2 / (pi C)) where C is large; 0.42 by a sum over 4 numbers."""
    told = sentences(records_of(topic.add_or_join, run_of()))[1]
    wide, narrow = float(told.split("cosine of ")[1][:5]), float(told.split("and of ")[1][:4])
    assert wide == pytest.approx(math.sqrt(2 / (math.pi * 512)), rel=0.1) and narrow == pytest.approx(0.42, abs=0.04)


def test_a_convolution_that_saw_no_order_would_be_noticed(monkeypatch):
    """One that reads single words is equivariant: off by nothing."""
    run, kept = run_of(), topic.Convolution1d
    (check,) = (r for r in records_of(topic.said_of_it, run) if isinstance(r, Check))
    layer = kept(16, 16, 3, np.random.default_rng(0), "same", dtype="float64")
    once, again = (layer.forward(x[None])[0][0] for x in (run.x, run.x[::-1]))
    assert check.measured == pytest.approx(np.linalg.norm(again - once[::-1]) / np.linalg.norm(once))
    monkeypatch.setattr(topic, "Convolution1d", lambda a, b, width, *rest, **kind: kept(a, b, 1, *rest, **kind))
    assert failed_in(topic.said_of_it, run) == {"convolution"}


def test_what_is_said_is_said_with_its_condition():
    said = [r for step in steps_of(TOPIC) for r in step.records if isinstance(r, Said)]
    assert [(r.verdict, r.claim) for r in said] == [
        ("false", "C076"), ("true with conditions", "C077"), ("false", ""), ("false", "C100"),
    ]  # fmt: skip
    assert said[1].truth == (
        "Where every token looks both ways, as in an encoder. A decoder can learn order from its causal mask."
    )


def test_the_three_models_are_those_that_the_table_names(monkeypatch):
    """Each row has the share of the model that it names: a share for each pair, as no other has it."""
    shares = {("both ways", "none"): 0.4, ("causal", "none"): 0.6, ("both ways", "sinusoidal"): 0.9}
    monkeypatch.setattr(topic, "named", lambda attention, scheme, seed: shares[attention, scheme])
    records = records_of(topic.named_places, run_of())
    (shown,) = tables(records)
    assert {(row["attention"], row["positions"]): row["named"] / 100 for row in shown.rows} == pytest.approx(shares)
    assert sentences(records)[-1] == (
        "Both ways without positions it is near the predicted guess. The causal mask alone gives 60%, positions 90%."
    )
