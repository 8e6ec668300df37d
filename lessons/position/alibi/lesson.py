"""ALiBi: a penalty that grows with the distance; its slopes, its reach, longer texts, and four schemes side by side."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.position.length_extrapolation import Settings as Lengths, lost_by_half_length
from tfx.lab.position.second_order import second_order
from tfx.nn.positions import Positions
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.positions.alibi import alibi_bias, alibi_slopes
from tfx.ops.positions.positions import add_positions_forward, sinusoidal_positions
from tfx.ops.positions.rotary import rotary_forward, rotary_tables

SHORT = Lengths(length=8, steps=80, width=16)
PLACE, VECTOR = 3, np.array([1.0, 0.5, -0.5, 2.0])


@dataclass(frozen=True)
class Settings:
    heads: int = setting(8, 1, 64, "H, the number of heads")
    tokens: int = setting(6, 2, 64, "T, the number of tokens")


class Run:
    """slopes: (H,); bias: (H, T, T), the causal form; weights: (H, T, T) where all scores are equal."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.heads, self.tokens = settings.heads, settings.tokens
        self.slopes = np.array(alibi_slopes(self.heads))
        self.bias = alibi_bias(self.heads, self.tokens, causal=True)
        self.weights = attend(self.bias)
        self.learned = Positions("learned", 8, 4, np.random.default_rng(request.seed), "float64")
        self.model_seed = int(np.random.default_rng((request.seed, 1)).integers(2**31))


lesson = Lesson(Run, Settings)


def attend(scores: np.ndarray) -> np.ndarray:
    """Weights under a causal mask."""
    tokens = scores.shape[-1]
    values = np.broadcast_to(np.eye(tokens), scores.shape)
    return np.asarray(attend_forward(scores, values, causal_mask(tokens))[0])


@lesson.step("The farther a key, the lower its score")
def a_penalty(run: Run) -> Iterator[Shown]:
    t, m = min(run.tokens, 6), float(run.slopes[0])
    yield "No vector, no rotation: attention with linear biases (ALiBi) takes a little off each score, in proportion to how far away the key is. A new distance is only a larger number."
    yield formula("score_ij = q_i . k_j / sqrt(D) - m_h (i - j)        for keys j up to i; later ones are masked")
    yield f"m_h is the slope of head h, fixed and not learned. Let all scores be equal, so that only the bias speaks. Head 1, slope {m:.4g}:"
    yield matrix("weights of head 1", run.weights[0, :t, :t], "query, key")
    yield agree("linear", "the bias of allowed keys is -m times the distance", np.where(np.tri(run.tokens), run.bias[0], 0), -m * np.maximum(np.subtract.outer(np.arange(run.tokens), np.arange(run.tokens)), 0))  # fmt: skip
    yield Source("Press, Smith and Lewis", 2022, "Train Short, Test Long: Attention with Linear Biases", "section 3")


@lesson.step("One weight by hand")
def one_weight(run: Run) -> Iterator[Shown]:
    t, m = min(run.tokens, 6), float(run.slopes[0])
    row = run.weights[0, t - 1, :t]
    terms = [math.exp(-m * d) for d in range(t - 1, -1, -1)]
    yield "Softmax turns what is taken off a score into a factor on the weight."
    yield f"By hand, key 1 as query {t} sees it, {t - 1} away: exp(-{m:.4g} * {t - 1}) = {terms[0]:.4f}, divided by the sum over its {t} keys, {sum(terms):.4f}: {terms[0] / sum(terms):.4f}."
    yield question(
        "By what factor does the weight of head 1 fall from one key to the next one back?",
        math.exp(-m),
        "Softmax turns a step of m in the score into a factor exp(-m).",
    )
    yield agree("by-hand", "the row by hand", row, np.array(terms) / sum(terms))
    yield alibi_bias


