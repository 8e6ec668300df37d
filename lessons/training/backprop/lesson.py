"""Backpropagation: from the loss to a gradient for every tensor of a GPT, and one table that is used at both ends."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, between, by_hand, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.errors import BadInput
from tfx.gradcheck.derivative import numeric_gradient
from tfx.gradcheck.mistakes.models.one_page_gpt import look_up_forgotten
from tfx.gradcheck.report import Report
from tfx.lab.scale.published_sizes import PUBLISHED, count
from tfx.lab.training.one_page_gradients import (
    ALPHABET, descend, every_tensor, gradients_of, ids_of, loss_of, moved, small_gpt, two_tables, two_uses,
)  # fmt: skip
from tfx.models.one_page_gpt import gpt_backward, gpt_block_backward
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

DEFAULT_TEXT = "to be or not to be"
LETTERS, STEPS, RATE = 24, 40, 0.5
KINDS = {"tables E, P": ("E", "P"), "maps of attention": ("W_q", "W_k", "W_v", "W_o"), "maps of the networks": ("W_1", "W_2")}  # fmt: skip


@dataclass(frozen=True)
class Settings:
    layers: int = setting(2, 1, 3, "blocks of the GPT")
    width: int = setting(8, words=(8, 16), about="C, numbers per token")


class Run:
    """ids: (1, letters), of the reader's text.  w: the model as it starts.  away: moved, where mistakes show."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        text = " ".join(read_words(request.text, DEFAULT_TEXT, at_least=1)).lower()
        self.text = "".join(letter for letter in text if letter in ALPHABET)[:LETTERS].strip()
        if len(self.text) < 3:
            raise BadInput("this lesson needs three letters from a to z.", f"Try: --text '{DEFAULT_TEXT}'")
        self.ids = ids_of(self.text)
        self.w = small_gpt(LETTERS, self.settings.width, self.settings.layers, request.seed)
        self.away = moved(self.w, request.seed)
        self.n = sum(value.size for value in self.w.values())

    @cached_property
    def report(self) -> Report:
        with blas_threads(1):
            return every_tensor(self.ids, self.away, seed=self.seed)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def kind_of(name: str) -> str:
    last = name.rpartition(".")[2]
    return next((kind for kind, names in KINDS.items() if last in names), "gains and offsets")


@lesson.step("One number to lower")
def one_number(run: Run) -> Iterator[Shown]:
    v, loss = len(ALPHABET), loss_of(run.ids, run.w)
    yield f"Nobody sets the weights of a model. They begin as random numbers, and one number, the loss, says how badly the model predicts. Here a GPT of {run.settings.layers} blocks and width {run.settings.width} reads letters, {v} with the blank: {len(run.w)} tensors with {run.n:,} numbers."
    yield formula("L = mean of -log(chance of the right next token)", "in nats; cross-entropy")
    yield formula("W <- W - rate * dW", "for every tensor; dW: the gradient of L for W")
    yield question(f"A model that finds all {v} letters equally likely: its loss?", math.log(v), f"-log(1 / {v}).")
    yield f'Untrained, on "{run.text}", it is {loss:.2f}. Training computes the gradient of L for every number, moves all of them a little against it, and repeats. The usual mover is Adam, its rate warmed up at first.'
    yield between("start", "loss before training, about log of the letters", math.log(v) - 0.3, math.log(v) + 0.3, loss)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 5.3")


