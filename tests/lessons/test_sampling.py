"""decoding-sampling: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.generating.sampling.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def colder(run, patch, by):
    """The hottest comes out as the coldest."""
    patch.setattr(
        topic, "temperature", lambda logits, t: KEPT["temperature"](logits, 0.2 if t == 100 else t) * (by / by)
    )


def turned_when_hot(run, patch, by):
    def wrong(logits, t):
        found = KEPT["temperature"](logits, t)
        return np.roll(found, 1) if t == 2 and found.shape[1] > 3 else found

    patch.setattr(topic, "temperature", wrong)


def swapped(run, patch, by):
    run.both = dict(zip(run.both, [*run.both.values()][::-1], strict=True))


class NoChance:
    def __init__(self, seed):
        pass

    def token(self, p):
        return int(np.argsort(-p)[1])


class TestSampling(TopicTests):
    lesson, steps = topic, 7
    changed = [["k=1", "p=0.1"], ["k=500", "p=0.99"], asked(text="x"), asked(text="this function")]
    refused = ["k=0", "k=501", "p=0.05", "p=1", asked(text="word " * 65), asked(text=" ")]
    spoilt = {
        "share": Spoilt("drawing", instead(topic, "Draws", lambda by: NoChance), no_nan="a count"),
        "ratio": Spoilt("by_hand", result(topic, "temperature"), raises=ValueError),
        "rises": Spoilt("on_the_model", colder, also={"even"}, raises=ValueError),
        "order": Spoilt("on_the_model", turned_when_hot, no_nan="ranks"),
        "even": Spoilt("on_the_model", result(
            topic, "entropy", lambda h, by: h * (1 + (by - 1) / 50)), nan_also={"rises"}),
        "two": Spoilt("top_k_step", result(topic, "top_k"), raises=ValueError),
        "sharp": Spoilt("top_k_step", swapped, no_nan="swapped"),
        "counts": Spoilt("top_p_step", result(
            topic, "top_p", lambda x, by: np.where(x < x.max(), -np.inf, x) if x.shape[1] == 5 else x),
            no_nan="a count"),
        "enough": Spoilt("top_p_step", result(
            topic, "top_p", lambda x, by: x if x.shape[1] == 5 else np.where(x < np.sort(x)[:, -2:-1], -np.inf, x)),
            no_nan="a count", also={"adapts"}),
        "adapts": Spoilt("top_p_step", swapped, no_nan="swapped"),
        "kept": Spoilt("together", instead(
            topic, "Shaping", lambda by: lambda **k: lambda logits, texts: logits), no_nan="a count"),
        "one": Spoilt("together", result(topic, "probabilities_of")),
    }  # fmt: skip


def softmax(logits):
    e = [math.exp(x - max(logits)) for x in logits]
    return [x / sum(e) for x in e]


def test_drawn_shares_and_the_tail():
    run = run_of()
    p = softmax(run.logits[0])
    shown = records_of(topic.drawing, run)
    rows = tables(shown)[0].rows
    assert [row["p"] for row in rows] == pytest.approx(sorted(p, reverse=True)[:4])
    assert (
        ask(topic.drawing, run).answer == pytest.approx(2000 * max(p)) and rows[0]["share"] == rows[0]["times"] / 2000
    )
    rare = [x for x in p if x < 0.001]
    assert f"The tail counts too: the {len(rare):,} tokens below 0.001 have {sum(rare):.2f}" in sentences(shown)[1]


def test_temperature_by_hand():
    rows = tables(records_of(topic.by_hand, run_of()))[0].rows
    for row, logits in zip(rows, ([4, 2, 0], [2, 1, 0], [1, 0.5, 0]), strict=True):
        assert [row["p0"], row["p1"], row["p2"]] == pytest.approx(softmax(logits))
        assert row["over"] == ", ".join(f"{x:g}" for x in logits)
    assert ask(topic.by_hand, run_of()).answer == pytest.approx(math.exp(2))


def test_entropy_is_summed_again():
    run = run_of(text="the list is")
    for row in tables(records_of(topic.on_the_model, run))[0].rows:
        p = softmax(run.logits[0] / row["t"])
        assert row["h"] == pytest.approx(-sum(x * math.log(x) for x in p if x > 0)) and row["top"] == pytest.approx(
            max(p)
        )
    assert ask(topic.on_the_model, run).answer == pytest.approx(math.log(2189))


def test_what_is_kept_is_counted_again():
    run = run_of("k=7", "p=0.6")
    assert ask(topic.top_k_step, run).answer == pytest.approx(5 / 7) and ask(topic.top_p_step, run).answer == 3
    by_k, by_p = (tables(records_of(step, run))[0].rows for step in (topic.top_k_step, topic.top_p_step))
    for text, k_row, p_row in zip(("return the number", "the"), by_k, by_p, strict=True):
        ids = run.shipped.tokenizer.encode(text)
        p = sorted(softmax(run.shipped.model.forward(np.array([ids]))[0][0, -1]), reverse=True)
        assert k_row["kept"] == pytest.approx(sum(p[:7])) and k_row["p"] == pytest.approx(p[0])
        n = next(n for n in range(1, len(p)) if sum(p[:n]) >= 0.6)
        assert p_row["n"] == n and p_row["share"] == pytest.approx(sum(p[:n]))
        assert p_row["h"] == pytest.approx(-sum(x * math.log(x) for x in p))
