"""The training recipe: of 2017 and of today, what each ingredient is for, and what happens without it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import label_smoothing
from tfx.lab.training.clipping import cosine
from tfx.lab.training.recipe import (
    LAYERS, NO_NORM, NO_SKIP, NO_WARMUP, PRE, RATE, RECIPES, SYMBOLS, WHOLE, Judged, learnt,
)  # fmt: skip
from tfx.models import DeepSupervision, Encoder
from tfx.ops.losses.focal_loss import focal_loss_backward, focal_loss_forward
from tfx.optim import Adam, global_norm
from tfx.schedule import noam
from tfx.train.auxiliary import deep_supervision_loss
from tfx.train.losses import LabelledBatch, labelling_loss

#: Of the first Transformer.
WIDTH, WARM = 512, 4000
#: Bytes of a parameter in mixed precision: weight and gradient of two, then copy, mean and square of four each.
BYTES = {"weight": 2, "gradient": 2, "copy": 4, "mean": 4, "square": 4}
SURE = (0.1, 0.9, 0.99)


@dataclass(frozen=True)
class Settings:
    gamma: float = setting(2.0, 0.5, 5.0, "exponent of the focal loss")
    billions: float = setting(7.0, 0.1, 1000.0, "parameters of the model whose memory is counted, in billions")


class Run:
    def __init__(self, request: Request) -> None:
        self.gamma, self.billions, self.seed = request.settings.gamma, request.settings.billions, request.seed

    @cached_property
    def cooked(self) -> dict[str, Judged]:
        with blas_threads(1):
            return {recipe: learnt(recipe, (self.seed, 0)) for recipe in RECIPES}


lesson = Lesson(Run, Settings)


@lesson.step("Two recipes, side by side")
def two_recipes(run: Run) -> Iterator[Shown]:
    peak = noam(WARM, WIDTH, WARM)
    yield table("2017: the base model. Today: Llama 2, as published in 2023", [{"part": part, "then": then, "now": now} for part, then, now in PARTS], part="part", then="2017", now="today")  # fmt: skip
    yield question(f"The peak of the rate of 2017, 1 / sqrt(C * {WARM}) with C = {WIDTH}, times 1000?", 1000 * peak, f"1 / sqrt({WIDTH} * {WARM}) = {peak:.5f}.")  # fmt: skip
    yield "What went is what holds back a model that sees its data many times."
    yield within("peak", "peak of the schedule of 2017", 1 / math.sqrt(WIDTH * WARM), peak, 1e-9)
    yield at_least("highest", "... above the rates half and twice as far", max(noam(WARM // 2, WIDTH, WARM), noam(2 * WARM, WIDTH, WARM)), peak)  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "sections 5.3 and 5.4")
    yield Source("Touvron et al.", 2023, "Llama 2", "section 2.2")


PARTS = (("optimizer", "Adam, b2 0.98", "AdamW, b2 0.95"), ("rate", "warm-up, 1 / sqrt(step)", "warm-up, cosine to a tenth"), ("norm", "LayerNorm behind", "RMSNorm in front"), ("dropout", "0.1", "none named"), ("smoothing", "0.1", "none named"), ("weight decay", "none named", "0.1"), ("clipping", "none named", "norm 1"))  # fmt: skip


@lesson.step("What each ingredient is for")
def what_for(run: Run) -> Iterator[Shown]:
    yield "Know of each the failure that it prevents."
    yield table("ingredient and failure", [{"what": what, "prevents": prevents} for what, prevents in FAILURES], what="ingredient", prevents="without it")  # fmt: skip
    yield "Four groups: optimizer and schedule, stability, regularisers, memory and scale. Before them stands transfer learning: start from a trained model."
    yield See("training-stability", "what_goes_wrong")


FAILURES = (("skip paths", "gradients do not reach the first blocks"), ("norms", "sizes drift with depth"), ("Adam, AdamW", "one rate for numbers of all sizes"), ("warm-up", "post-LN is thrown away at the start"), ("falling rate", "noise of the batches stays"), ("clipping", "one bad batch wrecks the weights"), ("dropout, decay, smoothing", "few data are learnt by heart"), ("accumulation", "a large batch does not fit"), ("checkpointing", "activations do not fit"), ("half precision, loss scaling", "twice the memory, slow products"))  # fmt: skip


@lesson.step("One ingredient taken away at a time")
def taken_away(run: Run) -> Iterator[Shown]:
    found = run.cooked
    rows = [{"recipe": recipe, "right": 100 * judged.right, "sure": judged.sure} for recipe, judged in found.items()]
    yield f"A post-LN encoder of {LAYERS} blocks learns to copy {SYMBOLS} symbols at rate {RATE:g}."
    yield question("Who guesses is right in how many %?", 100 / SYMBOLS, f"One of {SYMBOLS}.")  # fmt: skip
    yield table("new sequences", rows, recipe="recipe", right="copied [%] :3", sure="p of the right one :3")
    yield "Without warm-up or skip paths it hardly learns. Pre-LN needs no warm-up here, and so few blocks need no norm."
    yield at_least("whole", "all of it: copied", 0.75, found[WHOLE].right)
    yield at_most("warmup", "... without warm-up", 0.5, found[NO_WARMUP].right)
    yield at_most("skip", "... without skip paths", 0.6, found[NO_SKIP].right)
    yield at_least("pre", "pre-LN without warm-up", 0.75, found[PRE].right)
    yield at_least("norm", "without LayerNorm", 0.6, found[NO_NORM].right)
    yield learnt


@lesson.step("Memory: what a parameter costs in training")
def memory(run: Run) -> Iterator[Shown]:
    each = sum(BYTES.values())
    adam = Adam(Encoder(5, 8, n_heads=2, d_ff=16, n_layers=1, seed=run.seed))
    kept = sum(getattr(adam, name).nbytes for name in Adam.averages) / adam.parameters.value.size
    yield f"Mixed precision with AdamW: weight and gradient take {BYTES['weight']} bytes each, and in float32 stand a copy of the weight and Adam's two averages, {BYTES['copy']} bytes each. Activations come on top."  # fmt: skip
    yield question("Bytes for each parameter?", each, " + ".join(map(str, BYTES.values())) + ".", 0)
    yield f"For {run.billions:g} billion parameters that is {each * run.billions:,.0f} GB (of 10^9 bytes), before any activation: so sharding, checkpointing of activations, and accumulation in place of large batches."
    yield Said("Mixed precision computes forward in float16 and gradients in float32.", "false", "Both passes run in half precision. The copy of the weights and its update are float32.", "C235")  # fmt: skip
    yield "bfloat16 has the range of float32 and mostly needs no loss scaling; float16 does, or small gradients become 0."
    yield exactly("averages", "bytes that the library's Adam keeps of a float32 parameter", BYTES["mean"] + BYTES["square"], kept)  # fmt: skip
    yield exactly("each", "bytes of a parameter", 16, each)


@lesson.step("Auxiliary losses: a head at every depth")
def auxiliary(run: Run) -> Iterator[Shown]:
    parts = [grad_of_first(run.seed, tuple(np.eye(4)[i])) for i in range(4)]
    whole, last = grad_of_first(run.seed, HEADS), parts[-1]
    rows = [{"head": i + 1, "size": float(global_norm(part)), "cosine": cosine(part, last)} for i, part in enumerate(parts)]  # fmt: skip
    yield "The loss stands at the end of a deep stack. An auxiliary loss adds a signal on the way, such as a head on each block."
    yield formula("L = sum over blocks of weight * cross-entropy of its head")
    yield table("gradient of block 1 of 4, untrained, from each head alone", rows, head="block", size="norm :3", cosine="cosine with the last :2")  # fmt: skip
    yield "The last head's gradient arrives by the skip paths; head 1 adds another direction. Al-Rfou 2019 needed them for 64 layers, and let the lower ones fade out. The gradient of the sum is the weighted sum."
    yield agree("sum", "gradient of the weighted sum", whole, sum(w * part for w, part in zip(HEADS, parts, strict=True)))  # fmt: skip
    yield agree("alone", "weight on the last head alone, and an encoder without heads", last, grad_of_first(run.seed, None))  # fmt: skip
    yield at_most("direction", "cosine of the first head's gradient with the last's", 0.9, rows[0]["cosine"])
    yield Source("Al-Rfou et al.", 2019, "Character-Level Language Modeling with Deeper Self-Attention")


#: Weights of the heads, first block first.
HEADS = (0.1, 0.2, 0.3, 1.0)


def grad_of_first(seed: int, weights: tuple[float, ...] | None) -> np.ndarray:
    """The gradient of the first block's maps, in one batch.  weights: of the heads; None for no heads."""
    rng = np.random.default_rng(seed)
    encoder = Encoder(9, 16, n_heads=2, d_ff=32, n_layers=4, seed=seed, dtype="float64", tied=False)
    ids = rng.integers(9, size=(8, 6))
    batch = LabelledBatch(ids, ids[:, ::-1].copy(), None)
    if weights is None:
        labelling_loss()(encoder, batch, rng)
    else:
        deep_supervision_loss(weights)(DeepSupervision(encoder, rng), batch, rng)
    return np.concatenate([parameter.grad.ravel() for parameter in encoder.stack.blocks[0].parameters().values()])


