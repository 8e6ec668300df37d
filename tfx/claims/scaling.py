"""Claims about size: power laws, compute and data, width and depth, and what large models keep by heart."""

from __future__ import annotations

import functools

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.lab.scale.chinchilla import BESIROGLU, HOFFMANN, optimum, training_operations
from tfx.lab.scale.folding import folded, one_layer, pieces
from tfx.lab.scale.rare_facts import error_of_memory
from tfx.lab.training.points import Blobs, Perceptron, fit, judge
from tfx.measure.counting_array import counting_in
from tfx.measure.power_laws import fit_power_law
from tfx.measure.verdicts import at_least, at_most, exactly, within
from tfx.models import DecoderOnly
from tfx.optim import Adam, AdamW
from tfx.schedule import constant
from tfx.train import next_token_loss, train

SECTION = "Transfer, prompting, scaling"


@claim(
    "C289", "Loss follows a smooth power law.", where="D3:206", verdict="holds when",
    why="over the range in which there is something left to learn: in a world of rare facts the error of a memory "
    "falls as a power of its size, and faster where nearly all facts are stored.",
    experiment="rare-facts", paper="Kaplan et al. 2020; Hutter 2021, section 3",
)  # fmt: skip
def power_law(trial: Trial) -> Evidence:
    slots = np.array([100, 200, 400, 800, 1600])
    errors = error_of_memory(slots, 100_000, 0.5)
    law = fit_power_law(slots.tolist(), errors.tolist())
    logs = np.log(errors)
    left = logs - np.log(law.coefficient * slots**law.exponent)
    explained = 1 - float((left * left).sum()) / float(((logs - logs.mean()) ** 2).sum())
    yield supports(at_least("straight", "share of the scatter of log error that a line explains", 0.99, explained))
    yield within("exponent", "exponent of the error over memory", -0.5, law.exponent, 0.08)
    far = 90_000
    ratio = error_of_memory(np.array([far]), 100_000, 0.5)[0] / (law.coefficient * far**law.exponent)
    yield contradicts(at_most("end", "error with nine tenths of the facts, in units of the law", 0.5, float(ratio)))


@claim(
    "C290", "The best number of tokens grows in proportion to the parameters.", where="D3:207", verdict="holds when",
    why="both exponents of the fitted loss are nearly equal, as in the fit of 2024: about 20 tokens for each "
    "parameter. With the constants printed in 2022 the ratio is larger and grows with the budget.",
    experiment="compute-split",
    paper="Hoffmann et al. 2022, Training Compute-Optimal Large Language Models; Besiroglu et al. 2024",
)  # fmt: skip
def in_proportion(trial: Trial) -> Evidence:
    small, large = 1e21, 5.76e23
    fitted = [optimum(budget, BESIROGLU).tokens_per_parameter for budget in (small, large)]
    yield supports(within("twenty", "tokens for each parameter at the budget of Chinchilla", 20.0, fitted[1], 3.0))
    yield supports(within("growth", "... in units of that at a budget 576 times smaller", 1.0, fitted[1] / fitted[0],
                          0.25))  # fmt: skip
    printed = [optimum(budget, HOFFMANN).tokens_per_parameter for budget in (small, large)]
    yield contradicts(at_least("printed", "... with the printed constants", 1.5, printed[1] / printed[0]))


@claim(
    "C291", "Training time is linear in the size of the model.", where="D0:2028", verdict="holds when",
    why="the number of tokens stays the same: then each parameter works once for each token. When the tokens grow with "
    "the parameters, time grows with their square.",
    paper="Kaplan et al. 2020, section 2.1; Hoffmann et al. 2022",
)  # fmt: skip
def linear_time(trial: Trial) -> Evidence:
    work, size = zip(*(counted(trial, layers) for layers in (2, 6)), strict=True)
    per_parameter = (work[1] - work[0]) / (size[1] - size[0])
    yield supports(within("each", "multiply-adds of a token for each more parameter of a deeper model", 1.0,
                          per_parameter, 0.1))  # fmt: skip
    fixed = training_operations(2e9, 1e10) / training_operations(1e9, 1e10)
    yield supports(exactly("fixed", "operations of twice the parameters, for as many tokens", 2.0, fixed))
    best = training_operations(2e9, 20 * 2e9) / training_operations(1e9, 20 * 1e9)
    yield contradicts(exactly("proportion", "... for twenty tokens for each parameter", 4.0, best))


