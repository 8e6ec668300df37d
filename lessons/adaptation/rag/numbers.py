"""Numbers for the quiz on retrieval: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.basics.retrieval import nearest_documents
from tfx.ops.losses.marginal_likelihood import document_posterior, marginal_likelihood_forward


def _three(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    prior = np.array([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.4, 0.4, 0.2], [0.7, 0.2, 0.1]])[rng.integers(4)]
    said = rng.choice([0.9, 0.8, 0.6, 0.3, 0.1, 0.05], 3, replace=False)
    return prior, said


def _shown(prior: np.ndarray, said: np.ndarray) -> dict[str, object]:
    return {name: f"{x:g}" for name, x in zip("abcdef", [*prior, *said], strict=True)}


@told_apart
def summed(rng: np.random.Generator) -> NumberCase:
    prior, said = _three(rng)
    value, _ = marginal_likelihood_forward(np.log(prior)[None], np.log(said)[None, :, None])
    wrong = (
        Wrong(float(said[0]), "best document alone", "The others found count with their chances."),
        Wrong(float(said.mean()), "documents weighed alike", "Each counts by its chance."),
        Wrong(float(said.sum()), "chances not weighed", "Weighed by the documents' chances, or the sum may pass 1."),
        Wrong(float((prior * said).max()), "largest for sum", "All products are added."),
    )
    return NumberCase(_shown(prior, said), float(np.exp(value[0])), wrong)


@told_apart
def posterior(rng: np.random.Generator) -> NumberCase:
    prior, said = _three(rng)
    _, cache = marginal_likelihood_forward(np.log(prior)[None], np.log(said)[None, :, None])
    wrong = (
        Wrong(float(prior[0]), "prior for posterior", "The answer tells which document was the likelier one."),
        Wrong(float(prior[0] * said[0]), "not normalised", "Divide by the chance of the answer."),
        Wrong(float(said[0] / said.sum()), "prior forgotten", "What was thought before counts as well."),
    )
    return NumberCase(_shown(prior, said), float(document_posterior(cache)[0, 0, 0]), wrong)


@told_apart
def best_document(rng: np.random.Generator) -> NumberCase:
    """Which of three documents a real search finds."""
    q = rng.integers(1, 5, size=2).astype(float)
    documents = rng.integers(-3, 6, size=(3, 2)).astype(float)
    scores = documents @ q
    documents[scores.argmax()] += float((scores == scores.max()).sum() > 1)  # one is best
    found = float(nearest_documents(q[None], documents, 1)[0, 0]) + 1
    close = float(np.linalg.norm(documents - q, axis=1).argmin()) + 1
    wrong = (
        Wrong(close, "distance for inner product", "What is compared is the inner product."),
        Wrong(float(scores.argmin()) + 1, "smallest for largest", "The largest inner product is the best."),
    )
    values = {"q1": f"{q[0]:g}", "q2": f"{q[1]:g}"} | {f"{'abc'[i]}{j + 1}": f"{documents[i, j]:g}" for i in range(3) for j in range(2)}  # fmt: skip
    return NumberCase(values, found, wrong, 0.0)


@told_apart
def prompt_tokens(rng: np.random.Generator) -> NumberCase:
    k, each, asked = int(rng.integers(3, 12)), int(rng.choice([100, 150, 200, 256])), int(rng.integers(10, 40))
    tokens = len(["q"] * asked + ["p"] * (k * each))
    wrong = (
        Wrong(float(each + asked), "one passage for k", "All passages found are read."),
        Wrong(float(k * (each + asked)), "question for each passage", "In one prompt the question stands once."),
        Wrong(float(k * each), "question not counted", "The question is read, too."),
    )
    return NumberCase({"k": k, "each": each, "asked": asked}, float(tokens), wrong, 0.0)
