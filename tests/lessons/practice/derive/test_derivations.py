"""Every derivation is proved: what is shown and every equal way holds, every slip is named, and the truth is the true
derivative of the formulas that are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from lessons.course import lesson_of
from lessons.decks import INTERVIEW
from lessons.practice.derive.derivation import (
    Derivation,
    Drawing,
    Shown,
    Symbol,
    Target,
    derivation_topic,
    derivations,
    find_derivation,
)
from lessons.practice.derive.formula import read_formula
from lessons.practice.derive.judging import Attempt
from lessons.practice.derive.proving import derivation_proof
from lessons.practice.derive.working_out import Scope, work_out
from lessons.practice.exercise import exercises
from lessons.quiz import topic_items
from tfx.errors import BadInput

EACH = pytest.mark.parametrize("derivation", derivations().values(), ids=lambda one: one.name)

#: what is looked for and is no gradient of a loss -> how it is proved
NOT_A_GRADIENT = {
    "softmax-jacobian": {"J"}, "adam-bias": {"Em", "m_hat", "v_hat", "step"}, "label-smoothing": {"Q", "Lmin", "dz"},
    "dot-product-variance": {"v1", "var", "scaled", "factor"},
}  # fmt: skip


PROOF = cache(derivation_proof)


@EACH
def test_it_is_proved(derivation):
    proof = PROOF(derivation)
    assert proof.faults == ()
    assert len(proof.slips) >= 8 and proof.equals >= 3 and proof.drawings >= 3


def test_there_are_enough_of_each():
    proofs = [PROOF(one) for one in derivations().values()]
    assert len(proofs) >= 12 and sum(len(one.slips) for one in proofs) >= 60 and sum(one.equals for one in proofs) >= 50
    needed = "softmax cross-entropy attention layer-norm rms-norm gelu swiglu rope lora adam-bias temperature"
    assert {*needed.split(), "label-smoothing"} <= derivations().keys()


def forward(derivation: Derivation, drawing: Drawing, moved: Mapping[str, np.ndarray]) -> float:
    """The loss, where some arrays are put in the place of those that are given."""
    scope = Scope(drawing.sizes, {}, derivation.words, derivation.also)
    for symbol in derivation.given:
        value = moved.get(symbol.name)
        if value is None:
            value = work_out(read_formula(symbol.by), scope) if symbol.by else drawing.given[symbol.name]
        scope.arrays[symbol.name] = value.reshape(drawing.given[symbol.name].shape)
    if "L" in scope.arrays:
        return float(scope.arrays["L"])
    upstream = [one.name for one in derivation.given if one.name[:1] == "d" and one.name[1:] in scope.arrays]
    return sum(float((scope.arrays[name] * scope.arrays[name[1:]]).sum()) for name in upstream)


def numeric(derivation: Derivation, drawing: Drawing, name: str) -> np.ndarray:
    """Central differences of the loss, entry by entry."""
    x, step = np.array(drawing.given[name]), 1e-5
    found = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        ends = []
        for sign in (1, -1):
            moved = x.copy()
            moved[place] += sign * step
            ends.append(forward(derivation, drawing, {name: moved}))
        found[place] = (ends[0] - ends[1]) / (2 * step)
    return found


@EACH
def test_the_truth_is_the_derivative_of_what_is_given(derivation):
    """By differences of the given formulas, which no backward takes part in; on the smallest drawing."""
    drawing = derivation.drawings[0]
    names = {symbol.name for symbol in derivation.given}
    for target in derivation.targets:
        if target.name in NOT_A_GRADIENT.get(derivation.name, ()):
            continue
        assert target.name[0] == "d" and target.name[1:] in names
        found = numeric(derivation, drawing, target.name[1:])
        np.testing.assert_allclose(found, drawing.truth[target.name], rtol=1e-5, atol=2e-8)


def test_the_smoothed_gradient_and_the_floor_are_those_of_the_loss():
    derivation = find_derivation("label-smoothing")
    drawing = derivation.drawings[0]
    q, z, n = drawing.truth["Q"], drawing.given["z"], drawing.sizes["N"]

    def loss(logits: np.ndarray) -> float:
        return float(-(q * (logits - np.log(np.exp(logits).sum(-1, keepdims=True)))).sum() / n)

    for place in ((0, 0), (2, 6)):
        moved = np.zeros(z.shape)
        moved[place] = 1e-5
        slope = (loss(z + moved) - loss(z - moved)) / 2e-5
        assert slope == pytest.approx(drawing.truth["dz"][place], rel=1e-6)
    assert loss(np.log(q)) == pytest.approx(float(drawing.truth["Lmin"]), rel=1e-12)
    assert all(
        loss(np.log(q) + 0.1 * np.random.default_rng(seed).standard_normal(z.shape)) > drawing.truth["Lmin"]
        for seed in range(5)
    )


def test_the_jacobian_is_that_of_differences():
    drawing = find_derivation("softmax-jacobian").drawings[0]
    s = drawing.given["s"]
    for column in range(len(s)):
        moved = np.eye(len(s))[column] * 1e-5
        chances = [np.exp(x) / np.exp(x).sum() for x in (s + moved, s - moved)]
        np.testing.assert_allclose((chances[0] - chances[1]) / 2e-5, drawing.truth["J"][:, column], atol=1e-9)


def test_the_mean_of_adams_average_is_the_one_that_is_told():
    """Over many draws of gradients with the mean mu: the average of m is near Em, and far from mu."""
    drawing = max(find_derivation("adam-bias").drawings, key=lambda one: float(one.given["beta1"] ** one.given["t"]))
    mu, beta, steps = drawing.given["mu"], float(drawing.given["beta1"]), int(drawing.given["t"])
    rng, m = np.random.default_rng(3), np.zeros((20_000, len(mu)))
    for _ in range(steps):
        m = beta * m + (1 - beta) * (mu + rng.standard_normal(m.shape))
    off = np.abs(m.mean(0) - drawing.truth["Em"])
    assert off.max() < 5 / np.sqrt(len(m)) < 0.2 * np.abs(mu - drawing.truth["Em"]).max()


def test_the_variance_of_a_dot_product_is_that_of_many_draws():
    drawing = find_derivation("dot-product-variance").drawings[1]
    a, b, rng = float(drawing.given["a"]), float(drawing.given["b"]), np.random.default_rng(3)
    q, k = rng.standard_normal((2, 200_000, drawing.sizes["D"]))
    scores = (np.sqrt(a) * q * np.sqrt(b) * k).sum(-1)
    assert scores.var() == pytest.approx(float(drawing.truth["var"]), rel=0.02)
    assert (scores * drawing.truth["factor"]).var() == pytest.approx(1, rel=0.02)


def test_a_question_of_the_interview_asks_for_at_most_one_and_is_about_its_topic():
    items = {item.id: item for item in topic_items(INTERVIEW)}
    asked = [one for one in derivations().values() if one.asked]
    assert len({one.asked for one in asked}) == len(asked) >= 5
    for one in asked:
        assert items[one.asked].about == derivation_topic(one).name, one.name


def test_no_slip_has_the_id_of_a_mistake_in_an_exercise():
    slips = {slip.id for one in derivations().values() for slip in one.slips}
    assert slips and not slips & {mistake.id for one in exercises().values() for mistake in one.mistakes}


@EACH
def test_it_stands_in_a_topic_and_its_texts_are_sentences(derivation):
    topic = derivation_topic(derivation)
    assert not derivation.step or derivation.step in {scene.name for scene in lesson_of(topic).scenes}
    assert derivation.about.endswith(".") and derivation.learned.endswith(".") and len(derivation.title) <= 60
    assert all(hint.endswith((".", "?")) for hint in derivation.hints)
    for slip in derivation.slips:
        assert slip.says[0].islower() or not slip.says[0].isalpha() or slip.says[:2].isupper(), slip.id
        assert slip.says[-1] not in ".?" and slip.why.endswith(".") and slip.hint.endswith(("?", ".")), slip.id
        assert slip.id.rpartition("/")[2].replace("-", "").isalnum()


def made(**other) -> Derivation:
    derivation = Derivation(
        "doubled", "Doubled", "A row is doubled.", {"N": "rows", "D": "width"},
        [Symbol("x", "N D", "input"), Symbol("y", "N D", "output", by="2*x"), Symbol("dy", "N D", "its gradient")],
        [Target("dx", "N D", "the gradient for x")], ["one?", "two?"], "twice is twice.",
        [Shown("dx = 2*dy", "twice")],
    )  # fmt: skip
    derivation.truth(lambda given: {"dx": 2 * given["dy"]})
    derivation.slip("factor-missing", "dx = dy", "the factor is missing", "So.", "Look.")
    for name, value in other.items():
        if callable(value):
            value(derivation)
        else:
            derivation = replace(derivation, **{name: value})
    return derivation


def slipped(name: str, line: str):
    return lambda one: one.slip(name, line, "it is wrong", "So.", "Look.")


@pytest.mark.parametrize(
    ("derivation", "fault"),
    [
        (made(a=slipped("half", "dx = dy/2"), b=slipped("halved", "dx = 0.5*dy")),
         "derive/doubled/half and derive/doubled/halved give the same on every drawing"),
        (made(a=slipped("right", "dx = dy + dy")), "derive/doubled/right holds on a drawing"),
        (made(a=slipped("right", "dx = dy + dy")), "derive/doubled/right is judged holds, and not named"),
        (made(a=slipped("at-three", "dx = 2*dy + 0*x + dy*(N - 3)")), "derive/doubled/at-three holds on a drawing"),
        (made(a=slipped("other", "dz = dy")), "derive/doubled/other is a line for dz, which is not looked for"),
        (made(a=slipped("factor-missing", "dx = 3*dy")), "two slips have one name"),
        (made(a=lambda one: one.equal("dx = 3*dy")), "an equal way does not hold: dx = 3*dy: dx is something else."),
        (made(a=lambda one: one.equal("c = 3*dy")), "an equal way finds no target: c = 3*dy"),
        (made(shown=[Shown("c = 2*dy", "twice")]), "what is shown does not find every target"),
        (made(shown=[Shown("dx = dy", "twice")]), "what is shown does not hold: dx = dy: dx is something else."),
        (made(hints=["one?"]), "there are fewer than two hints"),
        (made(learned="tw\u00efce."), "a text is missing, or is not ASCII"),
        (made(targets=[Target("dx", "D N", "x")]), "the truth of dx is (3, 7), not finite or 0"),
        (made(a=lambda one: one.truth(lambda given: {"dz": given["dy"]})), "the truth has dz"),
        (made(axes={"N": "rows", "D": "width", "x": "letters"}), "two things have one name"),
    ],
)  # fmt: skip
def test_what_is_not_proved_is_said(derivation, fault):
    assert fault in derivation_proof(derivation).faults


def test_sizes_never_coincide():
    for derivation in derivations().values():
        for drawing in derivation.drawings:
            sizes = list(drawing.sizes.values())
            assert len(set(sizes)) == len(sizes) and not {1, 2, 4, 9, 16} & set(sizes)
            assert not any(a == 2 * b for a in sizes for b in sizes)


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(BadInput, match=r'no derivation is called "sofmax"\. Did you mean "softmax"\?'):
        find_derivation("sofmax")
    assert find_derivation("Layer_Norm").name == "layer-norm"


def test_every_slip_of_every_derivation_is_named_when_it_is_typed_in_another_way():
    """The value decides, not the text: the slip plus something that is 0."""
    for derivation in derivations().values():
        for slip in derivation.slips:
            if not slip.target.startswith("d"):
                continue
            name, _, formula = slip.line.partition(" = ")
            verdict = Attempt.knowing(derivation, but=slip.target).judge(f"{name} = 0.5*({formula}) + ({formula})/2")
            assert verdict.slip is slip, slip.id
