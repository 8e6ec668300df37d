"""Reading attention weights: what they show, what leaving words out shows, and why the two disagree."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.data.pronouns import encode, fits, parse, sentences
from tfx.errors import BadInput
from tfx.lab.attention.leave_one_out import Asked, LeavingOut, head_without_each
from tfx.lab.attention.other_weights import other_weights
from tfx.measure.activation_patching import restored
from tfx.measure.attention_rollout import attention_rollout
from tfx.measure.rank_agreement import kendall_tau
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.log_softmax import log_softmax_forward
from tfx.shipped.load import load

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"
#: What the language model reads: a text, and two that differ in one word.
DOCS = "return true if the object is an instance of the class or of a subclass"
CLEAN, CORRUPTED, NEXT = "open the file and read the", "open the socket and read the", "file"
KEYS, WIDTH = 6, 2  # of the random head whose weights have others beside them


@dataclass(frozen=True)
class Settings:
    sentences: int = setting(20, 10, 100, "sentences on which orders are compared")


class Run:
    """asked: what the model says of the reader's sentence, with each word left out in turn.  weights: (S,), row "it"."""

    def __init__(self, request: Request) -> None:
        text = DEFAULT_TEXT if request.text is None else request.text
        if not fits(text):
            raise BadInput("this topic reads sentences of the small pronoun grammar, and this is not one.", f"--text '{DEFAULT_TEXT}'")  # fmt: skip
        sentence = parse(text)
        assert sentence is not None
        self.sentence, self.words, self.it = sentence, sentence.words, sentence.it
        self.n, self.seed = request.settings.sentences, request.seed
        self.asking = LeavingOut(load("plain").model)
        self.asked: Asked = self.asking.ask(sentence)
        self.weights = self.asked.weights.mean(axis=0)

    @cached_property
    def layers(self) -> list[np.ndarray]:
        """(S, S) for each layer, averaged over heads."""
        model = load("plain").model
        _, cache = model.forward(encode(self.words)[None], np.array([self.it]))
        return [np.asarray(cache.attention(layer).weights[0].mean(axis=0)) for layer in range(len(model.blocks))]

    @cached_property
    def many(self) -> dict[str, tuple[float, float]]:
        """Where words are closed -> mean tau of weights and changes, and share of sentences with the same top word."""
        found: dict[str, list[tuple[float, float]]] = {"last layer": [], "both layers": []}
        for sentence in sentences(self.n, self.seed, held_out=True):
            asked = self.asking.ask(sentence)
            p = asked.weights.mean(axis=0)
            for where, change in (("last layer", asked.last_layer), ("both layers", asked.everywhere)):
                found[where].append((kendall_tau(p, change), float(p.argmax() == change.argmax())))
        return {where: (float(np.mean([a for a, _ in each])), float(np.mean([b for _, b in each]))) for where, each in found.items()}  # fmt: skip


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A map of weights")
def a_map(run: Run) -> Iterator[Shown]:
    best = np.argsort(-run.weights, kind="stable")[:4]
    rows = [{"word": run.words[i], "mean": run.weights[i], **{f"h{h}": run.asked.weights[h, i] for h in range(4)}} for i in best]  # fmt: skip
    yield f'What does a model look at? The easiest picture is a map of its attention weights. A pronoun model of two layers says what "it" stands for in: {" ".join(run.words)}.'
    yield table('row "it", last layer: the four largest', rows, word="word", mean="mean :3", **{f"h{h}": f"head {h + 1} :3" for h in range(4)})  # fmt: skip
    yield question(f"What do the other {len(run.words) - 4} words share, on average over heads?", 1 - run.weights[best].sum(), "A row sums to 1.")  # fmt: skip
    yield "One plots such maps for each head and layer and looks for patterns. They are a good place to find ideas. Whether a word with a large weight is why the answer is what it is, is another question; this topic is about that gap."
    yield agree("rows", "weights of each head sum to 1", run.asked.weights.sum(axis=1), 1.0)
    yield attention_forward


@lesson.step("Patterns: what heads look at")
def patterns(run: Run) -> Iterator[Shown]:
    shipped = load("language")
    ids = np.array([shipped.tokenizer.encode(DOCS)])
    _, cache = shipped.model.forward(ids)
    t = np.arange(1, ids.shape[1])
    before = np.array([[w[t, t - 1].mean() for w in block.weights[0]] for block in cache.blocks])
    first = float(max(w[t, 0].mean() for block in cache.blocks for w in block.weights[0]))
    rows = [{"block": layer, **{f"h{h}": share for h, share in enumerate(shares, start=1)}} for layer, shares in enumerate(before, start=1)]  # fmt: skip
    even = float((1 / (t + 1)).mean())
    layer, head = (int(at) + 1 for at in np.unravel_index(before.argmax(), before.shape))
    yield f"The language model of tfx reads {ids.shape[1]} tokens of a manual. Mean weight of a token on the one before it:"
    yield table(
        "weight on the token before",
        rows,
        block="block",
        **{f"h{h}": f"head {h} :2" for h in range(1, before.shape[1] + 1)},
    )
    yield question("Token 10 sees 10 tokens. The weight of each, if all are even?", 0.1, "1 / 10.")
    yield f"Even weights would put {even:.2f} there; head {head} of block {layer} puts {before.max():.2f}: it follows position. Others look at the first token, up to {first:.2f}. In BERT heads were found that look at the word before or behind, at separators, at the object of a verb."
    yield at_least("previous", "largest mean weight on the token before, over that of even weights", 1.2, float(before.max()) / even)  # fmt: skip
    yield Source("Clark et al.", 2019, "What Does BERT Look At? An Analysis of BERT's Attention")


