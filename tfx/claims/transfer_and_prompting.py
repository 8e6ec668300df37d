"""Claims about tuning, prompts and retrieved text: what is learnt without weights, and what fine-tuning is worth."""

from __future__ import annotations

import functools

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.lab.position.second_order import second_order
from tfx.lab.sequences import digit_tables
from tfx.lab.training.points import Blobs, Perceptron, drawn_from, fit, judge
from tfx.measure import counting
from tfx.measure.embedding_search import nearest
from tfx.measure.verdicts import agree, at_least, at_most, exactly, within
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.linear import Linear
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.optim import Adam
from tfx.tuning.lora import LoraWeight
from tfx.tuning.prefix import PrefixedAttention

SECTION = "Transfer, prompting, scaling"

LI = "Li and Liang 2021, Prefix-Tuning"


# Tuning


@claim(
    "C285", "LoRA learns an update of low rank.", where="D0:1191", verdict="holds",
    why="B starts at zero, so nothing changes at first, to the bit; what is learnt has no more than the rank, and "
    "comes as near as any matrix of that rank.",
    experiment="lora-rank", paper="Hu et al. 2022, LoRA, section 4.1",
)  # fmt: skip
def low_rank_updates(trial: Trial) -> Evidence:
    rows = trial.rows("lora-rank", ranks=(1, 3), rows=12, columns=10, steps=300)
    yield supports(exactly("at-first", "change of the outputs before the first step", 0.0,
                           max(row["at_first"] for row in rows)))  # fmt: skip
    weight = LoraWeight(Linear(512, 512, trial.generator(1), bias=False).w, 1, trial.generator(2))
    weight.b.value[...] = 1.0
    share = (weight.a.value.size + weight.b.value.size) / weight.base.value.size
    yield supports(within("share", "numbers learnt of 512 x 512 with rank 1, as of 4096 x 4096 with rank 8", 1 / 256,
                          share, 1e-12))  # fmt: skip
    update = weight.value.astype("float64") - weight.base.value
    yield supports(exactly("rank", "rank of the update", 1, int(np.linalg.matrix_rank(update, tol=1e-3))))
    yield at_most("best", "what is left of a change, above what the best matrix of that rank leaves", 0.03,
                  max(row["left"] - row["law"] for row in rows))  # fmt: skip


@claim(
    "C286", "Prefix tuning appends learned tokens to the keys and values.", where="D1:670", verdict="does not hold",
    why="it puts them in front. Appended, they lie behind every token, where a causal mask hides them; only without a "
    "mask is the order of keys no matter.",
    paper=LI,
)  # fmt: skip
def prefix_in_front(trial: Trial) -> Evidence:
    q, k, v = trial.generator(3).standard_normal((3, 6, 8))
    more_k, more_v = trial.generator(4).standard_normal((2, 3, 8))
    plain = attention_forward(q, k, v, causal_mask(6, 6))[0]
    behind, before = with_more(q, (k, more_k), (v, more_v)), with_more(q, (more_k, k), (more_v, v))
    hidden = np.concatenate((causal_mask(6, 6), np.zeros((6, 3), bool)), axis=1)  # what comes later is not seen
    appended = attention_forward(q, np.concatenate((k, more_k)), np.concatenate((v, more_v)), hidden)[0]
    yield contradicts(at_most("appended", "what three appended keys change under a causal mask", 1e-12,
                              float(abs(appended - plain).max())))  # fmt: skip
    layer = MultiHeadAttention(8, 2, trial.generator(5), dtype="float64")
    x = trial.generator(6).standard_normal((1, 6, 8))
    prefixed, _ = PrefixedAttention(layer, 3, trial.generator(7)).forward(x, mask=causal_mask(6))
    changed = float(abs(prefixed - layer.forward(x, mask=causal_mask(6))[0]).max())
    yield at_least("in-front", "what a prefix of three changes there", 0.05, changed)
    yield agree("no-mask", "without a mask, in front and behind differ by", behind, before)


def with_more(q: np.ndarray, k: tuple[np.ndarray, ...], v: tuple[np.ndarray, ...]) -> np.ndarray:
    out: np.ndarray = attention_forward(q, np.concatenate(k), np.concatenate(v))[0]
    return out


