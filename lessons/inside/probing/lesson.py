"""Probing hidden states: what a linear map can read there, against which controls, and why that is not yet use."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.pronouns import VOCABULARY, Sentence, sentences, to_batch
from tfx.data.toys.brackets import Brackets
from tfx.measure.activation_patching import states
from tfx.measure.linear_probe import LinearProbe, Probed, selectivity
from tfx.ops.attention.masks import padding_mask
from tfx.shipped.load import load
from tfx.train.toys import ToyRun, examine, make_model

TOY = Brackets(n_kinds=2, length=8)
TEXTS, TRAIN, TEST = 300, 300, 150
STATES = ("input", "after block 1", "after block 2")
#: What may be read at "it": whether it stands for the mover, the one that moves, and whether the sentence has a "not".
MOVER: Callable[[Sentence], int] = lambda sentence: int(sentence.answer == sentence.mover)  # noqa: E731
NOT: Callable[[Sentence], int] = lambda sentence: int("not" in sentence.words)  # noqa: E731


@dataclass(frozen=True)
class Settings:
    steps: int = setting(150, 150, 300, "updates of the model that learns brackets")


class Run:
    """train, test: sentences; nouns of the latter never met in training.  seen: of a pronoun model, trained or not, the
    states at "it", (N, C) for each of STATES, of both."""

    def __init__(self, request: Request) -> None:
        self.steps, self.seed = request.settings.steps, request.seed
        self.train, self.test = sentences(TRAIN, request.seed, False), sentences(TEST, request.seed + 1, True)
        self.models = {"trained": load("plain").model, "untrained": load("plain", untrained=True, seed=request.seed).model}  # fmt: skip

    @cached_property
    def brackets(self) -> dict[str, Any]:
        found = {name: make_model(TOY, self.seed, n_layers=2, n_heads=2) for name in ("trained", "untrained")}
        with blas_threads(1):
            for _ in ToyRun(TOY, found["trained"], self.steps, self.seed, learning_rate=0.015, batch=16).train():
                pass
        return found

    @cached_property
    def seen(self) -> dict[str, tuple[list[np.ndarray], list[np.ndarray]]]:
        with blas_threads(1):
            return {name: (at_it(model, self.train), at_it(model, self.test)) for name, model in self.models.items()}

    def read(
        self, name: str, label: Callable[[Sentence], int], numbers: slice | list[int] = slice(None)
    ) -> list[float]:
        """How often a probe on these numbers of the states is right about the label of a new sentence."""
        wanted, judged = ([label(sentence) for sentence in side] for side in (self.train, self.test))
        return [LinearProbe(h[:, numbers], np.array(wanted)).accuracy(new[:, numbers], np.array(judged)) for h, new in zip(*self.seen[name], strict=True)]  # fmt: skip


lesson = Lesson(Run, Settings)


def blocks_of(model: Any, asked: Any) -> tuple[Any, list[np.ndarray]]:
    """The batch, and (N, T, C) for each of STATES."""
    batch = to_batch(asked)
    _, cache = model.forward(batch.ids, batch.it, batch.lengths)
    first, last = (np.asarray(block.x) for block in cache.blocks)
    out, _ = model.last.forward(last, padding_mask(batch.lengths, batch.ids.shape[1], np, len(asked)))
    return batch, [first, last, np.asarray(out)]


def at_it(model: Any, asked: Any) -> list[np.ndarray]:
    batch, found = blocks_of(model, asked)
    return [x[np.arange(len(asked)), batch.it] for x in found]


def depth(ids: np.ndarray) -> np.ndarray:
    """(B, T): how many brackets are open around each place."""
    opens = ids % 2 == 0
    return np.asarray(np.cumsum(np.where(opens, 1, -1), axis=1) - opens)


@lesson.step("Can it be read off?")
def read_off(run: Run) -> Iterator[Shown]:
    labels = np.array([NOT(sentence) for sentence in run.train])
    share, empty = float(labels.mean()), np.zeros((len(labels), 1))
    yield "Between the layers a token is a vector. What does it hold: its word, grammar, meaning? Nobody wrote it there by name. A probe asks: can a linear map read the property off? It is fitted on the vectors of some texts and judged on new ones; the model stays as it is."
    yield formula("label = the largest of h W + b", "(N, C) x (C, labels); h: hidden states")
    yield "So it finds what stands along directions of the space, spread over many numbers. First of all a baseline: always say the commonest label."
    yield question(f"{share:.1%} of sentences hold a \"not\". How often is one right who always says the commoner?", max(share, 1 - share), "The larger share.")  # fmt: skip
    yield agree("baseline", "a probe on vectors of zeros does just that", LinearProbe(empty, labels).accuracy(empty, labels), max(share, 1 - share))  # fmt: skip
    yield LinearProbe
    yield Source("Alain and Bengio", 2016, "Understanding intermediate layers using linear classifier probes")


@lesson.step("Syntax in its smallest form: brackets")
def syntax(run: Run) -> Iterator[Shown]:
    train, test = TOY.draw(TEXTS, np.random.default_rng((run.seed, 0))), TOY.draw(TEXTS, np.random.default_rng((run.seed, 1)), held_out=True)  # fmt: skip
    labels, judged = depth(train.ids).ravel(), depth(test.ids).ravel()
    found = {}
    for name, model in run.brackets.items():
        pairs = zip(states(model, train.ids), states(model, test.ids), strict=True)
        found[name] = [LinearProbe(h.reshape(len(labels), -1), labels).accuracy(new.reshape(len(judged), -1), judged) for h, new in pairs]  # fmt: skip
    right, common = examine(run.brackets["trained"], test).accuracy, float(np.bincount(judged).max() / len(judged))
    rows = [{"state": state, **{name: 100 * values[i] for name, values in found.items()}} for i, state in enumerate(STATES)]  # fmt: skip
    yield f"An encoder learns, for {run.steps} updates, which bracket belongs to which in texts such as ( [ ] ) ( ). It is right in {right:.0%} of places. Nobody asked it how deep a place is nested. Can a probe read that?"
    yield table(f"depth read off, percent right; the commonest alone {100 * common:.0f}", rows, state="state", trained="trained :3", untrained="untrained :3")  # fmt: skip
    yield question("After block 2: how many points is the trained model above the untrained one?", 100 * (found["trained"][2] - found["untrained"][2]), "The difference in the last row.")  # fmt: skip
    yield "The untrained model matters: random blocks mix tokens too, and a probe can use that. What training has made is the difference."
    yield at_least("learned", "depth after block 2, trained less untrained", 0.01, found["trained"][2] - found["untrained"][2])  # fmt: skip
    yield within("input", "depth at the input, trained less untrained: the bracket alone", 0.0, found["trained"][0] - found["untrained"][0], 0.1)  # fmt: skip


@lesson.step('Meaning: what does "it" stand for?')
def meaning(run: Run) -> Iterator[Shown]:
    names = {"trained": "trained", "untrained": "untrained"}
    mover = {name: run.read(name, MOVER) for name in names}
    negated = {name: run.read(name, NOT) for name in names}
    rows = [{"state": state, "m": 100 * mover["trained"][i], "u": 100 * mover["untrained"][i], "n": 100 * negated["trained"][i], "r": 100 * negated["untrained"][i]} for i, state in enumerate(STATES)]  # fmt: skip
    yield 'The pronoun model: "it" stands for the one that moves (the animal) or for the place (the street). What can be read from the vector at "it", about that, and about whether the sentence has a "not"?'
    yield table("percent right on new sentences", rows, state="state", m="mover or place :3", u="untrained :3", n="a not :3", r="untrained: a not :3")  # fmt: skip
    yield question("Mover or place, after block 1: how many points did training add?", 100 * (mover["trained"][1] - mover["untrained"][1]), "Column 1 less column 2.")  # fmt: skip
    yield 'What the task needs is read without error after training. And "not" is read better from random blocks than from trained ones: training keeps what it needs and lets the rest go.'
    yield at_least("needed", "mover or place, trained, after block 2", 0.97, mover["trained"][2])
    yield at_least("added", "... over untrained", 0.1, mover["trained"][2] - mover["untrained"][2])
    yield at_least("dropped", "a not: untrained over trained, after block 2", 0.1, negated["untrained"][2] - negated["trained"][2])  # fmt: skip


@lesson.step("A control task: labels drawn by lot")
def control(run: Run) -> Iterator[Shown]:
    tokens = [np.array([VOCABULARY.index(sentence.adjective) for sentence in side]) for side in (run.train, run.test)]
    labels = [np.array([MOVER(sentence) for sentence in side]) for side in (run.train, run.test)]
    found = {}
    for name, sides in run.seen.items():
        found[name] = [float(np.mean([selectivity(Probed(h, labels[0], tokens[0]), Probed(new, labels[1], tokens[1]), np.random.default_rng((run.seed, i))) for i in range(8)])) for h, new in zip(*sides, strict=True)]  # fmt: skip
    rows = [{"state": state, **{name: 100 * values[i] for name, values in found.items()}} for i, state in enumerate(STATES)]  # fmt: skip
    yield "The adjective tells mover or place; a probe that sees which one it is could learn a list. So give each adjective a label by lot. Only a probe can learn these."
    yield formula("selectivity = right on the property - right on labels by lot")
    yield table("selectivity, points, mean of 8 lots", rows, state="state", trained="trained :2", untrained="untrained :2")  # fmt: skip
    yield question("91% on the property, 88% on labels by lot: selectivity, in points?", 91 - 88, "91 - 88: the probe could learn it alone.")  # fmt: skip
    yield "At 0 it would have learned anything. Trained states are selective here."
    yield at_least("selective", "selectivity after block 2, trained", 0.1, found["trained"][2])
    yield at_most("not", "... untrained", 0.1, found["untrained"][2])
    yield Source("Hewitt and Liang", 2019, "Designing and Interpreting Probes with Control Tasks")


@lesson.step("One number, or a direction?")
def directions(run: Run) -> Iterator[Shown]:
    width = run.seen["trained"][0][0].shape[1]
    single = np.array([run.read("trained", MOVER, [j]) for j in range(width)])  # (C, states)
    whole, half = run.read("trained", MOVER), run.read("trained", MOVER, slice(0, width // 2))
    rows = [{"state": state, "one": 100 * single[:, i].max(), "half": 100 * half[i], "whole": 100 * whole[i], "many": int((single[:, i] > 0.6).sum())} for i, state in enumerate(STATES)]  # fmt: skip
    yield f'Where in the {width} numbers at "it" does it stand? Give the probe one number, the best of them; the first half; all.'
    yield table("mover or place, percent right", rows, state="state", one="best number :3", half="first half :3", whole="all :3", many="numbers above 60% alone")  # fmt: skip
    yield question("After block 2: how many points are all numbers above the best one?", 100 * (whole[2] - single[:, 2].max()), "The last row.")  # fmt: skip
    yield "It is distributed: many numbers tell something, and half of them as much as all. Models can hold more features than numbers, along directions that overlap (superposition); sparse autoencoders try to part them."
    yield at_least("many", "numbers that tell it alone in over 60%, after block 2", 3, rows[2]["many"])
    yield at_least("half", "half of the numbers, over all", 0.95, half[2] / whole[2])
    yield Source("Bricken et al.", 2023, "Towards Monosemanticity")


@lesson.step("Found is not used: intervene")
def intervene(run: Run) -> Iterator[Shown]:
    model, (train, _) = run.models["trained"], run.seen["trained"]
    batch, found = blocks_of(model, run.test)
    places, n = np.arange(len(run.test)), len(run.test)
    labels = np.array([MOVER(sentence) for sentence in run.train])

    def answers(layer: int, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Answers when the vector at "it" is changed in the state `layer`, 1 or 2."""
        x = found[layer].copy()
        x[places, batch.it] = change(x[places, batch.it])
        if layer == 1:
            x, _ = model.last.forward(x, padding_mask(batch.lengths, batch.ids.shape[1], np, n))
        h, _ = model.norm.forward(x)
        return np.asarray((h[places, batch.it] @ model.embedding.table.value.T).argmax(axis=1))

    rows: list[dict[str, Any]] = []
    other, turned = np.roll(places, 1), []
    for layer in (1, 2):
        w = LinearProbe(train[layer], labels).w[:-1]
        d = (w[:, 1] - w[:, 0]) / np.linalg.norm(w[:, 1] - w[:, 0])
        mean = train[layer].mean(axis=0)

        def mirror(h: np.ndarray, d: np.ndarray = d, mean: np.ndarray = mean) -> np.ndarray:
            return np.asarray(h - 2 * ((h - mean) @ d)[:, None] * d)

        own = found[layer][places, batch.it]
        probe = LinearProbe(train[layer], labels)
        turned.append(float((probe.predict(mirror(own)) != probe.predict(own)).mean()))
        flipped = answers(layer, mirror)
        swapped = answers(layer, lambda h: h[other])
        rows.append({"state": STATES[layer], "flip": 100 * float((flipped == batch.answer).mean()), "swap": 100 * float((swapped == batch.answer).mean()), "other": 100 * float((swapped == batch.answer[other]).mean())})  # fmt: skip
    yield 'Does the model use what the probe reads? Mirror the vector at "it" along the probe\'s direction, so that the probe says the opposite, and let the model go on. Or put in the whole vector of another sentence.'
    yield table("answers, percent", rows, state="vector at it", flip="mirrored, right :3", swap="swapped, right :3", other="as the other :3")  # fmt: skip
    yield question("Mirrored after block 1: how many of 100 answers turn wrong?", 100 - rows[0]["flip"], "Still right in the rest.")  # fmt: skip
    yield "Turned round along the direction of the probe the answers stay: the model does not depend on it alone. The whole vector after block 2 decides all. A probe shows that something is there; an intervention, that it is used."
    yield at_least("turned", "mirrored, the probe says the opposite: share, least", 0.9, min(turned))
    yield at_least("unused", "still right, mirrored after block 1", 95.0, rows[0]["flip"])
    yield exactly("whole", "percent that follow the other sentence, swapped after block 2", 100.0, rows[1]["other"])
    yield See("interpretability-attention", "patching")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    untrained = run.read("untrained", NOT)
    yield Said("A probe finds syntax, so the model uses syntax.", "too strong", "It shows what can be read. Use is shown by changing it.")  # fmt: skip
    yield Said("A probe that is right in 95% proves that training taught it.", "false", f"From untrained blocks a probe reads a \"not\" in {untrained[2]:.0%} here. Compare with an untrained model and with a control task.")  # fmt: skip
    yield "In large models word classes and more are read so. In BERT a linear map was found under which distances of words follow their distances in the parse tree. A probe with layers of its own finds more, and proves less."
    yield question("96% after training, 93% before: points that training explains?", 96 - 93, "96 - 93.", 0)  # fmt: skip
    yield at_least("untrained", "a not, read from untrained blocks", 0.8, untrained[2])
    yield Source("Hewitt and Manning", 2019, "A Structural Probe for Finding Syntax in Word Representations")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Syntax and meaning are distributed over directions of the residual stream, rather than kept in single neurons. Linear probes decode them: a linear map is fitted from hidden states to labels, layer by layer, and judged on new data. Controls: the commonest label, an untrained model, labels by lot."
    yield "That a probe finds something does not prove that the model uses it. Test by intervention: erase or swap the direction, or patch the state, and see whether the answer moves."
    yield Try("tfx quiz representations-probing")
