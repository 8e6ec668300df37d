"""Heads taken out of a trained model: how much each is missed, which can go, what that saves, and how alike heads are."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.compression.head_importance import head_importance
from tfx.compression.removal import remove_heads
from tfx.data.pronouns import sentences, to_batch
from tfx.lab.attention.head_pruning import Head, TakenOut, taken_out
from tfx.measure.ablation import head_part, without
from tfx.measure.head_diversity import head_distances, head_diversity
from tfx.measure.rank_agreement import kendall_tau
from tfx.nn.attention import MultiHeadAttention
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.shipped.load import load
from tfx.train.losses import learn_targets

LAYERS, HEADS = 2, 4
ALL: list[Head] = [(layer, head) for layer in range(LAYERS) for head in range(HEADS)]


def name(head: Head) -> str:
    return f"{head[0] + 1}.{head[1] + 1}"


@dataclass(frozen=True)
class Settings:
    sentences: int = setting(30, 30, 100, "sentences that the model answers, with nouns that never met in training")


class Run:
    """model: the pronoun model of two layers with four heads each that learned from answers alone."""

    def __init__(self, request: Request) -> None:
        self.model: Any = load("plain").model
        self.asked = sentences(request.settings.sentences, request.seed, held_out=True)
        self.batch = to_batch(self.asked)

    def judged(self, *out: Head) -> tuple[float, float]:
        """Share of right answers, and the mean loss, without these heads."""
        with without(*(head_part(self.model.blocks[layer], head) for layer, head in out)), blas_threads(1):
            logits, _ = self.model.forward(self.batch.ids, self.batch.it, self.batch.lengths)
        return float((logits.argmax(axis=-1) == self.batch.answer).mean()), float(cross_entropy_forward(logits, self.batch.answer)[0])  # fmt: skip

    def right(self, *out: Head) -> float:
        return self.judged(*out)[0]

    @cached_property
    def whole(self) -> tuple[float, float]:
        return self.judged()

    @cached_property
    def alone(self) -> dict[Head, tuple[float, float]]:
        return {head: self.judged(head) for head in ALL}

    @cached_property
    def both(self) -> tuple[TakenOut, TakenOut]:
        """The least missed next, and the most missed next."""
        return taken_out(ALL, self.right, max), taken_out(ALL, self.right, min)

    @cached_property
    def weights(self) -> list[np.ndarray]:
        _, cache = self.model.forward(self.batch.ids, self.batch.it, self.batch.lengths)
        return [np.asarray(cache.attention(layer).weights) for layer in range(LAYERS)]


lesson = Lesson(Run, Settings)


@lesson.step("A head is a part that can be switched off")
def switched_off(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    attention = run.model.blocks[1].attention
    c, d = attention.output.w.shape[1], attention.output.w.shape[0] // HEADS
    x = rng.standard_normal((1, 6, c))
    whole, parts = attention.forward(x)[0], 0.0
    for head in range(HEADS):
        others = [head_part(run.model.blocks[1], other) for other in range(HEADS) if other != head]
        with without(*others):
            parts = parts + attention.forward(x)[0] - attention.output.b.value
    yield "Each head has maps and a softmax of its own, and each adds its part to the output:"
    yield formula("y = sum over heads of O_h W_O[rows of h] + b", "(T, D) x (D, C) -> (T, C)")
    yield "So a head is taken out by setting its rows of W_O to 0. Nothing else changes, and nothing is trained again. That is an ablation: what is lost without it?"
    yield f'Our model: it says which noun "it" stands for; {LAYERS} layers of {HEADS} heads, C = {c}, learned from answers alone. It answers {run.whole[0]:.0%} of {len(run.asked)} new sentences, with a loss of {run.whole[1]:.3f} nats.'
    yield question("How many numbers of W_O belong to one head here?", d * c, f"D rows of C: {d} * {c}.", 0)
    yield agree("sum", "the parts of the heads, each alone, and b: the whole output", parts + attention.output.b.value, whole)  # fmt: skip
    yield without


@lesson.step("One head less")
def one_less(run: Run) -> Iterator[Shown]:
    right, loss = run.whole
    grows = np.array([value - loss for _, value in run.alone.values()]).reshape(LAYERS, HEADS)
    most = max(run.alone, key=lambda head: run.alone[head][1])
    spared = sum(r >= right - 0.05 for r, _ in run.alone.values())
    yield "One head is taken out, then put back, and the next. How much larger is the loss without it?"
    yield question(f"Loss {loss:.3f} with all, {run.alone[most][1]:.3f} without head {name(most)}: it grows by?", run.alone[most][1] - loss, "The difference.")  # fmt: skip
    yield matrix("loss grows by, nats", grows, "layer, head")
    yield f"Head {name(most)}, head {most[1] + 1} of layer {most[0] + 1}, is missed: without it {run.alone[most][0]:.0%} is right. For {spared} heads it is at most 5% of the answers less, each alone: trained models have heads to spare."
    yield "The loss tells more than the share of right answers: it sees answers that became less sure."
    yield at_least("missed", f"loss without head {name(most)}, less that of the whole", 0.3, run.alone[most][1] - loss)
    yield at_least("spared", "heads of which each can go for 5% of the answers", LAYERS * HEADS // 2, spared)


@lesson.step("Without trying each: the gradient of a gate")
def by_gradient(run: Run) -> Iterator[Shown]:
    def loss(model: Any, one: Any, _: Any) -> Any:
        logits, cache = model.forward(one.ids, one.it, one.lengths)
        return learn_targets(model, logits, cache, one.answer)

    with blas_threads(1):
        found = head_importance(run.model, loss, [to_batch([sentence]) for sentence in run.asked])
    score = np.array([value for heads in found.values() for value in heads])
    grows = np.array([value - run.whole[1] for _, value in run.alone.values()])
    tau = kendall_tau(score, grows)
    same = round((tau + 1) / 2 * 28)
    yield "Large models have hundreds of heads. Put a factor, a gate, on each; at 1 it changes nothing. How the loss moves with it comes from one backward pass:"
    yield formula("score of a head = mean over examples of |dL / dgate|")
    yield matrix("score", score.reshape(LAYERS, HEADS), "layer, head")
    yield question(f"In {same} of 28 pairs of heads score and loss have one order. tau?", tau, f"({same} - {28 - same}) / 28.")  # fmt: skip
    yield "tau is 1 for one order, 0 for no relation. The score is a slope at 1; taking out goes to 0."
    yield exactly("pairs", "pairs of eight heads", 28, len(ALL) * (len(ALL) - 1) // 2)
    yield at_least("agrees", "tau of score and of what is lost", 0.1, tau)
    yield Source("Michel et al.", 2019, "Are Sixteen Heads Really Better than One?", "section 2.3")


@lesson.step("Prune: the least missed next")
def prune(run: Run) -> Iterator[Shown]:
    least, most = run.both
    rows = [{"out": n + 1, "head": name(least.order[n]), "left": 100 * least.left[n], "worst": 100 * most.left[n]} for n in (0, 1, 3, 5, 7)]  # fmt: skip
    half = len(ALL) // 2
    yield "Take out the head that is missed least, look again, and so on; and the other way:"
    yield table("right, percent", rows, out="heads out", head="the last", left="least missed :3", worst="most missed :3")  # fmt: skip
    yield question(f"{half} of {len(ALL)} out: by how many points do the ways differ?", 100 * (least.left[half - 1] - most.left[half - 1]), "The difference of the two columns.")  # fmt: skip
    yield "One must look again each time: a head is spared as long as another stands in for it."
    yield at_least("half", "right without half of the heads, the least missed next", 0.75, least.left[half - 1])
    yield at_least("order", "... less that of the most missed next", 0.3, least.left[half - 1] - most.left[half - 1])
    yield Try("tfx experiment head-pruning")


@lesson.step("Heads that stand in for each other")
def stand_in(run: Run) -> Iterator[Shown]:
    rows = []
    for layer in range(LAYERS):
        mates = [head for head in ALL if head[0] == layer]
        singly = sum(run.whole[0] - run.alone[head][0] for head in mates)
        rows.append({"layer": layer + 1, "singly": 100 * singly, "all": 100 * (run.whole[0] - run.right(*mates))})
    last = rows[-1]
    yield "Is a head that is not missed useless? Add up what a layer loses head by head, and take all four out at once:"
    yield table("answers lost, points", rows, layer="layer", singly="one by one, summed :3", all="all at once :3")
    yield question("Layer 2: how many points more are lost at once than one by one?", last["all"] - last["singly"], "The last row's difference.")  # fmt: skip
    yield f"In layer 2 {last['singly']:.0f} points are lost one by one, {last['all']:.0f} at once: heads stand in for each other. So a small loss alone does not prove that a head is useless."
    yield Said("Taking heads away consistently hurts.", "false", "Many single heads can go at next to no loss. All heads of a layer at once cannot.", "C063")  # fmt: skip
    yield at_least("together", "layer 2: points lost at once, less one by one", 5.0, last["all"] - last["singly"])


@lesson.step("A zero is not yet faster")
def faster(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    attention = run.model.blocks[1].attention
    keep = np.array([True, False, True, False])
    x = rng.standard_normal((2, 5, attention.output.w.shape[1]))
    with without(*(head_part(run.model.blocks[1], head) for head in (1, 3))):
        zeroed, _ = attention.forward(x)
    small = remove_heads(attention, keep)
    removed, _ = small.forward(x)
    sizes = {label: sum(p.value.size for p in layer.parameters().values()) for label, layer in (("4 heads", attention), ("2 zeroed", attention), ("2 removed", small))}  # fmt: skip
    yield "Rows set to 0 are still stored and multiplied. Time and memory are saved only when the head is cut out: its columns of W_Q, W_K, W_V and its rows of W_O."
    yield table("one attention layer", [{"what": label, "n": n} for label, n in sizes.items()], what="", n="parameters")
    yield question("How many parameters does one head have, its share of the four maps, without offsets?", 4 * x.shape[-1] * (x.shape[-1] // HEADS), f"4 * C * D = 4 * {x.shape[-1]} * {x.shape[-1] // HEADS}.", 0)  # fmt: skip
    yield "The output is the same. But layers then have different sizes, and a whole model gets little faster: feed-forward networks hold most of its work. Decoding gains more, as keys and values of the head need not be stored."
    yield agree("same", "output with heads zeroed, and removed", removed, zeroed)
    yield at_most("smaller", "parameters, removed over zeroed", 0.55, sizes["2 removed"] / sizes["2 zeroed"])
    yield remove_heads


@lesson.step("How alike are heads?")
def alike(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    distances = [head_distances(weights) for weights in run.weights]
    layer = MultiHeadAttention(8, 2, rng, dtype="float64")
    for part in (layer.query, layer.key, layer.value):
        for parameter in part.parameters().values():
            parameter.value[..., 4:] = parameter.value[..., :4]  # the second head is the first once more
    one = MultiHeadAttention(8, 2, rng, dtype="float64")
    for to, of in zip(one.parameters().values(), layer.parameters().values(), strict=True):
        to.value[...] = of.value
    w = one.output.w.value
    w[:4], w[4:] = w[:4] + w[4:], 0
    x = rng.standard_normal((1, 5, 8))
    yield "Two heads with the same maps are one, with the sum of their rows of W_O: a duplicate adds nothing. Different patterns cover different relations."
    yield formula("distance = entropy of the mean row - mean entropy of the rows")  # fmt: skip
    yield matrix("layer 2, nats", distances[1], "head, head")
    yield question("One head looks at word 1 alone, another at word 2. Their distance?", float(np.log(2)), "Entropy of (0.5, 0.5) is ln 2; of each alone 0.")  # fmt: skip
    yield f"It is 0 for equal rows (Jensen-Shannon). Mean over pairs: layer 1 {head_diversity(run.weights[0]):.3f}, layer 2 {head_diversity(run.weights[1]):.3f}."
    yield agree("double", "two equal heads, and one with both rows of W_O", layer.forward(x)[0], one.forward(x)[0])
    yield at_most("bound", "largest distance of two heads, over ln 2", 1.0, float(max(d.max() for d in distances) / np.log(2)))  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Heads are parallel attentions with projections and a softmax of their own, added up through W_O. After training several are redundant: score them by ablation or by the gradient of a gate, drop the least missed, look again. Speed comes only with real removal, not with zeros."
    yield "Diverse heads cover different relations; a duplicate adds nothing. One measures distances between patterns, or adds a disagreement loss. A small loss alone does not prove a head useless: others may stand in for it."
    yield Source("Li et al.", 2018, "Multi-Head Attention with Disagreement Regularization")
    yield Try("tfx quiz head-diversity-pruning")
