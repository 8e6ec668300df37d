"""Linear attention: softmax attention is a kernel smoother, another kernel makes it linear, Performer estimates the old one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, near, question, setting, table,
)  # fmt: skip
from tfx.efficient.causal_product import causal_product_forward
from tfx.efficient.feature_maps import elu_plus_one_forward
from tfx.efficient.linear_attention import linear_attention_forward
from tfx.efficient.performer import performer_forward, random_features
from tfx.lab.attention.attention_as_kernel import lopsided, smooth
from tfx.lab.cost.attention_variants import work
from tfx.lab.cost.efficient_variants import error
from tfx.lab.cost.random_features import positive_features, trigonometric_features
from tfx.measure.estimates import mean_with_error
from tfx.ops.attention.scaled_dot_product import attention_forward

D, DRAWS, MOST = 16, 4000, 1024  # width of a head; draws of w; most features
SHORT, LONG = 0.5, 1.5  # sizes of queries and keys


@dataclass(frozen=True)
class Settings:
    length: int = setting(64, 32, 256, "T, tokens")
    features: int = setting(64, 16, 512, "random features of the Performer")


class Run:
    """q, k, v: (T, D) of one untrained head.  fq, fk: features of queries and keys."""

    def __init__(self, request: Request) -> None:
        self.t, self.m, self.seed = request.settings.length, request.settings.features, request.seed
        x, w = np.random.default_rng(self.seed).standard_normal((self.t, D)), np.random.default_rng((self.seed, 1))
        self.q, self.k, self.v = (x @ w.standard_normal((D, D)) / np.sqrt(D) for _ in "qkv")
        self.fq, self.fk = elu_plus_one_forward(self.q)[0], elu_plus_one_forward(self.k)[0]

    def heads(self, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return size * self.q, size * self.k, self.v


lesson = Lesson(Run, Settings)


@lesson.step("Attention is a kernel smoother")
def smoother(run: Run) -> Iterator[Shown]:
    kernel = np.exp(run.q @ run.k.T / np.sqrt(D))
    out, _ = attention_forward(run.q, run.k, run.v)
    two, values = kernel[0, :2], run.v[:2, 0]
    mean = float(two @ values / two.sum())
    yield "To guess a value at a new point, statistics takes a mean of the known values, each weighted by how near its point is: a kernel smoother (Nadaraya and Watson, 1964). Attention does that: keys are the points, values the values, a query the new point."
    yield formula("o_i = sum_j f(q_i, k_j) v_j / sum_j f(q_i, k_j)", "f: the kernel")
    yield formula("softmax attention: f(q, k) = exp(q . k / sqrt(D))")
    yield question(f"Kernel {two[0]:.3f} and {two[1]:.3f}, values {values[0]:.3f} and {values[1]:.3f}: their smoothed mean?", mean, "Weight times value, summed, over the sum of weights.")  # fmt: skip
    yield "The division makes weights of the kernel's numbers. For each positive f each coordinate of the output lies between the smallest and the largest value."
    yield agree("same", "attention, and the smoother with that kernel", out, smooth(kernel, run.v))
    yield smooth
    yield Source("Tsai et al.", 2019, "Transformer Dissection")


@lesson.step("Not a symmetric kernel")
def not_symmetric(run: Run) -> Iterator[Shown]:
    kernel, tied = (np.exp(run.q @ other.T / np.sqrt(D)) for other in (run.k, run.q))
    weights = attention_forward(run.q, run.q, run.v)[1].weights
    rows = [{"what": "W_Q and W_K differ", "off": lopsided(kernel)}, {"what": "W_Q = W_K", "off": lopsided(tied)}, {"what": "... after the division", "off": lopsided(weights)}]  # fmt: skip
    yield "A kernel in the strict sense (of Mercer) is symmetric: a is as near to b as b to a. Attention asks with W_Q and answers with W_K, so that one token may look at another that does not look back."
    yield table("how unlike f(x, y) and f(y, x) are; 0: symmetric", rows, what="maps", off="asymmetry :3")
    yield question(
        "W_Q = W_K, before the division: the asymmetry?", lopsided(tied), "q . k is then the same both ways."
    )
    yield Said("Attention is a kernel method over its inputs.", "true with conditions", "A kernel smoother it is, exactly. Its kernel is symmetric and positive in Mercer's sense where W_Q = W_K, not in general.", "C020")  # fmt: skip
    yield at_least("apart", "asymmetry with two maps", 0.3, lopsided(kernel))
    yield at_most("tied", "asymmetry with one map", 1e-12, lopsided(tied))
    yield Try("tfx experiment attention-as-kernel")


@lesson.step("A kernel that is a product: sum first")
def sum_first(run: Run) -> Iterator[Shown]:
    whole = smooth(run.fq @ run.fk.T, run.v)
    out, _ = linear_attention_forward(run.q, run.k, run.v)
    made = [work(way, (run.q, run.k, run.v)) for way in (attention_forward, linear_attention_forward)]
    yield "Suppose the kernel is a plain product of features, positive numbers made of q and of k alone. Then the query can be taken out of the sums:"
    yield formula("f(q, k) = phi(q) . phi(k)        phi(x) = elu(x) + 1", "phi: feature map")
    yield formula("o_i = phi(q_i) h / (phi(q_i) . r)", "for all queries the same h, r:")
    yield formula("h = sum_j phi(k_j)^T v_j        r = sum_j phi(k_j)", "h: (D, Dv)")
    yield "elu(x) + 1 is x + 1 above 0 and exp(x) below: positive everywhere. No T x T matrix is left. First over keys, then over queries: T D Dv each."
    yield question(f"T = {run.t}, D = Dv = {D}: multiply-adds, features to outputs?", made[1], f"h and r: T * {D} * ({D} + 1), and as much again for the queries.", 0)  # fmt: skip
    yield f"Softmax attention makes {made[0]:,}. The order of the sums is free because there is no exp around the score."
    yield agree("regrouped", "with the T x T kernel, and with h", out, whole, to=1e-10)
    yield exactly("work", "multiply-adds of linear attention", 2 * run.t * D * (D + 1), made[1])
    yield linear_attention_forward
    yield Source("Katharopoulos et al.", 2020, "Transformers are RNNs", "section 3.2")


@lesson.step("What breaks without the division")
def division(run: Run) -> Iterator[Shown]:
    rows = []
    for t in (run.t // 2, run.t):
        bare = run.fq[:1] @ (run.fk[:t].T @ np.ones((t, 1)))
        divided, _ = linear_attention_forward(run.q[:1], run.k[:t], np.ones((t, 1)))
        rows.append({"t": t, "bare": float(bare[0, 0]), "divided": float(divided[0, 0])})
    yield "Test it on values that are all 1. A mean of ones is 1."
    yield question("All values 1, with the division: the output?", rows[1]["divided"], "phi(q) . r over itself.")
    yield table(
        "the first query's output, values of 1", rows, t="T", bare="phi(q) h :4", divided="divided by phi(q) . r :4"
    )
    yield Said("Linear attention is phi(Q) (phi(K)^T V).", "false", "The division by phi(q) . r is missing. Without it rows do not sum to 1, and outputs grow with the text.", "C182")  # fmt: skip
    yield "Some later layers do leave it out, and put a norm behind the output instead: then it is that norm which holds the size."
    yield agree("one", "output for values of 1, divided", rows[1]["divided"], 1.0)
    yield at_least("grows", "without: twice the text, as a multiple", 1.5, rows[1]["bare"] / rows[0]["bare"])


@lesson.step("Causal: it is an RNN, and that is its price")
def recurrent(run: Run) -> Iterator[Shown]:
    values = np.concatenate([run.v, np.ones((run.t, 1))], axis=1)
    (one, cache), (all_at_once, _) = (causal_product_forward(run.fq, run.fk, values, chunk=size) for size in (1, run.t))
    ranks = [
        int(np.linalg.matrix_rank(np.asarray(m)))
        for m in (attention_forward(run.q, run.k, run.v)[1].weights, run.fq @ run.fk.T)
    ]
    yield "Under a causal mask h and r run up to the present token. So they are a state: to write the next token, add one outer product and forget the token. Training does all tokens at once, or in blocks."
    yield formula("h_t = h_{t-1} + phi(k_t)^T v_t        r_t = r_{t-1} + phi(k_t)")
    yield f"Kept to write on: {cache.last_state.size} numbers, after each number of tokens; softmax attention keeps {2 * D} a token."
    yield question(f"Rank of the T x T weights, T = {run.t}: at most, with {D} features?", ranks[1], "A product of T x D and D x T.", 0)  # fmt: skip
    yield f"Softmax weights of the same head have rank {ranks[0]}. Among features of width D no more than D keys can be independent: exact recall of one token among many is where linear attention loses. Newer layers learn what to forget (Mamba-2, gated DeltaNet), beside a few softmax layers."
    yield agree("recurrent", "token by token, and all at once", one, all_at_once, to=1e-9)
    yield at_most("rank", "rank with features", D, ranks[1])
    yield Source("Katharopoulos et al.", 2020, "Transformers are RNNs", "section 3.3")


@lesson.step("Performer: estimate the exponential")
def performer(run: Run) -> Iterator[Shown]:
    x, y = 0.5 * run.q[0] / D**0.25, 0.5 * run.k[0] / D**0.25
    w = random_features(DRAWS, D, run.seed, orthogonal=False)
    estimates = DRAWS * positive_features(x[None], w)[0] * positive_features(y[None], w)[0]
    mean, spread = mean_with_error(estimates)
    sizes = [{"m": m, **{name: 100 * error(partial(performer_forward, w=random_features(m, D, run.seed)), run.heads(size)) for name, size in (("short", SHORT), ("long", LONG))}} for m in (16, run.m, MOST)]  # fmt: skip
    yield "Performer estimates the kernel of softmax. With w from a normal distribution phi(x) . phi(y) has the mean exp(x . y)."
    yield formula("phi(x)_n = exp(w_n . x - x . x / 2) / sqrt(m)", "x: q or k, over D^(1/4)")
    yield question("The mean of the estimates, whatever x and y: what over exp(x . y)?", 1.0, "The estimate of the kernel is unbiased.")  # fmt: skip
    yield f"Measured for one pair over {DRAWS:,} draws: {mean:.3f} +- {spread:.3f}; exp(x . y) = {np.exp(x @ y):.3f}. Orthogonal w lower the error."
    yield table(
        f"off from softmax attention; q and k times {SHORT}, times {LONG}",
        sizes,
        m="features",
        short="short [%] :3",
        long="long [%] :3",
    )
    yield near("unbiased", "mean of the estimates of exp(x . y)", float(np.exp(x @ y)), mean, spread)
    yield at_most(
        "falls", f"off with {MOST} features over 16, short q and k", 0.5, sizes[2]["short"] / sizes[0]["short"]
    )
    yield at_least("long", "long over short, most features", 3.0, sizes[2]["long"] / sizes[2]["short"])
    yield Source("Choromanski et al.", 2021, "Rethinking Attention with Performers", "lemma 1")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    w = random_features(run.m, D, run.seed)
    x, y = (part / D**0.25 for part in (run.q, run.k))
    waves, positive = (float((features(x, w) @ features(y, w).T < 0).mean()) for features in (trigonometric_features, positive_features))  # fmt: skip
    yield Said("Performer uses random Fourier features.", "false", f"It replaces them. Cosines and sines estimate the same kernel, and here {100 * waves:.0f}% of their weights are negative; then a row's sum comes near 0 and its output explodes.", "C179")  # fmt: skip
    yield question("The share of weights that are negative with positive features?", positive, "Sums of products of positive numbers.")  # fmt: skip
    yield Said("Performer's estimate of attention is unbiased.", "true with conditions", "The estimate of the kernel is. The output is a quotient of two estimates, and is biased.", "C180")  # fmt: skip
    yield Said("Performer's error is small.", "true with conditions", "For short queries and keys, or many features: the spread grows exponentially with their lengths.", "C181")  # fmt: skip
    yield at_least("waves", "share of weights that cosines and sines make negative", 0.01, waves)
    yield exactly("positive", "share that positive features make negative", 0.0, positive)
    yield Source("Choromanski et al.", 2021, "Rethinking Attention with Performers", "section 2.3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Softmax attention is a kernel smoother of Nadaraya and Watson with kernel exp(q . k / sqrt(D)), normalised per query; the kernel is not symmetric, since W_Q and W_K differ. With a kernel phi(q) . phi(k) the sums over keys are made once, so the cost is linear in T; the division by phi(q) . sum of phi(k) belongs to it. Causal, it is an RNN with a D x Dv state."
    yield "Performer takes random positive features whose product has the mean exp(q . k), and costs T times features. The kernel's estimate is unbiased, the output's is not, and the spread grows fast with the lengths of q and k."
    yield Try("tfx quiz efficient-linear")
