"""Biases on attention scores: pictures from bias alone, masks as biases, learned ones, preferences of place, networks."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.lab.position.fitted_bias import TARGETS, fit
from tfx.nn.dynamic_position_bias import DynamicPositionBias
from tfx.ops.attention.attend import attend_backward, attend_forward
from tfx.ops.attention.masks import causal_mask, window_mask
from tfx.ops.positions.alibi import alibi_bias
from tfx.ops.positions.grid_offsets import every_grid_offset, grid_offset_numbers
from tfx.ops.positions.relative_buckets import bucket_bias_backward, bucket_bias_forward, relative_buckets

TAUGHT, LAYERS = 8, 4


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(6, 4, 64, "T, the number of tokens")
    window: int = setting(1, 1, 16, "how many keys on each side a window lets through")


class Run:
    """biases: name -> (T, T), added to scores; table: (32, 1), T5's learned numbers, random here."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.tokens, self.window = t, window = settings.tokens, settings.window
        self.rng = np.random.default_rng(request.seed)
        self.table = self.rng.standard_normal((32, 1))
        self.model_seed = int(self.rng.integers(2**31))
        blocked = {"window": window_mask(t, left=window, right=window), "causal mask": causal_mask(t)}
        self.biases = {
            "none": np.zeros((t, t)),
            "T5's buckets": bucket_bias_forward(self.table, relative_buckets(t))[0][0],
            "ALiBi": alibi_bias(8, t)[0],  # the first of eight heads, slope 1/2
            **{name: np.where(mask, 0.0, -np.inf) for name, mask in blocked.items()},
        }
        self.masks = blocked


lesson = Lesson(Run, Settings)


