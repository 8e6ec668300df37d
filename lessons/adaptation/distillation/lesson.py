"""Distillation: a small model learns a large one's probabilities; temperature, its square, what helps and what does not."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, formula, proof, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training.taught_points import STUDENT, TEACHER, Taught, taught
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward

CLASSES, TEMPERATURES, HOT = ("cat", "dog", "car"), (1, 2, 4, 8), 1e4
STEPS, MANY = 120, 4000


@dataclass(frozen=True)
class Settings:
    temperature: float = setting(2.0, 1.5, 5.0, "of the soft targets")
    points: int = setting(200, 100, 400, "examples that the students learn from")
    noise: float = setting(0.3, 0.2, 0.4, "share of labels that are wrong")


class Run:
    """z: the teacher's logits for a picture of a cat; x: the student's.  found: students of few and of many points."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        rng = np.random.default_rng(request.seed)
        self.z = np.round(np.array([6.0, 4.0, 0.0]) + rng.uniform(-0.5, 0.5, 3), 1)
        self.x = np.round(rng.uniform(-1.0, 1.0, 3), 1)

    def soft(self, temperature: float) -> np.ndarray:
        return softmax_forward(self.z / temperature)[0]

    @cached_property
    def found(self) -> dict[int, Taught]:
        s = self.settings
        with blas_threads(1):
            return {n: taught(n, s.noise, s.temperature, STEPS, self.seed) for n in (s.points, MANY)}


lesson = Lesson(Run, Settings)


@lesson.step("A teacher says more than a label")
def more_than_a_label(run: Run) -> Iterator[Shown]:
    z, t = run.z, run.settings.temperature
    rows = [{"name": name, "z": z[i], "label": float(i == 0), "one": run.soft(1.0)[i], "soft": run.soft(t)[i]} for i, name in enumerate(CLASSES)]  # fmt: skip
    e = np.exp(z / t)
    yield "A large model is dear to run. Distillation trains a small one, the student, on what the large one, the teacher, thinks. A label says: cat. The teacher says how much like a dog it is, and how little like a car. To bring the small chances out, divide its logits (scores before softmax) by a temperature:"
    yield formula("soft targets = softmax(logits / temperature)")
    yield question(f"Logits {z[0]:g}, {z[1]:g}, {z[2]:g}, temperature {t:g}: the chance of cat?", run.soft(t)[0], f"{e[0]:.2f} / ({e[0]:.2f} + {e[1]:.2f} + {e[2]:.2f}).")  # fmt: skip
    yield table("one picture", rows, name="class", z="logit", label="label", one="at 1 :3", soft=f"at {t:g} :3")
    yield agree("sum", "soft targets sum to 1", run.soft(t).sum(), 1.0)
    yield at_least("ratio", "car over dog, at the temperature over at 1", 1.2, (run.soft(t)[2] / run.soft(t)[1]) / (run.soft(1.0)[2] / run.soft(1.0)[1]))  # fmt: skip
    yield Source("Hinton, Vinyals and Dean", 2015, "Distilling the Knowledge in a Neural Network", "section 2")
    yield softmax_forward


@lesson.step("The loss: both softened, and labels as well")
def the_loss(run: Run) -> Iterator[Shown]:
    t = run.settings.temperature
    p, q = run.soft(t), softmax_forward(run.x / t)[0]
    value, _ = distillation_loss_forward(run.x, run.z, t)
    kl = float((p * np.log(p / q)).sum())
    yield "The student's logits are divided by the same temperature. The loss is the KL divergence: the mean, by the teacher's chances, of ln(teacher's chance / student's), times the temperature squared. Where there are labels, their cross-entropy at temperature 1 is added with a weight:"
    yield formula("loss = (1 - weight) * temperature^2 * divergence + weight * label loss")
    yield f"Teacher ({', '.join(f'{v:.3f}' for v in p)}), student ({', '.join(f'{v:.3f}' for v in q)}): KL is {kl:.4f} nats."
    yield question("The first part of the loss, with weight 0?", t * t * kl, f"{t:g}^2 * {kl:.4f}.")
    yield "The teacher is a constant: no gradient goes to it."
    yield agree("value", "the library's loss, against T^2 sum p ln(p / q)", value, t * t * kl)
    yield proof("the distillation loss", lambda x: distillation_loss_forward(x, run.z, t), lambda dy, cache: distillation_loss_backward(dy, cache), {"x": run.x})  # fmt: skip
    yield distillation_loss_forward


