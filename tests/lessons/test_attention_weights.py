"""interpretability-attention: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import numpy as np
import pytest

import lessons.inside.attention_weights.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.errors import BadInput
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)
OTHER = "the dog did not enter the park because it was too crowded"


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def heads(run, patch, by):
    run.asked = run.asked._replace(weights=run.asked.weights * by)


def even_heads(run, patch, by):
    """Each head of the language model looks at all tokens alike."""

    class Even:
        def __init__(self, t):
            self.weights = np.tril(np.ones((1, 2, t, t))) / np.arange(1, t + 1)[:, None] * (1 if by == 1.2 else by)

    class Model:
        def forward(self, ids):
            return None, type("Cache", (), {"blocks": [Even(ids.shape[1])]})

    class Shipped:
        tokenizer, model = KEPT["load"]("language").tokenizer, Model()

    patch.setattr(topic, "load", lambda name: Shipped)


def agreement(last, both):
    return lambda run, patch, by: setattr(run, "many", {"last": (last * by, 1.0), "both": (both, 1.0)})


def share(change):
    def spoil(run, patch, by):
        def wrong(*args):
            found = KEPT["restored"](*args)
            change(found, by)
            return found

        patch.setattr(topic, "restored", wrong)

    return spoil


def one_place_more(found, by):
    found[0, 0] = 0.1


def last_place(found, by):
    found[-1, -1] *= by


class TestAttentionWeights(TopicTests):
    lesson, steps = topic, 9
    changed = ["sentences=10", asked(text=OTHER)]
    refused = ["sentences=9", "sentences=101", asked(text="a sentence of another kind")]
    spoilt = {
        "rows": Spoilt("a_map", heads),
        "previous": Spoilt("patterns", even_heads),
        "tau": Spoilt("left_out", result(topic, "kendall_tau")),
        "falls": Spoilt("over_many", agreement(0.2, 0.3)),
        "law": Spoilt("the_value", result(topic, "head_without_each", lambda o, by: o * by)),
        "same": Spoilt("not_unique", result(
            topic, "other_weights", lambda p, by: p * (1 + (by - 1) * 1e-6)), nan_also={"less"}),
        "less": Spoilt("not_unique", instead(topic, "other_weights", lambda by: lambda p, v: p), no_nan="its own"),
        "one": Spoilt("rolled_out", of_run("layers", lambda layers, by: [layer * by for layer in layers])),
        "input": Spoilt("patching", share(one_place_more), no_nan="a count"),
        "all": Spoilt("patching", share(last_place)),
    }  # fmt: skip


def test_other_sentences_are_refused_with_what_to_type():
    with pytest.raises(BadInput) as refused:
        run_of(text="the cat sat")
    assert refused.value.hint == f"--text '{topic.DEFAULT_TEXT}'"


def test_the_map_is_the_mean_of_the_heads():
    run = run_of()
    p = run.asked.weights.mean(axis=0)
    shown = records_of(topic.a_map, run)
    assert [row["mean"] for row in tables(shown)[0].rows] == pytest.approx(sorted(p, reverse=True)[:4])
    assert ask(topic.a_map, run).answer == pytest.approx(sum(sorted(p)[:-4]))


@pytest.mark.parametrize("text", [topic.DEFAULT_TEXT, OTHER])
def test_pairs_are_counted_by_hand(text):
    run = run_of(text=text)
    p, both = run.weights, run.asked.everywhere
    pairs = [(i, j) for i in range(len(p)) for j in range(i)]
    same = sum((p[i] > p[j]) == (both[i] > both[j]) for i, j in pairs)
    question = ask(topic.left_out, run)
    assert question.answer == pytest.approx((2 * same - len(pairs)) / len(pairs))
    assert question.prompt == f"Weight, last column: {same} of {len(pairs)} pairs in the same order. tau?"
    first, second = np.argsort(-both)[:2]
    low = min(first, second, key=lambda i: p[i])
    assert sentences(records_of(topic.left_out, run))[-1] == (
        f'Most without "{run.words[first]}". "{run.words[low]}" has weight {p[low]:.2f} only, and moves it by '
        f"{both[low]:.1f} nats: in layer 1 it told other words."
    )


def test_an_output_without_a_key_is_computed_again():
    run = run_of()
    head = int(run.asked.weights.max(axis=1).argmin())
    p, v = run.asked.weights[head], run.asked.values[head]
    i = int(p.argmax())
    rest = np.delete(p, i) @ np.delete(v, i, axis=0) / (1 - p[i])
    assert ask(topic.the_value, run).answer == pytest.approx(np.linalg.norm(rest - p @ v))


def test_weights_that_are_shown_give_one_output():
    run = run_of()
    rng = generator_of(0, "not_unique")
    q, k, v = rng.standard_normal((1, 4)), rng.standard_normal((6, 4)), rng.standard_normal((6, 2))
    shown = records_of(topic.not_unique, run)
    (two,) = (record.values for record in shown if isinstance(record, Matrix))
    e = np.exp(q[0] @ k.T / 2)
    assert two[0] == pytest.approx(e / e.sum()) and two[1] @ v == pytest.approx(two[0] @ v)
    assert two[1].sum() == pytest.approx(1) and (two[1] >= 0).all() and ask(topic.not_unique, run).answer == 3


def test_two_layers_are_rolled_out_by_hand():
    run = run_of()
    first, second = run.layers
    n = len(run.words)
    row = [(second[run.it, j] + (j == run.it)) / 2 for j in range(n)]
    mixed = [sum(row[j] * (first[j, i] + (i == j)) / 2 for j in range(n)) for i in range(n)]
    shown = tables(records_of(topic.rolled_out, run))[0].rows
    assert [r["mixed"] for r in shown] == pytest.approx(sorted(mixed, reverse=True)[:4])
    assert ask(topic.rolled_out, run).answer == pytest.approx((1 + first[run.it, run.it]) / 2)


def test_a_state_is_put_in_by_hand():
    run, shipped = run_of(), topic.load("language")
    clean, corrupted = (np.array([shipped.tokenizer.encode(text)]) for text in (topic.CLEAN, topic.CORRUPTED))
    word, stack = shipped.tokenizer.encode("file")[0], shipped.model.stack
    mask = np.tril(np.ones((6, 6), dtype=bool))

    def log_p(x):
        x, _ = stack.blocks[1].forward(x, mask)
        logits = (stack.norm.forward(x)[0] @ shipped.model.embedding.table.value.T)[0, -1]
        return logits[word] - np.log(np.exp(logits).sum())

    one, other = (stack.blocks[0].forward(shipped.model.input.forward(ids)[0], mask)[0] for ids in (clean, corrupted))
    mixed = other.copy()
    mixed[:, 2] = one[:, 2]
    (shown,) = (record.values for record in records_of(topic.patching, run) if isinstance(record, Matrix))
    assert shown[1, 2] == pytest.approx((log_p(mixed) - log_p(other)) / (log_p(one) - log_p(other)))
    told = f'gives "file" {np.exp(log_p(one)):.3f}, with "socket" in its place {np.exp(log_p(other)):.3f}.'
    assert told in sentences(records_of(topic.patching, run))[0]
