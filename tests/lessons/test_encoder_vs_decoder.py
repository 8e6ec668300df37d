"""encoder-vs-decoder: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.architectures.encoder_vs_decoder.lesson as topic
from tests.lessons.steps import (
    all_text,
    checks,
    failed,
    failed_in,
    records_of,
    request_for,
    sentences,
    steps_of,
    tables,
)
from tfx.errors import BadInput
from tfx.records import Matrix, Question

TOPIC = "encoder-vs-decoder"
KEPT = {name: getattr(topic, name) for name in vars(topic)}


def run_of(*pairs: str, seed: int = 0) -> topic.Run:
    return topic.Run(request_for(TOPIC, *pairs, seed=seed))


@pytest.mark.parametrize("seed", range(3))
def test_every_check_holds_for_every_seed(seed):
    steps = steps_of(TOPIC, seed=seed)
    assert len(steps) == 9 and not failed(steps)
    assert list(checks(steps)) == [*SPOILT] and all_text(steps).isascii()


@pytest.mark.parametrize("pairs", [["layers=2", "source=3", "target=6"], ["layers=12", "source=6", "target=3"]])
def test_every_check_holds_for_the_ends_of_the_settings(pairs):
    assert not failed(steps_of(TOPIC, *pairs, seed=1))


@pytest.mark.parametrize("pair", ["layers=1", "source=7", "target=2"])
def test_settings_out_of_range_are_refused(pair):
    with pytest.raises(BadInput):
        run_of(pair)


def counted(run, patch, by):
    patch.setattr(topic, "WIDTH", 15)


def traced(change):
    def spoil(run, patch, by):
        patch.setattr(topic, "trace", lambda *given, **named: change(KEPT["trace"](*given, **named), by))

    return spoil


def first_number(lines, by):
    lines[-1][1][0, 0, 0] *= by
    return lines


def loud(lines, by):
    lines[-1][1][:] *= by
    return lines


def stacked(name, wrong):
    def spoil(run, patch, by):
        class Other(KEPT["Stacked"]):
            def __init__(self, *given):
                super().__init__(*given)
                setattr(self, name, wrong(by))

        patch.setattr(topic, "Stacked", Other)

    return spoil


def softened(run, patch, by):
    patch.setattr(topic, "softmax_forward", lambda x: (by * KEPT["softmax_forward"](x)[0], None))


def depends(row, column):
    def spoil(run, patch, by):
        def other(*given):
            picture = KEPT["dependencies"](*given)
            picture[row, column] = 1 - picture[row, column]
            return picture

        patch.setattr(topic, "dependencies", other)

    return spoil


def decoded(run, patch, by):
    """One number of every pass is wrong by a little, more in longer ones."""
    right = run.model.decode

    def decode(tgt, *given):
        logits, cache = right(tgt, *given)
        logits[0, 0] *= 1 + (by - 1) * tgt.shape[1]
        return logits, cache

    run.model.decode = decode


def not_shifted(run, patch, by):
    run.tgt[0, 1:] = run.tgt[0, :-1]


def alike(run, patch, by):
    """Both blocks have one matrix for keys and values, and it is not a number where `by` is not."""
    first, second = (block.cross_attention for block in run.model.decoder.blocks[:2])
    for name, parameter in second.parameters().items():
        parameter.value[...] = first.parameters()[name].value * (by / by)


#: check -> its step, how it is spoilt, and whether the spoiling can be not a number.
SPOILT = {
    "more": ("reader_and_writer", counted, False),
    "encoder-lines": ("encoder_block", traced(first_number), True),
    "encoder-norm": ("encoder_block", traced(loud), True),
    "final": ("stack", stacked("last", lambda by: by), True),
    "loud": ("stack", stacked("sizes", lambda by: [1.0, *[by / by * 1.14] * 6]), True),
    "filling": ("stack", stacked("filling", lambda by: [by - 1, 1.0]), True),
    "decoder-lines": ("decoder_block", traced(first_number), True),
    "softmax": ("decoder_block", softened, True),
    "encoder-full": ("who_depends", depends(0, 3), False),
    "triangle": ("who_depends", depends(4, 5), False),
    "source": ("who_depends", depends(4, 0), False),
    "steps": ("shifted", decoded, True),
    "shift": ("shifted", not_shifted, False),
    "own-keys": ("too_strong", alike, True),
}


@pytest.mark.parametrize("by", [1.01, math.nan])
@pytest.mark.parametrize("id", SPOILT)
def test_every_check_fails_when_what_it_watches_is_wrong_or_not_a_number(id, by, monkeypatch):
    step, spoil, can_be_nan = SPOILT[id]
    if by != by and not can_be_nan:
        return  # counts, words and ones are never NaN
    run = run_of()
    spoil(run, monkeypatch, by)
    broken = failed_in(getattr(topic, step), run)
    together = {"encoder-norm", "encoder-lines"}  # a line that is wrong in size is wrong
    assert id in broken and broken <= {id} | (together if id in together else set())


def test_the_parameters_are_counted_once_more():
    shown = records_of(topic.reader_and_writer, run_of())
    attention, network = 4 * (16 * 16 + 16), 16 * 64 + 64 + 64 * 16 + 16
    assert [list(row.values()) for row in tables(shown)[0].rows] == [
        ["self-attention", attention, attention],
        ["cross-attention", 0, attention],
        ["feed-forward", network, network],
        ["norms", 2 * 2 * 16, 3 * 2 * 16],
    ]
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == attention + 2 * 16
    more = attention + 2 * 16
    assert sentences(shown)[2] == (
        f"4 C^2 weights and 4 C biases of the attention, 2 C of the norm: {more:,}. Heads do not matter for it."
    )


def test_each_norm_leaves_mean_0_and_variance_1_and_each_add_is_a_sum():
    for step, names in ((topic.encoder_block, 2), (topic.decoder_block, 3)):
        (shown,) = tables(records_of(step, run_of()))
        norms = [row for row in shown.rows if row["line"] == "norm"]
        assert len(norms) == names
        assert [row["variance"] for row in norms] == pytest.approx([1] * names, abs=1e-3)
        assert [row["mean"] for row in norms] == pytest.approx([0] * names, abs=1e-12)
    run = run_of()
    lines = topic.trace(run.model.encoder.blocks[0], run.model.encode(run.src)[1].stack.reads[0])
    given = [y for name, y in lines]
    assert np.allclose(given[2], given[0] + given[1]) and np.allclose(given[5], given[3] + given[4])


def test_the_picture_follows_the_rule_pair_by_pair():
    shown = records_of(topic.who_depends, run_of("source=3", "target=4"))
    (picture,) = (r for r in shown if isinstance(r, Matrix))
    names = ["s1", "s2", "s3", "t1", "t2", "t3", "t4"]
    assert list(picture.rows) == list(picture.cols) == names
    for i, out in enumerate(names):
        for j, given in enumerate(names):
            rule = given[0] == "s" or (out[0] == "t" and given[1] <= out[1])
            assert picture.values[i, j] == rule, (out, given)
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == sum(picture.values[3:, 4]) == 3


def test_the_shifted_target_is_told_place_by_place():
    shown = records_of(topic.shifted, run_of("target=3"))
    assert [list(row.values()) for row in tables(shown)[0].rows] == [
        ["t1", "<start>", "w1", "t1 to t1"],
        ["t2", "w1", "w2", "t1 to t2"],
        ["t3", "w2", "<end>", "t1 to t3"],
    ]
    assert sentences(shown)[1] == (
        "In training the target is known: one pass predicts all 3 places. In use it is not: to write these words the "
        "encoder runs once, the decoder 3 times, each time with one word more. Where the same words are fed in, both "
        "ways give the same numbers."
    )


def test_filling_moves_words_only_without_the_mask():
    found = topic.Stacked(run_of().src, 6, 0)
    assert found.filling[0] < 1e-12 and found.filling[1] > 0.01
    assert sentences(records_of(topic.stack, run_of()))[-1].endswith(
        f"With it three places of filling move no real word; without it, by up to {found.filling[1]:.2f}."
    )
