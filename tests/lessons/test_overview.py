"""architecture-overview: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import lessons.architectures.overview.lesson as topic
from lessons.walk import generator_of
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.models import EncoderDecoder
from tfx.records import Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def measured(part, on=1.0, off=1.0):
    """The measurement of one part, times something."""

    def spoil(run, patch, by):
        def wrong(*args):
            right = KEPT["with_and_without"](*args)
            return right | {part: (right[part][0] * on * by, right[part][1] + off * by)}

        patch.setattr(topic, "with_and_without", wrong)

    return spoil


def staged(name):
    def spoil(run, patch, by):
        patch.setattr(topic, "stages", lambda *args: (found := KEPT["stages"](*args)) | {name: by * found[name]})

    return spoil


def counted(width):
    """A tenth too many, in a model of this width."""

    def spoil(run, patch, by):
        def wrong(sizes):
            right = KEPT["count"](sizes)
            return right._replace(rest=right.rest + (by - 1.1) * right.total) if sizes.width == width else right

        patch.setattr(topic, "count", wrong)

    return spoil


def one_more(run, patch, by):
    run.counted = run.counted._replace(rest=run.counted.rest + round(by) if by == by else by)


def shared(kind):
    def spoil(run, patch, by):
        def wrong(seed):
            right = KEPT["shares_of_network"](seed)
            return right | {kind: right[kind] * by}

        patch.setattr(topic, "shares_of_network", wrong)

    return spoil


def half_dropped(run, patch, by):
    """Half of them; or none, where nothing is a number."""
    patch.setattr(topic, "dropout_mask", lambda *args: np.tile([0.0, 2.0] if by == by else [by], 5000))


class TestOverview(TopicTests):
    lesson, steps = topic, 9
    changed = [["width=8", "blocks=1", "vocabulary=100"], ["width=8192", "blocks=96", "vocabulary=500000"]]
    refused = ["width=7", "width=12", "width=8200", "blocks=0", "blocks=97", "vocabulary=99"]
    spoilt = {
        "off": Spoilt("the_parts", measured("feed-forward", off=1e-9), nan_also={"on"}),
        "on": Spoilt("the_parts", measured("positions", on=1e-6, off=0.0), nan_also={"off"}),
        "kept": Spoilt("the_parts", measured("residual", on=-1.0, off=0.0)),
        "size": Spoilt("the_parts", measured("norm")),
        "sublayers": Spoilt(
            "two_stacks", instead(topic, "sub_layers", lambda by: lambda block: 3), no_nan="a whole number, counted"
        ),
        "hand": Spoilt("wrapped", output(topic, "layer_norm_forward")),
        "dropped": Spoilt("wrapped", half_dropped),
        "same": Spoilt("one_pass", staged("a score for each token")),
        "sum": Spoilt("one_pass", staged("softmax: probabilities")),
        "bottom": Spoilt("one_table", staged("source: embedding and place")),
        "top": Spoilt("one_table", staged("decoder, output")),
        "law": Spoilt("budget", one_more),
        "built": Spoilt("budget", counted(16)),
        "base": Spoilt("two_sizes", counted(512)),
        "big": Spoilt("two_sizes", counted(1024)),
        "two-thirds": Spoilt("too_strong", shared("encoder")),
        "half": Spoilt("too_strong", shared("decoder")),
    }


def asked(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def test_the_questions_are_answered_by_counting():
    run = run_of("blocks=5", "width=64")
    assert asked(topic.two_stacks, run).answer == 5 * len("sf") + 5 * len("mcf")
    assert asked(topic.one_pass, run).answer == topic.TGT.size * topic.WORDS
    maps = [(64, 64)] * 4 * 5 + [(64, 64)] * 8 * 5 + [(64, 256), (256, 64)] * 10
    assert asked(topic.budget, run).answer == pytest.approx(sum(a * b for a, b in maps) / 1e6)
    assert asked(topic.two_sizes, run).answer == 64
    assert asked(topic.one_table, run).answer == (3 - 1) * 37_000 * 64 / 1e6
    assert asked(topic.wrapped, run).answer == pytest.approx((4 - 3) / math.sqrt((0 + 1 + 1) / 3), rel=1e-4)


def test_the_budget_is_that_of_a_model_that_is_built():
    run = run_of("blocks=1", "width=32", "vocabulary=100")
    model = EncoderDecoder(100, 32, n_heads=8, d_ff=128, n_layers=1, max_len=4, norm_place="post")
    parts = {"feed_forward": 0, "attention": 0, "embedding": 0, "norm": 0}
    for name, parameter in model.parameters().items():
        (part,) = (part for part in parts if part in name)
        parts[part] += parameter.value.size
    shown = records_of(topic.budget, run)
    rows = tables(shown)[0].rows
    assert [row["number"] * 1e6 for row in rows] == pytest.approx(list(parts.values()))
    assert [row["share"] for row in rows] == pytest.approx([100 * n / model.n_parameters for n in parts.values()])
    assert sentences(shown) == [
        "Base model, or your sizes: C = 32, F = 128, 1 + 1 blocks, 100 tokens. An attention has four maps of C x C, a "
        "network two of C x F.",
        f"{model.n_parameters:,} together, whatever the number of heads.",
    ]


def test_the_two_sizes_are_those_of_the_paper():
    shown = records_of(topic.two_sizes, run_of())
    rows = tables(shown)[0].rows
    assert [[row[k] for k in ("c", "f", "h", "paper")] for row in rows] == [[512, 2048, 8, 65], [1024, 4096, 16, 213]]
    needed = []
    for c, printed in ((512, 65e6), (1024, 213e6)):
        encoder, decoder = 12 * c * c + 9 * c + 4 * c, 16 * c * c + 13 * c + 6 * c
        needed.append((printed - 6 * (encoder + decoder)) / c)
    assert sentences(shown)[2].startswith(
        "The counts are near the print, not equal to it. With these blocks it would take about "
        f"{needed[0]:,.0f} tokens for base and {needed[1]:,.0f} for big: no one vocabulary gives both,"
    )
    assert sentences(shown)[:2] == [
        "Both have 6 + 6 blocks and, for English to German, about 37,000 tokens.",
        "Heads are 64 wide in both (in papers d_k and d_v; C is d_model, F d_ff, H h).",
    ]


def test_the_shapes_of_the_stages_are_those_of_their_letters():
    b, s, t, c, h, v = 1, 5, 3, 16, 2, 24
    shapes = [(b, s, c), (b, h, s, s), (b, s, c), (b, t, c), (b, h, t, t), (b, h, t, s), (b, t, c), (b, t, v)]
    shown = records_of(topic.one_pass, run_of())
    assert [row["shape"] for row in tables(shown)[0].rows] == [str(shape) for shape in shapes]
    assert asked(topic.one_pass, run_of()).answer == t * v
    assert sentences(shown) == [
        "A small model, random weights: C = 16, H = 2 heads, F = 64, 2 + 2 blocks, 24 tokens. One sentence, B = 1: "
        "S = 5 tokens of source, T = 3 of target."
    ]


def test_what_is_dropped_follows_the_seed():
    told = [sentences(records_of(topic.wrapped, run_of(), seed))[-1] for seed in range(2)]
    for seed, sentence in enumerate(told):
        share = (generator_of(seed, "wrapped").random(10_000) < 0.1).mean()
        assert f"each with probability 0.1 in the base model; here {share:.1%} of 10,000. The others" in sentence
        assert "The others are divided by 0.9, so that their mean stays." in sentence
    assert told[0] != told[1]


def test_what_the_parts_do_is_measured_again():
    run = run_of(seed=2)
    rows = tables(records_of(topic.the_parts, run))[0].rows
    seen = [run.model.encode(np.array([ids]))[0][0, 0] for ids in ([3, 4, 5, 6, 7], [3, 5, 5, 6, 7], [3, 5, 4, 6, 7])]
    assert [rows[i]["on"] for i in (0, 1)] == pytest.approx([abs(seen[i] - seen[0]).max() for i in (1, 2)])
    assert [row["part"] for row in rows] == ["attention", "positions", "feed-forward", "residual", "norm"]
    assert [row["job"] for row in rows] == ["routes", "give order", "processes", "carries", "keeps size"]
    assert rows[4]["off"] > 2 and rows[3]["on"] > rows[3]["off"]


def test_the_shares_that_are_told_are_those_of_the_maps():
    said = next(r for r in records_of(topic.too_strong, run_of()) if isinstance(r, Said))
    c, f = 128, 512
    network, attention = 2 * c * f + f + c, 4 * c * c + 4 * c
    encoder, decoder = network / (network + attention + 4 * c), network / (network + 2 * attention + 6 * c)
    base_network, base_attention = (12 * (8 * 512**2 + 5 * 512)), 18 * (4 * 512**2 + 4 * 512)
    total = base_network + base_attention + 30 * 2 * 512 + 37000 * 512
    assert said.truth == (
        f"The network has {encoder:.0%} of an encoder block, {decoder:.0%} of a decoder block, "
        f"{base_network / total:.0%} of the base model, where attention has {base_attention / total:.0%}."
    )


def test_what_is_said_aloud_has_the_sizes_of_the_base_model():
    said = sentences(records_of(topic.interview, run_of()))
    assert "go through 6 encoder blocks of self-attention and a feed-forward network, and 6 decoder blocks" in said[0]
    assert said[1].startswith("Base: width 512, inner width 2048, 8 heads of 64, dropout 0.1, about 65 million ")


def test_the_sum_by_hand_is_added_up():
    x, f = (1, 2, 3), (2, 0, 1)
    row = [a + b for a, b in zip(x, f, strict=True)]
    m, v = Fraction(sum(row), 3), Fraction(sum((3 * y - sum(row)) ** 2 for y in row), 27)
    assert sentences(records_of(topic.wrapped, run_of()))[1] == (
        f"By hand, without dropout: x = {x}, f(x) = {f}. The sum is {(*row,)}, its mean {m}, its variance {v}."
    )