@lesson.step("Weights against leaving words out")
def left_out(run: Run) -> Iterator[Shown]:
    p, last, both = run.weights, run.asked.last_layer, run.asked.everywhere
    shown = sorted({*np.argsort(-p, kind="stable")[:2], *np.argsort(-both, kind="stable")[:3]}, key=lambda i: -p[i])
    rows = [{"word": run.words[i], "p": p[i], "last": last[i], "both": both[i]} for i in shown]
    tau = kendall_tau(p, both)
    first, second = np.triu_indices(len(p), 1)
    same = int(((p[first] - p[second]) * (both[first] - both[second]) > 0).sum())
    most = run.words[int(both.argmax())]
    low = min((i for i in np.argsort(-both, kind="stable")[:2]), key=lambda i: p[i])
    yield "Close a word, in the last layer or in both, so that nobody may look at it. How far does the log of the answer's chance move?"
    yield table("change in nats", rows, word="word", p="weight :2", last="closed in the last :2", both="closed in both :2")  # fmt: skip
    yield formula("tau: (pairs in the same order - pairs in opposite order) / pairs")
    yield question(f"Weight, last column: {same} of {len(first)} pairs in the same order. tau?", tau, f"({same} - {len(first) - same}) / {len(first)}.")  # fmt: skip
    yield f'Most without "{most}". "{run.words[low]}" has weight {p[low]:.2f} only, and moves it by {both[low]:.1f} nats: in layer 1 it told other words.'
    yield exactly("tau", "tau, from pairs and by the library", f"{(2 * same - len(first)) / len(first):.6f}", f"{tau:.6f}")  # fmt: skip


@lesson.step("Over many sentences")
def over_many(run: Run) -> Iterator[Shown]:
    rows = [{"where": where, "tau": tau, "top": 100 * top} for where, (tau, top) in run.many.items()]
    (last, _), (both, _) = run.many.values()
    yield f"{run.n} new sentences, weights of the last layer against what closing changes:"
    yield table("agreement", rows, where="closed in", tau="mean tau :3", top="same top [%] :3")
    yield question("By how much does tau fall from the first row to the second?", last - both, "The difference of the two rows.")  # fmt: skip
    yield "Within its layer a weight is a fair guide. For the model it is a poor one: after layer 1 a place holds what it has read."
    yield at_least("falls", "tau in the last layer less tau in both", 0.0, last - both)
    yield Said("Attention weights do not always match what a model's answer depends on.", "true", "Words have told each other before; a weight says nothing of its value.", "C317")  # fmt: skip
    yield Try("tfx experiment attention-vs-ablation")


@lesson.step("A weight is half of the story: the value")
def the_value(run: Run) -> Iterator[Shown]:
    head = int(run.asked.weights.max(axis=1).argmin())  # the head that is least sure
    p, v = run.asked.weights[head], run.asked.values[head]
    o = p @ v
    far = np.linalg.norm(v - o, axis=1)
    law = p * far / (1 - p)
    best = np.argsort(-p, kind="stable")[:4]
    rows = [{"word": run.words[i], "p": p[i], "far": far[i], "move": law[i]} for i in best]
    i = best[0]
    measured = np.linalg.norm(head_without_each(np.log(p)[None] @ np.eye(len(p)) * np.sqrt(len(p)), np.eye(len(p)), v) - o, axis=1)  # fmt: skip
    yield "In one head it can be computed what a key does. Without key j the other weights grow to sum to 1 again, and the output moves by"
    yield formula("o - o without key j = p_j (v_j - o) / (1 - p_j)")
    yield question(f'"{run.words[i]}": p = {p[i]:.3f}, |v - o| = {far[i]:.3f}. How far does the output move?', law[i], f"{p[i]:.3f} * {far[i]:.3f} / {1 - p[i]:.3f}.")  # fmt: skip
    yield table(f'head {head + 1}, row "it"', rows, word="word", p="p :3", far="|v - o| :3", move="output moves :3")
    yield "A large weight on a value near the output does little; on a short value too. Heads with nothing to do put their weight on such a key: the first token, a separator, a full stop (a sink). So a large weight need not mean interest."
    yield agree("law", "moves by the formula, and with each key closed", law, measured, to=1e-9)