@lesson.step("Why the temperature is squared")
def squared(run: Run) -> Iterator[Shown]:
    rows = []
    for t in TEMPERATURES:
        _, cache = distillation_loss_forward(run.x, run.z, float(t))
        size = float(np.linalg.norm(distillation_loss_backward(1.0, cache)))
        rows.append({"t": t, "plain": size / t**2, "squared": size})
    _, cache = distillation_loss_forward(run.x - run.x.mean(), run.z - run.z.mean(), HOT)
    limit = (run.x - run.x.mean() - run.z + run.z.mean()) / 3
    yield "Softer targets pull less. The gradient is (student's chance - teacher's) / temperature, and the differences shrink as well: it falls with the square. The factor makes up for it: the labels' weight means the same at each temperature."
    yield table("size of the student's gradient", rows, t="temperature", plain="KL alone :3", squared="times T^2 :3")
    yield question("KL alone, at high temperatures: doubled temperature divides the gradient by?", 4, "It falls as 1 / temperature^2.", 0)  # fmt: skip
    yield "At very high ones the gradient becomes (student's logit - teacher's) / classes, for logits with mean 0: regression of the logits."
    yield within("limit", f"at {HOT:g}: largest distance from that", 0.0, float(np.abs(distillation_loss_backward(1.0, cache) - limit).max()), 1e-3)  # fmt: skip
    yield at_most("falls", "KL alone: gradient at 8 over that at 4", 0.5, rows[-1]["plain"] / rows[-2]["plain"])
    yield Source("Hinton et al.", 2015, "Distilling the Knowledge", "section 2.1")


@lesson.step("The same points, taught by labels and by a teacher")
def same_points(run: Run) -> Iterator[Shown]:
    noise, found = run.settings.noise, run.found
    few, many = found.values()
    rows = [{"n": n, "labels": 100 * t.labels, "soft": 100 * t.teacher_taught, "teacher": 100 * t.teacher} for n, t in found.items()]  # fmt: skip
    yield f"A student of {STUDENT} hidden units learns points of 10 classes; {100 * noise:.0f} percent of their labels are wrong. Its teacher, with {TEACHER} units, has seen thousands of such points. Asked are new ones with clean labels:"
    yield question("Who guesses is right in how many percent?", 10, "One of 10 classes.")
    yield table("right on new points, percent", rows, n="points", labels="by labels :3", soft="by the teacher :3", teacher="(teacher) :3")  # fmt: skip
    yield f"With {run.settings.points} points the teacher is worth {100 * (few.teacher_taught - few.labels):.0f} points of a hundred, with {MANY:,} {100 * (many.teacher_taught - many.labels):.0f}: labels can be averaged, too, where there are many. A good teacher is worth most where data are few or noisy, and can label what nobody has."
    yield at_least("gain", "few points: teacher over labels", 0.05, few.teacher_taught - few.labels)
    yield at_least("shrinks", "the gain of few points over that of many", 0.03, few.teacher_taught - few.labels - many.teacher_taught + many.labels)  # fmt: skip
    yield within("below", "the student of many points, and its teacher", few.teacher, many.teacher_taught, 0.1)
    yield Try("tfx experiment distillation")


@lesson.step("In language models")
def language_models(run: Run) -> Iterator[Shown]:
    rows = [
        {"way": "token by token", "learns": "chances of each next token", "needs": "the teacher's logits"},
        {"way": "whole sequences", "learns": "texts that the teacher wrote", "needs": "its texts alone"},
        {"way": "layer by layer", "learns": "its vectors or attention, too", "needs": "its insides"},
    ]
    yield "A language model answers at each place, so each token has soft targets over the vocabulary. What can be learned depends on what the teacher lets see:"
    yield table("three ways", rows, way="distilled", learns="the student learns", needs="needs")
    yield "DistilBERT has half of BERT's layers and keeps, by its authors' count, 97 percent of its score on a set of language tasks, with 40 percent fewer parameters. Texts written by a large model, with its worked steps, are how many small ones are tuned today: distillation of sequences."
    yield "Token by token the student follows the teacher's texts, not its own; on-policy distillation asks the teacher about what the student writes."
    yield Source("Sanh et al.", 2019, "DistilBERT")
    yield Source("Kim and Rush", 2016, "Sequence-Level Knowledge Distillation", "sections 3.1 and 3.2")


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    smooth = np.array([0.9, 0.05, 0.05])
    yield Said("Distillation passes what a model knows on to a smaller one.", "true", "As far as the small one can hold it.", "C250")  # fmt: skip
    yield Said("Soft targets are just smoothed labels.", "false", f"Smoothed labels give all wrong classes the same ({smooth[1]:g} each); a teacher tells them apart.")  # fmt: skip
    yield Said("The better the teacher's accuracy, the better the student.", "too strong", "A teacher trained with label smoothing can be better and teach worse: its logits tell wrong classes less apart (Mueller et al.).")  # fmt: skip
    yield Said("A student cannot be better than its teacher.", "too strong", "Usually it is worse. With labels added, or with a teacher of its own size (born-again networks, 2018), it has been better.")  # fmt: skip
    yield at_least("apart", "soft targets: dog over car", 2.0, run.soft(run.settings.temperature)[1] / run.soft(run.settings.temperature)[2])  # fmt: skip
    yield Source("Mueller et al.", 2019, "When Does Label Smoothing Help?")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Knowledge distillation trains a small student on a teacher's softened probabilities, and on labels as well where there are any. A temperature above 1, in both softmaxes, brings out how alike the classes are; the soft loss is scaled by T^2, since its gradients shrink as 1 / T^2."
    yield "It helps most where labels are few or noisy. For language models: token by token with logits, or plain training on what the teacher wrote."
    yield Try("tfx quiz distillation")
