"""Attention as soft lookup: from a dictionary with three entries to a sentence."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_most, exactly, formula, lines, matrix, question, setting, table, within,
)  # fmt: skip
from tfx.bench.ladders.attention import loops
from tfx.errors import BadInput
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.lab.hand_set_pronoun import find_referent
from tfx.lab.other_weights import other_weights
from tfx.lab.soft_lookup import Answer, attend_at_random, best_match, look_up
from tfx.measure.verdicts import largest
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.scaled_dot_product import attention_backward, attention_forward
from tfx.ops.basics.softmax import softmax_forward

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"
DRINKS, TASTES, FACTS = ("lemonade", "cocoa", "soup"), ("sweet", "warm"), ("sugar", "price")
KEYS = np.array([[0.9, 0.0], [0.8, 0.9], [0.0, 1.0]])
VALUES = np.array([[24.0, 3.0], [18.0, 4.0], [3.0, 6.0]])


@dataclass(frozen=True)
class Settings:
    query: tuple[float, ...] = setting((1.0, 1.0), -5, 5, "how sweet and how warm a drink is asked for")
    sharpness: float = setting(2.0, 0, 20, "factor on the scores of the dictionary")
    shift: float = setting(100.0, -1e6, 1e6, "added to the whole row of scores")
    bump: float = setting(1.0, -20, 20, "added to one score; at least 0.1 either way")
    gain: float = setting(5.0, 0, 50, "sharpness of the sentence's two lookups")

    def check(self) -> None:
        if len(self.query) != 2:
            raise BadInput("query needs two numbers: how sweet, how warm.", "For example: --set query=1,0")
        if abs(self.bump) < 0.1:
            raise BadInput("bump must be at least 0.1 either way, or nothing moves.", "For example: --set bump=1")


class Run:
    """What the steps share: the reader's query and its answer, the reader's words."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.seed = request.seed
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.query = np.array(self.settings.query)
        self.answer = self.look_up(self.settings.sharpness)

    def look_up(self, sharpness: float) -> Answer:
        return look_up(self.query, KEYS, VALUES, sharpness)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A dictionary in which every key fits a little")
def the_dictionary(run: Run) -> Iterator[Shown]:
    (sweet, warm), s, score = run.query, run.settings.sharpness, run.answer.scores[1]
    why = f"{s:g} * ({sweet:g}*{KEYS[1, 0]:g} + {warm:g}*{KEYS[1, 1]:g}) = {score:.3f}."
    yield "A Python dict returns the value whose key equals the query, or nothing. Attention compares the query with every key and returns every value in part, the more the better its key fits."
    yield matrix("keys", KEYS, "entry, feature", DRINKS, TASTES, f"The query is ({sweet:g}, {warm:g}): so sweet, so warm.")  # fmt: skip
    yield "The query q asks, a key k is what it is matched against, a value v is what is returned. Query and key are compared by their dot product: multiply number by number, add up."
    yield formula("score_i = s * q.k_i", "how well does key i fit?  s: a sharpness")
    yield question(f"With s = {s:g}, what is the score of {DRINKS[1]}?", score, why, 0.01)
    yield Try.here(query=(1.0, 0.0))


@lesson.step("It answers with a mixture")
def the_answer(run: Run) -> Iterator[Shown]:
    scores, weights, value = run.answer
    rows = [{"drink": drink, "score": score, "weight": weight, "sugar": sugar, "price": price} for drink, score, weight, (sugar, price) in zip(DRINKS, scores, weights, VALUES, strict=True)]  # fmt: skip
    parts = " + ".join(f"{weight:.4f}*{sugar:g}" for weight, sugar in zip(weights, VALUES[:, 0], strict=True))
    yield "The softmax turns scores into weights, shares of 1 that grow with the score. What is returned is the average of the values under these weights."
    yield formula("weight_i = exp(score_i) / sum_j exp(score_j)", "softmax")
    yield formula("output   = sum_i weight_i v_i", "(3) x (3, 2) -> (2)")
    yield table("Every entry answers, each by its weight", rows, drink="entry", score="score", weight="weight", sugar="v: sugar", price="v: price")  # fmt: skip
    yield f"By hand, sugar: {parts} = {value[0]:.2f}. A Python dict would need the exact key."
    yield attention_forward
    yield attend_forward
    yield Try.here(sharpness=0.0)


