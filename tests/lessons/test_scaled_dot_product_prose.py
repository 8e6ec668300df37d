"""The flagship's sentences with numbers: each once more, from the arrays of the run, as a whole line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.attention.scaled_dot_product import answer, backward, bottom, forward, onward, top_down
from lessons.attention.scaled_dot_product.head import Run, Settings
from lessons.request import Request
from tests.lessons.steps import records_of, sentences
from tfx.records import Formula, Matrix, Said, Table
from tfx.shipped.load import held_out_scores, load

TROPHY = "The trophy did not fit in the suitcase because it was too big."


@pytest.fixture(scope="module")
def pronoun() -> Run:
    return Run(Request(None, 0, Settings()))


@pytest.fixture(scope="module")
def language() -> Run:
    return Run(Request(TROPHY, 0, Settings(layer=2, head=1)))


def told(write, run: Run) -> list[str]:
    """Paragraphs and the notes of pictures."""
    records = records_of(write, run)
    return [*sentences(records), *(record.note for record in records if isinstance(record, Matrix))]


def first_terms(a, b, form="{:.3f}") -> str:
    def number(x):
        return f"{x:.3f}" if x == 0 or abs(x) >= 0.01 else f"{x:.2g}"

    return " + ".join(f"({number(x)})({number(y)})" for x, y in zip(a[:3], b[:3], strict=True)) + " + ..."


def test_one_head_forward(pronoun):
    case, i, j = pronoun.case, 8, 1
    scale = 1 / math.sqrt(12)
    q = case.x[i] @ load("pointing").model.last.attention.query.w.value[:, 12 * case.head : 12 * case.head + 12]
    by_hand = first_terms(case.x[i], case.w_q[:, 0])
    assert f'Query of "it", coordinate 1, by hand: {by_hand} = {q[0]:.3f}, over all 48 terms.' in told(
        forward.projections, pronoun
    )
    raw = case.q @ case.k.T
    assert (
        f'Row "it", column "animal", by hand: q . k = {first_terms(case.q[i], case.k[j])} = {raw[i, j]:.3f}, over all '
        "12 coordinates."
    ) in told(forward.scores, pronoun)
    assert "It is large when two vectors point the same way and are long, and one matrix product computes all 144" in (
        " ".join(told(forward.scores, pronoun))
    )
    assert f"Standard deviation of all scores: {raw.std():.3f} before, {(raw * scale).std():.3f} after." in told(
        forward.scaling, pronoun
    )
    p = np.exp(raw * scale)
    p /= p.sum(axis=1, keepdims=True)
    share = -(p[i] * np.log(p[i])).sum() / math.log(12)
    assert told(forward.softmax, pronoun)[-1] == (
        f'"it" looks at: animal {p[i, 1]:.2f}, because {p[i, 7]:.2f}, it {p[i, 8]:.2f}, 9 others '
        f"{1 - round(p[i, 1], 2) - round(p[i, 7], 2) - round(p[i, 8], 2):.2f}. Its entropy is {share:.0%} of that of "
        "equal weights (0%: one key alone)."
    )
    out = p @ case.v
    heaviest = sorted(range(12), key=lambda k: -p[i, k])[:3]
    terms = " + ".join(f"{p[i, k]:.3f}*({case.v[k, 0]:.3f})" for k in heaviest)
    assert f'Row "it", coordinate 1, by hand, heaviest keys first: {terms} + ... = {out[i, 0]:.3f}.' in told(
        forward.output, pronoun
    )
    assert "Here T = 12 and D = 12: P has 144 numbers." in " ".join(told(forward.cost, pronoun))
    assert "Twice as many tokens take four times as much: 13,824." in told(forward.cost, pronoun)


def test_the_pictures_of_one_head(pronoun):
    shown = {write.__name__: next(r for r in records_of(write, pronoun) if isinstance(r, Matrix)) for write in (
        forward.projections, forward.scores, forward.scaling, forward.mask, forward.mask_traps, forward.output,
        backward.weights_gradient, backward.jacobian,
    )}  # fmt: skip
    case, i = pronoun.case, 8
    raw = case.q @ case.k.T
    assert np.array_equal(shown["projections"].values, np.stack([case.q[i], case.k[i], case.v[i]])[:, :6])
    assert np.allclose(shown["scores"].values, raw) and shown["scores"].focus == (8,)
    assert np.allclose(shown["scaling"].values, [raw[i], raw[i] / math.sqrt(12)])
    assert np.allclose(shown["mask"].values, raw / math.sqrt(12))
    assert (
        np.allclose(shown["mask_traps"].values[0], case.weights[i], atol=1e-6)
        and not shown["mask_traps"].values[2].any()
    )
    assert np.allclose(shown["output"].values, (case.weights @ case.v)[:, :6])
    assert np.allclose(shown["weights_gradient"].values, case.dout @ case.v.T)
    keys = sorted(sorted(range(12), key=lambda k: -case.weights[i, k])[:4])
    p = case.weights[i, keys]
    assert np.allclose(shown["jacobian"].values, np.diag(p) - np.outer(p, p))
    assert shown["jacobian"].rows == tuple(pronoun.tokens[k] for k in keys)


def test_the_mask_counts(language):
    n = 22
    assert told(forward.mask, language)[0] == (
        f'{n * (n - 1) // 2} of {n * n} entries are blocked: a token may not see what comes after it. Row "it" may '
        "look at 18 keys."
    )
    (picture,) = [r for r in records_of(forward.mask, language) if isinstance(r, Matrix)]
    assert np.isneginf(picture.values[17, 18:]).all() and np.isfinite(picture.values[17, :18]).all()


def test_around_the_head(pronoun, language):
    block, i = pronoun.block, 8
    lengths = [np.linalg.norm(vector[i]) for vector in (block.x, block.mixed, block.middle)]
    assert "Lengths: {:.3f} and {:.3f} give {:.3f}.".format(*lengths) in told(onward.residual, pronoun)
    assert "4 x 12 = 48 numbers for each token" in " ".join(told(onward.joined, pronoun))
    for run, asked in ((pronoun, "one, the pronoun"), (language, "every token, for the one that follows")):
        assert f"n is the number of places where the model is asked: {asked}." in told(onward.logits, run)
    h = pronoun.whole.hidden[8]
    animal = pronoun.whole.table[pronoun.vocabulary.index("animal")]
    assert f'"animal", by hand: {first_terms(h, animal)} = {h @ animal:.3f}, over all 48 terms.' in told(
        onward.logits, pronoun
    )


def test_the_way_back(pronoun):
    whole, case, grads, i = pronoun.whole, pronoun.case, pronoun.grads, 8
    assert told(top_down.loss_gradient, pronoun)[0].startswith(
        f"How would the loss of {whole.loss:.4f} change with each logit?"
    )
    terms = whole.dlogits[0] * whole.table[:, 0]
    best = np.argsort(-np.abs(terms))[:3]
    shown = first_terms(whole.dlogits[0][best], whole.table[best, 0])
    assert (
        f'By hand, "it", coordinate 1, largest terms first: {shown} = {terms.sum():.3f}, over all 73 terms.'
    ) in told(top_down.back_through_the_top, pronoun)
    first = 12 * case.head + 1
    assert f"head {case.head + 1} gets columns {first} to {first + 11} of dmixed W_O^T." in " ".join(
        told(top_down.back_to_the_head, pronoun)
    )
    dp = case.dout[i] @ case.v[1]
    assert f'By hand, row "it", column "animal": dO . v = {first_terms(case.dout[i], case.v[1])} = {dp:.2g}.' in told(
        backward.weights_gradient, pronoun
    )
    assert ("The loss does not read what 11 tokens put out in this layer: those rows are zero.") in told(
        backward.weights_gradient, pronoun
    )
    wanted = pronoun.tokens[int(grads.ds[i].argmin())]
    assert (
        f'Training moves against the gradient, so in row "it" it wants the score of "{wanted}" to grow most. Largest '
        f"entry of the row, by size: {np.abs(grads.ds[i]).max():.2e}."
    ) in told(backward.scores_gradient, pronoun)
    norm = np.linalg.norm(case.x.T @ grads.dq)
    (line,) = [r for r in records_of(backward.keys_gradient, pronoun) if isinstance(r, Formula)]
    assert line.shapes == f"(48, 12) x (12, 12) -> (48, 12), norm {norm:.2e}; dW_K and dW_V alike"
    assert '"the" stands here 2 times: its row was read as often, and gets the sum.' in told(
        bottom.embedding_gradient, pronoun
    )
    entries = 3 * 12 * 12
    assert f"each of the {entries} entries of Q, K and V is nudged up and down" in told(bottom.interview, pronoun)[0]


def test_the_pictures_around_the_head(pronoun):
    block, i = pronoun.block, 8
    for write, rows in (
        (onward.residual, (block.x, block.mixed, block.middle)),
        (onward.feed_forward, (block.middle, block.fed, block.y)),
        (bottom.residual_back, (block.dmiddle, block.dx_branch, block.dx)),
    ):
        (picture,) = [r for r in records_of(write, pronoun) if isinstance(r, Matrix)]
        assert np.array_equal(picture.values, np.stack([row[i, :6] for row in rows]))
    (picture,) = [r for r in records_of(top_down.back_to_the_head, pronoun) if isinstance(r, Matrix)]
    assert picture.name == f"dO of head {pronoun.case.head + 1}, first 6 of 12 coordinates" and picture.focus == (8,)
    assert np.array_equal(picture.values, pronoun.case.dout[:, :6])


def test_the_table_of_lengths(pronoun):
    (picture,) = [r for r in records_of(bottom.embedding_gradient, pronoun) if isinstance(r, Matrix)]
    whole, vocabulary = pronoun.whole, list(pronoun.vocabulary)
    for column, word in enumerate(picture.cols):
        token = vocabulary.index(word)
        looked = sum((whole.dembedded[t] for t in np.flatnonzero(whole.ids == token)), np.zeros(48)) * math.sqrt(48)
        by_logits = whole.dlogits[0, token] * whole.hidden[8]
        lengths = [np.linalg.norm(vector) for vector in (looked, by_logits, looked + by_logits)]
        assert picture.values[:, column] == pytest.approx(lengths)


def test_two_models(pronoun):
    rates = {name: held_out_scores(name) for name in ("pointing", "plain")}
    records = records_of(answer.two_models, pronoun)
    (table,) = [r for r in records if isinstance(r, Table)]
    assert [(row["model"], row["accuracy"], row["pointing"]) for row in table.rows] == [
        (name, it.accuracy, it.pointing_rate) for name, it in rates.items()
    ]
    spread = load("plain").meta["spread"]
    points = ", ".join(f"{100 * seed['pointing_rate']:.0f}%" for seed in spread)
    least = min(seed["accuracy"] for seed in spread)
    assert sentences(records)[-1] == (
        f"How often it points is an accident of training: 3 seeds gave {points}, and the least accurate was right in "
        f"{100 * least:.0f}% (recorded in training)."
    )
    assert any(isinstance(r, Said) for r in records)
    (picture,) = [r for r in records_of(answer.two_heat_maps, pronoun) if isinstance(r, Matrix)]
    assert picture.values.shape == (8, 12) and picture.rows[0] == "pointing 1" and picture.rows[-1] == "plain 4"
    assert np.allclose(picture.values[:4], pronoun.whole.blocks[1].heads.weights[:, 8])