def counted(trial: Trial, layers: int) -> tuple[float, int]:
    """Multiply-adds of a token in a forward, and the parameters."""
    model = DecoderOnly(11, 32, 2, 128, layers, seed=trial.seed, dtype="float64")
    ids = trial.generator(1).integers(11, size=(1, 4))
    with counting_in(model) as count:
        model.forward(ids)
    return count.multiply_adds / ids.size, model.n_parameters


@claim(
    "C292", "Larger models generalise better.", where="D1:655 D0:176", verdict="holds when",
    why="there is data, and the size is what is short: from 2 to 4 to 32 hidden units more new points are right. Where "
    "labels are drawn at random, no size helps.",
    paper="Kaplan et al. 2020, section 3",
)  # fmt: skip
def larger_is_better(trial: Trial) -> Evidence:
    two, four, many = (new_right(trial.seed, hidden, 0.0) for hidden in (2, 4, 32))
    yield supports(at_least("four", "new points right that 4 hidden units add to 2, as a share", 0.03, four - two))
    yield supports(at_least("many", "... that 32 add to 4", 0.03, many - four))
    gained = new_right(trial.seed, 32, 0.9) - new_right(trial.seed, 2, 0.9)
    yield contradicts(at_most("random", "... that 32 add to 2 where labels are random", 0.05, gained))


def new_right(seed: int, hidden: int, noise: float) -> float:
    """The mean of three networks.  noise 0.9: each of ten classes is as likely as the others."""
    marks = []
    for n in range(3):
        blobs, rng = Blobs(spread=1.0, noise=noise, seed=(seed, n)), np.random.default_rng((seed, n, 1))
        model = Perceptron(16, hidden, 10, rng)
        fit(model, Adam(model), functools.partial(blobs.draw, 64), 120, 0.02, n)
        marks.append(judge(model, blobs.draw(1000, rng)).accuracy)
    return float(np.mean(marks))


@claim(
    "C294", "Language models generalise by abstraction and do not memorise.", where="D1:724", verdict="does not hold",
    why="they do both: what has no rule can only be kept by heart, and a small model keeps random strings so.",
    paper="Zhang et al. 2017, Understanding Deep Learning Requires Rethinking Generalization",
)  # fmt: skip
def by_heart(trial: Trial) -> Evidence:
    known, new = by_heart_and_new(trial, 16)
    yield contradicts(at_least("by-heart", "tokens right of 16 random strings that it has learnt", 0.9, known))
    yield within("new", "... of new ones, where chance is 1/8", 1 / 8, new, 0.05)


def by_heart_and_new(trial: Trial, n: int) -> tuple[float, float]:
    strings, new = trial.generator(2).integers(8, size=(n, 9)), trial.generator(3).integers(8, size=(400, 9))
    model = DecoderOnly(8, 32, 2, 64, 1, seed=trial.seed, activation="relu", positions="learned", tied=False)
    rate = functools.partial(constant, learning_rate=0.01)
    for _ in train(model, lambda rng: strings, next_token_loss(), AdamW(model), rate, 80):
        pass

    def right(ids: np.ndarray) -> float:
        """From the third token on: what comes first cannot be known."""
        return float((model.forward(ids[:, :-1])[0].argmax(axis=-1) == ids[:, 1:])[:, 1:].mean())

    return right(strings), right(new)


@claim(
    "C296", "Width gives patterns side by side, depth gives hierarchy.", where="D1:643", verdict="holds when",
    why="units are few: ten of them, two in each of five layers, fold a line into 32 pieces, ten side by side into at "
    "most 11. With 32 side by side one layer gives the same function.",
    experiment="width-vs-depth",
    paper="Telgarsky 2016, Benefits of Depth in Neural Networks; Montufar et al. 2014",
)  # fmt: skip
def width_and_depth(trial: Trial) -> Evidence:
    x = np.linspace(0, 1, 4097)
    deep = x
    for _ in range(5):
        deep = folded(deep)
    yield supports(exactly("deep", "straight pieces of ten units, two in each of five layers", 32, pieces(deep)))
    wide = max(pieces(one_layer(x, *draw)) for draw in drawn_layers(trial, 100, 10))
    yield supports(at_most("wide", "... of ten units in one layer, the most of 100 drawn", 11, wide))
    slopes = 32.0 * (-1.0) ** np.arange(32)
    turns = np.diff(slopes, prepend=0.0)
    same = one_layer(x, np.ones(32), -np.arange(32) / 32, turns)
    yield contradicts(at_most("enough", "32 units in one layer and the deep network differ by", 1e-9,
                              float(abs(same - deep).max())))  # fmt: skip


def drawn_layers(trial: Trial, n: int, units: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    draws = trial.generator(4).standard_normal((n, 3, units))
    return [(w, -w * b, out) for w, b, out in draws]
