"""Fine-tuning: what it overwrites, what limits that, rates that fall towards the bottom, and what is hard at size."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training.points import Perceptron
from tfx.lab.training.second_task import (
    ALL, BLOCKS, CLASSES, OWN_HEAD, PENALTY, REHEARSAL, SLOW, WAYS, few_examples, learnt_after, moved_by_depth,
)  # fmt: skip
from tfx.optim import AdamW, gradual_unfreezing, layerwise_decay

TOP, UPDATES, EVERY, RUNS, FEW, MANY = BLOCKS + 1, 12, 3, 6, 10, 300
LARGE = 7e9


@dataclass(frozen=True)
class Settings:
    steps: int = setting(80, 60, 200, "updates on the second task")
    strength: float = setting(0.1, 0.05, 0.5, "of the penalty towards the old weights")
    decay: float = setting(0.5, 0.3, 0.7, "rate of a layer, in rates of the layer above")


class Run:
    """on_the_way: what is known of both tasks while all weights are tuned.  after: the same at the end, by way."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed

    @cached_property
    def on_the_way(self) -> list:
        with blas_threads(1):
            return learnt_after(ALL, (0, 10, 30, self.settings.steps), self.seed)

    @cached_property
    def after(self) -> dict:
        with blas_threads(1):
            others = {way: learnt_after(way, (self.settings.steps,), self.seed, self.settings.strength)[-1] for way in WAYS[1:]}  # fmt: skip
        return {ALL: self.on_the_way[-1], **others}

    @cached_property
    def moved(self) -> dict[str, list[float]]:
        rates = {"one rate": layerwise_decay(1.0, TOP), "falling": layerwise_decay(self.settings.decay, TOP), "thawing": gradual_unfreezing(EVERY, TOP)}  # fmt: skip
        with blas_threads(1):
            return {name: moved_by_depth(rate, UPDATES, self.seed) for name, rate in rates.items()}

    @cached_property
    def spread(self) -> dict[int, list[float]]:
        with blas_threads(1):
            return {n: few_examples(n, RUNS, self.seed) for n in (FEW, MANY)}


lesson = Lesson(Run, Settings)


@lesson.step("A new task writes over the old one")
def overwritten(run: Run) -> Iterator[Shown]:
    start, end = run.on_the_way[0], run.on_the_way[-1]
    yield "Fine-tuning goes on training a model, on a new task, with all its weights. A small network tells 5 kinds of points apart. Then a second task: other points, the same 5 names."
    yield question("5 names: which share of the second task is right by chance?", 1 / CLASSES, f"One of {CLASSES}.")
    yield table("shares right of new points, all weights tuned on the second task", [known._asdict() for known in run.on_the_way], step="updates", first="first task :3", second="second task :3")  # fmt: skip
    yield f"The second is learned soon. The first goes on falling, by {100 * (start.first - end.first):.0f} points here: nothing in the new loss speaks for it, so weights go where the new task pulls them: catastrophic forgetting."
    yield at_least("forgotten", "first task, before minus after", 0.05, start.first - end.first)
    yield at_least("learned", "second task, after", 0.9, end.second)
    yield Source("McCloskey and Cohen", 1989, "Catastrophic Interference")


@lesson.step("What keeps the old task")
def keeps(run: Run) -> Iterator[Shown]:
    after, strength = run.after, run.settings.strength
    price = {ALL: "the old task", SLOW: "slow: more updates", REHEARSAL: "needs old examples", PENALTY: "needs the old weights", OWN_HEAD: "body cannot adapt"}  # fmt: skip
    yield "A tenth of the rate; old examples in half of the batches; a penalty for leaving the old weights; or a frozen body with a head for each task."
    yield formula("new loss + strength / 2 * sum of (weight - weight before)^2")
    yield question(f"Strength {strength:g}, one weight has moved by 0.3. Its gradient from the penalty?", strength * 0.3, f"{strength:g} * 0.3: it grows with the way gone.")  # fmt: skip
    yield table(f"after {run.settings.steps} updates", [{"way": way, "first": found.first, "second": found.second, "price": price[way]} for way, found in after.items()], way="way", first="first task :3", second="second task :3", price="price")  # fmt: skip
    yield "A frozen body keeps the first task to the bit if its old head is kept too. EWC, 2017, pulls hardest at the weights that mattered most before."
    yield at_least("rehearsed", "first task, rehearsal minus all weights", 0.03, after[REHEARSAL].first - after[ALL].first)  # fmt: skip
    yield at_least("pulled", "first task, penalty minus all weights", 0.02, after[PENALTY].first - after[ALL].first)
    yield exactly("bits", "first task, own head after minus before", 0.0, after[OWN_HEAD].first - run.on_the_way[0].first)  # fmt: skip
    yield learnt_after