@claim(
    "C297", "Fine-tuning is always better than training from scratch.", where="D0:1210", verdict="does not hold",
    why="not where data is ample and the first task is another one: at equal steps the fresh network is ahead. Of few "
    "examples of a task like the first, fine-tuning makes more.",
    paper="He et al. 2019, Rethinking ImageNet Pre-training",
)  # fmt: skip
def always_better(trial: Trial) -> Evidence:
    ahead = np.mean([tuned(trial.seed, n, pretrained=False, near=False, examples=5000)
                     - tuned(trial.seed, n, pretrained=True, near=False, examples=5000) for n in range(3)])  # fmt: skip
    yield contradicts(at_least("far", "new points right, scratch minus fine-tuned, ample data of another task", 0.003,
                               float(ahead)))  # fmt: skip
    near = np.mean([tuned(trial.seed, n, pretrained=True, near=True, examples=10)
                    - tuned(trial.seed, n, pretrained=False, near=True, examples=10) for n in range(3)])  # fmt: skip
    yield at_least("near", "... fine-tuned minus scratch, ten examples of a task like the first", 0.05, float(near))


def tuned(seed: int, number: int, pretrained: bool, near: bool, examples: int) -> float:
    """The share of new points of the second task that is right after 30 steps on its examples."""
    first = Blobs(5, spread=0.7, seed=(seed, number, 1))
    second = Blobs(5, spread=0.9, seed=first.seed) if near else Blobs(5, spread=0.7, seed=(seed, number, 2))
    model = Perceptron(16, 32, 5, np.random.default_rng((seed, number, 3)))
    if pretrained:
        fit(model, Adam(model), functools.partial(first.draw, 64), 150, 0.01, number)
    rng = np.random.default_rng((seed, number, 4))
    fit(model, Adam(model), drawn_from(second.draw(examples, rng)), 30, 0.01, number + 1)
    return judge(model, second.draw(2000, rng)).accuracy


# Prompts and retrieved text


@claim(
    "C287", "A model can learn from examples in its prompt without any update.", where="D0:1249 D0:1250",
    verdict="holds when",
    why="the weights are such that it does: a layer of linear attention, set so, takes one step of gradient descent on "
    "the examples. The same keys and values under a softmax give another answer.",
    experiment="in-context-regression",
    paper="von Oswald et al. 2023, Transformers Learn In-Context by Gradient Descent",
)  # fmt: skip
def from_the_prompt(trial: Trial) -> Evidence:
    one, *_, last = trial.rows("in-context-regression", layers=(1, 2, 8), tasks=250)
    yield supports(at_most("same", "answers of a layer and of a step of descent differ by at most", 1e-10,
                           one["difference"]))  # fmt: skip
    yield contradicts(at_least("softmax", "answers of softmax attention are off by, in sizes of an answer", 0.05,
                               one["smooth_off"]))  # fmt: skip
    yield at_most("learns", "error that 8 layers leave, in units of one layer's", 0.5,
                  last["attention"] / one["attention"])  # fmt: skip


@claim(
    "C295", "A longer context makes text more coherent and reasoning better, and costs more.", where="D1:725",
    verdict="holds when",
    why="the text depends on what lies that far back, and the model was trained at that length. The cost is sure; "
    "where two tokens decide, a third adds nothing.",
    experiment="length-extrapolation",
)  # fmt: skip
def longer_context(trial: Trial) -> Evidence:
    losses = losses_by_context(trial)
    yield supports(at_least("second", "nats a second token of context takes off the best loss", 0.5,
                            losses[0] - losses[1]))  # fmt: skip
    yield contradicts(within("third", "... a third one", 0.0, losses[1] - losses[2], 1e-9))
    work = [counting.total_matmul_flops(counting.attention_core(n, 64, 4)) for n in (512, 1024)]
    yield supports(exactly("cost", "work of attention with twice the context", 4.0, work[1] / work[0]))


def source(trial: Trial) -> np.ndarray:
    """(V, V, V): chances of a token after the last two, where one alone tells nothing."""
    return second_order(5, 0.9, 8, trial.generator(8)).probabilities


def losses_by_context(trial: Trial) -> list[float]:
    """Of who knows the source, in nats, with one, two and three tokens before the one to be foretold."""
    p = source(trial)
    joint = np.einsum("abc,bcd->abcd", p, p) / p.shape[0] ** 2  # a, b evenly, then c, then d
    return [conditional_entropy(joint.sum(axis=tuple(range(3 - n)))) for n in (1, 2, 3)]


