"""Claims about cheaper attention that keeps to a pattern, mixes in other ways, or computes again."""

from __future__ import annotations

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.claims.efficient_attention import SECTION as SECTION
from tfx.claims.efficient_attention import D, N, error_of, random_heads
from tfx.efficient.big_bird import big_bird_mask
from tfx.efficient.fourier_mixing import fourier_mixing_forward
from tfx.efficient.longformer import longformer_attention_forward, longformer_mask
from tfx.efficient.sparse_transformer import sparse_transformer_mask
from tfx.efficient.synthesizer import dense_synthesizer_forward, random_synthesizer_forward
from tfx.efficient.tiled_attention import tiled_attention_forward
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.measure.held_memory import held_bytes
from tfx.measure.reach import layers_until_all
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, within
from tfx.nn.block_settings import StackSettings
from tfx.nn.reversible import ReversibleStack
from tfx.ops.attention.scaled_dot_product import attention_forward

#: Of numbers of about 1 in float64: a change that is larger is one.
ROUNDING = 1e-9


def core_flops(n: int, d_model: int) -> int:
    """Of scores and weighted sum, one head."""
    return total_matmul_flops(attention_core(n, d_model, 1))


@claim(
    "C184", "Longformer costs n times the window.", where="D0:1817", verdict="holds",
    why="a window alone needs many layers until distant tokens meet; one global token makes it two.",
    experiment="path-length", paper="Beltagy et al. 2020, Longformer, section 3.1",
)  # fmt: skip
def window_cost(trial: Trial) -> Evidence:
    inside = {n: int(longformer_mask(n, window=8).sum()) for n in (N, 2 * N)}
    yield supports(
        within("linear", "scores at twice the length, in units of once", 2.0, inside[2 * N] / inside[N], 0.03)
    )
    far, near = (layers_until_all(longformer_mask(N, window=8, global_places=places)) for places in ((), (0,)))
    yield exactly("layers", "layers until every token has met every other, window of 8 to each side", N // 8, far)
    yield exactly("global", "... with one global token", 2, near)


@claim(
    "C185", "Longformer and the Sparse Transformer approximate nothing.", where="D0:1929 D0:1930", verdict="holds when",
    why="the pattern is what is wanted: on it they are exact, and they are not attention over all tokens.",
    paper="Child et al. 2019, Generating Long Sequences with Sparse Transformers",
)  # fmt: skip
def exact_on_the_pattern(trial: Trial) -> Evidence:
    heads = random_heads(trial)
    windowed, _ = longformer_attention_forward(*heads, window=8)
    masked, _ = attention_forward(*heads, mask=longformer_mask(N, window=8))
    yield supports(
        agree("pattern", "windowed attention and exact attention with the same mask", windowed, masked, 1e-12)
    )
    yield contradicts(
        at_least("all", "difference from attention over all tokens, as a share", 0.5, error_of(windowed, heads))
    )


@claim(
    "C186", "The Sparse Transformer costs n times the square root of n.", where="D0:1826", verdict="holds",
    why="its stride is the square root of n; in two steps every earlier token is reached.",
    experiment="path-length", paper="Child et al. 2019, section 4.2",
)  # fmt: skip
def square_root(trial: Trial) -> Evidence:
    shares = [int(sparse_transformer_mask(n, stride=round(n**0.5)).sum()) / n**1.5 for n in (256, 1024)]
    yield supports(within("power", "scores over n^1.5, at 1,024 in units of 256", 1.0, shares[1] / shares[0], 0.1))
    reach = sparse_transformer_mask(256, stride=16)
    twice = (reach.astype(int) @ reach.astype(int)) > 0
    missing = int((np.tril(np.ones((256, 256), bool)) & ~twice).sum())
    yield exactly("reach", "earlier tokens not reached in two steps", 0, missing)


@claim(
    "C187", "BigBird is linear in length and keeps the expressive power of full attention.", where="D0:1836 D0:1837",
    verdict="holds when", why="the number of blocks is fixed, and more layers are allowed; in one layer most pairs "
    "do not meet.",
    experiment="path-length", paper="Zaheer et al. 2020, Big Bird, sections 3 and 4",
)  # fmt: skip
def big_bird(trial: Trial) -> Evidence:
    inside = {n: int(big_bird_mask(n, block=8, seed=trial.seed).sum()) for n in (N, 2 * N)}
    yield supports(
        within("linear", "scores at twice the length, in units of once", 2.0, inside[2 * N] / inside[N], 0.1)
    )
    reach = big_bird_mask(N, block=8, seed=trial.seed)
    yield supports(exactly("layers", "layers until every token has met every other", 2, layers_until_all(reach)))
    yield contradicts(at_most("one", "share of pairs that meet in one layer", 0.3, float(reach.mean())))


@claim(
    "C189", "Reversible layers save the memory of activations.", where="D0:1864 D1:685", verdict="holds",
    why="inputs are computed again from outputs, to rounding; what is kept does not grow with the number of layers.",
    experiment="checkpointing", paper="Kitaev et al. 2020, Reformer, section 3",
)  # fmt: skip
def reversible(trial: Trial) -> Evidence:
    rng = trial.generator(4)
    x, dy = rng.standard_normal((2, 1, 6, 8))
    kept, gradients = {}, {}
    for layers in (2, 8):
        for recompute in (True, False):
            settings = StackSettings(d_model=8, n_heads=2, d_ff=16, n_layers=layers, dtype="float64")
            stack = ReversibleStack(settings, trial.generator(5, layers), recompute)
            _, cache = stack.forward(x)
            kept[layers, recompute] = held_bytes(cache, stack)
            gradients[layers, recompute] = stack.backward(dy, cache)
    yield supports(exactly("kept", "bytes kept for 8 layers, in units of 2", 1.0, kept[8, True] / kept[2, True]))
    yield at_least("usual", "... of a stack that keeps everything", 2.0, kept[8, False] / kept[2, False])
    yield agree("same", "gradients of the input both ways", gradients[8, True], gradients[8, False], 1e-9)


@claim(
    "C190", "The weights of a dense Synthesizer do not depend on the input.", where="D0:1871 D0:1873",
    verdict="does not hold",
    why="each row is made from its own token; only the comparison of two tokens is gone. Those of a random one do "
    "not depend "
    "on the input.", paper="Tay et al. 2021, Synthesizer, section 3",
)  # fmt: skip
def synthesizer(trial: Trial) -> Evidence:
    rng = trial.generator(6)
    x, v = rng.standard_normal((2, 6, 8))
    w1, w2, b1, b2 = (rng.standard_normal(shape) / 3 for shape in ((8, 8), (8, 6), (1, 8), (1, 6)))
    out, _ = dense_synthesizer_forward(x, v, w1, b1, w2, b2)
    own, others = [], []
    for token in range(6):
        other = x.copy()
        other[token] += 1.0
        moved = abs(dense_synthesizer_forward(other, v, w1, b1, w2, b2)[0] - out).max(axis=1)
        own.append(float(moved[token]))
        others.append(float(np.delete(moved, token).max()))
    yield contradicts(
        at_least("own", "largest change of a token's own row when it changes, values kept", ROUNDING, max(own))
    )
    yield at_most("others", "... of the other rows", 0.0, largest(others))
    scores = rng.standard_normal((6, 6))
    once, again = (random_synthesizer_forward(v, scores)[0] for _ in range(2))
    yield agree("random", "a random Synthesizer's output for the same values", once, again)


@claim(
    "C192", "FNet mixes tokens by a Fourier transform in n log n steps.", where="D0:1887 D0:1889", verdict="holds",
    why="it takes the real part of a transform over both axes, without a parameter.",
    paper="Lee-Thorp et al. 2022, FNet, section 3",
)  # fmt: skip
def fourier(trial: Trial) -> Evidence:
    x = trial.generator(7).standard_normal((24, 10))
    tokens, width = (np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) for n in x.shape)
    yield supports(
        agree(
            "same",
            "FNet and the product with both Fourier matrices, real part",
            fourier_mixing_forward(x)[0],
            (tokens @ x @ width).real,
            1e-9,
        )
    )
    n, butterflies = 4096, 4096 * 12
    yield supports(
        at_most("work", "multiply-adds of the transform over those of a matrix, n = 4,096", 0.005, butterflies / n**2)
    )