def weights_of(scores: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """(T, T) -> (T, T): softmax of each row."""
    return np.asarray(attend_forward(scores, np.eye(len(scores)), mask)[0])


@lesson.step("A number added to a score, before softmax")
def before_softmax(run: Run) -> Iterator[Shown]:
    bias = np.array([0.0, -1.0, 1.0])
    e = [math.exp(b) for b in bias]
    weights = attend_forward(bias[None], np.eye(3))[0][0]
    yield "Some things are known before any query is compared with any key: near words matter more, words to come are not to be read. An attention bias says so with a number b for each pair, added to its score."
    yield formula("weights = softmax(Q K^T / sqrt(D) + b)", "b: (T, S), or one for each head: (H, T, S)")
    yield f"By hand: three keys with equal scores, biases 0, -1 and 1. exp of them: {e[0]:.3f}, {e[1]:.3f}, {e[2]:.3f}, together {sum(e):.3f}. Divided by that: {weights[0]:.3f}, {weights[1]:.3f}, {weights[2]:.3f}."
    yield question("A bias of -1 against 0: by what factor does it change a key's weight, next to the other's?", math.exp(-1), "exp(-1): a sum in the score is a factor in the weight.")  # fmt: skip
    yield "So a bias of 0 for all changes nothing, and neither does any other number that is the same for a whole row."
    yield agree("by-hand", "the weights by hand", weights, np.array(e) / sum(e))
    yield agree("constant", "weights with 5 added to the row", attend_forward(bias[None] + 5, np.eye(3))[0][0], weights)
    yield attend_forward


@lesson.step("Four pictures from bias alone")
def pictures(run: Run) -> Iterator[Shown]:
    query = run.tokens // 2
    rows = np.stack([weights_of(bias)[query] for bias in run.biases.values()])
    first = max(0, min(query - 4, run.tokens - 8))
    keys = np.arange(first, min(first + 8, run.tokens))
    yield f"Let all scores be equal, and look at the weights of query {query + 1} among {run.tokens} keys. What is seen comes from the bias alone:"
    yield matrix(
        f"weights of query {query + 1}",
        rows[:, keys],
        "bias, key",
        tuple(run.biases),
        tuple(str(key + 1) for key in keys),
    )
    yield f"T5 learns a number for each bucket of offsets and head; here it is random. ALiBi has a fixed slope, here 1/2, both ways. A window of {run.window} on each side and a causal mask are biases of 0 and -infinity."
    yield "Models add them together: a causal model with ALiBi has the mask and the slope."
    yield agree("sums", "every row sums to 1", rows.sum(axis=1), 1.0)
    yield agree("even", "without a bias all weights are equal", rows[0], 1 / run.tokens)
    yield exactly("window", "keys that the window lets through", min(2 * run.window + 1, min(query, run.window) + 1 + min(run.tokens - 1 - query, run.window)), int((rows[3] > 0).sum()))  # fmt: skip
    yield exactly("causal", "keys that the causal mask lets through", query + 1, int((rows[4] > 0).sum()))


@lesson.step("A mask is a bias of 0 and minus infinity")
def masks(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    scores = rng.standard_normal((run.tokens, run.tokens))
    as_mask, as_bias = weights_of(scores, run.masks["causal mask"]), weights_of(scores + run.biases["causal mask"])
    large = weights_of(scores + np.where(run.masks["causal mask"], 0, -10.0))
    left = float(large[0, 1:].sum())
    yield "A mask says yes or no, a bias how much. Minus infinity says no: exp of it is 0."
    yield table("weight on keys that are to be blocked, query 1", [{"way": "mask", "weight": float(as_mask[0, 1:].sum())}, {"way": "bias -infinity", "weight": float(as_bias[0, 1:].sum())}, {"way": "bias -10", "weight": left}], way="way", weight="weight :2")  # fmt: skip
    yield f"A bias of -10 is not a mask: {left:.1e} of the weight gets through."
    yield Said("Attention biases hold cache-relative positions, as in GPT-3 and GPT-4.", "false", "Nothing public says so. GPT-3 has learned absolute positions and in part banded sparse attention; of GPT-4 the details are not published.")  # fmt: skip
    yield agree("same", "mask and bias of -infinity give the same weights", as_bias, as_mask)
    yield at_least("leak", "bias -10: weight that gets through", 1e-9, left)
    yield Source("Brown et al.", 2020, "Language Models are Few-Shot Learners", "section 2.1")


@lesson.step("Learned biases: one number, many pairs")
def learned(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    t = run.tokens
    bias, lookup = bucket_bias_forward(run.table, relative_buckets(t))
    scores, values = rng.standard_normal((t, t)) + bias[0], rng.standard_normal((t, 3))
    dscores, _ = attend_backward(rng.standard_normal((t, 3)), attend_forward(scores, values)[1])
    dtable = bucket_bias_backward(dscores[None], lookup)[:, 0]
    diagonal = float(np.trace(dscores))
    side = 7
    offsets = len(every_grid_offset(side, side))
    yield "All pairs with one offset share its learned bias. So its gradient is a sum:"
    yield formula("dtable[o] = sum of dscores_ij over all pairs with j - i = o")
    yield f"By hand, offset 0, the diagonal of {t} pairs: their dscores sum to {diagonal:.4f}, and that is dtable[0] = {dtable[0]:.4f}."
    yield f"Swin Transformers do the same for images. Inside a window of {side} x {side} patches an offset has two parts, rows and columns."
    yield question(f"How many different offsets (rows, columns) has a window of {side} x {side}?", offsets, f"From -{side - 1} to {side - 1} each way: {2 * side - 1} squared.", 0)  # fmt: skip
    yield f"That many numbers serve {side**4:,} pairs of patches, for each head."
    yield agree("diagonal", "the gradient of bucket 0 by hand", dtable[0], diagonal)
    yield exactly("grid", "offsets of the window that occur", (2 * side - 1) ** 2, len(np.unique(grid_offset_numbers(side, side))))  # fmt: skip
    yield Source("Liu et al.", 2021, "Swin Transformer", "section 3.2")
    yield bucket_bias_backward


@lesson.step("A preference for places that nobody put in")
def preference(run: Run) -> Iterator[Shown]:
    t = run.tokens
    one = weights_of(run.biases["causal mask"])
    deep = np.linalg.matrix_power(one, LAYERS)[-1]
    received = one.sum(axis=0)
    seen = (one > 0).sum(axis=0)
    shown = min(t, 8)
    yield "Large decoders prefer some places. One source is the causal mask itself: with no positions and all scores equal, count who reads whom. Last rows: what the last token takes from each place."
    yield question(f"How many of {t} tokens read the first one?", seen[0], "All of them, itself included.", 0)
    yield matrix("place", np.stack([seen, received, one[-1], deep])[:, :shown], "what, place", ("read by", "receives", "1 layer", f"{LAYERS} layers"))  # fmt: skip
    yield f"Place 1 is read by all {t}, place {t} by one. Early places receive more weight in all, and after {LAYERS} such layers {deep[0]:.0%} of the last token goes back to the first, next to {1 / t:.0%} after one layer."
    yield agree("harmonic", "weight that place 1 receives: 1 + 1/2 + ... + 1/T", received[0], sum(1 / n for n in range(1, t + 1)))  # fmt: skip
    yield at_least("first", f"share of place 1 after {LAYERS} layers, over that after one", 1.5, float(deep[0] * t))


@lesson.step("Early places, late places: where a preference comes from")
def sources(run: Run) -> Iterator[Shown]:
    near = weights_of(alibi_bias(8, run.tokens, causal=True)[0], causal_mask(run.tokens))[-1]
    yield "Recency is the opposite preference, and comes from what falls with the distance: ALiBi's slope, T5's learned numbers; and RoPE heads can learn it. Learned tables can favour any place."
    yield f"ALiBi alone, slope 1/2, causal, equal scores: the last token gives {near[-1]:.0%} to itself and {near[0]:.0%} to the first."
    yield "Measured decoders show both ends: much weight on the first tokens, whatever they are (an attention sink), and better use of what stands early or late."
    yield Said("Positional bias is learned through position-related initialisations.", "false", "Its sources are learned tables, relative biases, rotation as trained, and the causal mask, which needs no training.")  # fmt: skip
    yield at_least(
        "recency", "ALiBi alone: the nearest key's weight over the farthest's", 1.5, float(near[-1] / near[0])
    )
    yield Source("Xiao et al.", 2024, "Efficient Streaming Language Models with Attention Sinks")
    yield Source("Liu et al.", 2024, "Lost in the Middle: How Language Models Use Long Contexts")


@lesson.step("A bias from a small network")
def network(run: Run) -> Iterator[Shown]:
    log, line = (fit(target, run.model_seed, TAUGHT) for target in TARGETS)
    rows = [{"offset": int(o), "log": w, "log_said": s, "line": v, "line_said": u} for o, w, s, v, u in zip(log.offsets, log.wanted, log.said, line.wanted, line.said, strict=True)]  # fmt: skip
    yield "A dynamic position bias replaces the table by a small network: the offset goes in, a bias for each head comes out, also for offsets that were never stored."
    yield formula("b_ij = network(j - i)        one number in, H numbers out")
    yield f"Here a network learns a bias for offsets up to {TAUGHT}, and is asked farther out. Once the bias wanted falls like log(1 + distance), once like a straight line:"
    yield table(f"taught up to {TAUGHT}", rows, offset="offset", log="log: wanted :3", log_said="said :3", line="line: wanted :3", line_said="said :3")  # fmt: skip
    yield f"Where it was taught both are within {max(log.worst, line.worst):.2f}. Farther out it goes on as it is built: it reads log(1 + distance), so it continues the first and misses the second. A table of {2 * TAUGHT + 1} rows has no answer at all."
    yield at_most("taught", "worst error where it was taught", 0.4, max(log.worst, line.worst))
    yield at_most("continues", f"logarithm: error at offset {int(log.offsets[0])}", 1.0, float(abs(log.said - log.wanted)[0]))  # fmt: skip
    yield at_least("misses", f"straight line: error at offset {int(line.offsets[0])}", 4.0, float(abs(line.said - line.wanted)[0]))  # fmt: skip
    yield fit


@lesson.step("Does a network generalise to new lengths?")
def new_lengths(run: Run) -> Iterator[Shown]:
    layer = DynamicPositionBias(2, 16, np.random.default_rng(0), dtype="float64")
    shapes = [layer.forward(n, n, 0, np.zeros(1))[0].shape for n in (run.tokens, 4 * run.tokens)]
    yield f"It gives a bias at any length: for {run.tokens} tokens and two heads the shape {shapes[0]}, for {4 * run.tokens} the shape {shapes[1]}. CrossFormer introduced it for images of varying size, Swin V2 with offsets on a logarithmic scale."
    yield Said("Biases that are a learned function of the distance generalise better to new lengths.", "true with conditions", "They were introduced for images of other sizes. On texts a network of the distance did so in one block on a local task; a learned number for each bucket did not.", "C105")  # fmt: skip
    yield exactly(
        "shape", "shape of the bias at four times the length", str((2, 4 * run.tokens, 4 * run.tokens)), str(shapes[1])
    )
    yield Source("Wang et al.", 2022, "CrossFormer")
    yield Source("Liu et al.", 2022, "Swin Transformer V2", "section 3.3")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "An attention bias is a number added to a score before softmax: learned for buckets of offsets (T5), a fixed slope (ALiBi), by the offset in a window of patches (Swin), or 0 and minus infinity, which is a mask."
    yield "A dynamic bias comes from a small network of the offset, so it exists for offsets that were never stored. And the causal mask alone favours early places, while biases that fall with the distance favour late ones."
    yield agree("closing", "rows of weights sum to 1", weights_of(run.biases["ALiBi"]).sum(axis=1), 1.0)
    yield Try("tfx quiz attention-bias")
