"""Attention as soft lookup: a pronoun looks around, then a dictionary with three entries, then the sentence again."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_most, exactly, formula, lines, matrix, question, setting, table, within,
)  # fmt: skip
from tfx.bench.ladders.attention import loops
from tfx.data.pronouns import fits
from tfx.errors import BadInput
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.lab.attention.hand_set_pronoun import find_referent
from tfx.lab.attention.other_weights import other_weights
from tfx.lab.attention.soft_lookup import Answer, attend_at_random, best_match, look_up
from tfx.measure.verdicts import largest
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.shipped.load import Shipped, load
from tfx.trace import AttentionCase, attention_case

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"
DRINKS, TASTES, FACTS = ("lemonade", "cocoa", "soup"), ("sweet", "warm"), ("sugar", "price")
KEYS = np.array([[0.9, 0.0], [0.8, 0.9], [0.0, 1.0]])
VALUES = np.array([[24.0, 3.0], [18.0, 4.0], [3.0, 6.0]])
BAR = 20  # a bar of that many signs is a share of 1
UNTRAINED = "Its weights are random (--untrained), so nothing has taught it where to look."


@dataclass(frozen=True)
class Settings:
    query: tuple[float, ...] = setting((1.0, 1.0), -5, 5, "how sweet and how warm a drink is asked for")
    sharpness: float = setting(2.0, 0, 20, "factor on the scores of the drinks")
    shift: float = setting(100.0, -1e6, 1e6, "added to all scores of the row")
    bump: float = setting(1.0, -20, 20, "added to one score; at least 0.1 either way")
    gain: float = setting(5.0, 0, 50, "sharpness of the two lookups that find a pronoun's noun")

    def check(self) -> None:
        if len(self.query) != 2:
            raise BadInput("query needs two numbers: how sweet, how warm.", "For example: --set query=1,0")
        if abs(self.bump) < 0.1:
            raise BadInput("bump must be at least 0.1 either way, or nothing moves.", "For example: --set bump=1")


class Run:
    """What the steps share: the reader's words, the query for a drink and its answer, and a trained model at work.

    case: one lookup of the model, on the reader's sentence where its grammar knows it, else on the topic's own.
    """

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.seed, self.untrained = request.seed, request.untrained
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.known = fits(" ".join(self.words))
        self.query = np.array(self.settings.query)
        self.answer = self.look_up(self.settings.sharpness)

    def look_up(self, sharpness: float) -> Answer:
        return look_up(self.query, KEYS, VALUES, sharpness)

    @cached_property
    def model(self) -> Shipped:
        return load("pointing", untrained=self.untrained, seed=self.seed)

    @cached_property
    def case(self) -> AttentionCase:
        return attention_case(" ".join(self.words) if self.known else DEFAULT_TEXT, self.model)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT, trained=True)


@lesson.step("A word looks around")
def looks_around(run: Run) -> Iterator[Shown]:
    case, made, n = run.case, run.model.meta, len(run.case.tokens)
    row, sentence = attention_forward(case.q, case.k, case.v)[1].weights[case.row], case.sentence
    assert sentence is not None  # the pronoun model reads nothing else
    other = "wide" if sentence.answer == sentence.mover else "tired"
    trained = f'The model learned from {made["steps"] * made["batch"]:,} sentences like this one, and was told where to look. Say "{other}" for "{sentence.adjective}", and it looks elsewhere.'
    yield " ".join(case.tokens)
    if not run.known:
        yield "(Your own sentence comes later: the model of this step knows only sentences like this one.)"
    yield 'What does "it" stand for? You looked around and picked a word. A network that reads word by word has only its memory of them. With attention it, too, can look: at all the words at once, taking more from some than from others.'
    yield table('A small model looks from "it": what it takes from each word', shares(case.tokens, row), word="word", share="share", bar="")  # fmt: skip
    yield f"The shares add up to 1; if all {n} words gave the same, each would be {1 / n:.3f}. {UNTRAINED if run.untrained else trained}"
    yield Try.here(text=" ".join(other if word == sentence.adjective else word for word in case.tokens))


def shares(words: tuple[str, ...], row: np.ndarray, most: int = 3) -> list[dict[str, object]]:
    """The words with the largest shares, each with a bar, and all others in one line."""
    top = np.argsort(-row, kind="stable")[:most]
    found = [(words[i], row[i]) for i in top] + [(f"{len(words) - most} others", 1 - row[top].sum())]
    return [{"word": word, "share": round(float(share), 3), "bar": "#" * round(BAR * share)} for word, share in found]


@lesson.step("A dictionary in which every key fits a little")
def drinks(run: Run) -> Iterator[Shown]:
    (sweet, warm), s, score = run.query, run.settings.sharpness, run.answer.scores[1]
    why = f"{s:g} * ({sweet:g}*{KEYS[1, 0]:g} + {warm:g}*{KEYS[1, 1]:g}) = {score:.3f}."
    yield "A Python dict returns the value whose key equals the query. Attention returns a part of every value, the more the better its key fits the query."
    yield matrix("keys: how sweet and how warm each drink is", KEYS, "entry, feature", DRINKS, TASTES)
    yield "A score says how well a key fits: the dot product of query and key (multiply number by number, add up) times a sharpness: how much a better fit counts."
    yield formula("score = sharpness * (query . key)", f"the query: sweet {sweet:g}, warm {warm:g}")
    yield question(f"With sharpness {s:g}, what is the score of {DRINKS[1]}?", score, why, 0.01)


@lesson.step("It answers with a mixture")
def the_answer(run: Run) -> Iterator[Shown]:
    scores, weights, value = run.answer
    rows = [{"drink": drink, "score": score, "weight": weight, "sugar": sugar, "price": price} for drink, score, weight, (sugar, price) in zip(DRINKS, scores, weights, VALUES, strict=True)]  # fmt: skip
    parts = " + ".join(f"{weight:.4f}*{sugar:g}" for weight, sugar in zip(weights, VALUES[:, 0], strict=True))
    yield "Scores become shares: raise e to the power of each score, and divide by the sum of these powers. This is the softmax. Every share is above 0, together they are 1, and the larger score has the larger share. The share of an entry is its weight."
    yield formula("weight = exp(score) / sum of all exp(score)", "exp(x): e to the power of x")
    yield table("Every entry answers, each by its weight", rows, drink="entry", score="score", weight="weight", sugar="value: sugar", price="value: price")  # fmt: skip
    yield f"What is returned is the weighted average of the values: each times its weight, added up. By hand, sugar: {parts} = {value[0]:.2f}."
    yield attention_forward
    yield Try.here(query=(1.0, 0.0) if tuple(run.query) != (1.0, 0.0) else (0.0, 1.0))


@lesson.step("Sharpness: from the mean of the values to the best match")
def sharpness(run: Run) -> Iterator[Shown]:
    mean, (best, gap) = VALUES.mean(axis=0), best_match(run.query, KEYS, VALUES)
    far = 0.0 if math.isinf(gap) else 40.0 / gap  # the others then weigh less than exp(-40)
    grid = (0.0, 1.0, 2.0, 4.0, 16.0)
    answers = [run.look_up(s) for s in grid]
    rows = [{"s": s, "top": answer.weights.max(), "sugar": answer.value[0], "price": answer.value[1]} for s, answer in zip(grid, answers, strict=True)]  # fmt: skip
    yield question(f"At sharpness 0 all scores are 0. The drinks have {VALUES[0, 0]:g}, {VALUES[1, 0]:g} and {VALUES[2, 0]:g} of sugar. How much is returned?", mean[0], "Equal weights: the plain mean of the values.", 0.01)  # fmt: skip
    title = "The same query, sharper and sharper"
    yield table(title, rows, s="sharpness", top="top weight", sugar="sugar", price="price")
    if math.isinf(gap):
        yield "All keys tie for this query, so sharpness changes nothing."
    else:
        yield "The sharper, the more weight on the best match. In the end its value alone comes back: a hard lookup."
    yield agree("flat", "sharpness 0 gives the mean of the values", run.look_up(0.0).value, mean)
    yield agree(
        "sharp",
        f"sharpness {far:.3g} (others weigh less than exp(-40)) gives the best match",
        run.look_up(far).value,
        best,
    )
    yield Try.here(query=(-run.query[0] or 1.0, run.query[1]))


@lesson.step("A soft lookup can be learned")
def hard_lookup(run: Run) -> Iterator[Shown]:
    fine, mean, best = np.linspace(0, 16, 65).tolist(), VALUES.mean(axis=0), best_match(run.query, KEYS, VALUES)[0]
    yield Plot("The answer moves from the mean of the values to the best match", "sharpness", "sugar returned", lines(fine, output=lambda s: run.look_up(s).value[0], mean_of_the_values=lambda s: mean[0], best_match=lambda s: best[0]))  # fmt: skip
    yield "A small change of query, key or value changes the answer a little, so the lookup can be learned by gradient descent. A hard lookup jumps: query and keys get no gradient from it, only the value that it returns does."


@lesson.step("Scores are relative: only the gaps in a row count")
def relative_scores(run: Run) -> Iterator[Shown]:
    (scores, before, _), shift, bump = run.answer, run.settings.shift, run.settings.bump
    low = int(before.argmin())
    shifted, bumped = (softmax_forward(scores + change)[0] for change in (shift, bump * np.eye(len(scores))[low]))
    odds = before[low] / (1 - before[low]) * math.exp(bump)
    rounding = 8 * float(np.finfo(np.float64).eps) * (1 + abs(shift) + float(abs(scores).max()))
    rows = ("as they are", f"all {shift:+g}", f"{DRINKS[low]} {bump:+g}")
    lead, rivals = 7.0, 63
    leader = softmax_forward(np.array([lead] + [0.0] * rivals))[0][0]
    note = "The same number added to every score of the row cancels."
    yield matrix("weights of the query", np.stack([before, shifted, bumped]), "scores, entry", rows, DRINKS, note)
    yield f"Add b to one score, and the odds p / (1 - p) of its weight p change by the factor e^b: here p goes from {before[low]:.4f} to {bumped[low]:.4f}. The others keep their proportions. A key that leads by {lead:g} has, against {rivals} equal others, the weight {leader:.2f}:"
    yield formula("weight = 1 / (1 + (S - 1) exp(-gap))     S keys, S - 1 of them equal")
    yield Said("Attention picks the relevant word.", "too strong", "It mixes; unless a gap is large, many share the weight.")  # fmt: skip
    yield agree("row", "a constant on the row changes nothing", shifted, before, to=rounding)
    yield within("entry", "one changed score follows the law", odds / (1 + odds), bumped[low], 1e-12)
    yield Try.here(bump=-bump)


@lesson.step("A weighted average stays within the range of the values")
def the_average(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    queries = np.concatenate([run.query[None], 3 * rng.standard_normal((499, 2))])
    outputs, _ = attention_forward(queries, KEYS, VALUES, scale=run.settings.sharpness)
    low, high = VALUES.min(axis=0), VALUES.max(axis=0)
    projected = outputs @ rng.standard_normal((2, 2))
    outside = ((projected < low) | (projected > high)).any(axis=-1).mean()
    ranges = zip(FACTS, low, outputs.min(axis=0), outputs.max(axis=0), high, strict=True)
    rows = [dict(zip(("name", "low", "o_low", "o_high", "high"), numbers, strict=True)) for numbers in ranges]
    yield "The weights are not negative and sum to 1. So the output is a convex combination of the values: in each coordinate it stays between the smallest and the largest value. It can blend what is there, and cannot go beyond it."
    yield formula("output = sum of weight * value     weights >= 0, their sum is 1")
    title = f"{len(queries)} queries, yours and random ones: each coordinate of the output"
    yield table(title, rows, name="coordinate", low="min value", o_low="min output", o_high="max output", high="max value")  # fmt: skip
    yield f"That holds for the lookup alone. In a Transformer its output is multiplied by a learned matrix, W_O, and added to the vector of the word that asked; both can leave the range. With a random W_O, {outside:.0%} of these outputs do."
    over = largest([(outputs - high).max(), (low - outputs).max()])
    yield at_most("hull", "largest step outside the values' min and max", 1e-12, over)
    yield Try.here(sharpness=min(20.0, 4 * run.settings.sharpness + 1))


@lesson.step("How a word knows where to look")
def the_pronoun(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    words, names = run.words, labels(run.words)
    it = find_referent(words, run.settings.gain, rng)
    best, asker, total = int(it.second.argmax()), names[it.asker], np.exp(it.scores - it.scores.max()).sum()
    shown = sorted({int(it.first.argmax()), best})
    rows = [{"word": names[i], "one": 100 * it.first[i], "two": 100 * it.second[i]} for i in shown]
    if left := len(words) - len(shown):
        one, two = (100 * (1 - row[shown].sum()) for row in (it.first, it.second))
        rows.append({"word": f"{left} other{'s' * (left > 1)}", "one": one, "two": two})
    yield f'One matrix makes the query of a word from its vector, two more make its key and its value: the projections. Here they are set by hand, so that "{asker}" looks twice: which quality is named? And who can have it?'
    title = f'The weights of "{asker}" in percent; {it.known} of {len(words)} words have hand-set vectors, the others small random ones'
    yield table(title, rows, word="word", one="quality? :3", two="who? :3")
    if not it.quality:
        yield "No other word names a quality that this lesson has set by hand, so the vectors that matter are random and the rows mean nothing."
    truth = "In a Transformer the projections are learned. The weights are computed with them, anew for every sentence and query."
    yield Said("The attention weights are learned.", "false", truth)
    measured = [it.first.sum(), it.second.sum(), it.second[best] * total]
    yield agree("pronoun", "both rows sum to 1, and the weight by hand agrees", measured, 1.0)
    yield find_referent
    yield Try.here(text=DEFAULT_TEXT.replace("tired", "wide") if "tired" in words else DEFAULT_TEXT)


@lesson.step("Every word asks, and each gets a mixture of its own")
def roles(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n = len(run.words)
    out, own = attend_at_random(run.words, run.seed)
    by_number = loops(own.q[None], own.k[None], own.v[None], np.ones((n, n), dtype=bool))[0]
    crossed, cross = attention_forward(rng.standard_normal((2, 3)), own.k, own.v)  # two queries of another sequence
    what = ("asks", "is matched against the query", "is returned", "query by key", "one per query")
    shapes = [[str(part.shape) for part in (c.q, c.k, c.v, c.weights, o)] for c, o in ((own, out), (cross, crossed))]
    parts = zip(("query", "key", "value", "weights", "output"), what, *shapes, strict=True)
    rows = [dict(zip(("name", "what", "self", "cross"), part, strict=True)) for part in parts]
    yield f"In self-attention every word of a sequence asks, and the same words are looked at. Each gets a mixture of its own: with random vectors and projections, the outputs for your {n} words differ by up to {np.ptp(out, axis=0).max():.2f} in one coordinate."
    yield "In cross-attention the queries come from another sequence: in a translator, the words being written ask, and the words that were read answer."
    title = f"Rows and columns: your {n} words, and 2 queries from another sequence"
    yield table(title, rows, name="part", what="role", self="self", cross="cross")
    yield Said("One function serves self- and cross-attention.", "true", "Only the sequences that its inputs come from differ.", "C025")  # fmt: skip
    yield agree("loops", "the library equals nested loops", out, by_number)
    sums = np.concatenate([own.weights, cross.weights]).sum(axis=-1)
    yield agree("sums", "every row of weights sums to 1, in both", sums, 1.0)
    yield exactly("one-each", "as many outputs as queries", f"({n}, 2), (2, 2)", f"{out.shape}, {crossed.shape}")
    yield loops


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    inputs = {name: rng.standard_normal(shape) for name, shape in {"q": (3, 4), "k": (5, 4), "v": (5, 2)}.items()}
    worst = check_gradients(attention_forward, attention_backward, inputs, seed=run.seed).worst
    own = attend_at_random(run.words, run.seed)[1]
    row, other = own.weights[-1], other_weights(own.weights[-1], own.v)
    yield "Attention is a soft, differentiable dictionary lookup: a query is compared with every key, softmax turns the scores into weights that sum to 1, and the output is the average of the values under these weights."
    yield "The weights are computed from the input, anew for every output; only the projections are learned. As a formula, which the coming topics build up: softmax(Q K^T / sqrt(D)) V, with D the width of a query (papers: d_k)."
    truth = "They say what was mixed in at one place; what the network makes of it is another matter."
    if (moved := abs(row - other).max()) > 0.005:
        truth += f" Nor need they be the only ones: another row, up to {moved:.2f} away, gives the same output."
    yield Said("Attention weights show what the model relies on.", "true with conditions", truth, "C316")
    yield Source("Bahdanau, Cho and Bengio", 2015, "Neural Machine Translation by Jointly Learning to Align and Translate")  # fmt: skip
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield agree("same-output", "the other row of weights gives the same output", other @ own.v, row @ own.v)
    statement = "the lookup is differentiable: hand-derived dq, dk, dv against finite differences"
    yield at_most("gradient", statement, TOLERANCE, worst)
    yield See("attention-shapes")
    yield Try("tfx quiz attention-intuition")
