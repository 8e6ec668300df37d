"""attention-bias: weights are written out, counts counted, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.position.bias.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def other_weights(wrong):
    """weights_of as `wrong` makes it: of scores, mask and the right weights."""

    def spoil(run, patch, by):
        patch.setattr(topic, "weights_of", lambda s, mask=None: wrong(by, mask, KEPT["weights_of"](s, mask)))

    return spoil


def seeing_constants(run, patch, by):
    def forward(scores, v):
        return KEPT["attend_forward"](scores * (by if scores.max() > 4 else 1), v)[0], None

    patch.setattr(topic, "attend_forward", forward)


def other_bias(name, change):
    return lambda run, patch, by: run.biases.update({name: change(by, run.biases[name])})


def open_to_all(by, bias):
    return np.zeros_like(bias) * (by / by)


def tilted(by, bias):
    return bias + (by - 1) * np.arange(len(bias))


def fitted(target, **changed):
    def spoil(run, patch, by):
        def fit(name, seed, taught):
            right = KEPT["fit"](name, seed, taught)
            return right._replace(**{k: f(by, right) for k, f in changed.items()}) if name == target else right

        patch.setattr(topic, "fit", fit)

    return spoil


def one_head(heads, *rest, **kind):
    return KEPT["DynamicPositionBias"](1, *rest, **kind)


def fewer_offsets(run, patch, by):
    patch.setattr(topic, "grid_offset_numbers", lambda *a: KEPT["grid_offset_numbers"](*a) // 2)


class TestBias(TopicTests):
    lesson, steps = topic, 9
    changed = [["tokens=4", "window=1"], ["tokens=64", "window=16"], ["tokens=5", "window=16"]]
    refused = ["tokens=3", "tokens=65", "window=0", "window=17"]
    by = 1.001
    spoilt = {
        "by-hand": Spoilt("before_softmax", output(topic, "attend_forward"), nan_also={"constant"}),
        "constant": Spoilt("before_softmax", seeing_constants),
        "sums": Spoilt(
            "pictures", other_weights(lambda by, mask, w: by * w), also={"even"}, nan_also={"causal", "window"}
        ),
        "even": Spoilt("pictures", other_bias("none", tilted), nan_also={"sums"}),
        "window": Spoilt("pictures", other_bias("window", open_to_all), nan_also={"sums"}),
        "causal": Spoilt("pictures", other_bias("causal mask", open_to_all), nan_also={"sums"}),
        "same": Spoilt("masks", other_weights(lambda by, mask, w: w if mask is None else by * w)),
        "leak": Spoilt("masks", other_weights(lambda by, mask, w: np.tril(w) * (by / by)), nan_also={"same"}),
        "diagonal": Spoilt("learned", result(topic, "bucket_bias_backward")),
        "grid": Spoilt("learned", fewer_offsets, no_nan="offsets are counted"),
        "harmonic": Spoilt("preference", other_weights(lambda by, mask, w: by * w), nan_also={"first"}),
        "first": Spoilt("preference", other_weights(lambda by, mask, w: by / by * np.eye(len(w))), also={"harmonic"}),
        "recency": Spoilt("sources", other_weights(lambda by, mask, w: by / by * np.ones_like(w))),
        "taught": Spoilt("network", fitted("logarithm", worst=lambda by, right: by * 0.4)),
        "continues": Spoilt("network", fitted("logarithm", said=lambda by, right: right.wanted + by)),
        "misses": Spoilt("network", fitted("straight line", said=lambda by, right: right.wanted + (by - 1) + 3.99)),
        "shape": Spoilt("new_lengths", instead(topic, "DynamicPositionBias", lambda by: one_head), no_nan="a shape"),
        "closing": Spoilt("interview", other_weights(lambda by, mask, w: by * w)),
    }


def test_the_pictures_are_softmax_of_the_biases_written_out():
    run = run_of()
    (shown,) = (r for r in records_of(topic.pictures, run) if isinstance(r, Matrix))
    none, t5, alibi, window, causal = np.asarray(shown.values)
    assert shown.rows == ("none", "T5's buckets", "ALiBi", "window", "causal mask") and none == pytest.approx(1 / 6)
    e = np.array([run.table[abs(j - 3) + 16 * (j > 3), 0] for j in range(6)])
    assert t5 == pytest.approx(np.exp(e) / np.exp(e).sum())
    f = np.array([math.exp(-abs(j - 3) / 2) for j in range(6)])
    assert alibi == pytest.approx(f / f.sum())
    assert window == pytest.approx([0, 0, 1 / 3, 1 / 3, 1 / 3, 0]) and causal == pytest.approx([0.25] * 4 + [0] * 2)


@pytest.mark.parametrize(
    ("tokens", "keys"), [(4, range(1, 5)), (9, range(1, 9)), (24, range(9, 17)), (64, range(29, 37))]
)
def test_the_keys_that_are_shown_are_those_around_the_query(tokens, keys):
    (shown,) = (r for r in records_of(topic.pictures, run_of(f"tokens={tokens}")) if isinstance(r, Matrix))
    assert shown.cols == tuple(map(str, keys)) and str(tokens // 2 + 1) in shown.cols
    assert np.asarray(shown.values)[3].sum() == pytest.approx(1), "the window is seen as a whole"


def test_the_first_place_gains_from_layer_to_layer():
    (shown,) = (r for r in records_of(topic.preference, run_of()) if isinstance(r, Matrix))
    seen, received, one, deep = np.asarray(shown.values)
    assert list(seen) == [6, 5, 4, 3, 2, 1] and one == pytest.approx(1 / 6)
    assert received == pytest.approx([sum(1 / n for n in range(place, 7)) for place in range(1, 7)])
    walk = np.zeros(6)
    walk[5] = 1.0
    for _ in range(4):
        walk = np.array([sum(walk[n] / (n + 1) for n in range(j, 6)) for j in range(6)])
    assert deep == pytest.approx(walk)
    assert (
        f"after 4 such layers {walk[0]:.0%} of the last token goes back to the first, next to 17% after one layer"
        in (sentences(records_of(topic.preference, run_of()))[1])
    )


def test_what_is_asked_and_told_is_found_another_way():
    asked = {}
    for step in ("before_softmax", "learned", "preference"):
        records = records_of(getattr(topic, step), run_of("tokens=9"))
        asked[step] = next(r for r in records if isinstance(r, Question)).answer
    pairs = {(a - c, b - d) for a in range(7) for b in range(7) for c in range(7) for d in range(7)}
    assert asked == pytest.approx({"before_softmax": 1 / math.e, "learned": len(pairs), "preference": 9})
    e = [1, 1 / math.e, math.e]
    assert sentences(records_of(topic.before_softmax, run_of()))[1] == (
        f"By hand: three keys with equal scores, biases 0, -1 and 1. exp of them: {e[0]:.3f}, {e[1]:.3f}, {e[2]:.3f}, "
        f"together {sum(e):.3f}. Divided by that: {e[0] / sum(e):.3f}, {e[1] / sum(e):.3f}, {e[2] / sum(e):.3f}."
    )
    assert f"That many numbers serve {49 * 49:,} pairs of patches" in sentences(records_of(topic.learned, run_of()))[3]


def test_what_a_bias_of_ten_lets_through_is_recomputed():
    run = run_of()
    (shown,) = tables(records_of(topic.masks, run))
    assert [row["weight"] for row in shown.rows][:2] == [0, 0] and 1e-6 < shown.rows[2]["weight"] < 1e-2
    assert f"{shown.rows[2]['weight']:.1e} of the weight gets through" in sentences(records_of(topic.masks, run))[1]


def test_the_network_is_told_as_it_was_fitted():
    run = run_of()
    (shown,) = tables(records_of(topic.network, run))
    log, line = (topic.fit(target, run.model_seed, 8) for target in topic.TARGETS)
    assert [row["log_said"] for row in shown.rows] == list(log.said)
    assert [row["line_said"] for row in shown.rows] == list(line.said)
    assert [row["line"] for row in shown.rows] == [-16, -8, -4]
    assert f"within {max(log.worst, line.worst):.2f}." in sentences(records_of(topic.network, run))[2]
    assert "A table of 17 rows has no answer at all." in sentences(records_of(topic.network, run))[2]
