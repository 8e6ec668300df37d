"""Claims about the order of tokens: what attention knows of it, what sinusoidal codes are, and how they are added."""

from __future__ import annotations

import math

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.lab.position import permutation, sinusoids
from tfx.lab.position.permutation import BOTH_WAYS, CAUSAL, WhichPlace, make, reorder
from tfx.measure.verdicts import agree, at_least, at_most, between, exactly, largest, near
from tfx.nn.convolution import Convolution1d
from tfx.nn.embedding import Embedding
from tfx.nn.positions import Positions
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.ops.positions.positions import (
    add_positions_backward,
    add_positions_forward,
    sinusoidal_positions,
    sinusoidal_rotation,
)

SECTION = "Positions"

VASWANI = "Vaswani et al. 2017, section 3.5"
HAVIV = "Haviv et al. 2022, Transformer Language Models without Positional Encodings"
#: Random models on reordered texts, and the same trained to name places.
SETTINGS = permutation.Settings(tokens=8, words=5, width=16)
NAMING = {"tokens": 9, "words": 4, "width": 16, "steps": 300}
#: The usual width, for norms.
D = 512


def reordered(trial: Trial, attention: str, scheme: str = "none") -> dict[str, float]:
    """How far outputs are from reordered ones and from those before, and their mean from its own, by their size."""
    model = make(SETTINGS, attention, scheme, trial.seed)
    found = reorder(model, WhichPlace(SETTINGS.tokens, SETTINGS.words), trial.generator(1))
    return dict(zip(("reordered", "kept", "pooled"), found, strict=True))


def table(width: int, n: int = 1000, start: int = 0) -> np.ndarray:
    return np.asarray(sinusoidal_positions(n, width, start=start))


@claim(
    "C075", "Without positions two orders of the same words are identical to a Transformer.", verdict="holds when",
    where="D0:644 D0:727 D0:3717 D2:315 D3:95 D1:578", experiment="permutation",
    why="it looks both ways and its outputs are pooled. Place by place they differ, for they move with their tokens; "
    "and under a causal mask the pooled ones differ as well.",
)  # fmt: skip
def two_orders(trial: Trial) -> Evidence:
    both, causal = reordered(trial, BOTH_WAYS), reordered(trial, CAUSAL)
    yield supports(at_most("pooled", "both ways: what another order changes in the mean output", 1e-10, both["pooled"]))
    yield contradicts(at_least("causal", "the same under a causal mask", 0.01, causal["pooled"]))
    yield contradicts(at_least("rows", "both ways, place by place", 0.1, both["kept"]))


@claim(
    "C076", "Self-attention is invariant to the order of its tokens.", verdict="does not hold",
    where="D0:724 D0:784 D0:801 D0:3710 D4:15", experiment="permutation",
    paper="Lee et al. 2019, Set Transformer, section 3.1",
    why="it is equivariant: outputs are reordered as the tokens are. Invariance needs a read-out that pools them.",
)  # fmt: skip
def invariant(trial: Trial) -> Evidence:
    both = reordered(trial, BOTH_WAYS)
    yield contradicts(at_least("kept", "what another order changes in the outputs, place by place", 0.1, both["kept"]))
    yield at_most("reordered", "... against reordered outputs", 1e-10, both["reordered"])


@claim(
    "C077", "Taking away positional encodings takes away order.", verdict="holds when", experiment="permutation",
    where="D1:578 D4:17 D0:801 D0:3718", paper=HAVIV,
    why="attention looks both ways: then a trained model names two places of a text, the marked one and a guess. Under "
    "a causal mask it names most of them.",
)  # fmt: skip
def order_lost(trial: Trial) -> Evidence:
    plain, causal = trial.rows("permutation", **NAMING)[:2]
    chance = plain["by_place"]
    words = "share of places that are named, both ways"
    yield supports(near("both", words, 2 / len(chance), plain["named"], plain["named_se"]))
    yield contradicts(at_least("causal", "... under a causal mask", 0.6, causal["named"]))


@claim(
    "C079", "The sinusoidal code of position p + k is a linear function of that of p.", verdict="holds",
    where="D0:3833 D1:150 D2:74 D2:330", experiment="sinusoids", paper=VASWANI,
    why="a rotation of each pair by an angle that depends on k alone. That it exists does not mean that it is learned: "
    "fitted on the first 400 positions, a map fails at 4000.",
)  # fmt: skip
def linear_in_the_code(trial: Trial) -> Evidence:
    rows = trial.rows("sinusoids", width=64, positions=2000)
    yield supports(at_most("shift", "worst error of one matrix a shift", 1e-9, largest(row["error"] for row in rows)))
    near_codes, moved = table(64, 400), table(64, 400, start=7)
    fitted = np.linalg.lstsq(near_codes, moved, rcond=None)[0]
    far = float(abs(table(64, 400, start=4000) @ fitted - table(64, 400, start=4007)).max())
    yield at_least("fitted", "error at 4000 of a map that was fitted to the first 400", 0.1, far)


