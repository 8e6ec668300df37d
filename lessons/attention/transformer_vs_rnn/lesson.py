"""An RNN and self-attention on the same input, the RNN first: steps, paths, gradients, order, work, time, memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lessons.operation import derivation
from lessons.writing import (
    Check, Lesson, Plot, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, lines, matrix, near,
    proof, question, setting, table,
)  # fmt: skip
from tfx.lab.sequence_layers import (
    Recurrent, SelfAttention, change_by_place, gradient_by_distance, kept_numbers, order_gap, seconds, through_depth, trend,
)  # fmt: skip
from tfx.measure.counting import attention_core, projections, recurrence, total_matmul_flops
from tfx.measure.measuring import told_apart
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward
from tfx.ops.recurrence.through_time import backpropagate_through_time, run_through_time

LENGTHS = (16, 64, 256, 1024, 4096)


@dataclass(frozen=True)
class Settings:
    d: int = setting(32, 2, 256, "width of a token, and of the RNN's state")
    n: int = setting(64, 4, 256, "tokens")
    radius: float = setting(0.9, 0.1, 3.0, "largest eigenvalue of the recurrent matrix: whether gradients die or explode")  # fmt: skip


class Run:
    """x: (1, n, d) random tokens, and a random layer of either kind."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.d, self.n, self.radius = self.settings.d, self.settings.n, self.settings.radius
        rng = np.random.default_rng(request.seed)
        self.rnn = Recurrent.random(rng, self.d, self.radius)
        self.attention = SelfAttention.random(rng, self.d)
        self.x = rng.standard_normal((1, self.n, self.d))


lesson = Lesson(Run, Settings)


@lesson.step("An RNN reads one token after the other")
def one_after_the_other(run: Run) -> Iterator[Shown]:
    h, cache = run.rnn.forward(run.x)
    from_token, from_state = float(run.x[0, 1] @ run.rnn.w_x[:, 0]), float(h[0, 0] @ run.rnn.w_h[:, 0])
    waits = len(cache.time.steps)
    yield "A recurrent network keeps all it knows of a text in one vector, its state. It reads a token and mixes it with the state; the result is the new state. Then comes the next token."
    yield matrix("the state after each of the first tokens, first coordinates", h[0, :6, :6], "after token, coordinate")
    yield formula(
        "h_t = tanh(x_t W_x + h_{t-1} W_h)", "x_t: token t, h_t: the state after it, d numbers each; W_x, W_h: learned"
    )
    yield f"By hand, coordinate 1 after token 2: tanh({from_token:.3f} from the token + {from_state:.3f} from state 1) = {math.tanh(from_token + from_state):.3f}. Nobody can compute state 2 before state 1."
    yield agree("by-hand", "the second state, by hand", math.tanh(from_token + from_state), float(h[0, 1, 0]))
    yield Said("Teacher forcing lets an RNN train in parallel.", "false", f"All {run.n} inputs were known here before the first was read, and the states were still made in {waits} steps, each waiting for the one before.", "C252")  # fmt: skip
    yield Source("Elman", 1990, "Finding Structure in Time")
    yield from (rnn_forward, run_through_time)


@lesson.step("Self-attention reads all tokens at once")
def all_at_once(run: Run) -> Iterator[Shown]:
    _, cache = run.attention.forward(run.x)
    steps = len(run.rnn.forward(run.x)[1].time.steps)
    yield "Here no token waits. Each looks at all tokens, itself included, and takes home a weighted average of what they hold. Every row below is computed by the same few matrix products, whatever n is."
    yield matrix("who looks at whom: the first rows and columns", cache.weights[0, :6, :6], note=f"Each full row, over {run.n} tokens, sums to 1.")  # fmt: skip
    yield formula("O = softmax(Q K^T / sqrt(d)) V        Q = X W_Q, K = X W_K, V = X W_V")
    rows: list[dict[str, Any]] = [
        {"what": "steps in sequence", "rnn": steps, "attention": 1}, {"what": "longest path between two tokens", "rnn": steps, "attention": 1},
        {"what": "work", "rnn": "n d^2", "attention": "n^2 d"}, {"what": "kept while writing", "rnn": "d numbers", "attention": "2 n d numbers"},
        {"what": "knows the order without a mask", "rnn": "yes", "attention": "no"},
    ]  # fmt: skip
    yield table(f"one layer, n = {run.n} tokens, width d = {run.d}", rows, what="what", rnn="RNN", attention="attention")  # fmt: skip
    yield "Per layer, that is: layers still run one after another, and text is still written token by token, as a rule. It is the tanh that makes the RNN wait: a linear recurrence can be computed in blocks. The next steps measure these rows one by one."
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 4 and table 1")
    yield self_attention_forward
    yield See("attention-scaled-dot-product")


