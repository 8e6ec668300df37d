"""Mixed precision: what float16 loses, how scaling the loss saves it, what stays in float32, and bfloat16."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_most, exactly, formula, near, question, setting, table, within,
)  # fmt: skip
from tfx.lab.training.loss_scaling import UPDATE, UPDATES, to_half, updated
from tfx.nn.linear import Linear
from tfx.ops.small_numbers.bfloat16 import round_to_bfloat16
from tfx.optim import LossScale

#: What is below half of the smallest number of float16 rounds to 0; from there on it rounds to infinity.
LOST, TOO_LARGE = 2.0**-25, 65520.0
SCALES, DRAWS = (1, 64, 1024, 65536), 200_000


@dataclass(frozen=True)
class Settings:
    middle: float = setting(-6.5, -8.0, -5.0, "half of the gradients are below 10 to this")
    spread: float = setting(1.5, 0.5, 2.0, "standard deviation of their power of ten")


class Run:
    """gradients: sizes, whose power of ten is normal."""

    def __init__(self, request: Request) -> None:
        self.middle, self.spread = request.settings.middle, request.settings.spread
        self.gradients = 10 ** np.random.default_rng(request.seed).normal(self.middle, self.spread, DRAWS)

    def below(self, size: float) -> float:
        """The share of such gradients below that size, by the normal distribution."""
        return 0.5 * (1 + math.erf((math.log10(size) - self.middle) / self.spread / math.sqrt(2)))


lesson = Lesson(Run, Settings)


@lesson.step("Half the bytes: two formats of 16 bits")
def formats(run: Run) -> Iterator[Shown]:
    half, whole = np.finfo(np.float16), np.finfo(np.float32)
    rows = [
        {"name": "float32", "bits": "8 + 23", "step": float(whole.eps), "small": float(whole.tiny), "large": float(whole.max)},
        {"name": "float16", "bits": "5 + 10", "step": float(half.eps), "small": float(half.tiny), "large": float(half.max)},
        {"name": "bfloat16", "bits": "8 + 7", "step": 2.0**-7, "small": float(whole.tiny), "large": (2 - 2.0**-7) * 2.0**127},
    ]  # fmt: skip
    above = round_to_bfloat16(np.array([1 + 2.0**-7, 1 + 2.0**-9], "float32"))
    yield "Numbers of 16 bits take half the memory, and cards multiply them several times as fast. Besides a sign they have bits for the exponent, which is the range, and for the digits behind the point."
    yield question("bfloat16 has 7 bits behind the point. The number after 1 is 1 + ?", 2.0**-7, "2^-7.")
    yield table("exponent + digits; the step is from 1 to the next number", rows, name="format", bits="bits", step="step :3", small="smallest normal :3", large="largest :3")  # fmt: skip
    yield f"float16 has the finer step and ends at {half.max:,.0f}; bfloat16 has the range of float32 and two to three digits."
    yield exactly("next", "bfloat16 of 1 + 2^-7, and of 1 + 2^-9", f"{1 + 2.0**-7:g}, 1", f"{above[0]:g}, {above[1]:g}")
    yield exactly("tiny", "2^-25 in float16, and a little more", "0, 2^-24", f"{to_half(np.array(LOST)):g}, {'2^-24' if to_half(np.array(1.001 * LOST)) == 2.0**-24 else 'other'}")  # fmt: skip
    yield round_to_bfloat16


@lesson.step("Small gradients become 0")
def become_zero(run: Run) -> Iterator[Shown]:
    rows = []
    for scale in SCALES:
        half = to_half(run.gradients * scale)
        zero, over = float((half == 0).mean()), float(np.isinf(half).mean())
        rows.append({"scale": scale, "zero": 100 * zero, "law": 100 * run.below(LOST / scale), "over": 100 * over})
    yield f"Gradients are small and spread over many powers of ten. Say the power is normal, with mean {run.middle:g} and standard deviation {run.spread:g}."
    yield formula("float16 makes 0 of what is below 2^-25")
    yield question("2^-25 is 10^-7.53. How many standard deviations from the mean?", (math.log10(LOST) - run.middle) / run.spread, f"(-7.53 + {-run.middle:g}) / {run.spread:g}.")  # fmt: skip
    yield table(f"{DRAWS:,} gradients times a scale, in float16, shares in %", rows, scale="scale", zero="become 0 :3", law="by the normal law :3", over="overflow :2")  # fmt: skip
    yield f"Unscaled {rows[0]['zero']:.1f}% are lost, times 1024 {rows[2]['zero']:.2f}%: there was room above."
    for scale, row in zip(SCALES[::2], rows[::2], strict=True):
        share = row["law"] / 100
        yield near(f"zero-{scale}", f"share that becomes 0 at scale {scale}", share, row["zero"] / 100, (share * (1 - share) / DRAWS) ** 0.5 + 1e-6)  # fmt: skip
    yield Try("tfx experiment loss-scaling")


@lesson.step("Scaling the loss, by hand")
def scaling(run: Run) -> Iterator[Shown]:
    g, scale = 1e-8, 16384
    bare, scaled = float(to_half(np.array(g))), float(to_half(np.array(g * scale)))
    back = scaled / scale
    rng = np.random.default_rng(0)
    layer, dy = Linear(4, 2, rng, dtype="float64"), rng.standard_normal((3, 2))
    _, cache = layer.forward(rng.standard_normal((3, 4)))
    yield "Multiply the loss by a scale. By the chain rule each gradient gets the factor; divide by it in float32, before clipping and the update."
    yield formula("gradient of (scale * L) = scale * gradient of L")
    yield table("one gradient, in float16", [{"what": "as it is", "before": g, "half": bare, "after": bare}, {"what": f"times {scale}", "before": g * scale, "half": scaled, "after": back}], what="way", before="exact :3", half="in float16 :4", after="divided again :4")  # fmt: skip
    yield question("Clipped at norm 1 before the division: at which true norm does it act?", 1 / scale, f"1 / {scale}: far too early.")  # fmt: skip
    yield "A power of two changes the exponent alone, no digit."
    yield exactly("bare", "1e-8 in float16", 0, bare)
    yield within("back", "times the scale, and divided", g, back, g * 2.0**-11)
    yield agree(
        "chain",
        "gradient of a map behind a scaled loss",
        layer.backward(scale * dy, cache) / scale,
        layer.backward(dy, cache),
    )
    yield Source("Micikevicius et al.", 2018, "Mixed Precision Training", "section 3.2")


@lesson.step("A scale that adapts")
def adapts(run: Run) -> Iterator[Shown]:
    scale, largest, seen, skipped = LossScale(2.0**15, interval=4), 20.0, [], 0
    for step in range(1, 17):
        overflow = bool(np.isinf(to_half(np.array(largest * scale.value))))
        seen.append({"step": step, "scale": int(scale.value), "what": "skipped" if overflow else "taken"})
        skipped += overflow and scale.overflowed()
        if not overflow:
            scale.succeeded()
    yield f"Too large a scale makes infinities. So an overflow skips the step and halves the scale; many good steps in a row double it. Here the largest gradient is {largest:g}, and 4 good steps double."
    yield question(f"From 65,520 on it overflows. The largest power of two that fits {largest:g}?", 2.0 ** math.floor(math.log2(TOO_LARGE / largest)), f"{TOO_LARGE:,.0f} / {largest:g} = {TOO_LARGE / largest:,.0f}.", 0)  # fmt: skip
    yield table(
        "some of the first steps", [seen[i] for i in (0, 3, 4, 7, 8)], step="step", scale="scale :6", what="the step is"
    )
    yield f"It stays just below what overflows. {skipped} of 16 steps are skipped here; with the usual 2000 good steps, hardly any."
    yield exactly("last", "the scale that holds in the end", 2048, min(row["scale"] for row in seen))
    yield at_most("skipped", "share of steps skipped", 0.5, skipped / 16)
    yield LossScale


@lesson.step("Small updates vanish, too: master weights")
def master(run: Run) -> Iterator[Shown]:
    bare, kept = (updated(UPDATES, UPDATE, copy) for copy in (False, True))
    rough = np.ones((), "float32")
    for _ in range(UPDATES):
        rough = round_to_bfloat16(rough + np.float32(UPDATE))
    yield "Near 1 the numbers of float16 are 2^-10 apart. An update below half of that is rounded away, each time."
    yield question(f"A float16 weight of 1 takes {UPDATES} updates of {UPDATE:g}. Where is it then?", bare, f"{UPDATE:g} is below 2^-11 = {2.0**-11:.2g}.", 0)  # fmt: skip
    yield table(f"a weight of 1 after {UPDATES} updates of {UPDATE:g}", [{"how": "float16", "at": bare}, {"how": "bfloat16", "at": float(rough)}, {"how": "float16 with a float32 copy", "at": kept}], how="kept in", at="is at :5")  # fmt: skip
    yield "So a float32 copy, the master weight, takes the updates, and the 16-bit weights are rounded from it after each step. bfloat16 needs it all the more: its step is 8 times as wide."
    yield exactly("half", "float16 alone", 1.0, bare)
    yield exactly("rough", "bfloat16 alone", 1.0, float(rough))
    yield within("master", "with the copy", 1 + UPDATES * UPDATE, kept, 1e-3)
    yield Source("Micikevicius et al.", 2018, "Mixed Precision Training", "section 3.1")


@lesson.step("One step, and which type stands where")
def one_step(run: Run) -> Iterator[Shown]:
    layer = Linear(4, 3, np.random.default_rng(0), dtype="float16")
    y, cache = layer.forward(np.ones((2, 4), "float16"))
    layer.backward(y, cache)
    types = {"weights, activations": layer.w.value.dtype.name, "both passes": str(y.dtype), "gradients": layer.w.grad.dtype.name}  # fmt: skip
    rows = [{"what": what, "type": name} for what, name in {**types, "sums inside, softmax, loss": "float32", "division, clipping, update": "float32"}.items()]  # fmt: skip
    yield "Forward, loss times scale, backward; divide, look for infinities, clip, update the master weights, round them to 16 bits."
    yield table("types in float16 training", rows, what="what", type="type")
    yield Said("Mixed precision computes forward in float16 and gradients in float32.", "false", "Both passes are in 16 bits, the update is in float32.", "C235")  # fmt: skip
    yield Said("Mixed precision halves the memory of training.", "too strong", "Activations halve. With AdamW the rest takes 2 + 2 + 4 + 8 = 16 bytes a parameter, as with float32 alone.")  # fmt: skip
    yield exactly("types", "types of weight, output, gradient", "float16, float16, float16", ", ".join(types.values()))


@lesson.step("bfloat16, and what came after")
def after(run: Run) -> Iterator[Shown]:
    lost = float((round_to_bfloat16(run.gradients.astype("float32")) == 0).mean())
    off = float(np.abs(round_to_bfloat16(run.gradients.astype("float32")) / run.gradients.astype("float32") - 1).max())
    yield f"bfloat16 has float32's exponent: of the gradients above it loses {lost:.0%}, so it mostly needs no loss scaling. Its digits are few."
    yield "Most large language models train in bfloat16 by now, where the hardware has it. Sums run in float32 inside the products. Formats of 8 bits (float8) are used for products by now, with a scale for each tensor or block, which is loss scaling again, taken apart."
    yield question("2^-8 is half a step at 1. How far off is a bfloat16 at most, relative, in %?", 100 * 2.0**-8, "Half of 2^-7.", 0.01)  # fmt: skip
    yield exactly("kept", "share of the gradients that bfloat16 loses", 0, lost)
    yield at_most("off", "relative error of bfloat16", 2.0**-8 * 1.001, off)
    yield Source("Kalamkar et al.", 2019, "A Study of BFLOAT16 for Deep Learning Training")
    yield Source("Micikevicius et al.", 2022, "FP8 Formats for Deep Learning")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Mixed precision runs both passes in float16 or bfloat16 and keeps float32 master weights, which take the updates. float16 has a narrow range, so small gradients become 0: multiply the loss by a scale before backward, divide in float32 before clipping and the update."
    yield "A dynamic scale is halved when a gradient overflows, with that step skipped, and doubled after many good steps. bfloat16 has the range of float32 and mostly needs no scale, but has few digits, so it needs master weights as well."
    yield Try("tfx quiz mixed-precision")
