"""The steps of attention-qkv about who does what: query, key, value, and the sequence they are made from."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.ops.attention.self_attention import self_attention_forward
from tfx.records import Check, Column, Formula, Question, Step, Table, Text

WORDS = ("ann", "calls", "bob", "now")
C, D = 4, 2


def edits(q: np.ndarray, k: np.ndarray, v: np.ndarray, edit: int) -> Step:
    """Adds 1 to one query, key or value and counts what moves."""
    at = edit - 1
    out, cache = attention_forward(q, k, v)
    rows = []
    for name in ("query", "key", "value"):
        parts = {"query": q, "key": k, "value": v}
        parts[name] = parts[name].copy()
        parts[name][at] += 1.0
        new_out, new = attention_forward(parts["query"], parts["key"], parts["value"])
        moved = abs(new.weights - cache.weights).max(axis=-1)
        rows.append(
            {
                "edit": f"{name} of {WORDS[at]}",
                "weights": int((moved > 1e-12).sum()),
                "outputs": int((abs(new_out - out).max(axis=-1) > 1e-12).sum()),
                "largest": float(moved.max()),
            }
        )
    n = len(q)
    counts = [(row["weights"], row["outputs"]) for row in rows]
    return Step(
        "Edit a query, a key or a value, and see what responds",
        (
            Question(
                f"One value is edited. How many of the {n} rows of weights change?",
                0.0,
                0.5,
                "Values are not used for the weights; they are only mixed by them.",
            ),
            Table(
                f"1 is added to each coordinate; {n} rows of weights, {n} outputs",
                (
                    Column("edit", "edited"),
                    Column("weights", "weight rows"),
                    Column("outputs", "outputs"),
                    Column("largest", "largest change", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                "The query says what this token looks for: its own row reacts. The key says what it can be found by: "
                "every row reacts, since each row is normalised over all keys. The value is what it hands over: no "
                "weight reacts, but every output that reads it does."
            ),
            Text(
                f'The token\'s own key is one of them: "{WORDS[at]}" gives {cache.weights[at, at]:.3f} of its weight '
                "to itself."
            ),
            Check(
                "who-responds",
                "(weight rows, outputs) that change for query, key, value",
                f"(1, 1), ({n}, {n}), (0, {n})",
                ", ".join(map(str, counts)),
                "exact",
                counts == [(1, 1), (n, n), (0, n)],
            ),
        ),
        (f"tfx explain attention-qkv --step 2 --set edit={edit % n + 1}",),
    )


def match_and_content(rng: np.random.Generator) -> Step:
    """A head that matches on two features and hands over two others, and one that cannot."""
    x = rng.standard_normal((4, 4))
    match, content = np.eye(4)[:, :2], np.eye(4)[:, 2:]
    changed = x.copy()
    changed[1, 2:] += 1.0  # content of the second token; what it is matched on stays
    rows: list[dict[str, Any]] = []
    for label, w_v in (("its own, reads content", content), ("W_V = W_K", match)):
        before, old = self_attention_forward(x, match, match, w_v)
        after, new = self_attention_forward(changed, match, match, w_v)
        rows.append(
            {
                "w_v": label,
                "weights": float(abs(new.attention.weights - old.attention.weights).max()),
                "output": float((after - before).max()),
                "weight": float(old.attention.weights[:, 1].max()),
            }
        )
    error = abs(rows[0]["output"] - rows[0]["weight"])
    blind = rows[1]["output"]
    return Step(
        "Found by one thing, handing over another",
        (
            Formula(
                "x = (what it is matched on: 2 numbers, content: 2 numbers)", "W_Q, W_K read the first, W_V the second"
            ),
            Table(
                f'The content of "{WORDS[1]}" is raised by 1',
                (
                    Column("w_v", "W_V"),
                    Column("weights", "weights move", digits=3),
                    Column("output", "output moves", digits=3),
                ),
                tuple(rows),
            ),
            Text(
                "A library is searched by title and hands over the text. With a W_V of its own, the head matches on "
                "one set of features and delivers another. If the value had to be the key, content that plays no "
                "part in matching could not get through at all."
            ),
            Check(
                "own",
                "output moves by the weight of that token",
                rows[0]["weight"],
                rows[0]["output"],
                1e-12,
                error <= 1e-12,
            ),
            Check("shared", "with W_V = W_K the content is invisible", 0.0, blind, "exact", blind == 0.0),
        ),
        ("tfx explain attention-qkv --step 3 --seed 1",),
    )


def where_from(rng: np.random.Generator, x: np.ndarray, w_q: np.ndarray, w_k: np.ndarray, w_v: np.ndarray) -> Step:
    """The input of the layer, and the other sequence of cross-attention."""
    w_o = rng.standard_normal((D, C))
    layer_2 = x + self_attention_forward(x, w_q, w_k, w_v)[0] @ w_o  # what layer 1 wrote onto the embeddings
    gap = float(np.sqrt(((layer_2 @ w_q - x @ w_q) ** 2).mean()))
    other = rng.standard_normal((3, C))
    q, k, v = x @ w_q, other @ w_k, other @ w_v
    out, cache = attention_forward(q, k, v)
    fits = cache.weights.shape == (len(x), len(other)) and out.shape == (len(x), D)
    rows = (
        {"kind": "self, layer 1", "q": "embeddings", "kv": "embeddings", "weights": f"({len(x)}, {len(x)})"},
        {"kind": "self, layer 2", "q": "layer 1", "kv": "layer 1", "weights": f"({len(x)}, {len(x)})"},
        {"kind": "cross", "q": "this sequence", "kv": "the other", "weights": str(cache.weights.shape)},
    )
    return Step(
        "Which sequence, and which layer",
        (
            Formula("cross-attention:  Q = X W_Q     K = Y W_K     V = Y W_V", "X (T, C), Y (S, C)"),
            Table(
                f"Where queries, keys and values are made from; X has {len(x)} tokens, Y has {len(other)}",
                (
                    Column("kind", "attention"),
                    Column("q", "Q from"),
                    Column("kv", "K, V from"),
                    Column("weights", "weights"),
                ),
                rows,
            ),
            Text(
                "Q, K and V are projections of the layer's input. Only in the first layer are those the embeddings: "
                f"here the queries of layer 2 are {gap:.2f} (root mean square) away from what the embeddings would "
                "give. In cross-attention keys and values come from the other sequence, each decoder layer with its "
                "own W_K and W_V."
            ),
            Check("layer", "layer 2 does not project the embeddings: distance", "> 0", gap, "above 1e-6", gap > 1e-6),
            Check("cross", "weights (T, S), output (T, D)", "yes", "yes" if fits else "no", "exact", fits),
        ),
        ("tfx explain attention-qkv --step 8 --seed 1",),
    )
