"""Retrieval-augmented generation: facts in a store in place of weights, found by vectors, read, changed, and missed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab.generation.fact_store import LANGUAGE, Answered, answered, counts, make_store, retriever_learns, stored
from tfx.ops.basics.retrieval import nearest_documents
from tfx.ops.losses.marginal_likelihood import (
    document_posterior,
    marginal_likelihood_backward,
    marginal_likelihood_forward,
)

RELATIONS = ("capital", "river", "coin", "song", "ruler")
TRUST, WORDS, READ = 0.9, 100, (1, 2, 4)


@dataclass(frozen=True)
class Settings:
    facts: int = setting(50, 30, 55, "facts in the store")
    k: int = setting(3, 2, 5, "documents that are read")


class Run:
    """store: facts of a made-up world.  questions: about each of them.  answer: to the first."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        self.store = make_store(self.settings.facts, np.random.default_rng(request.seed))
        self.questions = LANGUAGE.questions(self.store.pairs)
        self.answer = answered(self.store, self.questions[:1], self.settings.k, TRUST)

    def name(self, i: int) -> str:
        entity, relation = self.store.pairs[i]
        return f"{RELATIONS[relation]} of land {entity + 1}"

    def right(self, found: Answered) -> float:
        return float((found.answers.argmax(axis=1) == self.store.values).mean())


lesson = Lesson(Run, Settings)


@lesson.step("What a model knows, and where it stands")
def where_it_stands(run: Run) -> Iterator[Shown]:
    n, values = run.settings.facts, LANGUAGE.n_values
    rows = [{"document": i + 1, "fact": f"{run.name(i)}: name {run.store.values[i] + 1}"} for i in range(3)]
    yield "What a language model knows is spread over its weights, where it cannot be looked up, dated or corrected. So keep facts outside, as texts; find those that fit a question, and let the model read them: retrieval-augmented generation, RAG."
    yield table(f"a store of {n} made-up facts", rows, document="document", fact="text")
    yield question(f"A guess is one of {values} names: how many percent are right, on average?", 100 / values, "One in as many as there are names.")  # fmt: skip
    yield "A retriever makes a vector of the question and of each document and compares them; the best few go into the prompt (or are read by cross-attention); a generator answers from both."
    yield exactly("store", "documents, each about another thing", n, len({tuple(pair) for pair in run.store.pairs.tolist()}))  # fmt: skip
    yield Source("Lewis et al.", 2020, "Retrieval-Augmented Generation", "section 2")


@lesson.step("Find: the nearest vectors")
def find(run: Run) -> Iterator[Shown]:
    found, store = run.answer.found[0], run.store
    (entity, relation), rare = store.pairs[0], store.idf[run.questions[0, 1:]]
    scores = store.vectors[found] @ (counts(run.questions[:1])[0] * store.idf)
    held = [round(len(store.documents) / float(np.exp(value))) for value in rare]
    yield f"The question: {run.name(0)}? Each word has a place in a vector, and there ln(documents / documents that hold it): rare words tell more. Land {entity + 1} stands in {held[0]} documents ({rare[0]:.3f}), {RELATIONS[relation]} in {held[1]} ({rare[1]:.3f})."
    yield formula("score = question . document = sum of squares over the words that both have")
    yield question("Score of the right document?", rare[0] ** 2 + rare[1] ** 2, f"{rare[0]:.3f}^2 + {rare[1]:.3f}^2.")
    yield table("best first", [{"document": int(i) + 1, "fact": run.name(int(i)), "score": s, "p": p} for i, s, p in zip(found, scores, run.answer.chances[0], strict=True)], document="document", fact="about", score="score :3", p="chance :3")  # fmt: skip
    yield "The chance is a softmax over those found. Trained retrievers (DPR) make the vectors with two encoders, so that other words for a thing are near, too."
    yield agree("score", "score of the right document", float(scores[0]), float(rare[0] ** 2 + rare[1] ** 2))
    yield exactly("first", "the document found first, for question 1", 1, int(found[0]) + 1)
    yield nearest_documents


@lesson.step("Read: a sum over the documents")
def read(run: Run) -> Iterator[Shown]:
    chances, true, other = run.answer.chances[0], run.store.values[0], (1 - TRUST) / LANGUAGE.n_values
    each = np.where(run.store.values[run.answer.found[0]] == true, TRUST + other, other)
    yield f"A reader that copies gives the name in a document the chance {TRUST + other:.2f}, and any other {other:.2f}. No document is sure to be the right one, so its answers are weighed by the documents' chances:"
    yield formula("p(answer) = sum over documents of p(document) p(answer | document)")
    yield question("The chance of the right name?", float((chances * each).sum()), " + ".join(f"{p:.3f} * {s:.2f}" for p, s in zip(chances, each, strict=True)) + ".")  # fmt: skip
    yield "RAG-Sequence sums so over whole answers, RAG-Token at each word anew. Today the passages are mostly put into one prompt, one behind the other, and attention weighs them."
    yield agree("sum", "the reader's chance, against the sum", float(run.answer.answers[0, true]), float((chances * each).sum()))  # fmt: skip