def conditional_entropy(joint: np.ndarray) -> float:
    """H(last | the others), in nats."""
    given = joint / joint.sum(axis=-1, keepdims=True)
    return float(-(joint * np.log(given)).sum())


@claim(
    "C299", "Masked modelling learns from both sides of a token.", where="D0:1165 D0:1166", verdict="holds",
    why="it can, and there is something to learn: who knows the source foretells a hidden token better from both "
    "sides. Shown for the best predictors, not for a trained model.",
    paper="Devlin et al. 2019, BERT, section 3.1",
)  # fmt: skip
def both_sides(trial: Trial) -> Evidence:
    p = source(trial)
    joint = np.einsum("abm,bmc,mcd->abcdm", p, p, p) / p.shape[0] ** 2  # the hidden token last
    both, left = conditional_entropy(joint), conditional_entropy(joint.sum(axis=(2, 3)))
    yield supports(at_least("gain", "nats that the right side takes off the best loss", 0.2, left - both))
    yield within("left", "loss from the left alone, as that of the next token", losses_by_context(trial)[1], left, 1e-9)


@claim(
    "C300", "Retrieval lets a model write by text that it has fetched.", where="D1:691", verdict="holds",
    why="as a mechanism: the nearest passage is read by attention, so an answer that stands in no weight is right, and "
    "a wrong passage gives a wrong answer.",
    paper="Lewis et al. 2020, Retrieval-Augmented Generation",
)  # fmt: skip
def fetched_text(trial: Trial) -> Evidence:
    rng, n = trial.generator(9), 64
    passages = unit(rng.standard_normal((n, 32)))
    answers = rng.integers(16, size=n)
    asked = unit(passages + 0.05 * rng.standard_normal(passages.shape))
    found = nearest(asked, passages)[:, 0]
    yield supports(at_least("with", "answers right with the nearest passage", 0.95,
                            right(asked, passages, answers, found)))  # fmt: skip
    yield supports(at_most("without", "... with a passage drawn at random", 0.3,
                           right(asked, passages, answers, rng.permutation(n))))  # fmt: skip
    changed = (answers + 1) % 16
    yield exactly("changed", "answers that follow when the passages are changed", 1.0,
                  float((read(asked, passages, changed, found) == changed[found]).mean()))  # fmt: skip


def unit(x: np.ndarray) -> np.ndarray:
    length: np.ndarray = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / length


def read(asked: np.ndarray, passages: np.ndarray, answers: np.ndarray, found: np.ndarray) -> np.ndarray:
    """What attention reads in the passage of each question: its token about what was asked holds the answer."""
    filling = np.zeros_like(asked)  # the passage's other token
    keys = np.stack((passages[found], filling), axis=1) * 40  # sharp
    values = np.stack((np.eye(16)[answers[found]], np.zeros((len(asked), 16))), axis=1)
    out, _ = attention_forward(asked[:, None], keys, values)
    said: np.ndarray = out[:, 0].argmax(axis=-1)
    return said


def right(asked: np.ndarray, passages: np.ndarray, answers: np.ndarray, found: np.ndarray) -> float:
    return float((read(asked, passages, answers, found) == answers).mean())


# Patterns of digits


@claim(
    "C301", "Arithmetic is learnt from patterns of digits, given enough examples.", where="D1:714",
    verdict="holds when",
    why="all patterns have been met at the place where they are asked for: a learner of digit patterns knows nothing "
    "after few examples, and nothing of a place that its sums never had. No network is trained here.",
    paper="Lee et al. 2023, Teaching Arithmetic to Small Transformers",
)  # fmt: skip
def patterns_of_digits(trial: Trial) -> Evidence:
    yield supports(at_least("many", "new sums of two digits right after 2000 examples", 0.95, sums_right(trial, 2000)))
    yield contradicts(at_most("few", "... after 40 examples", 0.5, sums_right(trial, 40)))
    yield contradicts(at_most("longer", "... and sums of three digits, after 2000 of two", 0.05,
                              sums_right(trial, 2000, asked_digits=3)))  # fmt: skip


def sums_right(trial: Trial, examples: int, asked_digits: int = 2) -> float:
    """The share of held-out sums that is right at every digit, by a table of place, digits and carry."""
    return digit_tables.sums_right(trial.generator(10, examples), examples, asked_digits)
