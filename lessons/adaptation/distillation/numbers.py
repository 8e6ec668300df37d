"""Numbers for the quiz on distillation: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward


@told_apart
def soft_target(rng: np.random.Generator) -> NumberCase:
    a, b = (float(x) for x in rng.choice(np.arange(1.0, 9.0), 2, replace=False))
    t = float(rng.choice([2, 3, 4]))
    z = np.array([a, b])
    answer = float(softmax_forward(z / t)[0][0])
    wrong = (
        Wrong(float(softmax_forward(z)[0][0]), "temperature forgotten", "The logits are divided by the temperature first."),
        Wrong(float(softmax_forward(z * t)[0][0]), "temperature multiplied", "A temperature above 1 makes the chances more even."),
        Wrong(1 - answer, "other class", "That is the second class."),
        Wrong(a / (a + b), "shares of the logits", "Softmax takes the exponentials."),
    )  # fmt: skip
    return NumberCase({"a": f"{a:g}", "b": f"{b:g}", "t": f"{t:g}"}, answer, wrong)


@told_apart
def scaled_loss(rng: np.random.Generator) -> NumberCase:
    t, kl, hard, label = float(rng.choice([2, 3, 4, 5])), float(rng.choice([0.02, 0.05, 0.08, 0.12])), float(rng.choice([0.1, 0.2, 0.5])), float(rng.choice([0.4, 0.9, 1.3]))  # fmt: skip
    answer = (1 - hard) * t * t * kl + hard * label
    wrong = (
        Wrong((1 - hard) * kl + hard * label, "temperature not squared back", "The soft part is multiplied by T^2."),
        Wrong((1 - hard) * t * kl + hard * label, "temperature for its square", "Gradients shrink as 1 / T^2."),
        Wrong(hard * t * t * kl + (1 - hard) * label, "weights exchanged", "The weight given is that of the labels."),
        Wrong(t * t * ((1 - hard) * kl + hard * label), "labels scaled as well", "The labels' loss is taken at temperature 1."),
    )  # fmt: skip
    return NumberCase({"t": f"{t:g}", "kl": f"{kl:g}", "hard": f"{hard:g}", "label": f"{label:g}"}, answer, wrong)


@told_apart
def pull(rng: np.random.Generator) -> NumberCase:
    """The gradient for one logit, by the library."""
    z, x = (np.round(rng.uniform(-3, 3, 2), 1) for _ in range(2))
    t = float(rng.choice([2, 4, 5]))
    _, cache = distillation_loss_forward(x, z, t)
    answer = float(distillation_loss_backward(1.0, cache)[0])
    p, q = (float(softmax_forward(v / t)[0][0]) for v in (z, x))
    wrong = (
        Wrong(t * (p - q), "teacher minus student", "The gradient is the student's chance minus the teacher's."),
        Wrong(q - p, "factor forgotten", "T^2 of the loss times 1 / T of the softmax leaves T."),
        Wrong(t * t * (q - p), "temperature of the softmax forgotten", "The softmax divides by T: one factor T goes."),
    )
    values = {"p": f"{p:.4f}", "q": f"{q:.4f}", "t": f"{t:g}"}
    return NumberCase(values, answer, wrong, 0.02)


@told_apart
def how_much_weaker(rng: np.random.Generator) -> NumberCase:
    """By which factor a gradient falls, at temperatures so high that the limit holds."""
    low, times = float(rng.choice([500, 1000])), float(rng.choice([2, 3, 4, 5, 10]))
    x, z = rng.standard_normal((2, 5))
    sizes = []
    for t in (low, low * times):
        _, cache = distillation_loss_forward(x, z, t)
        sizes.append(float(np.abs(distillation_loss_backward(1.0, cache)).max()) / t**2)
    wrong = (
        Wrong(times, "one factor of two", "The softmax gives one factor, the differences of chances the other."),
        Wrong(1.0, "temperature without effect", "That is so after the factor T^2."),
        Wrong(times**3, "one power too many", "It is the square."),
    )
    return NumberCase({"times": f"{times:g}"}, float(round(sizes[0] / sizes[1])), wrong, 0.02)
