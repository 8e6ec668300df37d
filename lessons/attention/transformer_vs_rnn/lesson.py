"""An RNN and self-attention on the same tokens, point by point: paths, gradients, order, work, time, memory, depth."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from lessons.operation import derivation
from lessons.writing import (
    Check, Lesson, Plot, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, lines, matrix, near,
    proof, question, setting, table,
)  # fmt: skip
from tfx.efficient.causal_product import causal_product_forward
from tfx.efficient.tiles import spans
from tfx.lab.sequences.sequence_layers import (
    Recurrent, SelfAttention, change_by_place, gradient_by_distance, kept_numbers, order_gap, seconds, through_depth, trend,
)  # fmt: skip
from tfx.measure.counting import attention_core, projections, recurrence, total_matmul_flops
from tfx.measure.measuring import told_apart
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward
from tfx.ops.recurrence.through_time import backpropagate_through_time

LENGTHS = (16, 64, 256, 1024, 4096)
BUSY = "too close to tell"


@dataclass(frozen=True)
class Settings:
    d: int = setting(32, 2, 256, "C, the width of a token and of the RNN's state; papers write d")
    n: int = setting(64, 4, 256, "T, the number of tokens; papers write n")
    radius: float = setting(0.9, 0.1, 3.0, "size of the largest eigenvalue of W_h: whether gradients fade or explode")


class Run:
    """x: (1, T, C) random tokens, and a random layer of either kind."""

    def __init__(self, request: Request) -> None:
        self.settings: Settings = request.settings
        self.d, self.n, self.radius = self.settings.d, self.settings.n, self.settings.radius
        rng = np.random.default_rng(request.seed)
        self.rnn = Recurrent.random(rng, self.d, self.radius)
        self.attention = SelfAttention.random(rng, self.d)
        self.x = rng.standard_normal((1, self.n, self.d))


lesson = Lesson(Run, Settings)


@lesson.step("One layer of each: what waits, and how far it is")
def all_at_once(run: Run) -> Iterator[Shown]:
    steps = len(run.rnn.forward(run.x)[1].time.steps)
    rows: list[dict[str, Any]] = [
        {"what": "steps that wait for each other", "rnn": steps, "attention": 1},
        {"what": "steps from the first token to the last", "rnn": steps - 1, "attention": 1},
    ]
    yield "An RNN makes one state after the other; self-attention makes all outputs of a layer in one step of a few matrix products. (One head, as wide as the model: D = Dv = C, no W_O. And per layer: layers still run one after another.)"
    yield formula("RNN:        h_t = tanh(x_t W_x + h_{t-1} W_h)")
    yield formula("attention:  O = softmax(Q K^T / sqrt(D)) V", "Q = X W_Q, K = X W_K, V = X W_V")
    yield table(f"one layer, T = {run.n} tokens of width C = {run.d}", rows, what="what", rnn="RNN", attention="attention")  # fmt: skip
    yield Said("Teacher forcing lets an RNN train in parallel.", "false", f"It feeds the true text. Here, too, all {run.n} inputs were known, and the states were still made in {steps} steps, one by one.", "C252")  # fmt: skip
    yield exactly("waits", "the RNN makes one state per token, each from the one before", run.n, steps)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "table 1")
    yield self_attention_forward


@lesson.step("Path: change the first token, and who notices?")
def who_notices(run: Run) -> Iterator[Shown]:
    moved = np.stack([change_by_place(layer, run.x) for layer in (run.rnn, run.attention)])
    places = sorted({place for place in (0, 1, 2, 4, 8, 16, 32, run.n - 1) if place < run.n})
    yield "Add 1 to every number of the first token. In the RNN the news is carried from state to state, through every token in between; in attention every token reads the first one directly."
    yield matrix("largest change of the output", moved[:, places], "layer, position", ("RNN", "attention"), [str(place + 1) for place in places])  # fmt: skip
    yield f"At the last position: RNN {moved[0, -1]:.1e}, attention {moved[1, -1]:.1e}."
    yield change_by_place
    yield Try.here(radius=1.3)


@lesson.step("Gradient: how much arrives from k tokens back?")
def the_gradient(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rnn, attention = (gradient_by_distance(layer, run.x, rng) for layer in (run.rnn, run.attention))
    rows = [{"k": k, "rnn": rnn[k] / rnn[1], "attention": attention[k] / attention[1]} for k in (1, 8, 63, 255) if k < run.n]  # fmt: skip
    far, power, (slope, error), k = rows[-1], run.radius**16, trend(attention), list(range(1, run.n))
    yield "To learn that an early token mattered, a gradient must arrive there."
    yield question(f"Multiply 1 by {run.radius:g} at each of 16 steps: what is left?", power, "A 16th power. What is measured is also multiplied by tanh', at most 1, at every step.")  # fmt: skip
    yield table("size of d(last output) / d(input k tokens earlier), relative to k = 1", rows, k="k", rnn="RNN :3", attention="attention :3")  # fmt: skip
    yield Plot(f"{run.n - 1} tokens back the RNN gradient is {rnn[-1] / rnn[1]:.0e} of what it is one token back", "distance k", "gradient size relative to k = 1", lines(k, RNN=rnn[1:] / rnn[1], attention=attention[1:] / attention[1]), log_y=True)  # fmt: skip
    yield f"Attention's sizes differ by a factor of {attention[1:].max() / attention[1:].min():.1f}, by content and not by distance."
    if run.radius <= 0.95 and run.n >= 32:
        yield at_most("rnn-decays", f"RNN gradient {far['k']} tokens back, relative to 1", run.radius ** ((far["k"] - 1) / 2), far["rnn"])  # fmt: skip
        yield near("attention-flat", "the attention gradient has no trend: slope of its logarithm, per token", 0.0, slope, error)  # fmt: skip
    yield gradient_by_distance


@lesson.step("Fading or exploding, with and without the bend of tanh")
def the_power(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    quiet, directions = 1e-8 * rng.standard_normal((1, 33, run.d)), int(rng.integers(2**32))
    rows, loud = [], 1e8 * quiet
    for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
        sizes, bent = (gradient_by_distance(run.rnn.stretched(radius), x, np.random.default_rng(directions)) for x in (quiet, loud))  # fmt: skip
        rows.append({"radius": radius, "share": sizes[32] / sizes[1], "power": radius**31, "bent": bent[32] / bent[1]})
    ordered = all(a["share"] < b["share"] for a, b in pairwise(rows))
    yield "Near zero tanh is straight: a gradient meets one matrix at every step and goes, in the long run, like powers of its radius (the size of its largest eigenvalue)."
    yield table("gradient 32 tokens back, relative to 1 token back", rows, radius="radius", share="tiny inputs :3", power="radius^31 :3", bent="of size 1 :3")  # fmt: skip
    yield "With tiny inputs only a radius near 1 keeps the gradient alive, and training moves the radius. Inputs of size 1 reach where tanh is flatter: there the gradient fades faster, and can fade at a radius above 1 as well. LSTM and GRU cells add a path whose factor may stay near 1."
    yield Check("ordered", "a larger radius leaves more", "ordered", "ordered" if ordered else "not", "strict", ordered)
    yield Source("Bengio, Simard and Frasconi", 1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult")  # fmt: skip


@lesson.step("The way back through an RNN, derived")
def the_way_back(run: Run) -> Iterator[Shown]:
    yield from derivation(rnn_backward)
    yield backpropagate_through_time


@lesson.step("Attention's short path is shared by many")
def the_dilution(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    fewest, most = 8, 512
    sizes = {n: float(gradient_by_distance(run.attention, rng.standard_normal((1, n, run.d)), rng)[1:].mean()) for n in (fewest, 32, 128, most)}  # fmt: skip
    yield "Attention's path has one step at any distance. But the weights of a row sum to 1, so before training each of T tokens gets about 1/T of the attention, and of the gradient."
    yield table("mean size of the attention gradient at one token", [{"n": n, "size": size, "times": n * size} for n, size in sizes.items()], n="T", size="size :3", times="size times T :3")  # fmt: skip
    yield Said("Attention's path length is constant, so long range is easy.", "true with conditions", f"The path is one step. What arrives over it shrinks like 1/T before training: from T = {fewest} to T = {most} by a factor of {sizes[fewest] / sizes[most]:.0f}. That is a power of T; in an RNN that fades, what arrives falls exponentially with the distance. And training can sharpen a row.", "C305")  # fmt: skip


@lesson.step("Order: without a mask attention does not know it")
def the_order(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    shuffle, places = np.empty(run.n, dtype=int), rng.permutation(run.n)
    shuffle[places] = np.roll(places, 1)  # one round through all places: no token stays where it was
    attention, rnn = (order_gap(layer, run.x, shuffle) for layer in (run.attention, run.rnn))
    yield f"Shuffle the tokens: attention gives the same outputs, shuffled (difference {attention:.0e}). The RNN gives different ones (difference {rnn:.2f})."
    yield formula("attention(shuffle(X)) = shuffle(attention(X))", "for every shuffle, without a mask")
    yield "So order has to be put in, by positions: sinusoids, learned tables, rotations. A causal mask, under which a token sees itself and the tokens before it, lets some of it in by itself: then tokens differ in how many others they see."
    yield agree("equivariant", "attention commutes with shuffling", attention)
    yield at_least("rnn-orders", "the RNN does not: difference", 0.01, rnn)
    yield Said("Without positions two orders of the same words look the same.", "true with conditions", "As sets: the outputs are the same vectors in another order, so their mean is equal. Row by row they differ, and a causal mask breaks the symmetry.", "C075")  # fmt: skip
    yield Try("tfx train reverse --positions none")


@lesson.step("Work: it grows with the square of the length")
def the_work(run: Run) -> Iterator[Shown]:
    d, rows = run.d, []
    for n in LENGTHS:
        rnn, core, maps = (total_matmul_flops(costs) // 2 for costs in (recurrence(n, d), attention_core(n, d, 1), projections(n, d)))  # fmt: skip
        rows.append({"n": n, "rnn": rnn, "attention": core, "whole": core + maps, "ratio": core / rnn})
    yield "The RNN sends each token and each state through a C x C matrix. Attention compares every token with every other, then averages as many values."
    yield formula("RNN: 2 T C^2        Q K^T and P V: 2 T^2 C", "papers: n d^2 and n^2 d")
    yield table(f"multiply-adds of one layer, C = {d}", rows, n="T", rnn="RNN :12", attention="Q K^T, P V :12", whole="with maps :12", ratio="products / RNN :3")  # fmt: skip
    yield Said("Self-attention is cheaper than recurrence at typical lengths.", "true with conditions", f"Q K^T and P V against the whole RNN: below T = C, here {d}. Without x_t W_x, half of its work: below T = C/2. With four maps, 4 T C^2 more: at no length.", "C155")  # fmt: skip
    yield exactly("equal", "at T = C both count the same", total_matmul_flops(recurrence(d, d)), total_matmul_flops(attention_core(d, d, 1)))  # fmt: skip
    yield Try("tfx experiment complexity")


@lesson.step("Time: many small steps against a few large products")
def the_time(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = []
    for n in LENGTHS[:4]:
        times = seconds(rng, {"rnn": run.rnn, "attention": run.attention}, n, run.d)
        rnn, attention = times["rnn"], times["attention"]
        faster = ("attention" if attention.median < rnn.median else "RNN") if told_apart(rnn, attention) else BUSY
        rows.append({"n": n, "rnn": rnn.median * 1e3, "attention": attention.median * 1e3, "ratio": rnn.median / attention.median, "faster": faster})  # fmt: skip
    yield "The RNN pays for every step of its loop, attention for T x T scores. One core shows that much. Thousands of cores are no help to T steps that wait for each other; a few large products keep them busy."
    yield table(f"milliseconds of a forward pass: one thread, C = {run.d}, float32, medians", rows, n="T", rnn="RNN :3", attention="attention :3", ratio="RNN/attention :3", faster="faster")  # fmt: skip
    wins = {name: ", ".join(str(row["n"]) for row in rows if row["faster"] == name) for name in ("attention", "RNN", BUSY)}  # fmt: skip
    winners = "; ".join(f"{name}: T = {lengths}" for name, lengths in wins.items() if lengths)
    winners += " (or this machine is too busy to say)" * bool(wins[BUSY])
    yield Said("Transformers are faster than RNNs because they run in parallel.", "true with conditions", f"It needs T to be moderate, or hardware that computes many products at once. On one core here, {winners}. No speed-up factor is a law: where the lines cross depends on T, C and the machine.", "C156")  # fmt: skip
    yield Try.here(d=128)


@lesson.step("Writing: what has to be kept for the next token")
def the_memory(run: Run) -> Iterator[Shown]:
    rows = [{"n": n, "rnn": 4 * run.d, "attention": 2 * 4 * n * run.d} for n in LENGTHS]
    rnn, attention = (kept_numbers(layer, run.x) for layer in (run.rnn, run.attention))
    yield "Both write token by token, as a rule: each is read before the next is written. The RNN needs its state for that, whose size is fixed; what it did not keep is gone. Attention keeps every key and value it has made."
    yield table(f"bytes that one layer keeps to go on writing, C = {run.d}, float32", rows, n="T", rnn="RNN state :12", attention="keys + values :12")  # fmt: skip
    yield Said("An RNN needs only its current state.", "true with conditions", f"For writing. For learning it keeps what every step made: here {rnn:,} numbers for {run.n} tokens, and attention {attention:,}, of which {run.n * run.n:,} are weights.", "C159")  # fmt: skip
    yield "The rule has exceptions: a model can be trained to write all tokens at once, or a small one may guess several that the large one then checks together."


@lesson.step("Depth: what attention does not solve")
def the_depth(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    stack, arriving = [SelfAttention.random(rng, run.d) for _ in range(8)], int(rng.integers(2**32))
    bare, added = (through_depth(stack, run.x, np.random.default_rng(arriving), residual) for residual in (False, True))
    left = bare[-1]["gradient"] / bare[0]["gradient"]
    left_over = f"{left:.0e}" if left else "nothing"
    rows = [{"depth": b["depth"], "spread": b["spread"], "gradient": b["gradient"], "kept": a["spread"], "arrives": a["gradient"]} for b, a in zip(bare, added, strict=True) if b["depth"] in (1, 2, 8)]  # fmt: skip
    yield "Layer by layer, bare attention averages the tokens until all are alike, and W_Q learns nothing. Adding the input back, x + attention(x), keeps them apart. Spread: how much of what a layer reads tells its tokens apart."
    yield table("layers of self-attention on top of each other", rows, depth="layer", spread="bare: spread :2", gradient="bare: dW_Q :2", kept="x +: spread :2", arrives="x +: dW_Q :2")  # fmt: skip
    yield Said("Transformers avoid vanishing gradients.", "false", f"Along the text no k-th power stands in the way. But {len(stack)} bare layers leave {left_over} of the gradient of W_Q; residuals and normalisation are there for that.", "C112")  # fmt: skip
    yield at_most("depth", "dW_Q of the last bare layer, relative to the first", 1e-3, left)
    yield Source("Dong, Cordonnier and Loukas", 2021, "Attention is not all you need: pure attention loses rank doubly exponentially with depth")  # fmt: skip
    yield through_depth


@lesson.step("Which weakness was answered with what, and what stays open")
def still_open(run: Run) -> Iterator[Shown]:
    answers = {
        "one step after the other": "all positions in a few matrix products",
        "one vector for the whole source": "attention to every encoder output",
        "long gradient paths": "any two positions one step apart",
        "order comes from the recurrence": "positions added to the embeddings",
        "deep stacks are hard to train": "residuals and normalisation",
        "one kind of relation at a time": "several heads",
    }
    yield table("a weakness of recurrent translators, and the Transformer's answer", [{"rnn": a, "answer": b} for a, b in answers.items()], rnn="weakness", answer="answer")  # fmt: skip
    yield "The second answer is older: RNN translators had attention to the encoder from 2014 on. What was new in 2017 was to leave the recurrence out."
    yield "Open in both: exposure bias. In training they are shown the right previous tokens; in use they read what they wrote themselves."
    yield "New with attention: long texts pay T^2 for the direct paths, and what has to be kept grows with the text."
    yield Source("Bahdanau, Cho and Bengio", 2015, "Neural Machine Translation by Jointly Learning to Align and Translate")  # fmt: skip


@lesson.step("Since then: recurrences that need not wait")
def since_then(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    q, k, v = rng.standard_normal((3, run.n, run.d))
    sizes = sorted({1, min(8, run.n), run.n})
    outputs = {size: causal_product_forward(q, k, v, chunk=size) for size in sizes}
    waits, kept = [len(list(spans(run.n, size))) for size in sizes], outputs[1][1].last_state.size
    yield "It is tanh that makes an RNN wait. Without it the state is a sum, and a sum can be added up in blocks. Here the state h is a matrix: the sum of key times value over the tokens so far."
    yield formula("h_t = h_{t-1} + k_t^T v_t        o_t = q_t h_t", "h: (D, Dv)")
    yield f"In blocks of {', '.join(map(str, sizes))} tokens it takes {', '.join(map(str, waits))} steps that wait, and gives the same {run.n} outputs. So it trains like attention and writes like an RNN: {kept:,} numbers are kept, whatever T is."
    yield "It is attention without the softmax, under a causal mask. The price is the RNN's old one: a state of fixed size must forget. Newer layers learn what to forget."
    yield agree("blocks", "step by step and all at once give the same", outputs[1][0], outputs[run.n][0], to=1e-9)
    yield Source("Katharopoulos et al.", 2020, "Transformers are RNNs", "section 3.3")
    yield Source("Gu and Dao", 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces")
    yield causal_product_forward


@lesson.step("Say it in an interview")
def interview(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    yield "An RNN reads token by token into one state, so it takes T steps for T tokens, and news and gradients pass through all tokens in between. Attention replaces this by a few matrix products and connects any two tokens directly, so in training all positions run at once."
    yield "It pays with work that grows like T^2, with keys and values that are kept for every token, and, without a mask, with blindness to order, which positions cure. Depth still needs residuals and normalisation."
    sizes = {"x": (2, 5, 3), "h0": (2, 4), "w_x": (3, 4), "w_h": (4, 4), "b": (4,)}
    yield proof("the RNN", rnn_forward, rnn_backward, {name: rng.standard_normal(size) for name, size in sizes.items()}, to=1e-7)  # fmt: skip
    yield Try("tfx quiz transformer-vs-rnn")
