"""decoding-degeneration: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.generating.degeneration.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def way(of, name, **changed):
    """What one way has is changed to value * by."""

    def spoil(run, patch, by):
        for key, value in changed.items():
            setattr(getattr(run, of)[name], key, value * by / 1.2)

    return spoil


def never(by):
    return lambda ids, repeats=3: None


class TestDegeneration(TopicTests):
    lesson, steps = topic, 7
    changed = ["penalty=1", "penalty=5", asked(text="x"), asked(text="a new object is")]
    refused = ["penalty=0.9", "penalty=6", asked(text="word " * 65), asked(text=" ")]
    spoilt = {
        "written": Spoilt("again_and_again", instead(
            topic, "greedy", lambda by: lambda model, prompt, n: KEPT["greedy"](model, prompt, n - 1)), no_nan="ids"),
        "share": Spoilt("measures", result(topic, "repeated_share")),
        "period": Spoilt("measures", instead(topic, "loop_period", never), no_nan="a count"),
        "loops": Spoilt("must_loop", instead(topic, "loop_period", never), no_nan="a count"),
        "contexts": Spoilt("must_loop", instead(topic, "loop_period", lambda by: lambda ids: 17), no_nan="a count"),
        "more": Spoilt("compared", way("ways", "greedy", repeated=4.9)),
        "likelier": Spoilt("compared", way("ways", "greedy", log_p=-9.0)),
        "logits": Spoilt("penalty", result(topic, "repetition_penalty")),
        "less": Spoilt("penalty", way("penalised", 5.0, repeated=99.0)),
        "costs": Spoilt("penalty", way("penalised", 5.0, log_p=-0.1)),
        "falls": Spoilt("often_said", instead(
            topic, "repetition_penalty", lambda by: lambda x, texts, c: np.array([[2.1, 1.5, -1.0]])),
            no_nan="softmax"),
    }  # fmt: skip


def repeats(ids, n=3):
    grams = [tuple(ids[i : i + n]) for i in range(len(ids) - n + 1)]
    return sum(gram in grams[:i] for i, gram in enumerate(grams)) / len(grams)


def test_the_greedy_text_is_written_again():
    run = run_of()
    ids = [int(i) for i in run.prompt]
    for _ in range(36):
        ids.append(int(run.model.forward(np.array([ids]))[0][0, -1].argmax()))
    new = ids[len(run.prompt) :]
    shown = sentences(records_of(topic.again_and_again, run))
    assert shown[1] == run.shipped.tokenizer.decode(new)[:300]
    assert ask(topic.again_and_again, run).answer == pytest.approx(repeats(new))
    assert f"degenerate: {repeats(new):.0%} of its runs of 3 tokens are repeats." in shown[2]
    assert f"{round(34 * repeats(new))} of these stood there before." in ask(topic.again_and_again, run).prompt


def test_the_small_text_is_counted_by_hand():
    assert ask(topic.measures, run_of()).answer == pytest.approx(1 / 5)
    rows = tables(records_of(topic.measures, run_of()))[0].rows
    assert [row["new"] for row in rows] == ["yes", "yes", "yes", "no", "yes"]


def test_the_table_comes_back_to_a_context():
    run = run_of()
    text = sentences(records_of(topic.must_loop, run))
    ids = [int(n) for n in text[1].split("writes: ")[1].removesuffix(" ...").split()]
    contexts = list(itertools.pairwise(ids))
    again = next(i for i, context in enumerate(contexts) if context in contexts[:i])
    period = again - contexts.index(contexts[again])
    assert again <= 16 == ask(topic.must_loop, run).answer and f"It loops with period {period}." in text[2]
    assert all(a != b for a, b in contexts)


def test_ways_are_measured_again():
    run = run_of(seed=1)
    greedy = [topic.greedy(run.model, prompt, 28) for prompt in run.prompts]
    rows = {row["way"]: row for row in tables(records_of(topic.compared, run))[0].rows}
    assert rows["greedy"]["repeated"] == pytest.approx(100 * np.mean([repeats(ids.tolist()) for ids in greedy]))
    assert rows["greedy"]["different"] == pytest.approx(100 * np.mean([len({*ids.tolist()}) / 28 for ids in greedy]))
    log_p = []
    for prompt, ids in zip(run.prompts, greedy, strict=True):
        logits = run.model.forward(np.array([[*prompt, *ids[:-1]]]))[0][0, len(prompt) - 1 :]
        log_p += [x[i] - math.log(np.exp(x).sum()) for x, i in zip(logits, ids, strict=True)]
    assert rows["greedy"]["log_p"] == pytest.approx(np.mean(log_p))
    assert ask(topic.compared, run).answer == pytest.approx(rows["greedy"]["log_p"] - rows["drawn"]["log_p"])


def test_a_penalty_by_hand():
    run = run_of()
    assert ask(topic.penalty, run).answer == -2
    e = [math.exp(x) for x in (1, 1.5, -1)]
    assert ask(topic.often_said, run).answer == pytest.approx(e[0] / sum(e))
    gain, error = run.again
    assert f"Drawn phrases gain {gain:+.2f} +- {2 * error:.2f} nats a token from time 2 to time 6:" in topic.reinforced(
        run
    )
    assert ("is not seen" in topic.reinforced(run)) == (gain <= 2 * error)
