"""One step of a tanh RNN backward: what the gradient is multiplied by at every step."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.recurrence.rnn import rnn_backward, rnn_forward

derivation = Derivation(
    "rnn-cell",
    "Backward through one step of an RNN",
    about="A state is made of the input and of the state before it: two maps, added, and tanh of the sum. The gradient of the loss for the new state is known.",
    axes={"N": "sequences", "D": "width", "H": "state"},
    given=[
        Symbol("x", "N D", "the inputs of this step"),
        Symbol("p", "N H", "the previous state"),
        Symbol("W", "D H", "the map of the inputs"),
        Symbol("U", "H H", "the map of the state"),
        Symbol("b", "H", "the vector that is added"),
        Symbol("a", "N H", "what tanh reads", by="x @ W + p @ U + b"),
        Symbol("h", "N H", "the new state", by="tanh(a)"),
        Symbol("dh", "N H", "the gradient of the loss for h"),
    ],
    targets=[
        Target("da", "N H", "the gradient for what tanh reads"),
        Target("dp", "N H", "the gradient for the previous state"),
        Target("dW", "D H", "the gradient for the map of the inputs"),
        Target("dU", "H H", "the gradient for the map of the state"),
        Target("db", "H", "the gradient for the vector"),
    ],
    also={
        "h_prev": "p",
        "h0": "p",
        "dh_prev": "dp",
        "dh0": "dp",
        "W_x": "W",
        "W_h": "U",
        "dW_x": "dW",
        "dW_h": "dU",
        "dz": "da",
    },
    hints=[
        "tanh's derivative can be written with what came out of it.",
        "Behind tanh stand three linear pieces: each has its own line.",
        "The map of the state is square, so that shapes do not warn you of a missing transpose.",
    ],
    learned="dp = (dh*(1 - h^2)) @ U.T: at every step back the gradient is multiplied by U.T and by slopes of at most 1.",
    step="state",
    shown=[
        Shown("da = dh*(1 - h^2)", "tanh' = 1 - tanh^2"),
        Shown("dp = da @ U.T", "p @ U"),
        Shown("dW = x.T @ da", "x @ W"),
        Shown("dU = p.T @ da", "p @ U, from the other side"),
        Shown("db = sum(da, sequences)", "b is added for every sequence"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    x, p, w, u, b = (given[name] for name in ("x", "p", "W", "U", "b"))
    h, cache = rnn_forward(x[:, None], p, w, u, b)
    _, dp, dw, du, db, _ = rnn_backward(given["dh"][:, None], cache)
    return {"da": given["dh"] * (1 - h[:, 0] ** 2), "dp": dp, "dW": dw, "dU": du, "db": db}


derivation.equal("da = dh - dh*h*h")
derivation.equal("da = dh*(1 - h)*(1 + h)")
derivation.equal("da = dh*(1 - tanh(a)^2)")
derivation.equal("dp = (U @ da.T).T")
derivation.equal("dW = (da.T @ x).T")
derivation.equal("dU = (da.T @ p).T")
derivation.equal("db = N*mean(da, 0)")

SLOPE = "What is the slope of tanh where it gives 0, and where it gives nearly 1?"
SQUARE = "U is square: work out one entry. Which index of U is summed over?"
SHAPES = "Which axis has to be summed over, and which two have to stay?"

derivation.slip("da-slope-missing", "da = dh", "tanh is not gone through", "Both have one shape.", SLOPE)
derivation.slip("da-not-squared", "da = dh*(1 - h)", "h is not squared", "The square gets lost.", SLOPE)
derivation.slip(
    "da-slope-of-the-sigmoid",
    "da = dh*h*(1 - h)",
    "it is the slope of the sigmoid",
    "The sigmoid's derivative is the one that is known.",
    SLOPE,
)
derivation.slip("da-square-alone", "da = dh*h^2", "1 - is missing", "Half of the formula is remembered.", SLOPE)
derivation.slip(
    "da-tanh-twice",
    "da = dh*(1 - tanh(h)^2)",
    "tanh is applied once more: h is what came out already",
    "The derivative is written with what goes in.",
    "Is h what tanh reads, or what it gives?",
)
derivation.slip(
    "da-sign",
    "da = dh*(h^2 - 1)",
    "the whole has the wrong sign",
    "The two terms are exchanged.",
    "Does tanh rise or fall?",
)
derivation.slip(
    "dp-transpose-missing",
    "dp = da @ U",
    "a transpose is missing at U",
    "The forward's product is copied, and U is square.",
    SQUARE,
)
derivation.slip(
    "dp-slope-skipped",
    "dp = dh @ U.T",
    "dh stands in the place of da: tanh is not gone through",
    "Both have one shape.",
    "What lies between the sum and h?",
)
derivation.slip(
    "dp-map-missing",
    "dp = da",
    "the map of the state is not gone through",
    "Both have one shape.",
    "By what is p multiplied?",
)
derivation.slip(
    "dp-slope-after",
    "dp = (dh @ U.T)*(1 - h^2)",
    "the slope stands behind the map: the order is wrong",
    "The pieces are taken in the order of the forward.",
    "Which of the two is met first on the way back?",
)
derivation.slip(
    "dw-slope-skipped",
    "dW = x.T @ dh",
    "dh stands in the place of da: tanh is not gone through",
    "Both have one shape.",
    "What lies between the sum and h?",
)
derivation.slip(
    "dw-transpose-missing", "dW = x @ da", "a transpose is missing at x", "The forward's product is copied.", SHAPES
)
derivation.slip(
    "dw-transposed",
    "dW = da.T @ x",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "du-new-state",
    "dU = h.T @ da",
    "the new state stands in the place of the previous one",
    "h is the state that is at hand.",
    "What does U multiply?",
)
derivation.slip(
    "du-transposed",
    "dU = da.T @ p",
    "the product is the transpose of what is right",
    "U is square, so that its shape does not warn.",
    SQUARE,
)
derivation.slip(
    "du-slope-skipped",
    "dU = p.T @ dh",
    "dh stands in the place of da: tanh is not gone through",
    "Both have one shape.",
    "What lies between the sum and h?",
)
derivation.slip(
    "db-not-summed",
    "db = da",
    "the sum over the sequences is missing",
    "The derivative of + b is 1.",
    "One vector serves all sequences. Over which axis is summed?",
)
derivation.slip(
    "db-sum-over-state",
    "db = sum(da)",
    "the sum runs over the state, not over the sequences",
    "The last axis is the one at hand.",
    "One vector serves all sequences. Over which axis is summed?",
)
derivation.slip(
    "db-slope-skipped",
    "db = sum(dh, sequences)",
    "dh stands in the place of da: tanh is not gone through",
    "Both have one shape.",
    "What lies between the sum and h?",
)