@lesson.step("Sharpness: from the mean of the values to the best match")
def sharpness(run: Run) -> Iterator[Shown]:
    mean, (best, gap) = VALUES.mean(axis=0), best_match(run.query, KEYS, VALUES)
    far = 0.0 if math.isinf(gap) else 40.0 / gap  # the others then weigh less than exp(-40)
    grid = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
    answers = [run.look_up(s) for s in grid]
    rows = [{"s": s, "top": answer.weights.max(), "sugar": answer.value[0], "price": answer.value[1]} for s, answer in zip(grid, answers, strict=True)]  # fmt: skip
    lead, rivals = 7.0, 63
    leader = softmax_forward(np.array([lead] + [0.0] * rivals))[0][0]
    why = "Equal scores give equal weights, so the output is the plain mean of the values."
    yield question("At sharpness 0 all scores are 0. How much sugar does the lookup return?", mean[0], why, 0.01)
    title = "The same query, sharper and sharper"
    yield table(title, rows, s="sharpness", top="top weight", sugar="sugar", price="price")
    yield Plot("The answer moves from the mean of the values to the best match", "sharpness s", "sugar returned", lines(grid, output=lambda s: run.look_up(s).value[0], mean_of_the_values=lambda s: mean[0], best_match=lambda s: best[0]))  # fmt: skip
    if math.isinf(gap):
        yield "All keys tie for this query, so sharpness changes nothing."
    yield "In between, every small change of query, keys or values changes the answer a little: the lookup is differentiable, so it can be trained by gradient descent. A hard lookup jumps: query and keys get no gradient from it, only the value that was picked does."
    yield f"How hard a lookup is depends on the gap between the best score and the rest. A key that leads by {lead:g} has, against {rivals} equal others, the weight {leader:.2f}."
    yield formula("weight = 1 / (1 + (n - 1) exp(-gap))     n keys, n - 1 of them equal")
    mixes = "It mixes. Unless a gap is large, many words share the weight."
    yield Said("Attention picks the relevant word.", "too strong", mixes)
    yield agree("flat", "sharpness 0 gives the mean of the values", run.look_up(0.0).value, mean)
    yield agree("sharp", f"sharpness {far:.3g} gives the best match", run.look_up(far).value, best)
    yield Try.here(query=(-run.query[0] or 1.0, run.query[1]))


@lesson.step("Scores are relative: only differences within a row count")
def relative_scores(run: Run) -> Iterator[Shown]:
    (scores, before, _), shift, bump = run.answer, run.settings.shift, run.settings.bump
    low = int(before.argmin())
    shifted, bumped = (softmax_forward(scores + change)[0] for change in (shift, bump * np.eye(len(scores))[low]))
    law = before[low] * math.exp(bump) / (1 + before[low] * math.expm1(bump))
    rounding = 8 * float(np.finfo(np.float64).eps) * (1 + abs(shift) + float(abs(scores).max()))
    rows = ("as they are", f"all {shift:+g}", f"{DRINKS[low]} {bump:+g}")
    yield matrix("weights of the query", np.stack([before, shifted, bumped]), "scores, entry", rows, DRINKS)
    yield "Add the same c to a whole row: numerator and denominator are multiplied by exp(c), which cancels."
    yield formula("exp(s_i + c) / sum_k exp(s_k + c) = exp(s_i) / sum_k exp(s_k)")
    yield f"Add b to one score only, and its weight w becomes w e^b / (1 + w (e^b - 1)): here {before[low]:.4f} -> {bumped[low]:.4f}. The others keep their proportions and share the rest of 1."
    yield agree("row", "a constant on the row changes nothing", shifted, before, to=rounding)
    yield within("entry", "one changed score follows the law", law, bumped[low], 1e-12)
    yield Try.here(bump=-bump, shift=-1000.0)