@claim(
    "C194", "FlashAttention removes the quadratic complexity of attention.", where="D4:44", verdict="does not hold",
    why="it computes every score, tile by tile; what it saves is memory and traffic.", experiment="tiled-memory",
    paper="Dao et al. 2022, FlashAttention, section 3.2",
)  # fmt: skip
def flash(trial: Trial) -> Evidence:
    work = {n: core_flops(n, D) for n in (N, 2 * N)}
    yield contradicts(
        exactly("quadratic", "work of scores and sum at twice the length, in units of once", 4.0, work[2 * N] / work[N])
    )
    heads = random_heads(trial)
    yield agree(
        "exact",
        "tiled attention and exact attention",
        tiled_attention_forward(*heads)[0],
        attention_forward(*heads)[0],
        1e-12,
    )
    sizes = {n: held_bytes(tiled_attention_forward(*random_heads(trial, n))[1]) for n in (N, 2 * N)}
    yield at_most("memory", "bytes kept at twice the length, in units of once", 2.5, sizes[2 * N] / sizes[N])


@claim(
    "C195", "Attention that recomputes takes 25% more work for more than half of the memory.", where="D0:1905",
    verdict="does not hold", why="one more pass over scores and weighted sum is a much smaller share of a training "
    "step.",
    experiment="checkpointing", paper="Rabe and Staats 2021, Self-attention Does Not Need O(n^2) Memory",
)  # fmt: skip
def recomputing(trial: Trial) -> Evidence:
    n, d = 2048, 1024
    layer = total_matmul_flops((*projections(n, d), *attention_core(n, d, 1), *feed_forward(n, d, 4 * d)))
    share = core_flops(n, d) / (3 * layer)
    yield contradicts(
        at_most("share", "one more pass over the core, as a share of a step (n = 2,048, width 1,024)", 0.15, share)
    )


@claim(
    "C197", "Pooling as in the Funnel-Transformer cuts the work.", where="D0:1843 D0:1845", verdict="holds",
    why="half the length means a quarter of scores and weighted sum and half of everything else, from that layer on.",
    paper="Dai et al. 2020, Funnel-Transformer",
)  # fmt: skip
def funnel(trial: Trial) -> Evidence:
    d = 512
    core = core_flops(N, d) / core_flops(2 * N, d)
    rest = [total_matmul_flops((*projections(n, d), *feed_forward(n, d, 4 * d))) for n in (N, 2 * N)]
    yield supports(exactly("core", "scores and sum at half the length, as a share", 0.25, core))
    yield supports(exactly("rest", "everything else at half the length, as a share", 0.5, rest[0] / rest[1]))
