"""In-context learning: a task read off the prompt with frozen weights, and attention that does gradient descent for it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, formula, near, question, setting, table,
)  # fmt: skip
from tfx.lab.beyond_text.in_context_regression import (
    Tasks, by_descent, by_softmax, left_by_one_step, through_attention,
)  # fmt: skip
from tfx.measure.estimates import mean_with_error

RULES, LAYERS, MANY, LONG, SHOTS = 400, (1, 2, 4, 8), 64, 8, (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Settings:
    examples: int = setting(20, 16, 40, "examples in a prompt")
    width: int = setting(5, 2, 5, "numbers in an input")
    rate: float = setting(0.5, 0.2, 0.5, "step size of gradient descent")


class Run:
    """tasks: RULES prompts, each with a rule of its own; the query comes last."""

    def __init__(self, request: Request) -> None:
        settings = self.settings = request.settings
        self.seed = request.seed
        self.tasks = self.prompts(settings.examples, settings.width)

    def prompts(self, examples: int, width: int) -> Tasks:
        rng = np.random.default_rng((self.seed, examples, width))
        w, x = rng.standard_normal((RULES, width, 1)) / width**0.5, rng.standard_normal((RULES, examples + 1, width))
        return Tasks(x, x @ w)


lesson = Lesson(Run, Settings)


def left(said: np.ndarray, tasks: Tasks) -> tuple[float, float]:
    """Squared error in percent of the answers' square, and its standard error."""
    return mean_with_error(100 * (said - tasks.y[:, -1, 0]) ** 2)


@lesson.step("A task from the prompt alone")
def from_the_prompt(run: Run) -> Iterator[Shown]:
    shots = {"zero-shot": "Translate: house ->", "one-shot": "cat -> chat, house ->", "few-shot": "cat -> chat, dog -> chien, house ->"}  # fmt: skip
    rows = [{"way": way, "prompt": prompt, "examples": number, "changed": 0} for number, (way, prompt) in enumerate(shots.items())]  # fmt: skip
    yield "Show a large language model two pairs and a third word, and it goes on in kind: it reads off the prompt what is wanted. That is in-context learning."
    yield table("what is given", rows, way="way", prompt="prompt", examples="examples", changed="weights changed")
    yield question("A few-shot prompt of 5 examples: how many gradient updates?", 0, "The examples are read, not trained on.", 0)  # fmt: skip
    yield "Shots are examples in the prompt; used so, zero-shot and few-shot change no weight. What they show: pre-training has left an ability to infer a task from context."
    yield "But how can a fixed function learn? Take a hidden linear rule, shown by pairs."
    yield Source("Brown et al.", 2020, "GPT-3", "section 2")