@claim(
    "C080", "In a sinusoidal code low dimensions vary slowly and high ones quickly.", verdict="does not hold",
    where="D0:3825 D0:3826", experiment="sinusoids", paper=VASWANI,
    why="it is the other way round: the first pair turns once in 6.28 positions, the last of 512 numbers in 60,611.",
)  # fmt: skip
def low_and_slow(trial: Trial) -> Evidence:
    first, *_, last = trial.rows("sinusoids", width=D, positions=2000, pairs=2)
    words = "positions in a turn of the last pair of numbers, over those of the first"
    yield contradicts(at_least("slower", words, 10.0, last["wavelength"] / first["wavelength"]))
    yield contradicts(
        at_least("changes", "changes of sign, the first pair less the last", 1, first["changes"] - last["changes"])
    )


@claim(
    "C081", "Every position has a sinusoidal code of its own.", verdict="holds", experiment="sinusoids",
    where="D0:666 D0:705 D0:773 D0:3746 D0:3747 D2:73",
    why="no two of the first 1000 coincide. How far apart they are depends on the width, and positions that are "
    "counted in bfloat16 coincide before any code is made.",
)  # fmt: skip
def of_its_own(trial: Trial) -> Evidence:
    wide, narrow = (sinusoids.closest(table(width)) for width in (64, 2))
    yield supports(
        at_least("wide", "distance of the closest two of 1000 codes of width 64, as a share of their length", 0.1, wide)
    )
    yield supports(at_least("narrow", "... of width 2", 1e-9, narrow))
    yield at_most(
        "bfloat16",
        "different ones among 5000 positions in bfloat16",
        1000,
        len(np.unique(in_bfloat16(np.arange(5000)))),
    )


def in_bfloat16(numbers: np.ndarray) -> np.ndarray:
    """Rounded down to eight binary digits, of which the first is always 1."""
    bits = numbers.astype("float32").view("uint32") & np.uint32(0xFFFF0000)
    return np.asarray(bits.view("float32"))


@claim(
    "C082", "Positions near each other have similar sinusoidal codes, which change gradually.", verdict="holds when",
    where="D0:706 D0:3764 D0:3765", experiment="sinusoids",
    why="they are neighbours. Farther off similarity is no measure of distance: it rises and falls again.",
)  # fmt: skip
def gradual(trial: Trial) -> Evidence:
    codes = table(D, 200)
    likeness = codes @ codes[0] / (D / 2)
    yield supports(at_least("next", "similarity of the codes of 0 and 1, width 512", 0.9, float(likeness[1])))
    yield supports(at_most("falls", "largest rise among the first 10", 0.0, float(np.diff(likeness[:11]).max())))
    yield contradicts(at_least("rises", "rises among the first 200", 1, int((np.diff(likeness) > 0).sum())))


@claim(
    "C091", "Values between -1 and 1 keep positions from dominating the embeddings.", verdict="does not hold",
    where="D0:3831",
    why="lengths count, not entries: a code of width 512 has length 16, and an embedding with entries of deviation "
    "0.02 has 0.45.",
)  # fmt: skip
def small_values(trial: Trial) -> Evidence:
    positions = lengths(table(D))
    embeddings = lengths(0.02 * trial.generator(2).standard_normal((1000, D)))
    yield contradicts(
        at_least("ratio", "length of a position over that of such an embedding", 10.0, positions / embeddings)
    )
    yield agree("length", "length of a code less the root of d / 2", positions, math.sqrt(D / 2), to=1e-9)
    yield at_most("entries", "largest entry of a code", 1.0, float(abs(table(D)).max()))


def lengths(rows: np.ndarray) -> float:
    return float(np.sqrt((rows * rows).sum(axis=-1)).mean())


@claim(
    "C092", "Multiplying embeddings by the root of d_model balances them with positions.", verdict="holds when",
    where="D0:1356 D0:1357 D0:3244", paper="Vaswani et al. 2017, section 3.4",
    why="they begin with rows of length 1. With entries of variance 1 the factor makes them 32 times as long as a "
    "position at width 512.",
)  # fmt: skip
def balance(trial: Trial) -> Evidence:
    embedding = Embedding(1000, D, trial.generator(3), "float64")
    looked_up = lengths(embedding.forward(np.arange(1000))[0])
    yield supports(
        between("unit", "length of a scaled embedding over that of a position", 0.5, 2.0, looked_up / lengths(table(D)))
    )
    embedding.table.value = trial.generator(4).standard_normal((1000, D))
    looked_up = lengths(embedding.forward(np.arange(1000))[0])
    yield contradicts(at_least("normal", "... where entries have variance 1", 10.0, looked_up / lengths(table(D))))