@lesson.step("A slope for each head")
def slopes(run: Run) -> Iterator[Shown]:
    eight = alibi_slopes(8)
    rows = [
        {"head": h + 1, "slope": m, "near": 100 * (1 - math.exp(-8 * m))}
        for h, m in enumerate(eight)
        if h in (0, 1, 2, 7)
    ]
    yield "Steep heads see a few keys, gentle heads see far. The slopes form a geometric series; the first of them and the ratio from one to the next are both 2^(-8/H):"
    yield formula("m_h = 2^(-8h / H)        h = 1 ... H, where H is a power of 2")
    yield question("Eight heads: what is the slope of head 3?", eight[2], "2^(-24/8) = 2^(-3).", 0)
    yield table("H = 8; share on the 8 nearest keys of a very long text, all scores equal", rows, head="head", slope="slope", near="share [%] :2")  # fmt: skip
    yield f"Other H get slopes in between. At H = {run.heads} they go from {run.slopes.max():.3g} down to {run.slopes.min():.3g}."
    yield agree("series", "each slope is 2^(-h) at H = 8", eight, [0.5**h for h in range(1, 9)])
    yield exactly("heads", "slopes, all different", run.heads, len({*run.slopes.tolist()}))
    yield alibi_slopes


@lesson.step("Only differences within a row count")
def in_a_row(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores = rng.standard_normal((run.heads, run.tokens, run.tokens))
    by_key = run.slopes[:, None, None] * np.arange(1, run.tokens + 1)  # places, counted from 1
    one, other = attend(scores + run.bias), attend(scores + by_key)
    shift = run.bias[0, -1] - by_key[0, -1]
    yield "Some code adds m times the place of the key, and not m times the distance. It is the same: within the row of one query the two differ by one number, and softmax does not see what is added to a whole row."
    yield formula("m j = -m (i - j) + m i        m i is the same for all keys j of query i")
    yield f"For query {run.tokens} of head 1 they differ by {run.slopes[0]:.4g} * {run.tokens} = {-shift[0]:.4g} at every key, and the weights by {float(np.abs(one - other).max()):.0e}. Encoders, which look both ways, use -m |i - j|."
    yield agree("constant", "the difference within the last row", shift, shift[0])
    yield agree("weights", "weights with m j and with -m (i - j)", one, other)


@lru_cache(maxsize=16)
def lost(positions: str, seed: int) -> tuple[float, float]:
    """What a small trained model loses of a local task inside its training length, and from twice it on."""
    with blas_threads(1):  # small products: a second thread is only waited for
        by_half = lost_by_half_length(SHORT, positions, seed)
    return float(by_half[:2].mean()), float(by_half[4:].mean())


def perplexity(share: float) -> float:
    """What a share of what can be known, lost, means as perplexity: exp of the mean loss in nats."""
    entropy = second_order(SHORT.tokens, SHORT.certain, SHORT.length, np.random.default_rng(0)).entropy
    return math.exp(entropy + share * (math.log(SHORT.tokens) - entropy))


@lesson.step("Train short, test long")
def short_to_long(run: Run) -> Iterator[Shown]:
    found = {name: lost(name, run.model_seed) for name in ("sinusoidal", "alibi")}
    rows = [{"positions": name, "inside": perplexity(inside), "far": perplexity(far)} for name, (inside, far) in found.items()]  # fmt: skip
    length = SHORT.length
    yield f"Texts in which the next of {SHORT.tokens} tokens depends on the last two. Two models of one block learn them {length} tokens long, and then read texts of {4 * length}. Perplexity is exp of the mean loss: as many equally likely tokens would puzzle as much."
    yield table(f"perplexity; knowing the source {perplexity(0):.2f}, guessing {perplexity(1):.2f}", rows, positions="positions", inside=f"tokens 1 to {length} :3", far=f"tokens {2 * length + 1} to {4 * length} :3")  # fmt: skip
    yield "Far out sinusoids make sums never seen. With ALiBi far keys only count less."
    yield Said("ALiBi works beyond the training length.", "true with conditions", "It does where the task is local. Its bias prefers near keys whatever is asked for: to copy the token three back, a model with it did not learn in the time in which one with rotary positions did.", "C090")  # fmt: skip
    yield at_least("gap", "far out, lost with sinusoids less lost with ALiBi (1: a guess)", 0.1, found["sinusoidal"][1] - found["alibi"][1])  # fmt: skip
    yield at_most("holds", "far out, lost with ALiBi", 0.95, found["alibi"][1])
    yield Try("tfx experiment length-extrapolation")


@lesson.step("The price: what is far must be very good")
def the_price(run: Run) -> Iterator[Shown]:
    distance = 64
    eight = np.array(alibi_slopes(8))
    penalty = eight * distance
    rows = [{"head": h + 1, "penalty": penalty[h], "factor": math.exp(-penalty[h])} for h in (0, 3, 7)]
    yield f"A key {distance} places back loses {distance} slopes. To count as much as a key that stands at the query itself, its q . k / sqrt(D) must be higher by that much."
    yield question(f"Head 1 of eight, slope 1/2: how much higher must the score of a key {distance} places back be?", float(penalty[0]), "Slope times distance.", 0)  # fmt: skip
    yield table(
        f"at distance {distance}", rows, head="head of 8", penalty="taken off", factor="factor on exp(score) :2"
    )
    yield "So steep heads are local for good, and gentle ones reach far. A long text is read like a short one, and what stands far back has to score much higher to be used."
    yield agree("penalty", "what the bias takes off", -alibi_bias(8, distance + 1, causal=True)[:, -1, 0], penalty)
    yield at_most("steep", "head 1: factor", 1e-9, rows[0]["factor"])
    yield at_least("gentle", "head 8: factor", 0.5, rows[2]["factor"])


@lesson.step("Four schemes, one vector, position 3")
def side_by_side(run: Run) -> Iterator[Shown]:
    x = VECTOR[None]
    sinusoid, _ = add_positions_forward(x, sinusoidal_positions(8, 4), PLACE)
    learned, _ = run.learned.forward(x, PLACE)
    cos, sin = rotary_tables(np.array([PLACE]), 4)
    turned, _ = rotary_forward(x, cos, sin, "pairs")
    bias = float(alibi_bias(8, PLACE + 1, causal=True)[0, PLACE, 0])
    yield f"One vector of four numbers at position {PLACE}, counted from 0, under each scheme. With the first two it is a token; with the others a query."
    yield matrix(f"the vector at position {PLACE}", np.concatenate([x, sinusoid, learned, turned, x]), "scheme, number", ("none", "sinusoids", "learned", "RoPE", "ALiBi"))  # fmt: skip
    yield f"With ALiBi the vector stays, and the score with the key at position 0 gets {bias:g} (head 1 of 8). The learned row is random here."
    yield agree("turned", "turning keeps the length", np.linalg.norm(turned), np.linalg.norm(x))
    yield agree("sum", "sinusoids: what was added", sinusoid - x, sinusoidal_positions(1, 4, start=PLACE))
    yield agree("row", "learned: what was added", (learned - x)[0], run.learned.table.value[PLACE])
    yield exactly("bias", "ALiBi: what the score gets", -1.5, bias)


@lesson.step("Why each of them exists")
def why_each(run: Run) -> Iterator[Shown]:
    owned = sum(p.value.size for p in run.learned.parameters().values())
    yield "No scheme is best at everything; each answers a weakness of another."
    rows = [
        {"scheme": "sinusoids", "why": "no parameters, any position", "model": "Transformer, 2017"},
        {"scheme": "learned table", "why": "fits the data", "model": "BERT, GPT-2"},
        {"scheme": "RoPE", "why": "scores see offsets", "model": "Llama"},
        {"scheme": "ALiBi", "why": "longer texts, near keys first", "model": "BLOOM"},
    ]
    yield table("why each exists, and an example", rows, scheme="scheme", why="why", model="used by")
    yield f"Only the table learns: here {owned} numbers for 8 places of width 4. ALiBi changes nothing but scores, RoPE nothing but queries and keys."
    yield exactly("owned", "numbers of the learned table", 8 * 4, owned)


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "ALiBi subtracts a slope times the distance from each score. The slopes are fixed, one for each head, a geometric series whose first member and ratio are 2^(-8/H). There are no position embeddings, so a longer text only means larger penalties."
    yield "It reads longer texts well where what matters is near. Its preference for the near is built in, so what is far has to overcome the penalty. BLOOM uses it; many open models since turn queries and keys instead."
    yield agree("closing", "rows of weights sum to 1", run.weights.sum(axis=-1), 1.0)
    yield Try("tfx quiz positional-alibi")
