"""bert: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lessons.architectures.bert.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, output, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.data.sentence_pairs import VOCABULARY
from tfx.models import Bert
from tfx.records import Formula, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
TOLD = run_of().told


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def told(**shares):
    def spoil(run, patch, by):
        run.told = TOLD | {way: share if by == by else by for way, share in shares.items()}

    return spoil


def longer(run, patch, by):
    run.pair = run.pair._replace(lengths=run.pair.lengths + 1)


def hidden_scores(run, patch, by):
    """The head of the pairs has other weights than those that the step multiplies by."""
    forward = run.bert.forward

    def wrong(*given):
        found, cache = forward(*given)
        return found._replace(nsp_logits=found.nsp_logits * (1 + (by - 1) * 1e-9)), cache

    patch.setattr(run.bert, "forward", wrong)


def masked(change):
    return result(topic, "mask_tokens", change)


def rehidden(found, by, share, put):
    """Some of the chosen of the large draw read something else."""
    if found.ids.shape[0] == 1:
        return found
    some = found.chosen & (np.random.default_rng(0).random(found.ids.shape) < share)
    return found._replace(ids=np.where(some, found.targets if put is None else put, found.ids))


def unmoved(given):
    """What is given moves nothing; or, with "neither", something."""

    def spoil(run, patch, by):
        def wrong(model, ids, segments, lengths):
            found, cache = Bert.forward(model, ids, segments, lengths)
            way = "places" if model is run.bert else "segments" if segments is not None else "neither"
            if way == given:
                steady = ids[0, 1] if given == "neither" else 0
                found = found._replace(nsp_logits=np.full((1, 2), steady * by * 1e-9))
            return found, cache

        class Wrong(Bert):
            forward = wrong

        patch.setattr(topic, "Bert", Wrong)
        run.bert.__class__ = Wrong

    return spoil


def counted(**named):
    return {k: v + (k == "blocks") for k, v in KEPT["bert_parameter_count"](**named).items()}


class TestBert(TopicTests):
    lesson, steps = topic, 8
    changed = [["rate=0.1", "steps=50"], ["rate=0.5", "steps=100"]]
    refused = ["rate=0.09", "rate=0.51", "steps=49", "steps=201"]
    spoilt = {
        "packed": Spoilt("from_text", longer, no_nan="tokens, counted"),
        "sum": Spoilt("three_vectors", output(topic, "layer_norm_forward", lambda y, by: y * (1 + (by - 1) * 1e-9))),
        "chosen": Spoilt("fill_gaps", masked(lambda found, by: found if len(found.ids) == 1 else found._replace(
            chosen=found.chosen & (np.arange(found.chosen.shape[1]) % 20 > 0))), no_nan="true or false"),
        "masked": Spoilt("fill_gaps", masked(lambda found, by: rehidden(found, by, 0.5, topic.ID_OF["[MASK]"])),
                         also={"kept"}, no_nan="tokens, counted"),
        "kept": Spoilt("fill_gaps", masked(lambda found, by: rehidden(found, by, 0.3, None)),
                       also={"masked"}, no_nan="tokens, counted"),
        "scores": Spoilt("belong_together", hidden_scores),
        "bag": Spoilt("same_bag", unmoved("neither")),
        "segments": Spoilt("same_bag", unmoved("segments"), no_nan="0 times NaN is not 0"),
        "places": Spoilt("same_bag", unmoved("places"), no_nan="0 times NaN is not 0"),
        "told-segments": Spoilt("with_and_without", told(segments=0.89)),
        "told-places": Spoilt("with_and_without", told(places=0.89)),
        "guess": Spoilt("with_and_without", told(neither=0.63)),
        "base": Spoilt("too_strong", instead(topic, "bert_parameter_count", lambda by: counted), no_nan="a count"),
    }  # fmt: skip


def test_a_pair_is_packed_as_it_is_told():
    run = run_of(seed=4)
    rows = tables(records_of(topic.from_text, run))[0].rows
    words = ["[CLS]", *run.first, "[SEP]", *run.second, "[SEP]"]
    assert [row["token"] for row in rows] == words and [row["place"] for row in rows] == list(range(1, 10))
    assert "".join(row["segment"] for row in rows) == "A" * 5 + "B" * 4
    assert (run.first[0], run.first[2]) == (run.second[2], run.second[0])


def test_the_input_is_added_up_by_hand():
    run = run_of()
    p = run.bert.parameters()
    shown = records_of(topic.three_vectors, run)
    for row in tables(shown)[0].rows:
        at = int(row["token"].split(":")[0]) - 1
        id = VOCABULARY.index(row["token"].split(": ")[1])
        s = (
            p["embedding.table"].value[id]
            + p["input.segments.table"].value[int(at > 4)]
            + p["input.positions"].value[at]
        )
        assert row["s"] == pytest.approx(s[0]) and row["s"] == pytest.approx(row["e"] + row["g"] + row["p"])
        assert row["x"] == pytest.approx((s[0] - s.mean()) / s.std())
    assert ask(topic.three_vectors, run).answer == pytest.approx(tables(shown)[0].rows[0]["s"])
    assert (
        sentences(shown)[-1]
        == f"In BERT-base the segments have 2 * 768 = 1,536 numbers, {1536 / 109_482_240:.4%} of the model."
    )


def test_the_shares_of_the_rule_are_counted_again():
    shown = records_of(topic.fill_gaps, run_of("rate=0.2"))
    rows = tables(shown)[0].rows
    assert [row["rule"] for row in rows] == [80, 10, 10] and sum(row["share"] for row in rows) == pytest.approx(100)
    assert all(abs(row["share"] - row["rule"]) < 3 for row in rows)
    assert ask(topic.fill_gaps, run_of("rate=0.2")).answer == pytest.approx(160)
    (line,) = (r.text for r in shown if isinstance(r, Formula))
    assert line.split().count("[MASK]") == 1 and line.startswith("[CLS] ") and line.endswith(" [SEP]")


def test_the_same_words_in_the_other_order_give_the_same_scores():
    """Written out with one block: a bag of vectors, whoever stands first."""
    run = run_of(seed=1)
    bare = Bert(len(VOCABULARY), dtype="float64", positions="none", seed=1, **topic.SIZES)
    turned = topic.pack_pairs([(run.second, run.first)])
    here, there = (bare.forward(each.ids)[0].nsp_logits for each in (run.pair, turned))
    assert np.abs(here - there).max() < 1e-12
    moved = {row["given"]: row["moved"] for row in tables(records_of(topic.same_bag, run))[0].rows}
    with_segments = [bare.forward(each.ids, each.segments)[0].nsp_logits for each in (run.pair, turned)]
    assert moved["segments"] == pytest.approx(np.abs(with_segments[0] - with_segments[1]).max())
    assert moved["neither"] < 1e-12 < moved["places"] and ask(topic.same_bag, run).answer == 50


def test_what_was_learned_is_told():
    run = run_of()
    shown = records_of(topic.with_and_without, run)
    assert [row["right"] for row in tables(shown)[0].rows] == [
        100 * run.told[way] for way in ("segments", "places", "neither")
    ]
    for way, given in (("segments", (True, False)), ("neither", (False, False))):
        assert run.told[way] == topic.order_told(*given, 60, topic.ASKED, 0)
    assert sentences(shown)[1] == (
        f"Segments alone tell {run.told['segments']:.0%}. With neither it is a guess. But places alone tell "
        f"{run.told['places']:.0%}: here segment vectors are a help that can be done without."
    )


def test_sizes_and_sayings_are_counted_again():
    c, f = 768, 3072
    base = (30522 + 2 + 512) * c + 2 * c + 12 * (4 * (c * c + c) + 2 * c * f + f + c + 4 * c) + c * c + c
    shown = records_of(topic.too_strong, run_of())
    assert sentences(shown)[0].endswith(f"BERT-base has {base / 1e6:.0f} million numbers, BERT-large 335.")
    said = [r for r in shown if isinstance(r, Said)]
    assert [r.verdict for r in said] == ["false", "too strong", "too strong", "too strong"]
    assert said[1].truth == f"15 are chosen; {0.15 * 0.8 * 100:.0f} in 100 read [MASK]."
    together = " ".join(sentences(records_of(topic.belong_together, run_of())))
    assert f"3 classes on BERT-base are 768 * 3 + 3 = {768 * 3 + 3:,} numbers on top of {base:,}." in together
    assert "hidden (1, 9, 32), scores of words (1, 9, 28), scores of the pair (1, 2)" in together


def test_why_an_answer_is_right_is_told():
    run = run_of()
    assert {step: ask(getattr(topic, step), run).explanation for step in WHY} == WHY
    assert not math.isnan(sum(run.told.values()))


WHY = {
    "three_vectors": "Add them up.",
    "fill_gaps": "1000 * 0.15 * 0.8.",
    "same_bag": "Both orders get the same scores: one is told wrongly.",
}
