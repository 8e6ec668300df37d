"""gpt: the text is computed, every number has a second opinion, and every check can fail."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import lessons.architectures.gpt.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, asked, instead, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.errors import BadInput
from tfx.records import Formula, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)
LEARNT = run_of().learnt


def weights(name, change):
    """Some weights of the untrained model are change(what is right, by)."""

    def spoil(run, patch, by):
        parameter = run.gpt.model.parameters()[name]
        parameter.value = change(parameter.value, by)

    return spoil


def louder_input(run, patch, by):
    forward = run.gpt.model.input.forward
    patch.setattr(run.gpt.model.input, "forward", lambda ids: (forward(ids)[0] * (1 + (by - 1) * 1e-3), None))


def sizes_of(layers, scaled, times):
    """The stream of one of the measured models is times by as large."""

    def spoil(run, patch, by):
        def wrong(n, how, *rest):
            return KEPT["stream_size"](n, how, *rest) * (times * by if (n, how) == (layers, scaled) else 1.0)

        patch.setattr(topic, "stream_size", wrong)

    return spoil


def learnt(**changed):
    def spoil(run, patch, by):
        values = {name: value if by == by else by for name, value in changed.items()}
        losses = [*LEARNT.losses[:-1], values.pop("last")] if "last" in values else LEARNT.losses
        run.learnt = LEARNT._replace(losses=losses, **values)

    return spoil


def loss(of_start, of_loud, of_open=lambda x, by: x):
    """The loss of the untrained model, of the one whose rows of E are longer, and without a mask."""

    def spoil(run, patch, by):
        def wrong(gpt, masked=True):
            right = KEPT["loss_of"](gpt, masked)
            if not masked:
                return of_open(right, by)
            return (of_start if gpt is run.gpt else of_loud)(right, by)

        patch.setattr(topic, "loss_of", wrong)

    return spoil


def right(value, by):
    return value


def counts(run, patch, by):
    patch.setattr(
        topic, "gpt_parameter_count", lambda *sizes, **named: KEPT["gpt_parameter_count"](*sizes, **named) + 1
    )


W = "stack.blocks.0."


class TestGPT(TopicTests):
    lesson, steps = topic, 8
    changed = [
        asked("steps=80", "layers=6", text="a rose is a rose is a rose"),
        asked("steps=120", "layers=24", text="aa bb aa"),
    ]
    refused = ["steps=79", "steps=301", "layers=5", "layers=25"]
    spoilt = {
        "count": Spoilt("from_encoder", counts, no_nan="a whole number, counted"),
        "input": Spoilt("goes_in", louder_input),
        "plain": Spoilt("at_the_start", weights(W + "attention.query.w", lambda w, by: w * by)),
        "smaller": Spoilt("at_the_start", weights(W + "attention.output.w", lambda w, by: w * by)),
        "flat": Spoilt("at_the_start", sizes_of(12, True, 1.1)),
        "grows": Spoilt("at_the_start", sizes_of(12, False, 0.5)),
        "start": Spoilt(
            "first_loss", loss(lambda x, by: x + 0.2 * by, right, lambda x, by: x + 0.2), nan_also={"open"}
        ),
        "open": Spoilt("first_loss", loss(lambda x, by: x, right, lambda x, by: (x - 0.1) * by)),
        "loud": Spoilt("first_loss", loss(right, lambda x, by: x / 10 * by)),
        "learned": Spoilt("before_and_after", learnt(last=0.41 * math.log(11))),
        "known": Spoilt("before_and_after", learnt(known=0.79)),
        "blind": Spoilt("without_the_mask", result(topic, "future_leak", lambda moved, by: by * 1e-9)),
        "seen": Spoilt(
            "without_the_mask",
            instead(topic, "sees_answer", lambda by: lambda mask, shift, n: KEPT["sees_answer"](mask, shift, n - 1)),
            no_nan="places, counted",
        ),
        "small": Spoilt("sizes", counts, no_nan="a whole number, counted"),
        "share": Spoilt(
            "sizes", result(topic, "count", lambda c, by: c._replace(attention=c.attention * by)), also={"small"}
        ),
    }


def ask(step, run):
    return next(r for r in records_of(step, run) if isinstance(r, Question))


def test_the_parameters_are_counted_by_hand():
    run = run_of()
    c, v, t = 32, 11, 24
    maps = 4 * (c * c + c) + (c * 4 * c + 4 * c) + (4 * c * c + c) + 4 * c
    shown = records_of(topic.from_encoder, run)
    assert sentences(shown)[-1] == (
        f"No cross-attention: nothing else is read. This GPT has {(v + t) * c + 2 * maps + 2 * c:,} parameters."
    )
    assert ask(topic.from_encoder, run).answer == len(set(run.text)) * c
    assert [row["numbers"] for row in tables(shown)[0].rows] == ["0", "2 C = 64", "0: E again", "0"]


def test_token_and_place_are_added():
    run = run_of()
    model = run.gpt.model
    tokens, places = (
        next(p.value for k, p in model.parameters().items() if k.startswith(n)) for n in ("embedding", "input")
    )
    rows = tables(records_of(topic.goes_in, run))[0].rows
    assert [row["place"] for row in rows] == ["1: 't'", "2: 'h'", "7: 't'"]
    for row in rows:
        at, letter = int(row["place"].split(":")[0]) - 1, row["place"][-2]
        e, p = tokens[sorted(set(run.text)).index(letter), 0], places[at, 0]
        assert [row["e"], row["p"], row["x"]] == pytest.approx([e, p, e + p], rel=1e-5)
    assert ask(topic.goes_in, run).answer == pytest.approx(tokens[10, 0] + places[0, 0], rel=1e-4)
    assert (
        sentences(records_of(topic.goes_in, run))[-1]
        == "PE has 24 rows here, 1024 in GPT-2, and none for places further on: no text may be longer."
    )


def test_the_start_is_told_with_what_was_measured():
    run = run_of()
    shown = records_of(topic.at_the_start, run)
    spread = [
        float(run.gpt.model.parameters()[k].value.std())
        for k in ("embedding.table", W + "attention.query.w", W + "attention.output.w", W + "feed_forward.second.w")
    ]
    assert (
        sentences(shown)[1]
        == "Here, block 1 of 2: "
        + ", ".join(f"{n} {x:.4f}" for n, x in zip(("E", "W_Q", "W_O", "W_2"), spread, strict=True))
        + "."
    )
    assert ask(topic.at_the_start, run_of("layers=6")).answer == pytest.approx(0.02 / 12**0.5)
    (two, deep) = tables(shown)[0].rows
    assert deep["blocks"] == 12 and deep["plain"] > 1.5 * two["plain"] and abs(deep["scaled"] / two["scaled"] - 1) < 0.1


def test_the_first_losses_are_computed_again():
    run = run_of(seed=2)
    logits = run.gpt.model.forward(run.gpt.ids[None])[0][0].astype(float)
    nexts = np.roll(run.gpt.ids, -1)
    loss = float(np.mean([math.log(np.exp(row).sum()) - row[n] for row, n in zip(logits, nexts, strict=True)]))
    told = sentences(records_of(topic.first_loss, run))[-1]
    assert told.startswith(f"Measured: {loss:.3f}. GPT-2 has 50,257 tokens, so it starts near {math.log(50257):.2f}. ")
    assert "with the rows of E 30 times longer it is " in told
    x = run.gpt.model.input.forward(run.gpt.ids[None])[0]
    seen = run.gpt.model.stack.forward(x, mask=np.ones((len(nexts), len(nexts)), bool))[0][0]
    scores = (seen @ run.gpt.model.embedding.table.value.T).astype(float)
    free = float(np.mean([math.log(np.exp(row).sum()) - row[n] for row, n in zip(scores, nexts, strict=True)]))
    assert told.endswith(f"without it {free:.3f}, as untrained weights make nothing of what they see.")
    assert abs(free - loss) < 0.02
    assert ask(topic.first_loss, run).answer == pytest.approx(math.log(11)) and len({*run.text}) == 11


def test_what_is_written_is_told_and_counted():
    run = run_of()
    shown = records_of(topic.before_and_after, run)
    before, after = (record.text.split('"')[1] for record in shown if isinstance(record, Formula))
    assert (
        after == "at sat on the mat. " and len(before) == len(after) and "the c" + after == "the cat sat on the mat. "
    )
    text = run.text + run.text[0]
    share = [np.mean([a + b in text for a, b in itertools.pairwise(w)]) for w in (before, after)]
    assert (
        f"that your text has: {share[0]:.0%} of them before, {share[1]:.0%} after. It has learned 24 letters by heart."
        in sentences(shown)[-1]
    )
    rows = tables(shown)[0].rows
    assert [row["step"] for row in rows] == [1, 50, 100] and rows[0]["loss"] == pytest.approx(math.log(11), abs=0.15)
    assert rows[2]["loss"] == run.learnt.losses[-1]


def test_without_a_mask_all_places_but_the_last_see_their_answer():
    run = run_of(text="one two three")
    assert ask(topic.without_the_mask, run).answer == len("one two three. ") - 1
    assert sentences(records_of(topic.without_the_mask, run))[1] == (
        "With the mask it is 0 places. Tested on the untrained model: change letters after a place, and its scores "
        "move by 0."
    )


def test_published_sizes_are_counted_by_hand():
    shown = records_of(topic.sizes, run_of())
    small, large = tables(shown)[0].rows
    c, n = 12288, 96
    total = (50257 + 2048) * c + n * (12 * c * c + 13 * c) + 2 * c
    assert small["counted"] == "124 M" and small["figure"] == "117M" and large["counted"] == f"{total / 1e6:,.0f} M"
    said = [r for r in shown if isinstance(r, Said)]
    assert [r.verdict for r in said] == ["too strong", "false"] and "Of its blocks 67% are feed-forward" in said[
        1
    ].truth


def test_a_long_text_is_cut_and_a_short_one_refused():
    run = run_of(text="a very long sentence that does not end where it should")
    assert run.text == "a very long sentence that does. "
    with pytest.raises(BadInput):
        run_of(text="two words")


def test_why_an_answer_is_right_is_told():
    run = run_of()
    told = {step: ask(getattr(topic, step), run).explanation for step in WHY}
    assert told == WHY
    assert sentences(records_of(topic.at_the_start, run))[0] == (
        "Weights are drawn, normal with deviation 0.02, as in GPT-1 (0.01 for positions in OpenAI's code of "
        "GPT-2); biases 0. The last map of each sub-layer (W_O, "
        "W_2) is drawn smaller, by 1 / sqrt(2 N) in N blocks, since GPT-2: 2 N outputs are added to the stream, and "
        "variances of independent terms add up."
    )


WHY = {
    "from_encoder": "A row of C for each letter: 11 * 32.",
    "goes_in": "The sum.",
    "at_the_start": "0.02 / sqrt(24).",
    "first_loss": "ln 11.",
    "without_the_mask": "All but the last.",
}
