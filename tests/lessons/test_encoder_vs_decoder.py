"""encoder-vs-decoder: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

from statistics import mean, pvariance

import pytest

import lessons.architectures.encoder_vs_decoder.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.records import Matrix, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def first_number(lines, by):
    lines[-1][1][0, 0, 0] *= by
    return lines


def loud(lines, by):
    lines[-1][1][:] *= by
    return lines


def stacked(name, wrong):
    def spoil(run, patch, by):
        found = KEPT["through_stack"](run.src, run.layers, run.seed)._replace(**{name: wrong(by)})
        patch.setattr(topic, "through_stack", lambda *given: found)

    return spoil


def depends(row, column):
    def spoil(run, patch, by):
        def other(*given):
            picture = KEPT["dependence"](*given)
            picture[row, column] = ~picture[row, column]
            return picture

        patch.setattr(topic, "dependence", other)

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


NO_NAN = "counts, words and ones are never NaN"


class TestEncoderVsDecoder(TopicTests):
    lesson, steps, by = topic, 9, 1.01
    changed = [["layers=2", "source=3", "target=6"], ["layers=12", "source=6", "target=3"]]
    refused = ["layers=1", "source=7", "target=2"]
    spoilt = {
        "more": Spoilt("reader_and_writer", instead(topic, "WIDTH", lambda by: 15), no_nan=NO_NAN),
        "encoder-lines": Spoilt(
            "encoder_block", result(topic, "line_by_line", first_number), nan_also={"encoder-norm"}
        ),
        "encoder-norm": Spoilt("encoder_block", result(topic, "line_by_line", loud), also={"encoder-lines"}),
        "final": Spoilt("stack", stacked("last", lambda by: by)),
        "loud": Spoilt("stack", stacked("sizes", lambda by: [1.0, *[by / by * 1.14] * 6])),
        "filling": Spoilt("stack", stacked("masked", lambda by: by - 1)),
        "decoder-lines": Spoilt("decoder_block", result(topic, "line_by_line", first_number)),
        "encoder-full": Spoilt("who_depends", depends(0, 2), no_nan=NO_NAN),
        "triangle": Spoilt("who_depends", depends(3, 4), no_nan=NO_NAN),
        "source": Spoilt("who_depends", depends(3, 0), no_nan=NO_NAN),
        "steps": Spoilt("shifted", decoded, nan_also={"softmax"}),
        "softmax": Spoilt("shifted", output(topic, "softmax_forward")),
        "shift": Spoilt("shifted", not_shifted, no_nan=NO_NAN),
        "own-keys": Spoilt("too_strong", alike),
    }


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
    assert network == topic.small_transformer(0).encoder.blocks[0].feed_forward.n_parameters
    assert sentences(shown)[1].endswith("Here C = 16, F = 64; in the original 512 to 2048 and back.")


def test_each_norm_leaves_mean_0_and_variance_1_and_each_add_is_a_sum():
    for step, names in ((topic.encoder_block, 2), (topic.decoder_block, 3)):
        (shown,) = tables(records_of(step, run_of()))
        norms = [row for row in shown.rows if row["line"] == "norm"]
        assert len(norms) == names
        assert [row["variance"] for row in norms] == pytest.approx([1] * names, abs=1e-3)
        assert [row["mean"] for row in norms] == pytest.approx([0] * names, abs=1e-12)


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
    assert sentences(shown)[1:] == [
        "(The bar is read: given.) Behind the last block a matrix gives a score for each word of the vocabulary, "
        "(1, 3, 24); softmax makes probabilities of them.",
        "In training the target is known: one pass serves all 3 places. In use the decoder runs 3 times, the encoder "
        "once; given the same words, the numbers are the same.",
    ]


def test_the_sizes_of_the_stack_are_those_between_its_blocks():
    run = run_of("layers=4", seed=1)
    found = topic.through_stack(run.src, 4, 1)
    (shown,) = tables(records_of(topic.stack, run))
    assert [list(row.values()) for row in shown.rows] == [
        ["input", found.sizes[0]],
        *([f"block {n}", found.sizes[n]] for n in (1, 2, 4)),
        ["final norm", found.last],
    ]
    assert sentences(records_of(topic.stack, run))[-1] == (
        "Out comes (1, 3, 16). In a batch of different lengths pass a padding mask: with it 3 places of filling move "
        f"no real word; without it, by up to {found.unmasked:.2f}."
    )
    assert found.unmasked > 0.01


def test_what_is_said_with_numbers_is_measured_again():
    run = run_of(seed=2)
    memory = run.model.encode(run.src)[0]
    keys = [block.cross_attention.key.forward(memory)[0] for block in run.model.decoder.blocks[:2]]
    said = [r.truth for r in records_of(topic.too_strong, run) if isinstance(r, Said)]
    assert said[0].endswith(f"Here keys of two differ by up to {abs(keys[0] - keys[1]).max():.2f}.")
    told = sentences(records_of(topic.since, run))
    assert told[-1].startswith("Depth grew: 6 and 6 blocks in the original, 96 in GPT-3, a decoder alone.")
    assert sentences(records_of(topic.decoder_block, run))[-1].startswith(
        "Self-attention: causal mask, weights (B, H, 4, 4)."
    )
    assert sentences(records_of(topic.decoder_block, run))[-1].endswith("encoder's output, weights (B, H, 4, 3).")
    cache = run.model.forward(run.src, run.tgt)[1].blocks[0]
    assert (cache.weights.shape, cache.cross_weights.shape) == ((1, 2, 4, 4), (1, 2, 4, 3))


def test_mean_and_variance_of_each_line_are_those_of_its_words():
    """The decoder's first lines once more, in plain Python."""
    run = run_of(seed=3)
    (shown,) = tables(records_of(topic.decoder_block, run))
    x = run.model.decode(run.tgt, *run.model.encode(run.src))[1].stack.reads[0]
    given = run.model.decoder.blocks[0].attention.forward(x, mask=topic.causal_mask(4))[0]
    for row, y in zip(shown.rows[:3], (x, given, x + given), strict=True):
        words = [list(map(float, word)) for word in y[0]]
        assert row["shape"] == "(1, 4, 16)" and row["mean"] == pytest.approx(mean(map(mean, words)), abs=1e-8)
        assert row["variance"] == pytest.approx(mean(map(pvariance, words)))


def test_every_size_that_is_told_is_its_own():
    run = run_of("layers=2", "source=3", "target=5")
    first = {step: sentences(records_of(getattr(topic, step), run)) for step in ("encoder_block", "decoder_block")}
    assert first["encoder_block"][0].endswith("Block 1 of 2, untrained, 3 words:")
    assert first["decoder_block"][0] == "The same for a decoder block. It reads 5 places of the target."
    assert first["decoder_block"][1].endswith("output, weights (B, H, 5, 3).")
    assert sentences(records_of(topic.who_depends, run))[0].startswith("Replace one word, run all 2 + 2 blocks, ")
    shifted = sentences(records_of(topic.shifted, run))
    assert shifted[-1].startswith(
        "In training the target is known: one pass serves all 5 places. In use the decoder runs 5 times, "
    )
    assert "vocabulary, (1, 5, 24);" in shifted[1]