@lesson.step("By hand: one step of gradient descent")
def one_step(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, rate = rng.choice([-2.0, -1, 1, 2, 3], size=3, replace=False), run.settings.rate
    rule = float(rng.choice([2.0, 3]))
    y = rule * x
    tasks = Tasks(x[None, :, None], y[None, :, None])
    said = float(by_descent(tasks, 1, rate)[0])
    slope = rate * float((x[:2] * y[:2]).mean())
    yield f"Two pairs (x, y), ({x[0]:g}, {y[0]:g}) and ({x[1]:g}, {y[1]:g}), and a query, {x[2]:g}. Look for a slope with y = slope * x, from slope 0, by gradient descent on the mean of (y - slope * x)^2 / 2:"
    yield formula("slope after one step = rate * mean of (y x)")
    yield f"= {rate:g} * (({y[0]:g})({x[0]:g}) + ({y[1]:g})({x[1]:g})) / 2 = {slope:g}. The true slope is {rule:g}."
    yield question("The answer to the query?", said, f"{slope:g} * ({x[2]:g}).")
    yield f"Now write the same answer the other way round, as a sum over the examples: each y, times how well its x fits the query. ({rate:g} / 2 * {y[0]:g}) * ({x[0]:g} * {x[2]:g}) + ({rate:g} / 2 * {y[1]:g}) * ({x[1]:g} * {x[2]:g}). That has the form of attention."
    yield agree("slope", "answer by the library's descent, against slope * query", said, slope * x[2])
    yield agree("sum", "answer as a sum over examples", said, float((rate / 2 * y[:2] * (x[:2] * x[2])).sum()))
    yield by_descent


@lesson.step("The same as one layer of linear attention")
def same_as_attention(run: Run) -> Iterator[Shown]:
    tasks, rate = run.tasks, run.settings.rate
    read, stepped = through_attention(tasks, 1, rate), by_descent(tasks, 1, rate)
    rows = [{"rule": i + 1, "read": read[i], "stepped": stepped[i], "true": float(tasks.y[i, -1, 0])} for i in range(2)]
    law = 100 * left_by_one_step(run.settings.width, run.settings.examples, rate)
    found, error = left(read, tasks)
    yield "An example is a token that holds x and y. Its x is the key, its y the value, times rate / count (of the examples); the new x is the query; no softmax:"
    yield formula("answer = sum_j (rate / count * y_j) (x_j . query)")
    yield table(f"{RULES} prompts, each with a rule of its own: two of them", rows, rule="rule", read="by attention :4", stepped="by one step :4", true="true :4")  # fmt: skip
    yield question("Normal inputs: what percent of the squared error is left?", law, f"1 - 2 rate + rate^2 (1 + ({run.settings.width} + 1) / {run.settings.examples}).")  # fmt: skip
    yield f"Measured: {found:.1f} +- {error:.1f}. The weights of this attention are the same for all rules; nothing in it is changed."
    yield agree("same", "attention and one step of descent", read, stepped)
    yield near("law", "percent of the squared error left by one step", law, found, error)
    yield through_attention


@lesson.step("More layers are more steps")
def more_layers(run: Run) -> Iterator[Shown]:
    rate, tasks = run.settings.rate, run.tasks
    rows = [{"layers": n, "left": left(through_attention(tasks, n, rate), tasks)[0]} for n in LAYERS]
    off = float(np.abs(through_attention(tasks, LAYERS[-1], rate) - by_descent(tasks, LAYERS[-1], rate)).max())
    yield "Each layer takes what it has read off the y of every token, so the next finds the errors that are left. As many layers are as many steps:"
    yield table(f"{run.settings.examples} examples: error left", rows, layers="layers", left="left [%] :3")
    yield agree("steps", f"{LAYERS[-1]} layers and as many steps", off, 0.0)
    yield at_most("deeper", f"error left, {LAYERS[-1]} layers over one", 0.5, rows[-1]["left"] / rows[0]["left"])


@lesson.step("More examples, more to learn from")
def more_examples(run: Run) -> Iterator[Shown]:
    few = {n: left(through_attention(tasks, MANY, 0.5 * n / (n + 2 * LONG)), tasks) for n in SHOTS for tasks in [run.prompts(n, LONG)]}  # fmt: skip
    share = 100 * (LONG - 1) / LONG
    yield f"How many shots does a task need? Rules of {LONG} numbers, and {MANY} layers:"
    yield question("One example: how many percent of the error are left, whatever the layers?", share, f"It fixes the rule along one direction of {LONG}.")  # fmt: skip
    yield table("error left", [{"shots": n, "left": value} for n, (value, _) in few.items()], shots="examples", left="left [%] :3")  # fmt: skip
    yield "Few-shot answers get better with examples, as long as these tell something new."
    yield near("one-shot", "percent left by one example", share, *few[1])
    yield at_most("shots", f"{SHOTS[-1]} examples over one", 0.5, few[SHOTS[-1]][0] / few[1][0])


@lesson.step("What it takes, and what it does not show")
def conditions(run: Run) -> Iterator[Shown]:
    tasks, rate, deep = run.tasks, run.settings.rate, LAYERS[-1]
    stepped = by_descent(tasks, deep, rate)
    answers = {"linear, all examples seen": through_attention(tasks, deep, rate) - stepped, "linear, causal mask": through_attention(tasks, deep, rate, causal=True) - stepped, "softmax, one layer, from one step": by_softmax(tasks) - by_descent(tasks, 1, rate)}  # fmt: skip
    off = {what: float(np.sqrt((error * error).mean())) for what, error in answers.items()}
    rows = [{"what": what, "off": value} for what, value in off.items()]
    seen, causal, softmax = off.values()
    yield f"How far answers are from {deep} steps of descent, in their sizes:"
    yield table("root of the mean square", rows, what="attention", off="off by :2")
    yield "Under a causal mask early examples see few others, so they correct themselves badly. A softmax layer gives a mean of the y of similar x: it learns from examples, too, in another way."
    yield "The weights here are set by hand. Small Transformers trained on such prompts come close to it; whether large models of language do is open. They also copy: an induction head finds where this token stood before, and takes what came next."
    yield agree("all-seen", "all examples seen: off by", seen, 0.0)
    yield at_least("causal", "causal mask: off by", 0.01, causal)
    yield at_least("softmax", "softmax: off by", 0.05, softmax)
    yield Source("von Oswald et al.", 2023, "Transformers Learn In-Context by Gradient Descent", "proposition 1")
    yield Try("tfx experiment induction-heads")


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Few-shot learning fine-tunes the model on a few examples.", "false", "Not in this use: examples stand in the prompt, and no weight moves.")  # fmt: skip
    yield Said("A model can learn from examples in its prompt without any update.", "true with conditions", "If its weights are such that it does.", "C287")  # fmt: skip
    yield Said("The model learns the task from the examples.", "too strong", "Often they tell which known task is meant: Min et al. put random labels into them, and in many tasks little was lost. What mattered were form, and the kind of inputs and labels.")  # fmt: skip
    yield Said("What was learned in context is kept.", "false", "It is gone with the prompt. Each request pays for reading it again, unless its keys and values are stored.")  # fmt: skip
    yield Source("Min et al.", 2022, "Rethinking the Role of Demonstrations")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "In-context learning: a model picks up a task from instructions or examples in its prompt, without a gradient update. Zero-shot gives no example, few-shot some. It shows that a pre-trained model can infer the task from context."
    yield "One known mechanism: a layer of linear attention, set so, carries out one step of gradient descent for least squares on the prompt's examples; K layers do K steps. That is a construction; how large language models do it is not settled."
    yield Try("tfx quiz in-context-learning")