@lesson.step("With and without, and in a changed world")
def with_and_without(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    store, n = run.store, LANGUAGE.n_values
    changed = stored(store.pairs, (store.values + 1 + rng.integers(n - 1, size=len(store.values))) % n)
    found, after = (answered(each, run.questions, run.settings.k, TRUST) for each in (store, changed))
    strange = answered(stored(store.pairs, rng.permutation(store.values)), run.questions, 1, TRUST)
    rights = {"no documents: a guess": 1 / n, "the store": run.right(found), "every fact changed, asked for the new ones": float((after.answers.argmax(axis=1) == changed.values).mean()), "names mixed up in the store": run.right(strange)}  # fmt: skip
    rows = [{"what": what, "right": 100 * right} for what, right in rights.items()]
    yield f"All {run.settings.facts} questions, the same reader:"
    yield table("right answers", rows, what="the reader has", right="right [%] :3")
    yield "New facts are answered at once, with no training: the store was changed, not a weight. And what is wrong in the store is answered wrong. A source can be shown with the answer, so that a reader can check it."
    yield at_least("with", "percent right with the store", 95, 100 * rights["the store"])
    yield at_least(
        "changed", "percent right after the change", 95, 100 * rights["every fact changed, asked for the new ones"]
    )
    yield at_most("mixed", "percent right with names mixed up", 40, 100 * run.right(strange))


@lesson.step("What is not found is not answered")
def not_found(run: Run) -> Iterator[Shown]:
    vague, rows = run.questions.copy(), []
    vague[:, 2] = vague[:, 0]  # the question does not say what of the land
    for k in READ:
        found = answered(run.store, vague, k, TRUST)
        rows.append({"k": k, "found": 100 * float((found.found == np.arange(len(vague))[:, None]).any(axis=1).mean()), "right": 100 * run.right(found)})  # fmt: skip
    yield "Errors of retrieval are passed on. Let questions name the land and not what of it: all documents about it fit alike."
    yield table("vague questions", rows, k="documents read", found="right one found [%] :3", right="answers right [%] :3")  # fmt: skip
    yield question(f"{READ[-1]} passages of {WORDS} tokens, a question of 20: how many tokens does the generator read?", READ[-1] * WORDS + 20, "All passages and the question.", 0)  # fmt: skip
    yield "Reading more finds it more often, and costs context. But here the reader cannot tell it from the others. And in long prompts the middle is used less. Hence a second, dearer model that sorts what was found."
    yield at_least("more", f"right one among them, {READ[-1]} documents minus 1, points", 20, rows[-1]["found"] - rows[0]["found"])  # fmt: skip
    yield at_most("vague", f"answers right with {READ[-1]}, percent", 80, rows[-1]["right"])
    yield Source("Liu et al.", 2023, "Lost in the Middle")


@lesson.step("Nobody tells the retriever which document is right")
def trained_by_answers(run: Run) -> Iterator[Shown]:
    likely, scores = np.log([[[0.9], [0.1], [0.1]]]), np.zeros((1, 3))
    _, cache = marginal_likelihood_forward(scores, likely)
    posterior, (gradient, _) = document_posterior(cache)[0, :, 0], marginal_likelihood_backward(np.ones(1), cache)
    rows = [{"document": i + 1, "said": float(np.exp(likely[0, i, 0])), "prior": 1 / 3, "posterior": float(posterior[i]), "pull": float(gradient[0, i])} for i in range(3)]  # fmt: skip
    yield "Trained together, the loss is -ln p(right answer). Descent raises the score of a document by posterior minus prior: how much better it explains the answer than was thought."
    yield formula("p(document | answer) = p(document) p(answer | document) / p(answer)")
    yield question("A third each; the right name gets 0.9, 0.1, 0.1. Posterior of document 1?", float(posterior[0]), "0.9 / (0.9 + 0.1 + 0.1).")  # fmt: skip
    yield table("one step", rows, document="document", said="p(answer) :3", prior="prior :3", posterior="posterior :3", pull="pull :3")  # fmt: skip
    yield "The choice of the best few has no gradient: what was not read learns nothing. In a small untrained reader the question's encoder learns from answers alone."
    yield agree("pull", "pull on the scores, against posterior - prior", gradient[0], posterior - 1 / 3)
    yield at_least("learns", "gradient of the question's encoder", 1e-3, retriever_learns(True, run.seed))
    yield exactly("frozen", "... with the retriever left out", 0.0, retriever_learns(False, run.seed))


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Retrieval lets a model write by text that it has fetched.", "true", "The answer then stands in no weight.", "C300")  # fmt: skip
    yield Said("RAG ends hallucinations.", "too strong", "It makes some rarer. A wrong passage is believed, a right one can be misread, and where nothing fits the model may still answer.")  # fmt: skip
    yield Said("Long contexts make retrieval needless.", "too strong", "For a few documents. A store of millions does not fit, and each token in the prompt is paid for in each request.")  # fmt: skip
    yield "What comes back is text, and may hold instructions of strangers: do not let it act."


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A retriever encodes query and documents as vectors; the top-k passages by inner product go into the prompt, or are read by cross-attention; the generator conditions on them. Formally p(y) = sum over documents of p(document) p(y | document)."
    yield "Knowledge is updated by changing the store, without retraining, and sources can be shown. Errors of retrieval propagate, passages cost context, and the middle of a long prompt is used less."
    yield Try("tfx quiz rag")
