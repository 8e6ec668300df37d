"""Claims about weights and outputs of attention: what they are, and of which shape."""

from __future__ import annotations

import math

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.claims.dot_products import VASWANI
from tfx.lab.attention.soft_lookup import look_up
from tfx.lab.attention.softmax_limits import moved_by_the_last_query, over_queries
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest
from tfx.nn.attention import MultiHeadAttention
from tfx.nn.positions import Positions
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.basics.dropout import dropout_mask

SECTION = "Dot products, scaling, softmax"


def head(
    trial: Trial, n_queries: int = 6, n_keys: int = 6, width: int = 4
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """q, k, v of a random head."""
    rng = trial.generator(n_queries, n_keys)
    return tuple(rng.standard_normal((n, width)) for n in (n_queries, n_keys, n_keys))  # type: ignore[return-value]


@claim(
    "C010", "Every row of attention weights is a probability distribution.", verdict="holds",
    where="D0:201 D0:318 D0:3324 D1:188 D1:491 D3:53", experiment="masking", paper=VASWANI,
    why="no weight is negative and each row sums to 1 over the keys. Dropout of weights, in training, leaves rows that "
    "sum to 1 only on average, and a row with every key blocked is zeros here.",
)  # fmt: skip
def rows_are_distributions(trial: Trial) -> Evidence:
    q, k, v = head(trial, 40, 30)
    weights = attention_forward(q, k, v)[1].weights
    yield supports(agree("sums", "rows sum to 1", weights.sum(axis=-1), 1.0, to=1e-14))
    yield supports(at_least("none-negative", "smallest weight", 0.0, float(weights.min())))
    dropped = (weights * dropout_mask(weights.shape, 0.1, trial.generator(1))).sum(axis=-1)
    yield at_least(
        "dropout", "largest difference of a row's sum from 1 with dropout of 0.1", 0.01, largest(abs(dropped - 1))
    )


@claim(
    "C011", "Softmax makes attention sharp, on the tokens that matter most.", verdict="holds when", where="D3:53",
    experiment="temperature", paper="Hinton et al. 2015, section 2",
    why="the gaps of the scores are large. With scores of variance 1, as before training, the weights are spread "
    "almost evenly, and no finite gap gives an exact zero until exp is too small for the type.",
)  # fmt: skip
def sharp_attention(trial: Trial) -> Evidence:
    rows = {row["factor"]: row for row in trial.rows("temperature", factors=(1.0, 4.0, 16.0), queries=500)}
    yield supports(
        at_most("large-gaps", "entropy with scores 16 times as large, as a share", 0.2, rows[16.0]["entropy"])
    )
    yield contradicts(at_least("fresh", "the same with scores of variance 1", 0.8, rows[1.0]["entropy"]))


@claim(
    "C012", "The output of attention is a weighted average of the values.", verdict="holds", paper=VASWANI,
    where="D1:582 D1:448 D0:203 D0:3336 D3:6",
    why="of each head's own values; W_O and the residual connection come after it and may lead anywhere.",
)  # fmt: skip
def weighted_average(trial: Trial) -> Evidence:
    q, k, v = head(trial, 200, 10, 3)
    out, cache = attention_forward(5 * q, k, v)
    outside = np.maximum(out - v.max(axis=0), v.min(axis=0) - out).max()
    yield supports(agree("sum", "outputs against sums of weight times value", out, cache.weights @ v))
    yield supports(
        at_most("inside", "how far an output is outside of all values, in any coordinate", 1e-12, float(outside))
    )


@claim(
    "C014", "Attention weights form an n x n matrix, or m x n between two sequences.", verdict="holds",
    where="D0:212 D0:308 D0:1568 D0:1570 D0:3302 D1:487", paper=VASWANI,
    why="one for each head and each sequence of a batch: B x H x m x n numbers in all.",
)  # fmt: skip
def shape_of_weights(trial: Trial) -> Evidence:
    layer, x, other = MultiHeadAttention(8, 2, trial.generator(2)), np.ones((3, 5, 8)), np.ones((3, 7, 8))
    itself, across = layer.forward(x)[1].weights, layer.forward(x, other)[1].weights
    yield supports(exactly("self", "3 sequences of 5 tokens, 2 heads", "3 x 2 x 5 x 5", shape(itself)))
    yield supports(exactly("cross", "... that look at 7 tokens", "3 x 2 x 5 x 7", shape(across)))


def shape(x: np.ndarray) -> str:
    return " x ".join(map(str, x.shape))


@claim(
    "C015", "After its output projection attention is as wide as the model again.", verdict="holds",
    where="D1:493 D0:226 D2:195 D2:367", paper=VASWANI.replace("3.2.1", "3.2.2"),
    why="the residual connection adds it to its input, so it has to be; also where heads are wider than d_model / h.",
)  # fmt: skip
def width_after(trial: Trial) -> Evidence:
    x = trial.generator(3).standard_normal((2, 5, 12))
    for d_head in (None, 7):
        layer = MultiHeadAttention(12, 3, trial.generator(4), d_head=d_head)
        name = "four" if d_head is None else "seven"
        yield supports(exactly(name, f"width after 3 heads of {d_head or 4}", 12, layer.forward(x)[0].shape[-1]))


@claim(
    "C016", "The softmax normalises over the keys.", verdict="holds", where="D1:538", experiment="masking",
    paper=VASWANI,
    why="over the queries instead, rows do not sum to 1, and under a causal mask a later query moves earlier outputs.",
)  # fmt: skip
def over_keys(trial: Trial) -> Evidence:
    q, k, _ = head(trial, 6, 6)
    ones, everything = np.ones((6, 1)), np.ones((6, 6), dtype=bool)
    yield supports(agree("keys", "values of 1 come out as 1", attention_forward(q, k, ones)[0], 1.0, to=1e-14))
    wrong = over_queries(q, k, ones, everything)
    yield at_least(
        "queries", "the same, normalised over the queries: largest difference", 0.05, largest(abs(wrong - 1)[:, 0])
    )
    right, leaked = moved_by_the_last_query(trial.generator(5), 6)
    yield at_most(
        "causal", "under a causal mask, what the last query moves of earlier outputs", 0.0, float(right[:-1].max())
    )
    yield at_least("leaks", "... normalised over the queries", 1e-6, float(leaked[:-1].max()))


@claim(
    "C021", "A query that is close to one key makes the output lean on that token's value.", verdict="holds",
    where="D1:193 D1:77 D2:239", experiment="dilution", paper=VASWANI,
    why="by how much is a matter of the lead g of its score: the weight is 1 / (1 + (n - 1) e^-g).",
)  # fmt: skip
def leaning(trial: Trial) -> Evidence:
    keys = np.eye(64)
    leads = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0)
    weights = [look_up(lead * keys[0], keys, keys, 1.0).weights[0] for lead in leads]
    yield supports(at_least("ten", "weight of the key that leads 63 others by 10", 0.99, float(weights[-1])))
    law = [1 / (1 + 63 * math.exp(-lead)) for lead in leads]
    yield supports(agree("law", "weights for leads of 0 to 10 against the formula", weights, law))


