"""masking-padding: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.masks.padding.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, result, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, tables
from tfx.records import Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def hidden(wrong):
    """run.hidden gives something else: wrong(ids, lengths, what is right, by)."""

    def spoil(run, patch, by):
        right = run.hidden
        run.hidden = lambda ids, lengths=None: wrong(ids, lengths, right(ids, lengths), by)

    return spoil


def off(ids, lengths, out, by):
    return out + 1e-8 * by if lengths is not None else out


def as_alone(run, patch, by):
    """Without a mask, what stands alone."""
    right = run.hidden

    def hidden(ids, lengths=None):
        out = right(ids, run.lengths if len(ids) == 3 else lengths)
        return out * (by / 1.2 if lengths is None and len(ids) == 3 else 1)

    run.hidden = hidden


def read(ids, lengths, out, by):
    return out + 1e-9 * by * ids.max()


def quiet(run, patch, by):
    right = run.hidden

    def hidden(ids, lengths=None):
        out = right(ids, lengths)
        out[ids == topic.PAD] *= 0 * by
        return out

    run.hidden = hidden


def level(run, patch, by):
    """Rows of filling are as the mean of the words, so that a mean does not feel them."""
    right = run.hidden

    def hidden(ids, lengths=None):
        out = right(ids, lengths)
        for i, n in enumerate(run.lengths):
            out[i, n:] = out[i, :n].mean(axis=0) * (1 if by == by else by)
        return out

    run.hidden = hidden


def longer(run, patch, by):
    run.ids = np.concatenate([run.ids, run.ids[:, -1:]], axis=1)


def mask(run, patch, by):
    patch.setattr(topic, "padding_mask", lambda lengths, n: KEPT["padding_mask"](lengths, n)[:, 0])


def losses(kept, every):
    def spoil(run, patch, by):
        def forward(logits, targets, keep=None):
            loss, cache = KEPT["cross_entropy_forward"](logits, targets, keep=keep)
            return (loss * by if kept else loss) if keep is not None else (1.0 * by / 1.2 if every else loss), cache

        patch.setattr(topic, "cross_entropy_forward", forward)

    return spoil


def waste(wrong):
    return lambda run, patch, by: patch.setattr(
        topic, "wasted", lambda lengths, batch: wrong(KEPT["wasted"](lengths, batch), lengths, by)
    )


def writes(change):
    def spoil(run, patch, by):
        def greedy(model, prompts, n, stop):
            rows = KEPT["greedy"](model, prompts, n, stop=stop)
            return change(rows) if isinstance(prompts, list) else rows

        patch.setattr(topic, "greedy", greedy)

    return spoil


def worse(share, lengths, by):
    """Sorted sentences waste more."""
    return share + 0.9 * by * (len(lengths) > 9 and bool((np.diff(lengths) >= 0).all()))


class TestPadding(TopicTests):
    lesson, steps = topic, 8
    changed = [
        asked(longest, text=text)
        for text in ("two words", " ".join(f"w{i}" for i in range(64)))
        for longest in ("longest=2", "longest=512")
    ]
    refused = ["longest=1", "longest=513"]
    elsewhere = ("filling",)  # below
    spoilt = {
        "equal": Spoilt("alone_or_padded", hidden(off)),
        "differ": Spoilt("alone_or_padded", as_alone),
        "content": Spoilt("mask_shape", hidden(read), nan_also={"rows"}),
        "shape": Spoilt("mask_shape", result(topic, "padding_mask", lambda mask, by: mask[:, 0]), no_nan="a shape"),
        "rows": Spoilt("mask_shape", quiet),
        "kept": Spoilt("the_loss", losses(True, False), nan_also={"flattered"}),
        "flattered": Spoilt("the_loss", losses(False, True)),
        "sorted": Spoilt("waste", waste(worse), nan_also={"hand"}),
        "hand": Spoilt(
            "waste",
            waste(lambda share, lengths, by: share * by if len(lengths) < 9 and by == by else share),
            no_nan="places are counted",
        ),
        "together": Spoilt(
            "writing", writes(lambda rows: rows + (np.arange(rows.shape[1]) == 1)), no_nan="tokens are compared"
        ),
        "waits": Spoilt(
            "writing",
            writes(lambda rows: rows + (np.arange(rows.shape[1]) == 5) * [[1], [0]]),
            no_nan="tokens are compared",
        ),
        "mean": Spoilt("too_strong", level),
    }


def test_a_place_that_is_no_filling_is_seen():
    run = run_of()
    run.ids[1, 5] = 3  # no longer filling
    assert failed_in(topic.rectangle, run) == {"filling"}


def test_filling_is_counted_by_hand():
    shown = records_of(topic.rectangle, run_of(text="one two three"))
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.prompt == "Lengths 3, 2, 8, filled up to 8: what share of the places is filling?"
    assert asked.answer == pytest.approx((5 + 6 + 0) / 24)
    assert [row["words"] for row in tables(shown)[0].rows] == [
        "one two three <pad> <pad> <pad> ...",
        "we read <pad> <pad> <pad> ...",
        "a small dog slept here all day ...",
    ]


def test_alone_and_padded_are_measured_again():
    run = run_of(seed=2)
    rows = tables(records_of(topic.alone_or_padded, run))[0].rows
    for i, row in enumerate(rows):
        n = len(run.sentences[i])
        alone, _ = run.model.encode(run.ids[i : i + 1, :n])
        row_alone, _ = run.model.encode(run.ids[i : i + 1])
        assert row["none"] == pytest.approx(np.abs(row_alone[0, :n] - alone[0]).max(), abs=1e-12)
        assert row["pads"] == 8 - n and row["mask"] < 1e-10


def test_the_losses_are_computed_by_hand():
    shown = records_of(topic.the_loss, run_of())
    (asked,) = (r for r in shown if isinstance(r, Question))
    assert asked.answer == pytest.approx((math.log(2) + math.log(4)) / 2)
    every = (math.log(2) + math.log(4) - 2 * math.log(0.9)) / 4
    assert sentences(shown)[1].startswith(f"Over all four places it would be {every:.2f}: filling is easy,")
    assert [row["loss"] for row in tables(shown)[0].rows[:2]] == pytest.approx([math.log(2), math.log(4)])


def test_waste_is_counted_batch_by_batch():
    from lessons.walk import generator_of

    rows = tables(records_of(topic.waste, run_of("longest=30")))[0].rows
    lengths = generator_of(0, "waste").integers(1, 31, size=64).tolist()
    for row, order in zip(rows, (lengths, sorted(lengths)), strict=True):
        places = sum(8 * max(order[i : i + 8]) for i in range(0, 64, 8))
        assert row["share"] == pytest.approx(100 * (places - sum(lengths)) / places)
    (asked,) = (r for r in records_of(topic.waste, run_of()) if isinstance(r, Question))
    assert asked.answer == pytest.approx(2 / 26)


def test_what_is_written_ends_with_the_end_token():
    rows = tables(records_of(topic.writing, run_of()))[0].rows
    assert rows[0]["text"] == "is called . <end> <end> <end>" and rows[0]["length"] == 2
    assert "<end>" not in rows[1]["text"] and rows[1]["length"] == 5


def test_the_mask_and_the_mean_are_told():
    run = run_of(seed=1)
    said = sentences(records_of(topic.mask_shape, run))
    (asked,) = (r for r in records_of(topic.mask_shape, run) if isinstance(r, Question))
    assert asked.prompt == "How many keys are hidden from a query of row 2, of 2 words?" and asked.answer == 6
    assert said[0].startswith("Here (3, 1, 1, 8): 24 yes or no for 3 * H * 8 * 8 scores.")
    pads = run.model.encode(run.ids, run.lengths)[0][run.ids == 0]
    assert said[1].startswith(
        "Put another token in the place of <pad>: the real words move by 0. But filling asks as well: its 8 rows come "
        f"out as numbers, up to {np.abs(pads).max():.1f}, that mean nothing."
    )
    out = run.model.encode(run.ids, run.lengths)[0]
    far = max(float(np.abs(out[i].mean(axis=0) - out[i, :n].mean(axis=0)).max()) for i, n in enumerate((6, 2, 8)))
    assert (
        f"it moves by up to {far:.2f} in this batch, mask or no mask."
        in sentences(records_of(topic.too_strong, run))[0]
    )
