"""The flagship read under other settings and texts: each sentence that was once untrue under one of them, whole."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from lessons.attention.scaled_dot_product import answer, backward, beginning, bottom, forward, onward, top_down
from lessons.attention.scaled_dot_product.head import Run, Settings, apart, probability
from lessons.request import Request
from tests.lessons.steps import records_of, sentences
from tfx.records import Formula, Matrix, Question, Said, Source, Try
from tfx.trace.words import to_words

TROPHY = "The trophy did not fit in the suitcase because it was too big."
MY_DOG = "My dog ate my homework yesterday."


def run_of(text: str | None = None, untrained: bool = False, **settings) -> Run:
    return Run(Request(text, 0, Settings(**settings), untrained))


def said(write, run: Run) -> str:
    return "\n".join(sentences(records_of(write, run)))


def asked(write, run: Run) -> Question:
    return next(record for record in records_of(write, run) if isinstance(record, Question))


# ------------------------------------------------------------------ the head that is followed


@pytest.mark.parametrize("text", [None, TROPHY, MY_DOG])
def test_why_this_head_is_said_and_true(text):
    run = run_of(text)
    case, of = run.case, "all 8 heads" if text else "the 4 heads of layer 2"
    assert (
        f'Why head {case.head + 1} of layer {case.layer + 1}? Of {of} it has, in row "{run.word}", the largest weight '
        "on a word that is neither that one nor the one just before."
    ) in said(forward.rows_read, run).splitlines()
    own = run.word_of[run.row]
    away = [i for i in range(len(run.words)) if i not in (own, own - 1) and run.words[i].isalnum()]
    blocks = run.whole.blocks if text else run.whole.blocks[1:]
    best = {
        (layer, head): to_words(weights[run.row], run.word_of)[away].max()
        for layer, block in enumerate(blocks, 0 if text else 1)
        for head, weights in enumerate(block.heads.weights)
    }
    assert max(best, key=best.get) == (case.layer, case.head)


@pytest.mark.parametrize(
    ("text", "settings"), [("Hello", {}), ("Dogs bark", {}), (TROPHY, {"head": 1}), (None, {"head": 1})]
)
def test_no_reason_is_given_where_the_reader_chose_or_nothing_is_further_away(text, settings):
    assert "Why head" not in said(forward.rows_read, run_of(text, **settings))


def test_a_changed_head_was_chosen_before_the_change():
    assert "Of the 4 heads of layer 2 it has (before your change), in row" in said(forward.rows_read, run_of(scale=0.1))
    assert run_of(scale=0.1).case.head == run_of().case.head


def test_the_language_model_is_not_said_to_have_been_told_where_to_look():
    run = run_of(TROPHY)
    words = [
        run.words[int(to_words(w, run.word_of).argmax())] for b in run.whole.blocks for w in b.heads.weights[:, 17]
    ]
    assert (
        'No loss asked where "it" should look: this model learned to predict the next token. In '
        f"{words.count('because')} of its 8 heads the largest weight of this row is on the word just before."
    ) in said(forward.rows_read, run).splitlines()
    assert said(forward.rows_read, run_of("Hello")).splitlines()[-1] == (
        'No loss asked where "Hello" should look: this model learned to predict the next token.'
    )
    for other in (run_of(), run_of(TROPHY, untrained=True)):
        assert "No loss asked where" not in said(forward.rows_read, other)


def test_at_a_noun_before_it_and_not_at_the_word_before():
    """In the sentence that the issue asks for, and in nine others: never the word just before, nor a mark."""
    texts = (
        TROPHY,
        "The dog chased the cat because it was hungry.",
        "I put the book on the table and it fell down.",
        "My sister lost her keys while walking to the market yesterday",
        "The function returns a value if it is not empty.",
        "The teacher asked the student because she was late.",
        "When the file is closed, it cannot be read.",
        "The bottle fell off the shelf and it broke.",
        "The president said that he would not sign the law.",
        "The object is deleted when it is no longer used.",
    )
    for text in texts:
        run = run_of(text)
        own, shares = run.word_of[run.row], to_words(run.weights[run.row], run.word_of)
        assert int(shares.argmax()) < own - 1, text
    assert run_of(TROPHY).looks().startswith('"it" looks at: suitcase 0.')


# ------------------------------------------------------------------ what is chosen, and what is not changed by it


@pytest.mark.parametrize(
    ("text", "settings", "changed"),
    [
        (None, {}, ""), (None, {"mask": "none"}, ""), (None, {"scale": 1 / math.sqrt(12)}, ""),
        (TROPHY, {"mask": "causal"}, ""), (TROPHY, {"scale": 0.25}, ""), ("the", {"mask": "none"}, ""),
        (None, {"mask": "causal"}, "mask"), (TROPHY, {"mask": "none"}, "mask"), (None, {"scale": 1.0}, "scale"),
        (None, {"scale": 1.0, "mask": "causal"}, "scale and mask"),
    ],
)  # fmt: skip
def test_what_is_said_to_be_changed_is_changed(text, settings, changed):
    run = run_of(text, **settings)
    assert run.changed == changed
    meaning, back = said(answer.meaning, run), said(backward.the_way_back, run)
    if not changed:
        assert "head changed" not in meaning and "yours" not in back
        return
    verb = "are" if " and " in changed else "is"
    assert f"Your {changed} ran with it: this is what the model answers with the one head changed." in meaning
    assert f"The {changed} {verb} yours, and so are loss and gradients: the model ran with the changed head." in back
    assert f"does what the last steps showed (your {changed} in head {run.case.head + 1} alone). So" in said(
        onward.other_heads, run
    )
    if text is None:
        assert f"Both run here as they were trained, without your {changed}." in said(answer.two_heat_maps, run)


def test_a_chosen_model_refuses_other_texts_and_does_not_promise_to_pass_them_on():
    assert (
        said(beginning.tokens, run_of(model="plain"))
        .splitlines()[1]
        .endswith("because you chose it (model=plain). Without that setting any other text goes to the language model.")
    )


def test_another_right_answer_is_not_called_the_right_one():
    prompt = asked(answer.meaning, run_of(answer="street")).prompt
    assert prompt.startswith('"street", which you set as the right answer, got a probability of ')
    assert asked(answer.meaning, run_of(answer="animal")).prompt.startswith('The right answer, "animal", got ')
    assert asked(top_down.loss_gradient, run_of(answer="street")).prompt.startswith(
        '"street" counts as right and has p'
    )


def test_a_scale_or_mask_is_not_suggested_to_who_has_it():
    def suggested(write, run):
        return [record for record in records_of(write, run) if isinstance(record, Try)]

    for scale, other in ((None, 1.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.0)):
        assert suggested(forward.scaling, run_of(scale=scale))[0].settings == {"scale": other}
    assert len(suggested(forward.mask, run_of("the"))) == 1  # one token has nothing to hide


# ------------------------------------------------------------------ words, letters and numbers


def test_capitals_make_no_other_token():
    told = [r.note for r in records_of(beginning.embedding_rows, run_of(TROPHY)) if isinstance(r, Matrix)]
    both = '"The" and "the" are one token to this model, which knows no capitals; together they stand here 2 times'
    assert told == [f"{both}, with one row: nothing says yet where."]
    assert f"{both}: its row was read as often, and gets the sum." in said(bottom.embedding_gradient, run_of(TROPHY))


def test_x_is_said_to_be_another_one_in_a_later_layer():
    start = "a norm: x less its mean, over its standard deviation, times a gain plus an offset."
    assert said(beginning.head_input, run_of()).startswith(
        f"Attention reads x, now what layer 1 gave on, after {start}"
    )
    assert said(beginning.head_input, run_of(layer=1)).startswith(f"Attention reads x after {start}")
    short = said(beginning.head_input, run_of(road="attention"))
    assert short.startswith(
        "Each token has become x, C = 48 numbers: a row of a table times sqrt(C), plus a vector for its place, and 1 "
        f"layer of the model has worked on it.\nAttention reads x after {start}"
    )
    (line,) = [r.text for r in records_of(beginning.head_input, run_of()) if isinstance(r, Formula)]
    assert line.endswith("std = sqrt(variance + 1e-05)") and run_of().block.layer.norm1.eps == 1e-5


def test_one_letter_is_not_three_things():
    """y is what a layer gives on; the right answers are onehot, and what attention gives is mixed."""
    for run in (run_of(), run_of(TROPHY)):
        steps = (
            onward.joined,
            onward.residual,
            top_down.loss_gradient,
            top_down.back_to_the_head,
            bottom.residual_back,
        )
        texts = [r.text for write in steps for r in records_of(write, run) if isinstance(r, Formula)]
        assert not [text for text in texts if re.search(r"\bd?Y\b|p - y", text)]
    assert {"mixed = [O_1 ... O_H] W_O + offset", "r = x + mixed", "dlogits = (p - onehot) / n"} < set(texts)


def test_numbers_that_nearly_cancel_are_shown_so_that_they_can_be_subtracted():
    assert apart(0.0064, 0.0073) == ("0.006400", "0.007300") and apart(1.0, 1.0) == ("1.000", "1.000")
    a, b = apart(0.0161234567, 0.0161234543)
    assert float(a) - float(b) == pytest.approx(2.4e-9, rel=0.01)
    for run in (run_of(), run_of(scale=1.0), run_of(TROPHY), run_of(MY_DOG)):
        (line,) = [s for s in sentences(records_of(backward.scores_gradient, run)) if s.startswith("By hand")]
        p, entry, mean, result = map(float, re.findall(r"(?<![\w-])-?\d\.?\d*(?:e-\d+)?", line.split(": ")[1]))
        assert p * (entry - mean) == pytest.approx(result, rel=0.06), line


def test_a_probability_close_to_1_keeps_what_is_missing():
    assert (probability(0.8977), probability(0.99994321), probability(1.0)) == ("0.8977", "0.99994321", "1." + "0" * 15)
    for p in (0.5, 0.991, 0.9999, 0.99999871):
        assert -math.log(float(probability(p))) == pytest.approx(-math.log(p), rel=0.002)


@pytest.mark.parametrize("text", [None, TROPHY, MY_DOG, "Hello"])
def test_the_sum_that_is_asked_for_is_that_of_the_numbers_shown(text):
    question = asked(onward.residual, run_of(text))
    _, x, mixed = map(float, re.findall(r"-?\d+\.?\d*", question.prompt))
    assert question.answer == pytest.approx(x + mixed, abs=1e-12)


def test_minus_a_billion_in_two_precisions():
    for run in (run_of(), run_of(TROPHY), run_of(scale=1000.0)):
        (said_it,) = [r for r in records_of(forward.mask_traps, run) if isinstance(r, Said)]
        row = run.scores[run.row]
        exact, single = (np.exp(x - x.max()) for x in (row, (row.astype(np.float32) + np.float32(-1e9)).astype(float)))
        most = int(exact.argmax())
        assert (
            f'"{run.tokens[most]}" would keep a weight of {exact[most] / exact.sum():.3f}. (In float32, where numbers '
            f"near 1e9 lie 64 apart and smaller scores drown, it would be {single[most] / single.sum():.3f}.) -inf, as"
        ) in said_it.truth


def test_a_row_that_sees_one_key_is_not_said_to_have_a_slope():
    run = run_of("The trophy did not fit.", word="The")
    assert said(backward.jacobian, run).splitlines()[0] == (
        'A matrix J, one for each row, says how the weights p move with the scores s. In row "The" one key has all of '
        "the weight, and no small step of a score changes that: J is zero."
    )
    assert not any(isinstance(r, Question) for r in records_of(backward.jacobian, run))
    for other in (run_of(), run_of(TROPHY)):
        assert said(backward.jacobian, other).startswith("Raise one score of a row s, and its weight in p grows while")


def test_what_needs_no_waiting_has_its_condition():
    told = said(forward.cost, run_of())
    assert "(A model that writes still makes one token after the other.)" in told and "thrown away" not in told
    assert "P has 484 numbers. Blocked entries are computed too, and thrown away." in said(forward.cost, run_of(TROPHY))


def test_heads_are_counted_by_the_words_that_the_picture_shows():
    run = run_of(TROPHY)
    (shown,) = [r for r in records_of(onward.other_heads, run) if isinstance(r, Matrix)]
    best = [shown.cols[int(row.argmax())] for row in np.asarray(shown.values)]
    mine = best[run.case.head]
    assert f'In {best.count(mine)} of 4 heads the largest weight of "it" is on "{mine}".' in said(
        onward.other_heads, run
    )


def test_papers_are_cited_for_what_they_say():
    """The paper on Transformers does not say from where it counts places; pointers are in 2.3."""
    (note,) = [r.note for r in records_of(beginning.positions, run_of()) if isinstance(r, Matrix)]
    assert "paper" not in note
    assert [r.place for r in records_of(answer.two_heat_maps, run_of()) if isinstance(r, Source)] == ["section 2.3"]
