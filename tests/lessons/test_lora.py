"""peft-lora: the text is computed, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.adaptation.lora.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, of_run, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question, Said
from tfx.tuning.lora import Lora

run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def more(x, by):
    """A change in one place that depends on the place, so that the rank rises."""
    x = x.copy()
    x[0, 0] += by
    return x


def unsteady(way):
    """After that method of the updates the scores are off by a little."""

    def spoil(run, patch, by):
        kept = getattr(Lora, way)

        def wrong(lora):
            kept(lora)
            for linear, _ in lora._places.values():
                linear.w.value *= 1 + by * 1e-6

        patch.setattr(Lora, way, wrong)

    return spoil


def not_at_zero(name):
    def spoil(run, patch, by):
        kept = getattr(topic, name)

        def wrong(*given, **named):
            part = kept(*given, **named)
            for key, parameter in part.parameters().items():
                if key.endswith((".w.b", "second.w")):
                    parameter.value += 1e-3 * by
            return part

        patch.setattr(topic, name, wrong)

    return spoil


def counts(name, n):
    return result(topic, name, lambda part, by: type("P", (), {"n_parameters": part.n_parameters + n}))


def left(change):
    return of_run("learned", lambda rows, by: [row | {"left": change(row) * by / by} for row in rows])


class TestLora(TopicTests):
    lesson, steps = topic, 8
    changed = [["rank=1", "decay=0.3"], ["rank=16", "decay=0.95"]]
    refused = ["rank=0", "rank=17", "decay=0.2", "decay=0.96"]
    spoilt = {
        "share": Spoilt("the_difference", of_run("settings", lambda s, by: type("S", (), {"rank": Odd(s.rank)})),
                        no_nan="a count"),
        "entries": Spoilt("rank_one", output(topic, "low_rank_update_forward", lambda y, by: by * y),
                          also={"rank"}, raises=np.linalg.LinAlgError),
        "rank": Spoilt("rank_one", output(topic, "low_rank_update_forward", more), also={"entries"},
                       raises=np.linalg.LinAlgError),
        "at-first": Spoilt("starts_and_merges", not_at_zero("add_lora"), no_nan="scores of NaN everywhere"),
        "tuned": Spoilt("starts_and_merges", result(topic, "add_lora", lambda part, by: (
            setattr(part, "parameters", dict), part)[1]), no_nan="scores of NaN everywhere"),
        "merged": Spoilt("starts_and_merges", unsteady("merge"), no_nan="scores of NaN everywhere"),
        "removed": Spoilt("starts_and_merges", unsteady("remove"), no_nan="scores of NaN everywhere"),
        "best": Spoilt("how_much", left(lambda row: row["law"] + 0.031), nan_also={"never-better"}),
        "never-better": Spoilt("how_much", left(lambda row: row["law"] - 1e-8), nan_also={"best"}),
        "count": Spoilt("adapters", result(topic, "add_adapters", lambda part, by: type("P", (), {
            "n_parameters": part.n_parameters + 1})), no_nan="a count"),
        "starts": Spoilt("adapters", not_at_zero("add_adapters")),
        "lora": Spoilt("side_by_side", counts("add_lora", 1), no_nan="a count"),
    }  # fmt: skip


class Odd(int):
    """A rank that is one more when it is multiplied from the left by 2."""

    def __rmul__(self, other):
        return other * int(self) + (other == 2)


def test_the_update_is_multiplied_by_hand():
    run = run_of()
    for seed in range(3):
        shown = records_of(topic.rank_one, run, seed=seed)
        (w,) = (r.values for r in shown if isinstance(r, Matrix))
        told = sentences(shown)
        down, up = ([float(x) for x in part.split("(")[1].split(")")[0].split(",")] for part in told[0].split("up a"))
        row = [w[1, j] + down[1] * up[j] for j in range(4)]
        assert told[1].startswith(f"Row 2 becomes ({', '.join(f'{x:g}' for x in row)}). 12 entries change by 7 numbers")
        assert next(r for r in shown if isinstance(r, Question)).answer == row[2]
        assert told[1].endswith("Its rank is 1.")


def test_counts_are_worked_out_again():
    run = run_of("rank=3")
    c, f, blocks, r = 32, 64, 2, 3
    rows = tables(records_of(topic.side_by_side, run))[0].rows
    found, whole = {row["way"]: row["n"] for row in rows}, run.model().n_parameters
    assert all(row["share"] == pytest.approx(100 * row["n"] / whole) for row in rows)
    assert found == {
        "LoRA, all maps": blocks * r * (4 * 2 * c + 2 * (c + f)),
        "LoRA, queries, values": blocks * r * 4 * c,
        "adapters": 2 * blocks * (2 * c * r + c + r),
        "prefix": blocks * 2 * r * c,
        "prompt": r * c,
    }
    assert ask(topic.the_difference, run).answer == 3 * 8192 and ask(topic.adapters, run).answer == 2 * c * r + c + r
    assert f"That is {3 * 8192 / 4096**2:.2%} of the matrix." in sentences(records_of(topic.the_difference, run))[-1]


def test_what_is_left_is_what_the_singular_values_leave():
    run = run_of("decay=0.5")
    squares = [0.25**i for i in range(16)]
    rows = tables(records_of(topic.how_much, run))[0].rows
    laws = [(sum(squares[rank:]) / sum(squares)) ** 0.5 for rank in (1, 2, 4)]
    assert [row["law"] for row in rows] == pytest.approx(laws) and ask(topic.how_much, run).answer == pytest.approx(
        laws[1]
    )
    assert [row["left"] for row in rows] == pytest.approx(laws, abs=0.02)
    assert [row["numbers"] for row in rows] == [40, 80, 160]
    verdicts = [r.verdict for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert verdicts == ["true", "true with conditions", "false"]