@lesson.step("Where it starts: p - onehot")
def where_it_starts(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores = np.round(rng.normal(0, 1, 3), 1)
    p = np.exp(scores) / np.exp(scores).sum()
    loss, cache = cross_entropy_forward(scores[None], np.array([0]))
    given = cross_entropy_backward(1.0, cache)[0]
    rows = [{"token": i + 1, "score": s, "p": a, "hot": int(i == 0), "g": g} for i, (s, a, g) in enumerate(zip(scores, p, given, strict=True))]  # fmt: skip
    yield "The way back begins at the scores of the last layer, the logits. Of softmax and cross-entropy together little is left: the chances, less 1 for the right token."
    yield formula("L = log(sum_j exp(s_j)) - s_i", "one place; s: its logits, i: the right token")
    yield formula("ds = p - onehot(i)", "the slope of log(sum of exp) is p")
    yield f"Three tokens, the first is right: L = {float(loss):.3f}. Its logit is to rise, the others are to fall by their chances: together 0. A mean over n places divides by n."
    yield question(f"The right token has p = {p[0]:.3f}. The gradient of its logit?", p[0] - 1, f"{p[0]:.3f} - 1.")
    yield table("one place", rows, token="token", score="logit", p="p :3", hot="onehot", g="gradient :3")
    yield agree("p-onehot", "p - onehot, and the library's backward", given, p - np.eye(3)[0])
    yield agree("slope", "the same, and differences of the loss", given, numeric_gradient(lambda s: cross_entropy_forward(s[None], np.array([0]))[0], scores), 1e-9)  # fmt: skip


@lesson.step("Backwards through each operation")
def each_operation(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, w, dy = (np.round(rng.normal(0, 1, shape), 1) for shape in ((1, 2), (2, 2), (1, 2)))
    _, cache = linear_forward(x, w)
    dx, dw, *_ = linear_backward(dy, cache)
    rows = [{"forward": a, "back": b} for a, b in (
        ("y = x W + b", "dW = x^T dy, db = sum of dy, dx = dy W^T"), ("y = x + f(x)", "dx = dy + what f gives back"),
        ("Q, K, V of one X", "dX: the three are added"),
    )]  # fmt: skip
    yield "From dy, the gradient of its output, an operation makes dx and dW (chain rule). The model is run backwards, and what was used twice gets the sum."
    yield table("read from the bottom up", rows, forward="forward", back="back")
    yield f"By hand: x = ({x[0, 0]:g}, {x[0, 1]:g}) and dy = ({dy[0, 0]:g}, {dy[0, 1]:g}). dW in row 1, column 2: ({x[0, 0]:g})({dy[0, 1]:g}) = {dw[0, 1]:.2f}. With row 1 of W ({w[0, 0]:g}, {w[0, 1]:g}), dx_1 = {by_hand(dy[0], w[0], written='{:g}'.format)} = {dx[0, 0]:.2f}."
    yield question("A map is one matrix product forward. How many are its backward?", 2, "One for dW, one for dx, each of the same size.", 0)  # fmt: skip
    yield "So training takes about three times the products of a forward pass."
    yield agree("map", "dW and dx, and differences of sum(dy * (x W))", np.vstack([dw, dx]), np.vstack([numeric_gradient(lambda a: (dy * (x @ a)).sum(), w), numeric_gradient(lambda a: (dy * (a @ w)).sum(), x)]), 1e-9)  # fmt: skip
    yield gpt_block_backward


@lesson.step("Every tensor, proved")
def every_tensor_proved(run: Run) -> Iterator[Shown]:
    of_kind = {kind: [name for name in run.w if kind_of(name) == kind] for kind in (*KINDS, "gains and offsets")}
    rows = [{"kind": kind, "tensors": len(names), "n": sum(run.w[name].size for name in names), "worst": max(run.report.inputs[name].error for name in names)} for kind, names in of_kind.items()]  # fmt: skip
    yield "Is a backward right? Step to either side and look how the loss changes."
    yield formula("slope = (L(W + step) - L(W - step)) / (2 * size of the step)")
    yield table("the loss on your text: backward against slopes, relative error", rows, kind="tensors", tensors="how many", n="numbers", worst="worst :2")  # fmt: skip
    yield f"A random direction in each tensor sees all of it. All {len(run.w)} agree. The weights are not those of the start: a gain of 1 or an offset of 0 hides mistakes."
    yield question(f"Slopes for each of {run.n:,} numbers alone: how many forward passes?", 2 * run.n, "Two each. One backward gives all, for the products of about two.", 0)  # fmt: skip
    yield exactly("tensors", "tensors that were checked", len(run.w), len(run.report.inputs))
    yield at_most("gradients", "their worst relative error", 1e-9, run.report.worst)
    yield every_tensor


@lesson.step("One table, two uses: the parts are added")
def one_table(run: Run) -> Iterator[Shown]:
    read = Counter(run.text[:-1])
    often, _ = read.most_common(1)[0]
    absent = next(letter for letter in ALPHABET if letter not in run.text)
    output, look_up = two_uses(run.ids, run.away)
    both = gradients_of(run.ids, run.away)["E"]
    rows = [{"letter": f'"{letter}"', "times": read[letter], **{name: float(np.linalg.norm(part[ALPHABET.index(letter)])) for name, part in (("out", output), ("look", look_up), ("all", both))}} for letter in (often, absent)]  # fmt: skip
    yield "A GPT often uses its table E twice: a row of E is what a token goes in as, and the logits ask how well the last vector fits each row (tied weights). Their gradients are added."
    yield formula("x = E[id],   logits = X E^T", "X: last vectors; first Transformer: x = sqrt(C) E[id]")
    yield formula("dE = dlogits^T X + (dx, added up in the rows that were read)", "(words, T) x (T, C) + (words, C)")
    yield question(f'"{absent}" is not in the text. What does look-up give its row of dE?', 0, "Its row was never read.")  # fmt: skip
    yield table("size of a row of dE", rows, letter="letter", times="read, times", out="as output :3", look="by look-up :3", all="dE :3")  # fmt: skip
    yield f'As output every row is moved, "{absent}" too: it had a chance and was wrong. The whole output part has size {np.linalg.norm(output):.2f}, the other {np.linalg.norm(look_up):.2f}.'
    with blas_threads(1):
        yield at_most("two-tables", "each part against differences of two separate tables", 1e-9, two_tables(run.ids, run.away, run.seed).worst)  # fmt: skip
    yield agree("sum", "their sum, and the gradient of the shared table", output + look_up, both)
    yield agree("unread", "look-up part of a row that was not read", look_up[ALPHABET.index(absent)], to=0)


@lesson.step("What breaks when a part is forgotten")
def forgotten(run: Run) -> Iterator[Shown]:
    with blas_threads(1):
        wrong = every_tensor(run.ids, run.away, look_up_forgotten, run.seed)
        right_loss, wrong_loss = (descend(run.ids, run.w, STEPS, RATE, back) for back in (gpt_backward, look_up_forgotten))  # fmt: skip
    rows = [{"backward": name, "worst": report.worst, "where": report.worst_input.name if report.worst > 1e-9 else "-", "before": losses[0], "after": losses[-1]} for name, report, losses in (("right", run.report, right_loss), ("look-up forgotten", wrong, wrong_loss))]  # fmt: skip
    yield f"Forget the look-up part of dE and train: {STEPS} steps of W - {RATE:g} dW, on the text alone."
    yield table("two backwards", rows, backward="backward", worst="worst error :2", where="in", before="loss before :3", after="after :3")  # fmt: skip
    yield "The wrong one learns as well: all other tensors have their true gradients, and E has one of its two parts. So a loss that falls does not prove a gradient; comparing with differences does, and it names the tensor."
    yield at_least("seen", "look-up forgotten: worst relative error", 0.01, wrong.worst)
    yield at_most("learns", "and still the loss falls, to this share of the start", 0.95, wrong_loss[-1] / wrong_loss[0])  # fmt: skip
    yield look_up_forgotten


@lesson.step("Who ties, and what is often said")
def who_ties(run: Run) -> Iterator[Shown]:
    sizes = {each.name: each.sizes for each in PUBLISHED}
    spared, rows = [], []
    for name in ("GPT-2 small", "LLaMA-7B"):
        tied, apart = (count(sizes[name]._replace(tied=tied)).total for tied in (True, False))
        spared.append(apart - tied)
        rows.append({"model": name, "does": "tied" if sizes[name].tied else "apart", "one": spared[-1] / 1e6, "tied": tied / 1e6, "share": 100 * spared[-1] / apart})  # fmt: skip
    yield table("millions of numbers", rows, model="model", does="its tables", one="words * C", tied="all, if tied :5", share="spared by tying [%] :2")  # fmt: skip
    yield "Tying spares words * C numbers, and improved Press and Wolf's models. The first Transformer has one table for source, target and logits. Many small models of today tie (Llama 3.2 1B). Many large ones keep two."
    yield Said("The gradient of a shared matrix is the mean of its uses.", "false", "It is their sum.")
    yield Said("Backpropagation trains the model.", "too strong", "It gives gradients; the optimizer moves weights.")  # fmt: skip
    yield exactly("spared", "GPT-2 small: numbers spared by tying", 50257 * 768, spared[0])
    yield Source("Press and Wolf", 2017, "Using the Output Embedding to Improve Language Models")
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.4")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Weights are learned by lowering cross-entropy, the mean -log of the chance of the right next token. The gradient starts as p - onehot at the logits and goes back through every layer by the chain rule; what was used twice gets the sum. An optimizer, usually Adam with a warm-up, then moves all weights. I check a backward against differences, tensor by tensor."
    yield "Tied embeddings: logits = X E^T with the E that looks tokens up. It spares words * C numbers and often helps; the original scales the input by sqrt(C). E gets two gradients, and they are added."
    yield Source("Rumelhart et al.", 1986, "Learning representations by back-propagating errors")
    yield Try("tfx quiz training-backprop")