@lesson.step("Focal loss: less weight for what is easy")
def focal(run: Run) -> Iterator[Shown]:
    rows = [{"p": p, "plain": pull(p, 0.0)[1], "focal": pull(p, run.gamma)[1], "ratio": pull(p, run.gamma)[0] / pull(p, 0.0)[0]} for p in SURE]  # fmt: skip
    easy = rows[1]
    yield "Where one class is rare, the many easy examples outvote it. Focal loss discounts what is right already; p is the probability of the right class."
    yield formula("focal loss = -(1 - p)^gamma ln(p)        gamma: 0 is cross-entropy")
    yield question(f"p = 0.9, gamma = {run.gamma:g}. By what is its loss multiplied?", 0.1**run.gamma, f"(1 - 0.9)^{run.gamma:g}.")  # fmt: skip
    yield table(f"gradient of the right score, and loss of cross-entropy's, gamma = {run.gamma:g}", rows, p="p :2", plain="plain :3", focal="focal :3", ratio="loss :3")  # fmt: skip
    yield Said("Focal loss is for large vocabularies.", "false", "It was made to find objects in pictures, rare before much background. Language models use cross-entropy.")  # fmt: skip
    yield agree("discount", "loss at p = 0.9, of cross-entropy's", easy["ratio"], 0.1**run.gamma)
    yield agree("plain", "gamma = 0: gradient p - 1", [row["plain"] for row in rows], [p - 1 for p in SURE])
    yield Source("Lin et al.", 2017, "Focal Loss for Dense Object Detection", "equation 4")


def pull(p: float, gamma: float) -> tuple[float, float]:
    """Loss, and gradient of the right score, where the right one of two classes has p."""
    loss, cache = focal_loss_forward(np.array([[math.log(p / (1 - p)), 0.0]]), np.array([0]), gamma)
    return float(loss), float(focal_loss_backward(1.0, cache)[0, 0])


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    floor = label_smoothing.lowest_loss(0.1, 10)
    yield "Optimizer and schedule: AdamW, warm-up, then a falling rate. Stability: skip paths, norms in front, clipping at norm 1, scaled first weights, loss scaling in float16. Against over-fitting: dropout, decoupled weight decay, label smoothing, stochastic depth. Memory and scale: accumulation, checkpointing, mixed precision, parallelism."
    yield f"Say of each what fails without it. The recipe of 2017 was post-LN with warm-up, dropout 0.1 and smoothing 0.1 (whose loss does not go below {floor:.2f} with ten classes); today it is often pre-LN with RMSNorm, AdamW with decay 0.1, cosine, clipping, bfloat16, and little or no dropout, since text is ample."
    yield Try("tfx quiz training-recipe")
