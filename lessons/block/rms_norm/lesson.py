"""RMSNorm: LayerNorm without the mean."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.operation import Operation
from lessons.writing import (
    Check, Lesson, Request, Said, Shown, Source, Try, agree, by_hand, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.measure.verdicts import largest
from tfx.ops.norms.layer_norm import layer_norm_forward
from tfx.ops.norms.power_norm import power_norm_forward
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward
from tfx.ops.norms.scale_norm import scale_norm_forward


@dataclass(frozen=True)
class Settings:
    width: int = setting(6, 2, 64, "coordinates of a token")
    shift: float = setting(3.0, -1e6, 1e6, "what is added to every coordinate")


class Run:
    """x: (3, C), three tokens.  gamma: (C,), their gain."""

    def __init__(self, request: Request) -> None:
        self.x = np.random.default_rng(request.seed).standard_normal((3, request.settings.width))
        self.gamma, self.shift = np.ones(request.settings.width), request.settings.shift


lesson = Lesson(Run, Settings)
rms_norm = Operation("rms_norm", rms_norm_forward, rms_norm_backward, lambda run: {"x": run.x, "gamma": run.gamma})

lesson.step("One number for a token: its root mean square", rms_norm.idea)


@lesson.step("By hand")
def one_token(run: Run) -> Iterator[Shown]:
    x, (y, _) = run.x[0], rms_norm_forward(run.x, eps=0.0)
    rms, squares = float(np.sqrt((x * x).mean())), f"The squares of {x.size} coordinates sum to {(x * x).sum():.3f}."
    yield question(f"{squares} What is the root of their mean?", rms, "Divide by the width, then take the root.")  # fmt: skip
    yield matrix("one token", np.stack([x, y[0]]), "row, coordinate", ("x", "y"))
    yield f"Gain 1, eps 0: mean square = ({by_hand(x, x)}) / {x.size} = {rms**2:.3f}; every coordinate is divided by its root, {rms:.3f}."
    yield agree("unit", "the mean square of every row of y is 1", (y * y).mean(axis=-1), 1.0)


@lesson.step("What is given up: the mean")
def the_mean(run: Run) -> Iterator[Shown]:
    norms = {"LayerNorm": lambda x: layer_norm_forward(x)[0], "RMSNorm": lambda x: rms_norm_forward(x)[0]}
    moved = {name: float(np.abs(norm(run.x + run.shift) - norm(run.x)).max()) for name, norm in norms.items()}
    rows = [{"norm": name, "moved": moved[name], "mean": float(norm(run.x)[0].mean())} for name, norm in norms.items()]
    title = f"{run.shift:g} is added to every coordinate"
    yield table(title, rows, norm="norm", moved="output moves by :3", mean="mean of an output :3")
    yield "LayerNorm takes the mean away first, so no shift moves it. RMSNorm is moved; in return it has one statistic less to compute."
    yield agree("blind", "LayerNorm does not see the shift", moved["LayerNorm"], to=1e-6)
    truth = "They are equal on tokens whose coordinates have mean 0, given the same gain and eps, and no offset."
    yield Said("RMSNorm is LayerNorm.", "true with conditions", truth)
    centred = run.x - run.x.mean(axis=-1, keepdims=True)
    yield agree("centred", "on centred tokens both give the same", norms["RMSNorm"](centred), norms["LayerNorm"](centred))  # fmt: skip
    yield Try.here(shift=-run.shift or 1.0)


@lesson.step("Three relatives on the same token")
def variants(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    width, other = run.x.shape[-1], np.concatenate([run.x[:1], 5 * rng.standard_normal((2, run.x.shape[-1]))])
    length, offset = np.array(np.sqrt(width)), np.zeros(width)
    norms = {
        "LayerNorm": lambda x: layer_norm_forward(x, eps=0.0)[0],
        "RMSNorm": lambda x: rms_norm_forward(x, eps=0.0)[0],
        "ScaleNorm": lambda x: scale_norm_forward(x, length, eps=0.0)[0],
        "PowerNorm": lambda x: power_norm_forward(x, run.gamma, offset, eps=0.0)[0],
    }
    y, changed = ({name: norm(x)[0] for name, norm in norms.items()} for x in (run.x, other))
    moved = {name: float(np.abs(changed[name] - y[name]).max()) for name in norms}
    yield formula("ScaleNorm: y = length x / |x|        length: one learned number for all")
    yield formula("PowerNorm: y_j = gamma_j x_j / psi_j + beta_j        psi_j: of feature j, over a batch")
    yield matrix("the first token, its first numbers", np.stack([run.x[0], *y.values()])[:, :6], "row, coordinate", ("x", *norms))  # fmt: skip
    yield f"With length sqrt({width}) ScaleNorm is RMSNorm of gain 1. psi is a root mean square over tokens (their running mean, in training): replace the others, and PowerNorm's output moves by {moved['PowerNorm']:.2f}, while the other three norms' stays."
    yield Said("PowerNorm divides by a power of your choice.", "false", "It is a batch norm without the mean; power means the mean square.")  # fmt: skip
    yield agree("relative", "with length sqrt(C) ScaleNorm is RMSNorm of gain 1", y["ScaleNorm"], y["RMSNorm"])
    yield Check("others", "of the four only PowerNorm looks at other tokens", "0, 0, 0, above 0", ", ".join(f"{m:.2g}" for m in moved.values()), 1e-12, bool(largest(list(moved.values())[:3]) <= 1e-12 < moved["PowerNorm"]))  # fmt: skip
    yield Source("Shen et al.", 2020, "PowerNorm", "section 4")


lesson.step("Shapes", rms_norm.shapes)
lesson.step("The way back", rms_norm.derivation)
lesson.step("Is it true?", rms_norm.proof)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "RMSNorm divides a token by the root mean square of its coordinates and multiplies by a learned gain. No mean, no offset: one statistic less than LayerNorm, and half the parameters."
    yield "T5, LLaMA and many later models use it. ScaleNorm (Nguyen and Salazar 2019) has one length for all coordinates in place of the gain. PowerNorm is another thing: it takes its mean squares over a batch."
    yield Try("tfx quiz rms-norm")