@claim(
    "C022", "Attention handles sequences of any length.", verdict="holds when", where="D0:3395 D1:551",
    experiment="dilution",
    why="the operation is meant. A learned table of positions ends at its last row, and weights that were trained at "
    "one length need not be good at another.",
)  # fmt: skip
def any_length(trial: Trial) -> Evidence:
    layer = MultiHeadAttention(8, 2, trial.generator(8))
    shapes = [layer.forward(trial.generator(n).standard_normal((1, n, 8)))[0].shape[1] for n in (1, 2, 31, 300)]
    yield supports(
        exactly("lengths", "lengths that come out of one layer", "1, 2, 31, 300", ", ".join(map(str, shapes)))
    )
    table = Positions("learned", 16, 8, trial.generator(9))
    refused = [n for n in (15, 16, 17) if not reads(table, n)]
    yield contradicts(
        exactly("table", "lengths of 15 to 17 that a learned table of 16 refuses", "17", ", ".join(map(str, refused)))
    )


def reads(table: Positions, n: int) -> bool:
    try:
        table.forward(np.zeros((1, n, 8)))
    except (ValueError, IndexError):
        return False
    return True


@claim(
    "C025", "One function serves attention within a sequence and between two.", verdict="holds", where="D0:3394",
    paper=VASWANI.replace("3.2.1", "3.2.3"), why="only the source of keys and values differs.",
)  # fmt: skip
def one_function(trial: Trial) -> Evidence:
    q, k, v = head(trial, 5, 7)
    out, _ = attention_forward(q, k, v)
    yield supports(exactly("cross", "5 queries over 7 keys", "5 x 4", shape(out)))
    alone = np.concatenate([attention_forward(q[i : i + 1], k, v)[0] for i in range(5)])
    yield supports(agree("alone", "each query by itself gives its row of that", alone, out))
    again, _ = attend_forward(q @ k.T / 2, v)
    yield agree("parts", "... and so do softmax and average, of scores made by hand", again, out)
