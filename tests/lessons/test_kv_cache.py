"""kv-cache: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import pytest

import lessons.generating.kv_cache.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def keys_move(run, patch, by):
    """With each token more the keys are a little larger."""
    forward = run.gpt.forward

    def wrong(ids):
        y, cache = forward(ids)
        cache.stack.present[0].k[...] *= 1 + (by - 1) * 1e-6 * ids.shape[1]
        return y, cache

    patch.setattr(run.gpt, "forward", wrong)


def stack_off(where):
    """What the stack says under that mask grows with the text, or does not."""

    def spoil(run, patch, by):
        forward = run.gpt.stack.forward

        def wrong(x, mask):
            if where == "open" and mask is None:
                return forward(x, mask=topic.causal_mask(x.shape[1]))[0] * (1 if by == 1.2 else by), None
            y, cache = forward(x, mask=mask)
            return y * (1 + (by - 1) * 1e-6 * x.shape[1] * (where == "causal" and mask is not None)), cache

        patch.setattr(run.gpt.stack, "forward", wrong)

    return spoil


def own_key(**changed):
    return lambda run, patch, by: patch.setattr(
        topic.lab,
        "own_key",
        lambda *a: {"appended_off": 0.0, "forgotten_off": 1.0} | {k: v * by for k, v in changed.items()},
    )


def one_token(way, change):
    def spoil(run, patch, by):
        run.one_token = run.one_token | {way: change(*run.one_token[way], by)}

    return spoil


class TestKvCache(TopicTests):
    lesson, steps = topic, 8
    changed = [["tokens=8", "layers=1"], ["tokens=200", "layers=4"]]
    refused = ["tokens=7", "tokens=201", "layers=0", "layers=5"]
    spoilt = {
        "kept": Spoilt("again", keys_move),
        "causal": Spoilt("why_valid", stack_off("causal"), nan_also={"open"}),
        "open": Spoilt("why_valid", stack_off("open"), nan_also={"causal"}),
        "appended": Spoilt("one_step", own_key(appended_off=1e-9)),
        "forgotten": Spoilt("one_step", own_key(forgotten_off=0.0008)),
        "logits": Spoilt("counted", one_token("with", lambda logits, work, by: (logits * by, work))),
        "formula": Spoilt("counted", result(topic.lab, "step_costs", lambda costs, by: costs[1:]), no_nan="a count"),
        "times": Spoilt("counted", one_token("without", lambda logits, work, by: (logits, work + 1)), no_nan="a count"),
        "times: of the whole text": Spoilt("counted", one_token(
            "without", lambda logits, work, by: (logits, work - 1)), no_nan="a count"),
        "longer": Spoilt("whole_text", instead(topic, "WIDE", lambda by: 400), no_nan="a size"),
        "shared": Spoilt("memory", result(
            topic, "numbers_a_token", lambda numbers, by: 1000), no_nan="a count"),
        "read": Spoilt("two_phases", instead(topic, "GB", lambda by: 1e9 * by)),
    }  # fmt: skip


def test_rows_are_counted():
    run = run_of("tokens=20")
    assert ask(topic.again, run).answer == sum(range(1, 21))
    assert [row["old"] for row in tables(records_of(topic.again, run))[0].rows] == [0, 1, 2]


def test_the_newest_token_is_computed_from_stored_keys_by_hand():
    run = run_of("tokens=12", "layers=1")
    whole = run.gpt.forward(run.ids)[0][0, -1]
    assert run.one_token["with"][0] == pytest.approx(whole, abs=1e-12)
    n, c, words = 12, 32, 50
    work = 4 * c * c + 2 * c * 4 * c + 2 * n * c + c * words
    rows = tables(records_of(topic.counted, run))[0].rows
    assert [row["work"] for row in rows] == [work, n * work] and ask(topic.counted, run).answer == n
    assert ask(topic.one_step, run).answer == 12


def test_a_whole_text_is_added_up_again():
    shown = records_of(topic.whole_text, run_of())
    rows = tables(shown)[0].rows
    for row in rows:
        n, c = row["n"], 512
        steps = [4 * c * c + 2 * i * c for i in range(1, n + 1)]
        assert row["with"] == pytest.approx(sum(steps) / 1e9)
        assert row["without"] == pytest.approx(sum(i * step for i, step in enumerate(steps, start=1)) / 1e9)
    assert [row["n"] for row in rows] == [100, 1000]
    assert ask(topic.whole_text, run_of()).answer == pytest.approx(555.16, abs=0.01)
    assert f"100 tokens: {rows[0]['without'] / rows[0]['with']:.0f} times." in sentences(shown)[1]


def test_bytes_of_published_models_are_computed_by_hand():
    shown = records_of(topic.memory, run_of())
    sizes = {"GPT-2 small": (12, 12, 64), "GPT-3": (96, 96, 128), "LLaMA-2 70B": (80, 8, 128)}
    for row in tables(shown)[0].rows:
        layers, heads, d = sizes.pop(row["model"])
        assert (row["layers"], row["heads"]) == (layers, heads)
        assert row["one"] == pytest.approx(4 * layers * heads * d / 1e3)
        assert row["text"] == pytest.approx(4 * layers * heads * d * 1024 / 1e9)
    assert not sizes and ask(topic.memory, run_of()).answer == 2 * 80 * 8 * 128
    assert f"without that the text would take {4 * 80 * 64 * 128 * 1024 / 1e9:.2f} GB." in sentences(shown)[0]


def test_what_one_token_of_gpt_3_reads():
    c, n = 12288, 96
    assert ask(topic.two_phases, run_of()).answer == pytest.approx(
        2 * ((50257 + 2048) * c + n * (12 * c * c + 13 * c) + 2 * c) / 1e9
    )


def test_without_its_own_key_a_token_is_off():
    said = next(r for r in records_of(topic.one_step, run_of()) if isinstance(r, Said))
    off = topic.lab.own_key(generator_of(0, "one_step"), 8, run_of().sizes)
    assert said.truth.endswith(f"off by {off['forgotten_off']:.2f} in a text of 8.") and said.claim == "C262"