@lesson.step("Other weights, the same output")
def not_unique(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    q, k, v = rng.standard_normal((1, 4)), rng.standard_normal((KEYS, 4)), rng.standard_normal((KEYS, WIDTH))
    o, cache = attention_forward(q, k, v)
    p = cache.weights[0]
    other = other_weights(p, v)
    yield f"Do these weights alone give this output? {KEYS} keys, values of width {WIDTH}:"
    yield matrix("two rows of weights", np.stack([p, other]), "row, key", ("its own", "others"))
    yield f"Output of both: {', '.join(f'{x:.3f}' for x in o[0])}. The key with most weight, {p.max():.2f}, may have {other[p.argmax()]:.2f}."
    yield question(f"Output and sum fix some of {KEYS} weights. How many stay free?", KEYS - WIDTH - 1, f"{KEYS} - ({WIDTH} + 1).", 0)  # fmt: skip
    yield "So they are not the one explanation. With no more keys than the rank of the values, plus 1, they are unique. Weights that no training gives refute little, say others."
    yield agree("same", "output of the other weights", other @ v, o[0], to=1e-9)
    yield at_most("less", "weight of the top key, other over own", 0.999, float(other[p.argmax()] / p.max()))
    yield Source("Jain and Wallace", 2019, "Attention is not Explanation")
    yield Source("Wiegreffe and Pinter", 2019, "Attention is not not Explanation")


@lesson.step("Through all layers: roll-out")
def rolled_out(run: Run) -> Iterator[Shown]:
    mixed = attention_rollout(run.layers)[run.it]
    last = run.layers[-1][run.it]
    best = np.argsort(-mixed, kind="stable")[:4]
    rows = [{"word": run.words[i], "last": last[i], "mixed": mixed[i]} for i in best]
    own, effect = float(run.layers[0][run.it, run.it]), run.asked.everywhere
    yield "Roll-out multiplies the maps of all layers, half for the residual:"
    yield formula("mixed = (P_2 + I) / 2 (P_1 + I) / 2")
    yield table('row "it"', rows, word="word", last="last layer :3", mixed="rolled out :3")
    yield question(f'Layer 1: weight {own:.3f} of "it" on itself. How much stays, rolled out?', (1 + own) / 2, f"({own:.3f} + 1) / 2.")  # fmt: skip
    yield f"tau with the effect in both layers: last layer {kendall_tau(last, effect):.2f}, rolled out {kendall_tau(mixed, effect):.2f}. An estimate: values and networks are left out, and half is a guess."
    yield agree("one", "a rolled-out row sums to 1", mixed.sum(), 1.0)
    yield attention_rollout
    yield Source("Abnar and Zuidema", 2020, "Quantifying Attention Flow in Transformers")


@lesson.step("Put a state in: activation patching")
def patching(run: Run) -> Iterator[Shown]:
    shipped = load("language")
    encode_, word = shipped.tokenizer.encode, shipped.tokenizer.encode(NEXT)[0]
    clean, corrupted = (np.array([encode_(text)]) for text in (CLEAN, CORRUPTED))

    def measure(logits: np.ndarray) -> float:
        return float(log_softmax_forward(logits)[0][0, -1, word])

    chances = [float(np.exp(measure(shipped.model.forward(ids)[0]))) for ids in (clean, corrupted)]
    share = restored(shipped.model, clean, corrupted, measure)
    at = int((clean[0] != corrupted[0]).argmax())
    yield f'Behind "{CLEAN}" the language model gives "{NEXT}" {chances[0]:.3f}, with "{CORRUPTED.split()[2]}" in its place {chances[1]:.3f}. Which vector carries that? Run the second text, put in one vector of the first, and see how much of log p comes back.'
    yield question("After the last block, at the last place: which share is restored?", share[-1, -1], "Only this vector is asked for the next token.")  # fmt: skip
    yield matrix("restored", share, "state after, place", ("input", "block 1", "block 2"), tuple(CLEAN.split()))
    yield f"At the input the word itself carries all. After block 1 {share[1, at]:.2f} still stands in its place, and {share[1, -1]:.2f} has moved to the last. That is an intervention: it shows what is used, not only what is looked at."
    yield exactly("input", "places that restore anything at the input", 1, int((np.abs(share[0]) > 1e-9).sum()))
    yield agree("all", "the differing word at the input, the last place at the end", [share[0, at], share[-1, -1]], 1.0, to=1e-9)  # fmt: skip
    yield restored


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "One plots weights by head and layer and looks for patterns: previous token, separators, syntax. Weights show mixing, not causation. Check with ablation, gradients or patching; roll-out follows the mixing through layers and residuals."
    yield "They disagree with intuition because a model is trained for its loss and not to be read; because earlier layers have mixed words already; because sinks absorb weight that is not needed; because the value counts too; and because other weights can give the same output where keys are more than values are wide."
    yield Try("tfx quiz interpretability-attention")
