"""The flagship at its one head, forward and back; the model around it is in test_scaled_dot_product_whole.py."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.attention.scaled_dot_product import bottom, forward
from lessons.attention.scaled_dot_product.head import DEFAULT_TEXT, Run, Settings
from lessons.course import find_topic, lesson_of
from lessons.request import Request
from lessons.walk import walk
from tests.lessons.steps import failed, failed_in
from tfx.errors import BadInput
from tfx.ops.attention.scaled_dot_product import attention_backward_steps
from tfx.records import Check, Code, Matrix, Question, Said, Step, Text
from tfx.settings import apply_settings
from tfx.shipped.load import held_out_scores

TOPIC = find_topic("attention")
OWN = "a function returns the value of its last argument"


def steps(text: str | None = None, *pairs: str, untrained: bool = False, seed: int = 0) -> list[Step]:
    settings = apply_settings(Settings(), pairs, "tfx explain attention --set help")
    return list(walk(TOPIC, Request(text, seed, settings, untrained)))


def matrix(shown: list[Step], name: str) -> Matrix:
    return next(r for step in shown for r in step.records if isinstance(r, Matrix) and r.name.startswith(name))


def failing(run: Run) -> set[str]:
    """The ids of the checks that fail on this run."""
    shown = [record for scene in lesson_of(TOPIC).scenes if scene.when(run) for record in scene.write(run)]
    return {check.id for check in shown if isinstance(check, Check) and not check.holds}


def words(shown: list[Step]) -> str:
    return "\n".join(r.text for step in shown for r in step.records if isinstance(r, Text))


@pytest.mark.parametrize("text", [None, OWN, "Yes!", "the cat saw 3 dogs; 日本 too"])
def test_every_check_holds_on_any_sentence(text):
    assert failed(steps(text)) == []


@pytest.mark.parametrize(
    "pairs",
    [
        ("scale=1",), ("mask=causal",), ("mask=none",), ("model=plain",), ("model=language", "layer=1", "head=4"),
        ("word=street",), ("answer=street",),
    ],
)  # fmt: skip
def test_every_check_holds_with_changed_settings(pairs):
    assert failed(steps(None, *pairs)) == []


def test_every_step_shows_code_that_it_ran():
    for text in (None, OWN):
        assert all(any(isinstance(r, Code) for r in step.records) for step in steps(text))


@pytest.mark.parametrize(("adjective", "noun"), [("tired", "animal"), ("wide", "street")])
def test_the_heat_map_flips_with_the_adjective(adjective, noun):
    shown = steps(DEFAULT_TEXT.replace("tired", adjective))
    assert matrix(shown, "P").note.startswith(f'"it" looks at: {noun} 0.9')


def test_the_matrices_are_the_numbers_of_the_model():
    shown = steps(OWN)
    run = Run(Request(OWN, 0, Settings()))
    assert np.array_equal(matrix(shown, "P").values, run.case.weights)
    assert np.allclose(run.out, run.case.out, atol=1e-12)
    assert np.allclose(
        np.asarray(matrix(shown, "raw scores").values) * run.scale, run.case.q @ run.case.k.T * run.scale
    )


def test_a_word_of_the_reader_sees_no_later_word_in_the_language_model():
    weights = np.asarray(matrix(steps(OWN), "P").values)
    assert not np.triu(weights, 1).any()


def test_a_changed_mask_or_scale_runs_inside_the_model():
    """What is said to be the changed model's answer, loss and gradients is that: nothing is left of the trained run."""
    for pair in ("mask=causal", "scale=1"):
        trained, changed = (Run(Request(None, 0, Settings(**wish))) for wish in ({}, dict([settings_of(pair)])))
        assert changed.case.head == trained.case.head and changed.case.loss != trained.case.loss
        assert np.abs(changed.case.dout - trained.case.dout).max() > 1e-6
        told = words(steps(None, pair))
        assert "the changed model" in told and "with the one head changed" in told
        assert "changed model" not in words(steps()) and "head changed" not in words(steps())
        assert "model ran with the changed head" in words([named(steps(None, pair), "the_way_back")])


def settings_of(pair: str) -> tuple[str, object]:
    name, _, value = pair.partition("=")
    return name, float(value) if name == "scale" else value


def test_another_right_answer_pulls_harder():
    def loudest(shown: list[Step]) -> float:
        return float(np.abs(matrix(shown, "dO").values).max())

    assert loudest(steps(None, "answer=street")) > 3 * loudest(steps())


