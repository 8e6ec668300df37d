"""An RNN layer and a self-attention layer on the same input: steps, paths, gradients, work, time, memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from lessons.attention.transformer_vs_rnn.layers import (
    AttentionLayer,
    RnnLayer,
    gradient_by_distance,
)
from lessons.course import Request
from tfx.errors import BadInput
from tfx.gradcheck import check_gradients
from tfx.measure.measuring import time_in_turns
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward
from tfx.ops.recurrence.through_time import backpropagate_through_time, run_through_time
from tfx.records import Check, Code, Column, Formula, Matrix, Plot, Question, Series, Step, Table, Text

LENGTHS = (16, 64, 256, 1024, 4096)


@dataclass(frozen=True)
class Settings:
    """d: width; n: tokens; radius: spectral radius of the recurrent matrix, which decides whether gradients die."""

    d: int = 32
    n: int = 64
    radius: float = 0.9


def walkthrough(request: Request) -> Iterator[Step]:
    """Nine steps, each one difference, measured."""
    settings: Settings = request.settings
    if not (2 <= settings.d <= 256 and 4 <= settings.n <= 256 and 0 < settings.radius <= 3):
        raise BadInput(
            "d must lie between 2 and 256, n between 4 and 256, radius between 0 and 3.",
            "For example: --set radius=1.1",
        )
    rng = np.random.default_rng(request.seed)
    rnn = RnnLayer.random(rng, settings.d, settings.radius)
    attention = AttentionLayer.random(rng, settings.d)
    x = rng.standard_normal((1, settings.n, settings.d))
    yield _two_layers(settings)
    yield _who_waits(rnn, attention, x)
    yield _gradients(rnn, attention, x, settings)
    yield _radius(rng, settings)
    yield _order(rnn, attention, x, rng)
    yield _work(settings)
    yield _seconds(rnn, attention, rng, settings)
    yield _memory(settings)
    yield _closing(rng)


def values() -> dict[str, object]:
    """The numbers that lesson.md shows."""
    rng = np.random.default_rng(0)
    settings = Settings()
    rnn = RnnLayer.random(rng, settings.d, settings.radius)
    attention = AttentionLayer.random(rng, settings.d)
    x = rng.standard_normal((1, settings.n, settings.d))
    by_rnn, by_attention = gradient_by_distance(rnn, x), gradient_by_distance(attention, x)
    distance = 32
    return {
        "distance": distance,
        "rnn_decay": by_rnn[distance] / by_rnn[1],
        "attention_ratio": by_attention[distance] / by_attention[1],
    }


def _two_layers(settings: Settings) -> Step:
    n = settings.n
    return Step(
        "Two ways to read a sentence",
        (
            Formula("RNN:        h_t = tanh(x_t W_x + h_{t-1} W_h + b)", "one after the other"),
            Formula("attention:  O = softmax(Q K^T / sqrt(D)) V", "all at once"),
            Table(
                f"one layer, n = {n} tokens, width d = {settings.d}",
                (Column("what", "what"), Column("rnn", "RNN"), Column("attention", "attention")),
                (
                    {"what": "steps in sequence", "rnn": n, "attention": 1},
                    {"what": "longest path", "rnn": n, "attention": 1},
                    {"what": "order of work", "rnn": "n d^2", "attention": "n^2 d"},
                    {"what": "knows the order", "rnn": "yes", "attention": "no"},
                ),
            ),
            Text(
                "Per layer, that is: layers still run one after another, and text is still written token by token. The rest "
                "of this walkthrough measures each row."
            ),
            Code(rnn_forward),
            Code(run_through_time),
            Code(attention_forward),
            Code(attend_forward),
        ),
    )


def _who_waits(rnn: RnnLayer, attention: AttentionLayer, x: np.ndarray) -> Step:
    nudged = x.copy()
    nudged[:, 0] += 1.0
    moved_rnn = np.abs(rnn.forward(nudged)[0] - rnn.forward(x)[0]).max(axis=(0, 2))
    moved_attention = np.abs(attention.forward(nudged)[0] - attention.forward(x)[0]).max(axis=(0, 2))
    stops = [t for t in (0, 1, 2, 4, 8, 16, 32, x.shape[1] - 1) if t < x.shape[1]]
    stops = sorted(set(stops))
    last = x.shape[1] - 1
    return Step(
        "Change the first token: who notices?",
        (
            Matrix(
                "largest change of the output",
                np.stack([moved_rnn[stops], moved_attention[stops]]),
                ("layer", "position"),
                ("RNN", "attention"),
                tuple(str(t + 1) for t in stops),
            ),
            Text(
                "In the RNN the news must be carried from state to state, through every token in between; in attention "
                "every position reads the first token directly."
            ),
            Text(f"At the last position: RNN {moved_rnn[last]:.1e}, attention {moved_attention[last]:.1e}."),
        ),
        ("tfx explain transformer-vs-rnn --step 2 --set radius=1.3",),
    )


def _gradients(rnn: RnnLayer, attention: AttentionLayer, x: np.ndarray, settings: Settings) -> Step:
    by_rnn, by_attention = gradient_by_distance(rnn, x), gradient_by_distance(attention, x)
    stops = [k for k in (1, 2, 4, 8, 16, 32, 63, 127, 255) if k < x.shape[1]]
    rows = tuple({"k": k, "rnn": by_rnn[k] / by_rnn[1], "attention": by_attention[k] / by_attention[1]} for k in stops)
    far = rows[-1]
    spread = float(by_attention[1:].max() / by_attention[1:].min())
    distances = list(range(1, x.shape[1]))
    checks: tuple[Check, ...] = ()
    if settings.radius <= 0.95 and settings.n >= 32:
        checks = (
            Check(
                "rnn-decays",
                "the RNN gradient dies with distance",
                "< 0.01",
                far["rnn"],
                "relative to distance 1",
                far["rnn"] < 0.01,
            ),
            Check(
                "attention-flat",
                "the attention gradient does not depend on distance",
                "no trend",
                _trend(by_attention),
                "|slope of log size per 10 tokens| < 0.15",
                abs(_trend(by_attention)) < 0.15,
            ),
        )
    return Step(
        "How much of the gradient arrives from k steps back?",
        (
            Formula("|| d(last output) / d(input k steps earlier) ||"),
            Question(
                f"At k = 1 the RNN gradient counts as 1. If every step multiplied it by {settings.radius:g}, what would be "
                "left at k = 16?",
                settings.radius**16,
                0.02,
                "A k-th power: that is why it dies, or explodes. The measured decay also contains tanh' < 1.",
            ),
            Table(
                "size relative to k = 1",
                (Column("k", "k"), Column("rnn", "RNN", digits=3), Column("attention", "attention", digits=3)),
                rows,
            ),
            Plot(
                f"{distances[-1]} steps back the RNN gradient is {far['rnn']:.0e} of its first step's",
                "distance k",
                "gradient size relative to k = 1",
                (
                    Series("RNN", distances, list(by_rnn[1:] / by_rnn[1]), kind="line"),
                    Series("attention", distances, list(by_attention[1:] / by_attention[1]), kind="line"),
                ),
                log_y=True,
            ),
            Text(f"Attention is not constant: its sizes differ by a factor {spread:.1f}, by content, not by distance."),
            *checks,
            Code(rnn_backward),
            Code(backpropagate_through_time),
        ),
        ("tfx explain transformer-vs-rnn --step 3 --set radius=1.3",),
    )


def _trend(sizes: np.ndarray) -> float:
    """Slope of log(size) over distance, per 10 tokens, leaving out distance 0 (the token's own, larger share)."""
    distance = np.arange(1, sizes.size)
    return float(np.polyfit(distance, np.log(sizes[1:]), 1)[0] * 10)


def _radius(rng: np.random.Generator, settings: Settings) -> Step:
    rows = []
    x = rng.standard_normal((1, 33, settings.d)) * 0.1
    for radius in (0.5, 0.9, 1.0, 1.1, 1.5):
        layer = RnnLayer.random(np.random.default_rng(1), settings.d, radius)
        sizes = gradient_by_distance(layer, x)
        rows.append(
            {
                "radius": radius,
                "share": float(sizes[32] / sizes[1]),
                "per_step": float((sizes[32] / sizes[1]) ** (1 / 31)),
            }
        )
    ordered = all(a["share"] < b["share"] for a, b in pairwise(rows))
    return Step(
        "Dying or exploding: the k-th power of a matrix",
        (
            Formula("dh_t/dh_{t-k} = product of k factors  W_h^T diag(1 - h^2)"),
            Table(
                "gradient 32 steps back, relative to 1 step back; small inputs, so that tanh is nearly linear",
                (
                    Column("radius", "radius of W_h"),
                    Column("share", "what is left", digits=3),
                    Column("per_step", "per step", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                "Only a radius near 1 keeps it alive, and training moves the radius. LSTM and GRU cells add a path with a "
                "factor close to 1; attention needs no path at all."
            ),
            Check(
                "ordered", "a larger radius leaves more", "ordered", "ordered" if ordered else "not", "strict", ordered
            ),
        ),
    )


def _order(rnn: RnnLayer, attention: AttentionLayer, x: np.ndarray, rng: np.random.Generator) -> Step:
    shuffle = rng.permutation(x.shape[1])
    gap_attention = float(np.abs(attention.forward(x[:, shuffle])[0] - attention.forward(x)[0][:, shuffle]).max())
    gap_rnn = float(np.abs(rnn.forward(x[:, shuffle])[0] - rnn.forward(x)[0][:, shuffle]).max())
    return Step(
        "The price: attention does not know the order",
        (
            Formula("attention(shuffle(X)) = shuffle(attention(X))", "for every shuffle"),
            Text(
                f"Shuffle the tokens: attention gives the same outputs, shuffled (difference {gap_attention:.0e}). "
                f"The RNN gives different ones (difference {gap_rnn:.2f})."
            ),
            Text("So order has to be put back in by positions: sinusoids, learned tables, rotations."),
            Check(
                "equivariant", "attention commutes with shuffling", 0.0, gap_attention, "1e-12", gap_attention <= 1e-12
            ),
            Check("rnn-orders", "the RNN does not", "> 0.01", gap_rnn, "", gap_rnn > 0.01),
        ),
        ("tfx train reverse --positions none",),
    )


def _work(settings: Settings) -> Step:
    d = settings.d
    rows = [{"n": n, "rnn": 2 * n * d * d, "attention": 2 * n * n * d, "ratio": n / d} for n in LENGTHS]
    return Step(
        "The other price: work grows with n squared",
        (
            Formula("RNN: 2 n d^2        attention: 2 n^2 d        equal at n = d", "multiply-adds, projections aside"),
            Table(
                f"multiply-adds of one layer at width d = {d}",
                (
                    Column("n", "n"),
                    Column("rnn", "RNN", digits=12),
                    Column("attention", "attention", digits=12),
                    Column("ratio", "ratio", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                "Below n = d attention does less work, above it more. The four projections of attention, 4 n d^2, are counted "
                "in the experiment: tfx experiment complexity."
            ),
        ),
        ("tfx experiment complexity --quick",),
    )


def _seconds(rnn: RnnLayer, attention: AttentionLayer, rng: np.random.Generator, settings: Settings) -> Step:
    rows = []
    for n in (16, 64, 256, 1024):
        x = rng.standard_normal((1, n, settings.d)).astype(np.float32)
        calls: dict[str, Callable[[], object]] = {
            "rnn": partial(rnn.forward, x),
            "attention": partial(attention.forward, x),
        }
        times = time_in_turns(calls, turns=7, budget_s=0.5)
        a, b = times["rnn"].median, times["attention"].median
        rows.append({"n": n, "rnn": a * 1e3, "attention": b * 1e3, "ratio": a / b})
    return Step(
        "Seconds: n small steps against a few large ones",
        (
            Table(
                f"forward pass of one layer on this machine, d = {settings.d}, float32, medians of interleaved runs",
                (
                    Column("n", "n"),
                    Column("rnn", "RNN", "ms", digits=3),
                    Column("attention", "attention", "ms", digits=3),
                    Column("ratio", "RNN/attention", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                "The RNN pays for every step of its loop; attention pays for n x n scores. Where the lines cross depends on "
                "n, d and the machine, so no speed-up factor is a law. On hardware with thousands of cores the loop hurts more."
            ),
        ),
        ("tfx explain transformer-vs-rnn --step 7 --set d=128",),
    )


def _memory(settings: Settings) -> Step:
    d = settings.d
    rows = [{"n": n, "rnn": 4 * d, "attention": 2 * 4 * n * d} for n in LENGTHS]
    return Step(
        "Where the RNN still wins: memory while generating",
        (
            Table(
                f"bytes that one layer must keep to go on writing, d = {d}, float32",
                (
                    Column("n", "n"),
                    Column("rnn", "RNN state", digits=12),
                    Column("attention", "keys + values", digits=12),
                ),
                tuple(rows),
            ),
            Text(
                "The RNN forgets into one state of fixed size; the Transformer keeps every key and value it has made."
            ),
            Text(
                "And what neither solves: exposure bias. In training both are shown the right previous tokens, in use they "
                "see their own."
            ),
        ),
    )


def _closing(rng: np.random.Generator) -> Step:
    inputs = {
        "x": rng.standard_normal((2, 5, 3)),
        "h0": rng.standard_normal((2, 4)),
        "w_x": rng.standard_normal((3, 4)),
        "w_h": rng.standard_normal((4, 4)),
        "b": rng.standard_normal(4),
    }
    report = check_gradients(rnn_forward, rnn_backward, inputs, seed=0)
    return Step(
        "Say it in an interview",
        (
            Text(
                "Attention replaces n steps in sequence by a few matrix products and connects any two tokens directly, so "
                "training runs in parallel and gradients do not have to pass through every token in between."
            ),
            Text(
                "It pays with n^2 work, a cache that grows with the text, and blindness to order that positions must cure. "
                "Depth still needs residuals and normalisation."
            ),
            Check("gradcheck", "gradient check of the RNN", 0.0, report.worst, "1e-7 relative", report.worst <= 1e-7),
        ),
        ("tfx quiz transformer-vs-rnn",),
    )