@lesson.step("A weighted average stays within the range of the values")
def the_average(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    queries = np.concatenate([run.query[None], 3 * rng.standard_normal((499, 2))])
    outputs, _ = attention_forward(queries, KEYS, VALUES, scale=max(run.settings.sharpness, 0.5))
    low, high = VALUES.min(axis=0), VALUES.max(axis=0)
    projected = outputs @ rng.standard_normal((2, 2))
    outside = ((projected < low) | (projected > high)).any(axis=-1).mean()
    ranges = zip(FACTS, low, outputs.min(axis=0), outputs.max(axis=0), high, strict=True)
    rows = [dict(zip(("name", "low", "o_low", "o_high", "high"), numbers, strict=True)) for numbers in ranges]
    yield "The weights are not negative and sum to 1. So the output is a convex combination of the values: in each coordinate it stays between the smallest and the largest value. It can blend what is there, and cannot go beyond it."
    yield formula("o = sum_i w_i v_i      w_i >= 0,  sum_i w_i = 1", "a convex combination")
    title = f"{len(queries)} queries, yours and random ones: each coordinate of the output"
    yield table(title, rows, name="coordinate", low="min value", o_low="min output", o_high="max output", high="max value")  # fmt: skip
    yield f"That holds for the lookup alone. In a Transformer its output is multiplied by a learned matrix, W_O, and added to the token's own vector; both can leave the range. With a random W_O, {outside:.0%} of these outputs do."
    over = largest([(outputs - high).max(), (low - outputs).max()])
    yield at_most("hull", "largest step outside the values' min and max", 1e-12, over)
    yield Try.here(sharpness=min(20.0, 4 * run.settings.sharpness + 1))


@lesson.step("The weights are computed from the words, at run time")
def the_pronoun(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    words, names = run.words, labels(run.words)
    it = find_referent(words, run.settings.gain, rng)
    best, asker, total = int(it.second.argmax()), names[it.asker], np.exp(it.scores - it.scores.max()).sum()
    shown = sorted(np.argsort(-(it.first + it.second), kind="stable")[:12])
    rows = [{"word": names[i], "one": 100 * it.first[i], "two": 100 * it.second[i]} for i in shown]
    yield f'Queries, keys and values are made from the vectors of the words by matrices, the projections, here set by hand. In lookup 1, "{asker}" asks which quality is named; in lookup 2, which word can have it.'
    title = f'The weights of "{asker}": {len(shown)} of {len(words)} words'
    yield table(title, rows, word="word", one="1: quality? [%] :3", two="2: who? [%] :3")
    yield f'By hand, the largest weight of lookup 2: 1 / sum of exp(score - largest score) = 1 / {total:.3f} = {it.second[best]:.3f}, on "{names[best]}".'
    if it.quality:
        yield f"{it.known} of {len(words)} words have hand-set vectors; the others have small random ones. Name the other kind of quality (wide in place of tired), and lookup 2 looks for the other kind of word, although no matrix changes."
    else:
        yield "No other word names a quality that this lesson has set by hand, so the vectors that matter are random and the rows mean nothing."
    truth = "In a Transformer the projections are learned, once. The weights are computed with them at run time, anew for every sentence and every query."
    yield Said("The attention weights are learned.", "false", truth)
    measured = [it.first.sum(), it.second.sum(), it.second[best] * total]
    yield agree("pronoun", "both rows sum to 1, and the weight by hand agrees", measured, 1.0)
    yield find_referent
    yield Try.here(text=DEFAULT_TEXT.replace("tired", "wide") if "tired" in words else DEFAULT_TEXT)


@lesson.step("A fresh mixture for every word, not one summary for all")
def every_word(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    three = tuple(dict.fromkeys(run.words))[:3]
    n, names = len(three), labels(three)
    out, cache = attend_at_random(three, rng)
    by_number = loops(cache.q[None], cache.k[None], cache.v[None], np.ones((n, n), dtype=bool))[0]
    shown = np.concatenate([out, cache.v.mean(axis=0, keepdims=True)])
    note = "The last row is the plain mean of the values."
    yield "Now every word asks; here three of them. Stack the queries as rows of Q, the keys as rows of K, the values as rows of V. In a Transformer the sharpness s is 1 / sqrt(d_k), where d_k is the width of a query, and attention is one line:"
    yield formula("O = softmax(Q K^T / sqrt(d_k)) V", f"({n}, 3) ({n}, 3) ({n}, 2) -> ({n}, 2)")
    yield matrix("weights", cache.weights, "query, key", names, names, "Each row sums to 1.")
    yield matrix("outputs", shown, "query, coordinate", (*names, "summary"), note=note)
    yield f"An encoder that squeezes the whole input into one vector offers every step of the decoder the same summary, however long the text. Attention makes a mixture for each query: these outputs differ by up to {np.ptp(out, axis=0).max():.3f} in one coordinate. Vectors and projections are random here, whatever the words mean; training is what makes them useful."
    yield agree("loops", "the library equals nested loops", out, by_number)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield Source("Bahdanau, Cho and Bengio", 2015, "Neural Machine Translation by Jointly Learning to Align and Translate")  # fmt: skip
    yield loops
    yield Try.here(seed=run.seed + 1)


@lesson.step("The query asks, the key is matched, the value is returned")
def roles(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n = len(run.words)
    out, own = attend_at_random(run.words, rng)
    crossed, cross = attention_forward(rng.standard_normal((2, 3)), own.k, own.v)  # two queries of another sequence
    row, other = own.weights[-1], other_weights(own.weights[-1], own.v)
    moved = abs(row - other).max()
    what = ("asks", "is matched against the query", "is returned", "query by key", "one per query")
    shapes = [[str(part.shape) for part in (c.q, c.k, c.v, c.weights, o)] for c, o in ((own, out), (cross, crossed))]
    parts = zip(("query", "key", "value", "weights", "output"), what, *shapes, strict=True)
    rows = [dict(zip(("name", "what", "self", "cross"), part, strict=True)) for part in parts]
    yield "In self-attention queries, keys and values are all made from one sequence. In cross-attention the queries come from another one: a decoder asks, the encoder's words are matched and returned."
    title = f"Shapes with your {n} words, and with 2 queries from another sequence"
    yield table(title, rows, name="part", what="role", self="self", cross="cross")
    yield Said("One function serves self- and cross-attention.", "true", "Only what keys and values are made from differs. There is one output for each query.", "C025")  # fmt: skip
    truth = "They say what was mixed in at this head. What the rest of the network does with it is another matter."
    if moved > 0.005:
        truth += f" Nor need they be the only ones: another row, up to {moved:.2f} away, gives the last word the same output."
    yield Said("Attention weights show what the model relies on.", "true with conditions", truth, "C316")
    sums = np.concatenate([own.weights, cross.weights]).sum(axis=-1)
    yield agree("sums", "every row of weights sums to 1, in both", sums, 1.0)
    yield exactly("one-each", "as many outputs as queries", f"({n}, 2), (2, 2)", f"{out.shape}, {crossed.shape}")
    yield agree("same-output", "the other row of weights gives the same output", other @ own.v, row @ own.v)
    yield other_weights
    yield See("attention-qkv")
    yield See("attention-shapes")


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    inputs = {name: rng.standard_normal(shape) for name, shape in {"q": (3, 4), "k": (5, 4), "v": (5, 2)}.items()}
    worst = check_gradients(attention_forward, attention_backward, inputs, seed=run.seed).worst
    yield "Attention is a soft, differentiable dictionary lookup: a query is compared with every key, softmax turns the scores into weights that sum to 1, and the output is the average of the values under these weights."
    yield "The weights are recomputed from the input for every output, instead of squeezing the input into one vector; only the projections are learned. In Transformers: softmax(Q K^T / sqrt(d_k)) V."
    statement = "the lookup is differentiable: hand-derived dq, dk, dv against finite differences"
    yield at_most("gradient", statement, TOLERANCE, worst)
    yield Try("tfx quiz attention-intuition")
    yield See("softmax-attention")