def test_untrained_weights_are_random_seeded_and_still_exact():
    first, again, other = (steps(None, untrained=True, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(matrix(first, "P").values, matrix(again, "P").values)
    assert not np.array_equal(matrix(first, "P").values, matrix(other, "P").values)
    assert 'the "pointing" model with random weights (--untrained' in words(first) and failed(first) == []
    assert "random here (--untrained)" in words(first) + matrix(first, 'of "it"').note and "learned" not in words(
        first[:6]
    )


def test_unknown_characters_keep_the_readers_spelling():
    shown = steps("日本 too")
    assert matrix(shown, "P").rows == ("日-", "-本", "too") and matrix(shown, "P, word").rows == ("日本", "too")
    assert matrix(shown, "P").rows and "unknown token" in words(shown)


def test_the_gradient_check_is_part_of_it():
    checks = {r.id: r for step in steps(OWN) for r in step.records if isinstance(r, Check)}
    assert checks["gradcheck"].measured < 1e-7 and checks["blocked"].measured == 0.0


@pytest.mark.parametrize(
    ("text", "pairs", "says"),
    [
        ("", (), "empty"),
        ("word " * 10_000, (), "longer than 128 tokens"),
        (None, ("word=zebra",), "zebra"),
        (None, ("layer=7",), "there is no layer 7: this model has 2 here, 1 to 2"),
        (None, ("layer=0",), "layer must be at least 1"),
        (None, ("head=5",), "there is no head 5"),
        (None, ("mask=diagonal",), "mask must be"),
        (None, ("model=gpt",), "model must be one of auto, pointing, plain, language"),
        (None, ("scale=nan",), "scale must be from -1000 to 1000, but is nan"),
        (OWN, ("model=pointing",), "grammar"),
        (None, ("answer=zebra",), "zebra"),
    ],
)
def test_bad_input_gets_one_clear_sentence(text, pairs, says):
    with pytest.raises(BadInput, match=says):
        steps(text, *pairs)


def test_one_token_alone_still_works():
    shown = steps("the")
    assert failed(shown) == [] and not any(isinstance(r, Question) for r in named(shown, "jacobian").records)


def named(shown: list[Step], name: str) -> Step:
    return next(step for step in shown if step.name == name)


EVERYWHERE = (
    "tokens", "head_input", "projections", "scores", "scaling", "mask", "mask_traps", "softmax", "heat_map",
    "rows_read", "output", "cost", "meaning", "the_way_back", "values_gradient", "weights_gradient", "jacobian",
    "scores_gradient", "queries_and_keys", "keys_gradient", "interview",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "pairs", "untrained", "both"),
    [
        (None, (), False, True),
        (None, (), True, False),
        (OWN, (), False, False),
        (None, ("model=language",), False, False),
    ],
)
def test_the_step_about_two_models_comes_and_goes_and_the_others_keep_their_names(text, pairs, untrained, both):
    long, short = (
        [step.name for step in steps(text, *pairs, f"road={road}", untrained=untrained)]
        for road in ("whole", "attention")
    )
    only_pronouns = ("two_heat_maps", "two_models")
    assert [name for name in short if name not in (*only_pronouns, "output_gradient")] == list(EVERYWHERE)
    assert [name for name in long if name in EVERYWHERE] == list(EVERYWHERE)
    assert all((name in names) is both for name in only_pronouns for names in (long, short))
    assert ("output_gradient" in short, "output_gradient" in long) == (True, False)


def test_suggestions_keep_the_sentence_the_seed_and_the_settings():
    text = "the dog did not enter the park because it was too lazy"
    shown = steps(text, "head=3", seed=5)
    assert named(shown, "scaling").what_if == (
        f"tfx explain attention --step softmax --text '{text}' --seed 5 --set head=3 --set scale=1",
    )
    wide = text.replace("lazy", "wide")
    assert named(shown, "meaning").what_if[0] == (
        f"tfx explain attention-scaled-dot-product --step meaning --text '{wide}' --seed 5 --set head=3"
    )
    assert named(shown, "values_gradient").what_if == (
        f"tfx explain attention --step scores_gradient --text '{text}' --seed 5 --set head=3 --set answer=park",
    )


def test_layers_and_heads_are_counted_from_1():
    first, last = (Run(Request(None, 0, Settings(layer=n, head=m))).case for n, m in ((1, 1), (2, 4)))
    assert (first.layer, first.head, last.layer, last.head) == (0, 0, 1, 3)
    assert "T tokens, C numbers each; for layer 2 of 2, head 4 of 4" in str(
        named(steps(None, "layer=2", "head=4"), "head_input").records
    )


def test_the_numbers_by_hand_are_those_of_the_matrices():
    run, shown = Run(Request(OWN, 0, Settings())), steps(OWN)
    i, j = run.row, run.column
    scores = matrix(shown, "raw scores").values
    assert f"= {float(run.case.q[i] @ run.case.k[j]):.3f}, over all" in words([named(shown, "scores")])
    p = np.exp(scores[i] * run.scale - (scores[i] * run.scale)[: i + 1].max()) * ~run.blocked[i]
    asked = next(r for r in named(shown, "softmax").records if isinstance(r, Question))
    assert asked.answer == pytest.approx(p[j] / p.sum()) and asked.explanation == f"{p[j]:.3f} / {p.sum():.3f}."
    ds = run.weights * (run.grads.dp - (run.grads.dp * run.weights).sum(axis=1, keepdims=True))
    assert np.allclose(matrix(shown, "dscores").values, ds, atol=1e-15)
    assert np.allclose(matrix(shown, "dQ").values, (ds @ run.case.k * run.scale)[:, :6], atol=1e-15)
    assert np.allclose(matrix(shown, "dK").values, (ds.T @ run.case.q * run.scale)[:, :6], atol=1e-15)


def test_adding_a_large_negative_number_to_a_whole_row_changes_nothing():
    run = Run(Request(None, 0, Settings()))
    (said,) = (r for r in named(steps(), "mask_traps").records if isinstance(r, Said))
    assert f'"animal" would keep a weight of {run.weights[run.row].max():.3f}.' in said.truth
    assert said.truth.endswith("its largest weight is 0.") and said.claim == "C029"


def test_what_is_said_about_both_models_was_counted_now():
    rates = held_out_scores("plain")
    said = next(r for r in named(steps(), "two_models").records if isinstance(r, Said))
    assert said.truth == (
        f"The plain model is right in {rates.accuracy:.0%} of the held-out sentences and looks hardest at the noun in "
        f"{rates.pointing_rate:.0%}; {len(rates.right_without_pointing)} times it was right while looking elsewhere. "
        "Weights show what one head mixes; whether that explains an answer is disputed."
    )


def broken(run: Run, what: str) -> Run:
    """The run with one thing wrong."""
    if what == "weights":
        run.weights = run.weights * np.where(np.arange(len(run.tokens)) == run.row, 1, 1 + 1e-9)[:, None]
    elif what == "out":
        run.out = run.out + 1e-9 * (np.arange(len(run.tokens)) == len(run.tokens) - 1)[:, None]  # inside the hull
    elif what == "nan":
        run.grads = run.grads._replace(ds=run.grads.ds * np.nan)
    elif what == "leak":
        run.grads = run.grads._replace(ds=run.grads.ds + 1e-30 * run.blocked)
    elif what == "another row":
        run.grads = run.grads._replace(
            ds=run.grads.ds * np.where(np.arange(len(run.tokens)) == run.row, 1, 1.001)[:, None]
        )
    elif what == "slope":
        run.grads = run.grads._replace(ds=1.001 * run.grads.ds)
    return run


@pytest.mark.parametrize(
    ("what", "ids"),
    [
        ("", set()),
        ("weights", {"row-sums", "word-rows", "jacobian"}),
        ("another row", {"jacobian"}),
        ("out", {"model"}),
        ("nan", {"jacobian", "blocked"}),
        ("leak", {"blocked"}),
        ("slope", {"jacobian"}),
    ],
)
def test_each_check_fails_when_its_numbers_are_wrong(what, ids):
    assert failing(broken(Run(Request(OWN, 0, Settings())), what)) == ids


def test_joined_rows_that_do_not_sum_to_1_are_noticed(monkeypatch):
    monkeypatch.setattr(forward, "between_words", lambda weights, word_of: weights * (1 + 1e-9))
    assert failed_in(forward.heat_map, Run(Request(OWN, 0, Settings()))) == {"word-rows"}


def test_outputs_outside_the_values_are_noticed():
    run = Run(Request(OWN, 0, Settings(mask="none")))
    good = run.out
    for wrong in (good + 100, good * np.nan):
        run.out = wrong
        assert failing(run) == {"hull", "model"}


def test_a_mask_that_blocks_nothing_is_not_said_to_have_stopped_a_gradient():
    ids = {r.id for step in steps() for r in step.records if isinstance(r, Check)}
    assert "blocked" not in ids and "blocked" in {
        r.id for step in steps(OWN) for r in step.records if isinstance(r, Check)
    }


def test_a_wrong_backward_fails_the_gradient_check(monkeypatch):
    monkeypatch.setattr(
        bottom,
        "attention_backward",
        lambda dout, cache: (lambda g: (g.dq, g.dk, 1.001 * g.dv))(attention_backward_steps(dout, cache)),
    )
    assert failed_in(bottom.interview, Run(Request(OWN, 0, Settings()))) == {"gradcheck"}