@lesson.step("Lower layers: smaller rates")
def smaller_rates(run: Run) -> Iterator[Shown]:
    decay, names = run.settings.decay, ["embeddings", *(f"block {i + 1}" for i in range(BLOCKS)), "head"]
    rows = [{"layer": name, "rate": decay ** (TOP - i), "one": 100 * run.moved["one rate"][i], "less": 100 * run.moved["falling"][i]} for i, name in enumerate(names)]  # fmt: skip
    lowest = run.moved["falling"][1] / run.moved["one rate"][1]
    yield "Low layers are taken to hold what is general, so a new task should change them least. Each layer gets the rate of the one above, times a decay:"
    yield formula("rate of layer i = rate * decay^(top - i)", "top: the head's number")
    yield question(f"Decay {decay:g}: the rate of block 1, in rates of the head?", decay**BLOCKS, f"{decay:g}^{BLOCKS}.")  # fmt: skip
    yield table(f"way gone after {UPDATES} updates, in percent of a layer's size", rows, layer="layer", rate="rate :3", one="one rate :3", less="falling :3")  # fmt: skip
    yield "Adam's steps have about the size of the rate, so the way gone falls with it. Small rates slow the drift."
    yield at_most("slower", "block 1: moved, falling over one rate", 0.6, lowest)
    yield at_most("order", "block 1 over block 3, falling rates", 0.8, run.moved["falling"][1] / run.moved["falling"][BLOCKS])  # fmt: skip
    yield Source("Howard and Ruder", 2018, "ULMFiT", "section 3.2")


@lesson.step("Gradual unfreezing: from the top down")
def unfreezing(run: Run) -> Iterator[Shown]:
    thaw, names = gradual_unfreezing(EVERY, TOP), ["embeddings", *(f"block {i + 1}" for i in range(BLOCKS)), "head"]
    rows = [{"layer": name, "first": next((n for n in range(1, UPDATES + 1) if thaw(i, n)), "not yet"), "moved": 100 * run.moved["thawing"][i]} for i, name in reversed([*enumerate(names)])]  # fmt: skip
    yield f"A new head's first errors are large, and would shake the layers below. Train it alone, then thaw a layer more every {EVERY} updates (in practice each epoch)."
    yield question("Which update is the first to change block 1?", 1 + BLOCKS * EVERY, f"After {BLOCKS} * {EVERY}, for the {BLOCKS} layers above it.", 0)  # fmt: skip
    yield table(f"after {UPDATES} updates", rows, layer="layer", first="changes from update", moved="moved [%] :3")
    yield "Both tricks are of the years of ULMFiT; large models of today get one small rate, or small modules on frozen weights."
    yield exactly("frozen", "way gone by the embeddings so far", 0.0, run.moved["thawing"][0])
    yield at_least("head", "way gone by the head", 0.01, run.moved["thawing"][TOP])
    yield gradual_unfreezing


@lesson.step("What is hard about it when models are large")
def hard(run: Run) -> Iterator[Shown]:
    model = Perceptron(4, 4, 4, np.random.default_rng(0))
    kept = AdamW(model).state()
    numbers = 2 + sum(np.size(value) == model.n_parameters for value in kept.values())
    rows = [{"n": n, "mean": float(np.mean(found)), "low": min(found), "high": max(found)} for n, found in run.spread.items()]  # fmt: skip
    few, many = (float(np.std(found, ddof=1)) for found in run.spread.values())
    yield f"Memory. AdamW keeps {numbers} numbers for each weight: it, its gradient, two averages. In float32 that is {4 * numbers} bytes."
    yield question("7 billion weights: how many GB (10^9 bytes), without activations?", LARGE * 4 * numbers / 1e9, f"7 * {4 * numbers}.", 0)  # fmt: skip
    yield f"Chance. {RUNS} runs from one start, with other examples and another order:"
    yield table("shares right of new points", rows, n="examples", mean="mean :3", low="lowest :3", high="highest :3")
    yield f"With {FEW} examples they scatter {few / many:.0f} times as widely (standard deviation) as with {MANY}: the model overfits the few it has. Tell mean and spread of several seeds. Remedies: a small rate, warm-up, early stopping, fewer trained weights."
    yield exactly("numbers", "numbers for each weight", 4, numbers)
    yield at_least("scatter", f"standard deviation with {FEW} examples, over that with {MANY}", 1.2, few / many)
    yield Source("Mosbach et al.", 2021, "On the Stability of Fine-tuning BERT")


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Smaller rates for the lower layers keep what they have learned.", "true with conditions", "In short training. They slow the drift.", "C247")  # fmt: skip
    yield Said("Freezing layers prevents forgetting.", "true with conditions", "If the new task has a head of its own. A shared head that learns new meanings forgets.", "C257")  # fmt: skip
    yield Said("BERT's runs differ by the seed because it forgets, or has too few examples.", "too strong", "Mosbach et al. trace the failed runs to optimisation: gradients vanish early. Small rates with warm-up and longer training helped.")  # fmt: skip
    yield "Forgetting is no law: where tasks have much in common, the second can help the first. And with the old model kept, nothing is lost that could not be loaded again."
    yield within("overwrites", "what the small rate forgets, in points of 100", 0.0, 100 * (run.on_the_way[0].first - run.after[SLOW].first), 6.0)  # fmt: skip
    yield Source("Kirkpatrick et al.", 2017, "Overcoming catastrophic forgetting in neural networks")
    yield Try("tfx experiment forgetting")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Catastrophic forgetting: updates for a new task overwrite weights that the old one needs, as its loss does not speak for the old. It is limited by small rates, rehearsal of old data, penalties towards the old weights, or a frozen base with small modules."
    yield "Layer-wise decay gives lower layers geometrically smaller rates; gradual unfreezing trains the top first and thaws downwards. Both protect general features. Large models: overfitting, forgetting, memory for optimiser states, variance between runs; hence small rates, warm-up, PEFT (few trained weights), early stopping, several seeds."
    yield Try("tfx quiz fine-tuning")
