"""Label smoothing: a target that can be reached, the best probability and the lowest loss, and padding."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.gradcheck import run_controls
from tfx.lab.training import label_smoothing as lab
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

#: Tokens of a large vocabulary; leads that are tried; shares that are compared.
WORDS, LEADS, SHARES = 50_000, (1, 4, 8, 16), (0.0, 0.05, 0.1, 0.2)
MISTAKES = ("keep-ignored", "smoothing-skips-the-target")


@dataclass(frozen=True)
class Settings:
    eps: float = setting(0.1, 0.05, 0.5, "share of the target that goes to all classes")
    classes: int = setting(10, 4, 1000, "classes, or words that may come next")


class Run:
    """Class 1 is right."""

    def __init__(self, request: Request) -> None:
        self.eps, self.classes, self.seed = request.settings.eps, request.settings.classes, request.seed
        self.every = self.eps / self.classes
        self.right = 1 - self.eps + self.every
        self.target = np.full(self.classes, self.every)
        self.target[0] = self.right
        self.lead = math.log(self.right / self.every)

    def loss(self, lead: float, eps: float) -> float:
        """Of one token whose right logit is `lead` above the others, which are equal."""
        return float(cross_entropy_forward(lead * np.eye(1, self.classes), np.array([0]), eps)[0])

    @cached_property
    def taught(self) -> dict[str, tuple[float, float, float, float]]:
        with blas_threads(1):
            return {name: lab.trained(lab.Settings(), eps, (self.seed, 0)) for name, eps in (("none", 0.0), ("some", self.eps))}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("A target that is never reached")
def never_reached(run: Run) -> Iterator[Shown]:
    rows = [{"lead": lead, "hard": run.loss(lead, 0.0), "soft": run.loss(lead, run.eps)} for lead in LEADS]
    yield "Cross-entropy asks for probability 1 for the right class. Softmax gives 1 to nobody: a larger lead of the right score is worth a little more each time. Where a model can learn its examples by heart the scores grow for as long as training lasts, and it becomes surer than new data allow."
    yield table(f"loss in nats, {run.classes} classes, the wrong scores equal", rows, lead="lead of the right score", hard="usual target :3", soft=f"smoothed by {run.eps:g} :3")  # fmt: skip
    yield "With the usual target (one class 1, the others 0) each row is better than the one before. The smoothed target, explained next, punishes a lead that is too large: its loss falls, then grows."
    yield at_most("hard", "usual target: loss at the largest lead", 1e-3, rows[-1]["hard"])
    yield at_least("soft", "smoothed: what the largest lead costs above the best, nats", 0.1, rows[-1]["soft"] - run.loss(run.lead, run.eps))  # fmt: skip
    yield cross_entropy_forward


@lesson.step("The smoothed target")
def the_target(run: Run) -> Iterator[Shown]:
    logits = np.random.default_rng(run.seed).standard_normal((1, run.classes))
    _, cache = cross_entropy_forward(logits, np.array([0]), run.eps)
    told = softmax_forward(logits)[0] - cross_entropy_backward(1.0, cache)
    yield "Take the share eps away from the right class, and deal it out evenly to all classes, the right one among them."
    yield formula("target = (1 - eps) onehot(right) + eps / K", "K: classes")
    yield question(f"eps = {run.eps:g}, K = {run.classes}. The target of the right class?", run.right, f"{1 - run.eps:g} stay, and eps / K = {run.every:.4g} comes back.", 0.002)  # fmt: skip
    yield matrix("the targets of four classes, class 1 is right", np.stack([np.eye(4)[0], run.target[:4]]), "target, class", ("usual", "smoothed"))  # fmt: skip
    yield f"All {run.classes} sum to 1. Some code deals eps out to the K - 1 wrong classes alone, and the right one keeps {1 - run.eps:g}; the paper, PyTorch and this library deal it to all."
    yield agree("target", "prediction minus the library's gradient: the target", told[0], run.target)
    yield agree("sum", "sum of the targets", run.target.sum(), 1.0)
    yield Source("Szegedy et al.", 2016, "Rethinking the Inception Architecture", "section 7")


@lesson.step("The best probability, and the best lead")
def best(run: Run) -> Iterator[Shown]:
    logits = np.log(run.target)[None]
    gradient = cross_entropy_backward(1.0, cross_entropy_forward(logits, np.array([0]), run.eps)[1])
    found = lab.best_lead(run.eps, run.classes)
    yield "The gradient for the scores is prediction minus target, as ever. It is 0 where the prediction is the target: the best probability is not 1 any more, and the best lead is a number."
    yield formula("gradient of the scores = prediction - target")
    yield formula("best lead = log((1 - eps + eps / K) / (eps / K))")
    yield question(f"eps = {run.eps:g}, K = {run.classes}: the best lead, in nats?", run.lead, f"ln({run.right:.4g} / {run.every:.4g}).")  # fmt: skip
    yield f"The library's gradient changes its sign at a lead of {found:.3f}. There the right class has p = {run.right:.4g} and each other {run.every:.4g}: sure enough to be right, with scores that stay finite."
    yield agree("lead", "lead at which the gradient changes its sign", found, run.lead, to=1e-7)
    yield agree("still", "gradient where the prediction is the target", gradient)


@lesson.step("The lowest loss is not 0")
def lowest(run: Run) -> Iterator[Shown]:
    rows = [{"eps": eps, "right": 1 - eps + eps / run.classes, "floor": lab.lowest_loss(eps, run.classes), "many": lab.lowest_loss(eps, WORDS)} for eps in SHARES]  # fmt: skip
    others = run.classes - 1
    yield "A perfect prediction still pays -ln(target), weighed by the target: its entropy."
    yield formula("lowest loss = - sum over classes of target * log(target)")
    yield f"By hand: {run.right:.4g} * {-math.log(run.right):.4f} for the right class, {others} * {run.every:.4g} * {-math.log(run.every):.4f} for the others."
    yield question("The lowest loss, in nats?", lab.lowest_loss(run.eps, run.classes), f"{-run.right * math.log(run.right):.4f} + {-others * run.every * math.log(run.every):.4f}.")  # fmt: skip
    yield table(f"the lowest loss in nats, {run.classes} classes and {WORDS:,}", rows, eps="eps", right="best p :4", floor="lowest :4", many=f"of {WORDS:,} :4")  # fmt: skip
    yield "So do not wait for 0, and do not compare a smoothed loss with a plain one."
    yield agree("floor", "the library's loss at the best lead", run.loss(run.lead, run.eps), lab.lowest_loss(run.eps, run.classes))  # fmt: skip
    yield at_least("above", "... what a lead 1 nat larger costs more", 1e-4, run.loss(run.lead + 1, run.eps) - run.loss(run.lead, run.eps))  # fmt: skip


@lesson.step("Padding: tokens that do not count")
def padding(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    logits, targets, keep = rng.standard_normal((3, run.classes)), np.array([0, 1, 0]), np.array([True, True, False])
    each, _ = cross_entropy_forward(logits, targets, run.eps, reduction="none")
    loss, cache = cross_entropy_forward(logits, targets, run.eps, keep)
    plain, _ = cross_entropy_forward(logits, targets, keep=keep)
    gradient = cross_entropy_backward(1.0, cache)
    spread = -run.every * np.log(softmax_forward(logits[2])[0]).sum()
    rows = [{"what": "padding left out", "loss": loss}, {"what": "divided by 3 for 2", "loss": loss * 2 / 3}, {"what": "padding counted", "loss": each.mean()}, {"what": "its eps / K counted", "loss": loss + spread / 2}]  # fmt: skip
    caught = [ran for ran in run_controls(["cross_entropy"]) if ran.control.name in MISTAKES]
    yield f"Sentences of a batch are padded to one length, and padding has no right answer. Three tokens, the third is padding; their losses: {each[0]:.3f}, {each[1]:.3f} and, of a made-up target, {each[2]:.3f}."
    yield question("The loss of this batch?", loss, "The mean of the two that count.")
    yield table(f"smoothed by {run.eps:g}; without smoothing the loss is {plain:.3f}", rows, what="how", loss="loss :4")
    yield "The last row is a real trap. Who computes the two parts of the loss apart, that of the right class and eps / K for all, has to leave padding out of both."
    yield agree("kept", "loss of the batch, and of its first two tokens alone", loss, cross_entropy_forward(logits[:2], targets[:2], run.eps)[0])  # fmt: skip
    yield agree("silent", "gradient for the scores of the padding", gradient[2])
    yield exactly("caught", "of these two mistakes, caught: padding ignored, eps dealt to K - 1", len(MISTAKES), sum(ran.caught for ran in caught))  # fmt: skip
    yield Try("tfx gradcheck cross_entropy")


@lesson.step("What it does to a model")
def to_a_model(run: Run) -> Iterator[Shown]:
    rows = [{"eps": eps, "sure": sure, "right": right, "off": off, "lead": lead} for eps, (sure, right, off, lead) in zip((0.0, run.eps), run.taught.values(), strict=True)]  # fmt: skip
    none, some = rows
    yield "A small network learns points with labels of which 3 in 10 are wrong, and is then asked about new ones."
    yield table("10 classes, one network each, asked about new points", rows, eps="eps :2", sure="says it is right [share] :3", right="is right [share] :3", off="calibration error :2", lead="lead :2")  # fmt: skip
    yield f"Without smoothing it is surer than right by {none['sure'] - none['right']:.2f}, with eps = {run.eps:g} by {some['sure'] - some['right']:.2f}. The calibration error is the mean distance of the two, over answers that are about as sure."
    yield "Too much is too much: a model can be less sure than it is right. Which eps calibrates depends on the labels' noise."
    yield at_least("overconfident", "no smoothing: surer than right by", 0.1, none["sure"] - none["right"])
    yield at_most("less-sure", "share of the lead that smoothing leaves", 0.9, some["lead"] / none["lead"])
    yield Try("tfx experiment label-smoothing")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    hedged = math.exp(lab.lowest_loss(0.1, WORDS))
    yield Said("Label smoothing curbs overconfidence by giving the other classes a little of the target.", "true", "The best lead is finite.", "C232")  # fmt: skip
    yield Said("Label smoothing makes a model better.", "too strong", "The first Transformer had a better BLEU and a worse perplexity. Mueller and others find that a model taught with it is a worse teacher for a small one.")  # fmt: skip
    yield f"Perplexity is e to the mean loss. A model that knows each next word of {WORDS:,}, trained to the lowest smoothed loss with eps = 0.1, gives it {0.9 + 0.1 / WORDS:.3f}. Its perplexity is {1 / (0.9 + 0.1 / WORDS):.3f}, not 1, and {hedged:.2f} by the smoothed loss."
    yield "Translators and classifiers still use it. For large language models, that see most tokens once, pre-training usually goes without."
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 5.4, table 3")
    yield Source("Mueller, Kornblith and Hinton", 2019, "When Does Label Smoothing Help?")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield f"Label smoothing replaces the one-hot target by (1 - eps) onehot + eps / K. The best probability is then 1 - eps + eps / K, {run.right:.4g} for eps = {run.eps:g} and {run.classes} classes, so the best scores are finite, and the lowest loss is the entropy of the target, {lab.lowest_loss(run.eps, run.classes):.4f} nats, not 0."
    yield "It curbs overconfidence and often calibrates. It costs perplexity, and a teacher for distillation; in 2017 BLEU rose. Padding has to be left out of both parts of the loss."
    yield Try("tfx quiz label-smoothing")
