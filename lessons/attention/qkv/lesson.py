"""Queries, keys and values: three maps of one input, what each is for, and why two of them must differ."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, by_hand, exactly, formula, lines, matrix, numbered, question, setting, table, within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.gradcheck import TOLERANCE, check_gradients
from tfx.lab.attention.directed_relation import FLOOR, Comparison, asymmetry, compare, train
from tfx.lab.attention.who_responds import responses
from tfx.lab.attention.word_vectors import word_vectors
from tfx.measure.verdicts import largest
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.attention.self_attention import self_attention_backward, self_attention_forward
from tfx.ops.basics.linear import linear_forward

DEFAULT_TEXT = "ann calls bob now"
MOST = 6  # words whose vectors fit a screen
C, D = 4, 2
RUNS = (
    "follows, tied",
    "follows, two matrices",
    "partner, tied",
    "partner, two matrices",
    "partner, tied, own key open",
)


@dataclass(frozen=True)
class Settings:
    edit: int = setting(2, 1, MOST, "which of the words is changed, counted from 1")
    tokens: int = setting(6, about="tokens of the relation that is learned", words=tuple(range(4, 17, 2)))
    d_k: int = setting(8, 4, 64, "width of its queries and keys")
    steps: int = setting(300, 200, 2000, "steps of gradient descent")


class Run:
    """What the steps share.  words: the reader's, at most MOST of them; all: how many there were.  x: (T, C), a random
    vector for each, equal ones for equal words; w_q, w_k, w_v: (C, D); q, k, v: (T, D); trained: five short trainings.
    """

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.seed = request.seed
        words = read_words(request.text, DEFAULT_TEXT)
        self.words, self.all = labels(words[:MOST], 8), len(words)
        if len({*words[:MOST]}) == 1:
            raise BadInput(f'every word{f" of the first {MOST}" * (len(words) > MOST)} is "{self.words[0]}"; this lesson needs two different ones.', f"Try: --text '{DEFAULT_TEXT}'")  # fmt: skip
        if self.settings.edit > len(self.words):
            raise BadInput(f"edit must be from 1 to {len(self.words)}, one of the words here, but is {self.settings.edit}.", f"Try: --set edit={len(self.words)}")  # fmt: skip
        rng = np.random.default_rng(request.seed)
        self.x = word_vectors(words[:MOST], C, request.seed)
        self.w_q, self.w_k, self.w_v = (rng.standard_normal((C, D)) / math.sqrt(C) for _ in range(3))
        self.q, self.k, self.v = (linear_forward(self.x, w)[0] for w in (self.w_q, self.w_k, self.w_v))

    @cached_property
    def trained(self) -> Comparison:
        return compare(self.settings.tokens, self.settings.d_k, self.settings.steps, self.seed)


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("Three linear maps of the same input")
def three_maps(run: Run) -> Iterator[Shown]:
    x = run.x
    some = f" (the first {len(x)} of your {run.all} words)" if len(x) < run.all else ""
    yield "A layer gets T tokens (here words), rows of C numbers in X. Three learned matrices make of each a query (what it looks for), a key (what it can be found by) and a value (what it hands over)."
    yield matrix(f"X, a random vector for each word{some}", x, "token, coordinate", run.words)
    yield formula("Q = X W_Q     K = X W_K     V = X W_V", "(T, C) x (C, D) -> (T, D)")
    why = f"Three matrices of {C} x {D}; the number of tokens does not matter."
    yield question(f"C = {C}, D = {D}: how many numbers are in W_Q, W_K and W_V together?", run.w_q.size + run.w_k.size + run.w_v.size, why, 0)  # fmt: skip
    yield linear_forward


@lesson.step("One row in, three rows out")
def three_rows(run: Run) -> Iterator[Shown]:
    x, first = run.x, run.w_q[:, 0]
    by_row = sum(a * b for a, b in zip(x[1], first, strict=True))
    names = ("q1", "q2", "k1", "k2", "v1", "v2")
    yield "Row i of X becomes row i of Q, of K and of V. The matrices are random here, so that what they find in a word means nothing yet; training is what makes them useful."
    yield matrix(
        "Q, K, V side by side (q2: query, number 2)",
        np.hstack([run.q, run.k, run.v]),
        "token, coordinate",
        run.words,
        names,
    )
    yield f'By hand, q1 of "{run.words[1]}": {by_hand(x[1], first)} = {by_row:.3f}. Many models add a bias, a number for each coordinate; here there is none.'
    yield within("by-hand", "row times column is the entry of Q", by_row, run.q[1, 0], 1e-12)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.2")


@lesson.step("Edit a query, a key or a value, and see what responds")
def who_responds(run: Run) -> Iterator[Shown]:
    words, n, at = run.words, len(run.words), run.settings.edit - 1
    own = attention_forward(run.q, run.k, run.v)[1].weights[at, at]
    found = responses(run.q, run.k, run.v, at)
    rows = [response._asdict() | {"edited": f"{response.edited} of {words[at]}"} for response in found]
    counts = ", ".join(f"({response.weight_rows}, {response.outputs})" for response in found)
    why = "Values play no part in the weights; they are mixed by them."
    yield question(f"One value is edited. How many of the {n} rows of weights change?", 0, why, 0)
    yield table(f"How many of the {n} rows of weights and {n} outputs move, when 1 is added", rows, edited="edited", weight_rows="weight rows", outputs="outputs", largest="weights move :3")  # fmt: skip
    yield f'Queries and keys set the weights, values the content. An edited query moves its own row and output; an edited key every row, since every query meets it (later: unless a mask forbids it); an edited value no weight, but every output that reads it. A query meets its own key, too: "{words[at]}" gives {own:.3f} of its weight to itself.'
    expected = f"(1, 1), ({n}, {n}), (0, {n})"
    yield exactly("who-responds", "(weight rows, outputs) that change for query, key, value", expected, counts)
    yield responses
    yield Try.here(edit=run.settings.edit % n + 1)


@lesson.step("Found by one thing, handing over another")
def match_and_content(run: Run) -> Iterator[Shown]:
    x, second = run.x, np.eye(len(run.words))[1]
    changed = x + np.outer(second, (0, 0, 1, 1))  # its content; what it is matched on stays
    match, content = np.hsplit(np.eye(4), 2)
    rows, moved = [], []
    for label, w_v in (("its own, reads content", content), ("W_V = W_K", match)):
        (before, old), (after, new) = (self_attention_forward(given, match, match, w_v) for given in (x, changed))
        weights, share = old.weights, old.weights[:, 1:2]
        moved.append(after - before)
        rows.append({"w_v": label, "weights": abs(new.weights - weights).max(), "output": abs(moved[-1]).max()})
    yield "Why not one map for all three? First reason: matching and content may use different features. What a word is found by (it is a plural noun) need not be what it hands over (which animal it is)."
    yield formula("x = (what it is matched on: 2 numbers, content: 2 numbers)", "W_Q, W_K read the first, W_V the second")  # fmt: skip
    title = f'The content of "{run.words[1]}" is raised by 1'
    yield table(title, rows, w_v="W_V", weights="weights move :3", output="output moves :3")
    yield "A library is searched by title and hands over the text. With a W_V of its own, the head matches on one set of features and delivers another. If the value had to be this key, the content could not get through at all. (A wider key could carry it along in numbers that no query reads.)"
    yield agree("own", "outputs move by the weight of that token", moved[0], np.hstack([share, share]))
    yield agree("shared", "with W_V = W_K the content is invisible", moved[1], to=0)
    yield Try.here(seed=run.seed + 1)


@lesson.step("Tie W_Q = W_K, and every score has a mirror image")
def symmetric_scores(run: Run) -> Iterator[Shown]:
    tied, (one, other) = run.q @ run.q.T, (run.words[0], run.words[-1])
    yield "The second reason is direction. With W_Q = W_K the keys are the queries, and the score of i for j is always the score of j for i:"
    yield formula("raw scores = Q Q^T     (Q Q^T)^T = Q Q^T")
    prompt = f'The tied score of "{one}" for "{other}" is {tied[0, -1]:.3g}. And of "{other}" for "{one}"?'
    yield question(prompt, tied[-1, 0], "q_i . q_j = q_j . q_i: who asks is lost.")
    note = f"With two matrices mirror images differ by up to {asymmetry(run.q @ run.k.T):.2f} times the largest size."
    yield matrix("raw scores, tied", tied, "query, key", run.words, run.words, note)
    yield agree("tied", "asymmetry of tied scores", asymmetry(tied))
    yield Try.here(seed=run.seed + 1)


@lesson.step("A tied head likes itself")
def own_key(run: Run) -> Iterator[Shown]:
    tied, weights = run.q @ run.q.T, attention_forward(run.q, run.q, run.q)[1].weights
    over = tied - np.maximum.outer(tied.diagonal(), tied.diagonal())
    one, other = run.words[0], run.words[-1]
    yield "A tied score with oneself is a squared length, and two of them are together at least twice the score with each other:"
    yield formula("|q_i - q_j|^2 >= 0     so     q_i . q_i + q_j . q_j >= 2 q_i . q_j")
    yield f'Of any two tokens, then, at least one likes itself at least as much as the other. Here "{one}" scores {tied[0, 0]:.3f} with itself and "{other}" {tied[-1, -1]:.3f}; with each other they score {tied[0, -1]:.3f}.'
    truth = f"The scores are. The weights are not in general (mirror images differ by up to {asymmetry(weights):.2f} times the largest), because each row is divided by its own sum."
    yield Said("With W_Q = W_K the attention matrix is symmetric.", "too strong", truth)
    yield at_most("own-key", "s_ij - max(s_ii, s_jj), largest of all pairs", 1e-12, over.max())
    yield Try.here(seed=run.seed + 1)


@lesson.step("A circle cannot be learned with one matrix")
def one_direction(run: Run) -> Iterator[Shown]:
    s, runs = run.settings, run.trained
    rows = [{"run": name, "first": trained.losses[0], "last": trained.losses[-1], "accuracy": trained.accuracy} for name, trained in zip(RUNS, runs[:5], strict=True)]  # fmt: skip
    yield f"{s.tokens} tokens. 'follows': each must look at the next one on a circle. 'partner': each must look at the other of its pair. No token may look at itself, except in the last run. The loss is the mean of -log(weight on the right token): 0 when all of the weight is there."
    yield table(f"{s.steps} steps of gradient descent, done just now", rows, run="relation", first="first loss :3", last="last loss :3", accuracy="right :3")  # fmt: skip
    yield f"Queries are {s.d_k} wide, gradients derived by hand; where one matrix is used twice, its two gradients add. Two matrices learn both relations. The tied head is stuck on the circle, and on partners too once its own key is open."
    lowest = -largest(-loss for loss in runs.follows_tied.losses)
    control = largest([runs.partner_tied.losses[-1], runs.partner_untied.losses[-1]])
    yield at_least("stuck", "follows, tied: never below log 2", FLOOR - 1e-9, lowest)
    yield at_most("learned", "follows, two matrices: learned", FLOOR / 2, runs.follows_untied.losses[-1])
    yield at_most("control", "partner, own key blocked: both learn it", FLOOR / 2, control)
    yield train
    yield Try.here(tokens=s.tokens + 2 if s.tokens < 16 else 4)


@lesson.step("How the losses fall")
def the_curves(run: Run) -> Iterator[Shown]:
    s, runs = run.settings, run.trained
    points = [*range(0, s.steps, max(1, s.steps // 50)), s.steps]
    curves = {name: [trained.losses[i] for i in points] for name, trained in zip(RUNS, runs[:5], strict=True)}
    yield Plot("Tied scores stay at log 2 where direction matters", "step", "loss", lines(points, **curves) + lines([0, s.steps], log_2=[FLOOR] * 2))  # fmt: skip
    yield Try.here(steps=1000 if s.steps != 1000 else 300)


@lesson.step("Why it is stuck at log 2")
def the_floor(run: Run) -> Iterator[Shown]:
    runs = run.trained
    yield "Take the average of symmetric scores over all rotations of the circle: the loss, convex in the scores, does not rise. Now the next and the previous token score alike, and each gets at most half of the weight:"
    yield formula(f"loss >= log 2 = {FLOOR:.4f}     for symmetric scores on a circle")
    yield "Partners, own key open: two tokens score themselves, together, at least twice what they score each other. Their two weights for each other multiply to at most 1/4, so their mean loss is again at least log 2."
    yield at_least("open", "partner, tied, own key open: never below log 2", FLOOR - 1e-9, -largest(-loss for loss in runs.partner_open.losses))  # fmt: skip
    yield See("attention-qkv", "own_key")


@lesson.step("What the two heads have learned")
def what_they_learned(run: Run) -> Iterator[Shown]:
    n, runs, at = run.settings.tokens, run.trained, np.arange(run.settings.tokens)
    names, order = numbered(n, "t"), np.ix_(runs.circle, runs.circle)
    tied, free = runs.follows_tied.weights[order], runs.follows_untied.weights[order]
    after, before, one_way = tied[at, (at + 1) % n], tied[at, at - 1], free[at, (at + 1) % n].min()
    both = np.stack([free, tied], axis=1).reshape(2 * n, n)
    yield f"Along the circle: t1 must look at t2, t2 at t3, and the last one at t1. Two matrices give the next token at least {one_way:.3f}."
    yield matrix("weights of both heads", both, "query, key", [f"{name} {head}" for name in names for head in ("two", "tied")], names, focus=[0, 1])  # fmt: skip
    yield f"What the tied head scores from t1 to t2 it scores from t2 to t1, too, where it is wrong. Round the circle, scores forward and back are equal on average; the weights here: forward {after.mean():.3f}, back {before.mean():.3f}."
    truth = "With its own key blocked it learns the pairs, not which way round. (Scores can rise along a chain, not round a circle.)"
    yield Said("The tied head learns nothing.", "too strong", truth)
    yield at_least("one-way", "two matrices: smallest weight on the next token", 0.5, one_way)
    lead = runs.follows_tied.lead
    yield at_most("both-ways", "tied: in some row the next token does not lead the others", 0, lead)
    yield Try.here(d_k=4)


@lesson.step("Which sequence, and which layer")
def which_sequence(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, n = run.x, len(run.x)
    layer_2 = x + self_attention_forward(x, run.w_q, run.w_k, run.w_v)[0] @ rng.standard_normal((D, C))
    gap = np.sqrt(((layer_2 @ run.w_q - run.q) ** 2).mean())
    other = rng.standard_normal((3, C))
    out, cross = attention_forward(run.q, other @ run.w_k, other @ run.w_v)
    rows = [
        {"kind": "self, layer 1", "q": "embeddings", "kv": "embeddings", "weights": f"({n}, {n})"},
        {"kind": "self, layer 2", "q": "layer 1", "kv": "layer 1", "weights": f"({n}, {n})"},
        {"kind": "cross", "q": "this sequence", "kv": "the other", "weights": str(cross.weights.shape)},
    ]
    yield "Layer 1 reads embeddings, the vectors of the words, and layer 2 what layer 1 gives. In cross-attention keys and values are made from another sequence, Y:"
    yield formula("cross-attention:  Q = X W_Q     K = Y W_K     V = Y W_V", "Y: (S, C)")
    title = f"Where queries, keys and values are made from; X has {n} tokens, Y has {len(other)}"
    yield table(title, rows, kind="attention", q="Q from", kv="K, V from", weights="weights")
    truth = f"They are projections of the layer's input. In layer 1 that is the embeddings; the queries of layer 2 are {gap:.2f} (root mean square) away."
    yield Said("Q, K and V are projections of the input embeddings.", "true with conditions", truth, "C026")
    truth = "It passes its output; W_K and W_V are the decoder's own."
    yield Said("The encoder passes its keys and values to the decoder.", "false", truth)
    yield at_least("layer", "layer 2 does not project the embeddings: distance", 1e-6, gap)
    yield exactly("cross", "weights (T, S), output (T, D)", f"({n}, 3), ({n}, {D})", f"{cross.weights.shape}, {out.shape}")  # fmt: skip


@lesson.step("The scores see only the product W_Q W_K^T")
def only_the_product(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    a = np.linalg.qr(rng.standard_normal((D, D)))[0] * np.array([2.0, 0.5])
    w_q2, w_k2 = run.w_q @ a, run.w_k @ np.linalg.inv(a).T
    scores, again = run.q @ run.k.T, (run.x @ w_q2) @ (run.x @ w_k2).T
    yield "Take any invertible matrix A. Replace W_Q by W_Q A, and W_K by W_K A^-T, where A^-T is the inverse of A transposed. No score changes:"
    yield formula("raw scores = Q K^T = X W_Q W_K^T X^T", "(T, C) (C, D) (D, C) (C, T) -> (T, T)")
    yield formula("(W_Q A)(W_K A^-T)^T = W_Q A A^-1 W_K^T = W_Q W_K^T")
    yield matrix("raw scores, with either pair", scores, "query, key", run.words, run.words)
    yield f"W_Q A differs from W_Q by up to {abs(w_q2 - run.w_q).max():.2f}, for a random A, and yet the scores are the same. So a single entry of W_Q or W_K means nothing by itself. (With biases, or with positions that turn Q and K, the scores see more.)"
    yield agree("gauge", "relative change of the scores", (again - scores) / abs(scores).max())
    yield Try.here(seed=run.seed + 1)


@lesson.step("What the limit of a dot product is")
def the_limit(run: Run) -> Iterator[Shown]:
    rank = int(np.linalg.matrix_rank(run.w_q @ run.w_k.T))
    yield "W_Q and W_K are the two thin factors of one C x C matrix, M. It may be any matrix of rank at most D (rank: the largest number of its rows of which none is a sum of multiples of the others): also one that gives i for j something else than j for i."
    yield formula("raw score of tokens i and j = x_i^T M x_j     M = W_Q W_K^T")
    yield question(f"W_Q and W_K are {C} x {D} and random here. What is the rank of M?", rank, f"No product has a larger rank than a factor, and these have {D} columns.", 0)  # fmt: skip
    truth = "That holds for the bare vectors. With projections M may be any matrix of rank at most D. The limit is rank, not similarity."
    yield Said("Dot-product attention can only express similarity of the dot-product kind.", "true with conditions", truth, "C019")  # fmt: skip
    yield at_most("rank", "rank of W_Q W_K^T is at most D", D, rank)
    yield Try.here(seed=run.seed + 1)


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    shapes = {"x": (5, 4), "w_q": (4, 3), "w_k": (4, 3), "w_v": (4, 2)}
    inputs = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    worst = check_gradients(self_attention_forward, self_attention_backward, inputs, seed=run.seed).worst
    tied, untied = run.trained.follows_tied.losses[-1], run.trained.follows_untied.losses[-1]
    yield "Q, K and V are three learned linear maps of the layer's input. The query says what a token looks for, the key what it can be found by, the value what it hands over; queries and keys set the weights, values the content. In cross-attention K and V come from the other sequence."
    yield f"They are separate so that matching and content may use different features, and so that relations can have a direction: with W_Q = W_K scores are symmetric, and our circle stays at loss {tied:.3f} against {untied:.3f}. Without biases, scores depend on W_Q and W_K only through W_Q W_K^T."
    yield at_most("gradient", "dX, dW_Q, dW_K, dW_V against finite differences", TOLERANCE, worst)
    yield self_attention_backward
    yield Try("tfx quiz attention-qkv")
    yield See("attention-scaled-dot-product")