@lesson.step("Change the first token: who notices?")
def who_notices(run: Run) -> Iterator[Shown]:
    moved = np.stack([change_by_place(layer, run.x) for layer in (run.rnn, run.attention)])
    places = sorted({place for place in (0, 1, 2, 4, 8, 16, 32, run.n - 1) if place < run.n})
    yield "Add 1 to the first token and see which outputs move. In the RNN the news must be carried from state to state, through every token in between; in attention every position reads the first token directly."
    yield matrix("largest change of the output", moved[:, places], "layer, position", ("RNN", "attention"), [str(place + 1) for place in places])  # fmt: skip
    yield f"At the last position: RNN {moved[0, -1]:.1e}, attention {moved[1, -1]:.1e}."
    yield change_by_place
    yield Try.here(radius=1.3)


@lesson.step("How much of the gradient arrives from k tokens back?")
def the_gradient(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rnn, attention = (gradient_by_distance(layer, run.x, rng) for layer in (run.rnn, run.attention))
    rows = [{"k": k, "rnn": rnn[k] / rnn[1], "attention": attention[k] / attention[1]} for k in (1, 2, 4, 8, 16, 32, 63, 127, 255) if k < run.n]  # fmt: skip
    far, power, (slope, error) = rows[-1], run.radius**16, trend(attention)
    yield "Learning runs the same way backwards. To learn that an early token mattered, the last output's gradient has to arrive there."
    yield question(f"Let the RNN's gradient at k = 1 count as 1. If every step multiplied it by {run.radius:g}, what would be left after 16 of them?", power, "A 16th power: that is why it dies, or explodes. The measured decay also contains tanh' < 1.")  # fmt: skip
    yield table("size of d(last output) / d(input k tokens earlier), relative to k = 1", rows, k="k", rnn="RNN :3", attention="attention :3")  # fmt: skip
    k = list(range(1, run.n))
    yield Plot(f"{run.n - 1} tokens back the RNN gradient is {far['rnn']:.0e} of its first step's", "distance k", "gradient size relative to k = 1", lines(k, RNN=rnn[1:] / rnn[1], attention=attention[1:] / attention[1]), log_y=True)  # fmt: skip
    yield f"Attention is not constant: its sizes differ by a factor {attention[1:].max() / attention[1:].min():.1f}, by content, not by distance."
    if run.radius <= 0.95 and run.n >= 32:
        yield at_most("rnn-decays", f"RNN gradient {far['k']} tokens back, relative to 1", run.radius ** ((far["k"] - 1) / 2), far["rnn"])  # fmt: skip
        yield near("attention-flat", "the attention gradient has no trend: slope of its logarithm, per token", 0.0, slope, error)  # fmt: skip
    yield from (rnn_backward, backpropagate_through_time)
    yield Try.here(radius=1.3)


@lesson.step("Dying or exploding: the k-th power of a matrix")
def the_power(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    quiet, directions = 1e-8 * rng.standard_normal((1, 33, run.d)), int(rng.integers(2**32))
    rows, loud = [], 1e8 * quiet
    for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
        sizes, bent = (gradient_by_distance(run.rnn.stretched(radius), x, np.random.default_rng(directions)) for x in (quiet, loud))  # fmt: skip
        rows.append({"radius": radius, "share": sizes[32] / sizes[1], "power": radius**31, "bent": bent[32] / bent[1]})
    ordered = all(a["share"] < b["share"] for a, b in pairwise(rows))
    yield "Near zero tanh is linear. Then one matrix stands in every step and is multiplied with itself again and again, and in the long run lengths grow or shrink with the size of its largest eigenvalue, the spectral radius."
    yield table("gradient 32 tokens back, relative to 1 token back", rows, radius="radius of W_h", share="tiny inputs :3", power="radius^31 :3", bent="inputs of size 1 :3")  # fmt: skip
    yield "With tiny inputs only a radius near 1 keeps it alive, and training moves the radius. Inputs of size 1 reach where tanh is flatter, so every step shrinks the gradient further, and it may die at a radius above 1 as well. LSTM and GRU cells add a path whose factor can be learned to stay near 1; attention's path is one step long."
    yield Check("ordered", "a larger radius leaves more", "ordered", "ordered" if ordered else "not", "strict", ordered)
    yield from derivation(rnn_backward)
    yield Source("Bengio, Simard and Frasconi", 1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult")  # fmt: skip


@lesson.step("A short path is shared by many")
def the_dilution(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    fewest, most = 8, 512
    sizes = {n: float(gradient_by_distance(run.attention, rng.standard_normal((1, n, run.d)), rng)[1:].mean()) for n in (fewest, 32, 128, most)}  # fmt: skip
    yield "Attention's path has one step for any distance. But the weights of a row sum to 1, so at the start of training each of n tokens gets about 1/n of the attention, and of the gradient."
    yield table("mean size of the attention gradient at one token", [{"n": n, "size": size, "times": n * size} for n, size in sizes.items()], n="n", size="size :3", times="size times n :3")  # fmt: skip
    yield Said("Attention's path length is constant, so long range is easy.", "true with conditions", f"The path is one step. What arrives over it shrinks like 1/n before training: from n = {fewest} to n = {most} by a factor {sizes[fewest] / sizes[most]:.0f}. It shrinks like a power of n, where the RNN's shrinks exponentially, and training can sharpen a row.", "C305")  # fmt: skip


@lesson.step("The price: without a mask attention does not know the order")
def the_order(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    shuffle, places = np.empty(run.n, dtype=int), rng.permutation(run.n)
    shuffle[places] = np.roll(places, 1)  # one round through all places: no token stays where it was
    attention, rnn = (order_gap(layer, run.x, shuffle) for layer in (run.attention, run.rnn))
    yield f"Shuffle the tokens: attention gives the same outputs, shuffled (difference {attention:.0e}). The RNN gives different ones (difference {rnn:.2f})."
    yield formula("attention(shuffle(X)) = shuffle(attention(X))", "for every shuffle, without a mask")
    yield "So order has to be put back in by positions: sinusoids, learned tables, rotations. A causal mask alone lets some of it in: then tokens differ in how many others they see."
    yield agree("equivariant", "attention commutes with shuffling", attention)
    yield at_least("rnn-orders", "the RNN does not: difference", 0.01, rnn)
    yield Said("Without positions two orders of the same words look the same.", "true with conditions", "As sets: the outputs are the same vectors in another order, so their mean is equal. Row by row they differ, and a causal mask breaks the symmetry.", "C075")  # fmt: skip
    yield Try("tfx train reverse --positions none")


@lesson.step("The other price: work grows with n squared")
def the_work(run: Run) -> Iterator[Shown]:
    d, rows = run.d, []
    for n in LENGTHS:
        rnn, core, maps = (total_matmul_flops(costs) // 2 for costs in (recurrence(n, d), attention_core(n, d, 1), projections(n, d)))  # fmt: skip
        rows.append({"n": n, "rnn": rnn, "attention": core, "whole": core + maps, "ratio": core / rnn})
    yield "The RNN multiplies each token and each state with a d x d matrix. Attention compares every token with every other, d numbers each time, and averages as many values."
    yield formula(
        "RNN: 2 n d^2        Q K^T and P V: 2 n^2 d        equal at n = d",
        "multiply-adds; half of the RNN's are for x W_x",
    )
    yield table(f"multiply-adds of one layer at width d = {d}", rows, n="n", rnn="RNN :12", attention="Q K^T and P V :12", whole="with its four maps :12", ratio="ratio :3")  # fmt: skip
    yield Said("Self-attention is cheaper than recurrence at typical lengths.", "true with conditions", f"Q K^T and P V alone against the whole RNN: below n = d, here {d}. Leave out what the RNN does to each x as well: below n = d/2. With its own four maps, another 4 n d^2, attention is dearer at every length.", "C155")  # fmt: skip
    yield exactly("equal", "at n = d both count the same", total_matmul_flops(recurrence(d, d)), total_matmul_flops(attention_core(d, d, 1)))  # fmt: skip
    yield Try("tfx experiment complexity")


@lesson.step("Seconds: n small steps against a few large ones")
def the_time(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = []
    for n in LENGTHS[:4]:
        times = seconds(rng, {"rnn": run.rnn, "attention": run.attention}, n, run.d)
        rnn, attention = times["rnn"], times["attention"]
        faster = (("attention" if attention.median < rnn.median else "RNN") if told_apart(rnn, attention) else "too close to tell")  # fmt: skip
        rows.append({"n": n, "rnn": rnn.median * 1e3, "attention": attention.median * 1e3, "ratio": rnn.median / attention.median, "faster": faster})  # fmt: skip
    yield "The RNN pays for every step of its loop, attention for n x n scores. One core shows the loop alone: on hardware with thousands of cores the n steps still wait for each other, while a few large products keep all of it busy."
    yield table(f"forward pass of one layer on this machine, one thread, d = {run.d}, float32, medians of turns", rows, n="n", rnn="RNN [ms] :3", attention="attention [ms] :3", ratio="RNN/attention :3", faster="faster")  # fmt: skip
    wins = {name: ", ".join(str(row["n"]) for row in rows if row["faster"] == name) for name in ("attention", "RNN", "too close to tell")}  # fmt: skip
    winners = "; ".join(f"{name}: n = {lengths}" for name, lengths in wins.items() if lengths)
    yield Said("Transformers are faster than RNNs because they run in parallel.", "true with conditions", f"It needs n to be moderate, or hardware that computes many products at once. On one core here, {winners}. No speed-up factor is a law: where the lines cross depends on n, d and the machine.", "C156")  # fmt: skip
    yield Try.here(d=128)


@lesson.step("Where the RNN still wins: memory while writing")
def the_memory(run: Run) -> Iterator[Shown]:
    rows = [{"n": n, "rnn": 4 * run.d, "attention": 2 * 4 * n * run.d} for n in LENGTHS]
    rnn, attention = (kept_numbers(layer, run.x) for layer in (run.rnn, run.attention))
    yield "To go on writing, the RNN needs only its state, whose size is fixed; whatever it did not keep there is gone. The Transformer keeps every key and value it has made."
    yield table(f"bytes that one layer must keep to go on writing, d = {run.d}, float32", rows, n="n", rnn="RNN state :12", attention="keys + values :12")  # fmt: skip
    yield Said("An RNN needs only its current state.", "true with conditions", f"For writing. For learning it keeps what every step made: here {rnn:,} numbers for {run.n} tokens, and attention {attention:,}, of which {run.n * run.n:,} are weights.", "C159")  # fmt: skip


@lesson.step("What each weakness was answered with, and what stays open")
def still_open(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    answers = {
        "one step after the other": "all positions in a few matrix products", "one vector for the whole source": "attention to every encoder output (RNNs had it in 2015)",
        "long gradient paths": "any two positions one step apart", "order comes from the recurrence": "positions added to the embeddings",
        "deep stacks are hard to train": "residuals and normalisation", "one kind of relation at a time": "several heads",
    }  # fmt: skip
    yield table("a weakness, and the Transformer's answer", [{"rnn": a, "answer": b} for a, b in answers.items()], rnn="weakness", answer="answer")  # fmt: skip
    stack, arriving = [SelfAttention.random(rng, run.d) for _ in range(8)], int(rng.integers(2**32))
    bare, added = (through_depth(stack, run.x, np.random.default_rng(arriving), residual) for residual in (False, True))
    left = bare[-1]["gradient"] / bare[0]["gradient"]
    rows = [{"depth": b["depth"], "spread": b["spread"], "gradient": b["gradient"], "kept": a["spread"], "arrives": a["gradient"]} for b, a in zip(bare, added, strict=True)]  # fmt: skip
    yield "Depth is not solved by attention. Stacked bare, it averages the tokens until they are all alike; then no score can tell them apart, and W_Q learns nothing. Adding the input back, x + attention(x), keeps them apart. The spread is how much of what a layer reads tells its tokens from each other."
    yield table("layers of self-attention on top of each other", rows, depth="layer", spread="bare: spread :2", gradient="bare: dW_Q :2", kept="with x +: spread :2", arrives="with x +: dW_Q :2")  # fmt: skip
    yield Said("Transformers avoid vanishing gradients.", "false", f"Along the text no k-th power stands in the way. Through depth, {len(stack)} bare layers leave {left:.0e} of the gradient of W_Q; residual connections and normalisation are there for that.", "C112")  # fmt: skip
    yield at_most("depth", "dW_Q of the last bare layer, relative to the first", 1e-3, left)
    yield Source("Dong, Cordonnier and Loukas", 2021, "Attention is not all you need: pure attention loses rank doubly exponentially with depth")  # fmt: skip
    yield "Open in both: exposure bias. In training they are shown the right previous tokens, in use they see what they wrote themselves. New with attention: long texts pay n^2 for the direct paths, and the cache grows with the text."


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "An RNN reads token by token into one state, so it takes n steps, and news and gradients pass through all tokens in between. Attention replaces this by a few matrix products and connects any two tokens directly, so in training all positions run at once."
    yield "It pays with n^2 work, a cache that grows with the text, and, without a mask, blindness to order, which positions cure. Depth still needs residuals and normalisation."
    sizes = {"x": (2, 5, 3), "h0": (2, 4), "w_x": (3, 4), "w_h": (4, 4), "b": (4,)}
    yield proof("the RNN", rnn_forward, rnn_backward, {name: rng.standard_normal(size) for name, size in sizes.items()}, to=1e-7)  # fmt: skip
    yield Try("tfx quiz transformer-vs-rnn")