@claim(
    "C095", "Positional encodings add pathways for gradients.", verdict="does not hold", where="D0:3847",
    why="the gradient of x + p in x is the identity, with p or without. A learned table gets a gradient, and passes "
    "none on.",
)  # fmt: skip
def pathways(trial: Trial) -> Evidence:
    x, dy = trial.generator(5).standard_normal((2, 3, 6, 8))
    _, cache = add_positions_forward(x, table(8, 6))
    dx, _ = add_positions_backward(dy, cache)
    yield contradicts(agree("same", "the gradient behind an addition less that before it", dx, dy, to=0.0))
    learned = Positions("learned", 6, 8, trial.generator(6), "float64")
    passed = learned.backward(dy, learned.forward(x)[1])
    yield agree("learned", "the same for a learned table", passed, dy, to=0.0)
    yield agree("table", "its gradient less the sum over texts", learned.table.grad, dy.sum(axis=0))


@claim(
    "C096", "Positions written beside a token need a map back to d_model.", verdict="holds", where="D0:764 D0:768",
    experiment="concat-vs-add",
    why="blocks refuse the joined width. Joined and mapped back is the same as a mapped position added to a mapped "
    "token.",
)  # fmt: skip
def mapped_back(trial: Trial) -> Evidence:
    rows = trial.rows("concat-vs-add", width=16, features=(2, 8, 16), tokens=12)
    width = rows[0]["weights"] // 16
    yield supports(exactly("width", "numbers of a token of 16 with 2 of its position beside it", 18, width))
    maps = np.zeros((3, 16, 4))
    yield supports(exactly("refused", "attention of width 16 on them", "refused", read(np.ones((1, 5, width)), maps)))
    yield at_most("same", "joined and mapped less mapped and added", 1e-11, largest(row["outputs"] for row in rows))


def read(x: np.ndarray, maps: np.ndarray) -> str:
    try:
        self_attention_forward(x, *maps)
    except ValueError:
        return "refused"
    return "read"


@claim(
    "C097", "Adding a position to a token needs equal widths.", verdict="holds", where="D0:693 D0:3890 D2:320",
    why="the library refuses others, before NumPy could repeat a table of width 1.",
)  # fmt: skip
def equal_widths(trial: Trial) -> Evidence:
    x = np.ones((2, 5, 8))
    yield supports(exactly("equal", "width 8 to width 8", "added", added(x, table(8, 5))))
    for width in (1, 6):
        yield supports(exactly(f"width-{width}", f"width {width} to width 8", "refused", added(x, np.ones((5, width)))))


def added(x: np.ndarray, codes: np.ndarray) -> str:
    try:
        add_positions_forward(x, codes)
    except ValueError:
        return "refused"
    return "added"


@claim(
    "C099", "In the formula of sinusoidal positions i counts dimensions.", verdict="does not hold",
    where="D0:660 D2:69", experiment="sinusoids", paper=VASWANI,
    why="it counts pairs of a sine and a cosine, 0 to d / 2 - 1. Counted over dimensions the last turn would take "
    "10,000 times as long.",
)  # fmt: skip
def counts_pairs(trial: Trial) -> Evidence:
    last = trial.rows("sinusoids", width=D, positions=2000, pairs=2)[-1]["wavelength"]
    as_dimension = 2 * math.pi * 10000.0 ** (2 * (D - 1) / D)
    yield contradicts(
        at_least("last", "the last turn with i as dimension, over the one that is", 1000.0, as_dimension / last)
    )
    pairs = table(D)
    yield contradicts(
        agree("pairs", "sin^2 + cos^2 of columns 2i and 2i + 1 less 1", pairs[:, 0::2] ** 2 + pairs[:, 1::2] ** 2, 1.0)
    )
    yield agree(
        "rotation",
        "a matrix of the library for shift 3",
        table(D, 50, start=3),
        table(D, 50) @ sinusoidal_rotation(3, D).T,
        to=1e-9,
    )


@claim(
    "C100", "Unlike RNNs and CNNs, Transformers read tokens in parallel, and so lack order.",
    verdict="does not hold", where="D3:84", experiment="permutation",
    why="a convolution reads all places in parallel too, and its kernel sees order. What lacks order is a sum over "
    "keys whose weights know nothing of places.",
)  # fmt: skip
def parallel_and_order(trial: Trial) -> Evidence:
    rng = trial.generator(7)
    x, order = rng.standard_normal((2, 9, 6)), rng.permutation(9)
    layer = Convolution1d(6, 6, 3, rng, "same", dtype="float64")
    before, after = layer.forward(x)[0], layer.forward(x[:, order])[0]
    off = float(np.linalg.norm(after - before[:, order]) / np.linalg.norm(before))
    yield contradicts(
        at_least("convolution", "a convolution of width 3 on another order, off from reordered outputs", 0.1, off)
    )
    maps = rng.standard_normal((3, 6, 6))
    attended, moved = self_attention_forward(x, *maps)[0], self_attention_forward(x[:, order], *maps)[0]
    yield agree("attention", "... attention without positions", moved, attended[:, order], to=1e-10)
