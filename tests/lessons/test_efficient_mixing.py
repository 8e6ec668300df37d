"""efficient-mixing: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import pytest

import lessons.cost.mixing.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question, Said

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def moves(way, by_rows):
    """That mixer's weights depend on so many tokens more."""

    def spoil(run, patch, by):
        right = topic.rows_moved
        more = {way: by_rows}
        patch.setattr(
            topic, "rows_moved", lambda mixer, x, token: right(mixer, x, token) + more.get(named(run, mixer), 0)
        )

    return spoil


def named(run, mixer):
    return next(name for name, other in run.mixers.items() if other is mixer)


class TestEfficientMixing(TopicTests):
    lesson, steps = topic, 6
    changed = ["tokens=4", "tokens=16"]
    refused = ["tokens=3", "tokens=17"]
    spoilt = {
        "all": Spoilt("not_compared", moves("attention", -1), no_nan="a count"),
        "waves": Spoilt("fnet", output(topic, "fourier_mixing_forward")),
        "learned": Spoilt(
            "fnet", lambda run, patch, by: patch.setattr(topic.FourierMixing, "n_parameters", 1), no_nan="a count"
        ),
        "dense": Spoilt("synthesizer", moves("dense Synthesizer", 1), no_nan="a count"),
        "random": Spoilt("synthesizer", moves("random Synthesizer", 1), no_nan="a count"),
        "found": Spoilt("lookup", result(topic, "looked_up", lambda right, by: right * (0.98 if by == by else by)),
                        nan_also={"chance"}),
        "chance": Spoilt("lookup", result(topic, "looked_up", lambda right, by: max(right, 0.9))),
        "log": Spoilt(
            "often_said", lambda run, patch, by: patch.setattr(topic.np, "log2", lambda n: 13.0), no_nan="a count"
        ),
    }  # fmt: skip


def test_waves_by_hand():
    text = " ".join(sentences(records_of(topic.fnet, run_of())))
    assert "tokens 3, 1, 2, 0. Place 1 is the sum: 6. Place 3 alternates signs: 3 - 1 + 2 - 0 = 4." in text
    assert ask(topic.fnet, run_of()).answer == 1


@pytest.mark.parametrize("t", [5, 9])
def test_rows_that_change(t):
    run = run_of(f"tokens={t}")
    rows = tables(records_of(topic.synthesizer, run))[0].rows
    assert [row["moved"] for row in rows] == [t, 1, 0, 0]
    assert ask(topic.not_compared, run).answer == t and ask(topic.synthesizer, run).answer == 1


def test_a_fixed_table_finds_one_in_so_many():
    run = run_of("tokens=8")
    rows = {row["way"]: row["right"] for row in tables(records_of(topic.lookup, run))[0].rows}
    assert rows["attention"] == 100 and ask(topic.lookup, run).answer == 12.5
    assert 5 < rows["FNet"] < 22 and 5 < rows["random Synthesizer"] < 22


def test_sayings():
    said = [r for r in records_of(topic.often_said, run_of()) if isinstance(r, Said)]
    assert [(r.claim, r.verdict) for r in said] == [("C190", "false"), ("C192", "true"), ("", "too strong")]
    assert ask(topic.often_said, run_of()).answer == pytest.approx(100 * 12 / 4096)
