"""A linear layer backward: the three products that everything else is made of."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.basics.linear import linear_backward, linear_forward

derivation = Derivation(
    "linear",
    "Backward through a linear layer",
    about="Each token, a row, is multiplied by a matrix, and a vector is added. The same matrix and vector serve all tokens. The gradient of the loss for the outputs is known.",
    axes={"N": "tokens", "D": "width", "E": "output width"},
    given=[
        Symbol("x", "N D", "the inputs, a token a row"),
        Symbol("W", "D E", "the matrix"),
        Symbol("b", "E", "the vector that is added"),
        Symbol("y", "N E", "the outputs", by="x @ W + b"),
        Symbol("dy", "N E", "the gradient of the loss for y"),
    ],
    targets=[
        Target("dx", "N D", "the gradient for the inputs"),
        Target("dW", "D E", "the gradient for the matrix"),
        Target("db", "E", "the gradient for the vector"),
    ],
    also={"dout": "dy", "X": "x", "dX": "dx", "w": "W", "dw": "dW"},
    hints=[
        "A gradient has the shape of what it belongs to: which product of two of the arrays has that shape?",
        "dW[i, j] is the sum over the tokens of x[n, i] dy[n, j].",
        "b is added to every token: what is the gradient of something that is used many times?",
    ],
    learned="dx = dy @ W.T, dW = x.T @ dy, db = the sum of dy over the tokens. Where N, D and E differ, the shapes tell the order and the transposes.",
    step="one_layer",
    shown=[
        Shown("dx = dy @ W.T", "each input is read by every output"),
        Shown("dW = x.T @ dy", "each weight is used for every token: a sum over the tokens"),
        Shown("db = sum(dy, tokens)", "b is added to every token"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    dx, dw, db = linear_backward(given["dy"], linear_forward(given["x"], given["W"], given["b"])[1])
    return {"dx": dx, "dW": dw, "db": db}


derivation.equal("dx = (W @ dy.T).T")
derivation.equal("dW = (dy.T @ x).T")
derivation.equal("db = dy.sum(axis=0)")
derivation.equal("db = N*mean(dy, 0)")

SHAPES = "Which axis has to be summed over, and which two have to stay?"
SHARED = "b is added to every token. Over which axis is summed, and which one stays?"

derivation.slip(
    "dx-transpose-missing", "dx = dy @ W", "a transpose is missing at W", "The forward's product is copied.", SHAPES
)
derivation.slip(
    "dx-transposed",
    "dx = W @ dy.T",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "dx-inputs-for-gradient",
    "dx = y @ W.T",
    "the outputs stand in the place of their gradient",
    "y and dy have one shape.",
    "Does your formula know anything of the loss?",
)
derivation.slip(
    "dw-transpose-missing", "dW = x @ dy", "a transpose is missing at x", "The forward's product is copied.", SHAPES
)
derivation.slip(
    "dw-transposed",
    "dW = dy.T @ x",
    "the product is the transpose of what is right: that is PyTorch's layout of W",
    "There W is (E, D).",
    SHAPES,
)
derivation.slip(
    "dw-mean",
    "dW = x.T @ dy / N",
    "it is divided by the number of tokens",
    "The loss is often a mean over tokens, and dy holds that already.",
    "Is anything in x @ W + b divided by the number of tokens?",
)
derivation.slip(
    "db-not-summed", "db = dy", "the sum over the tokens is missing", "y = ... + b has the derivative 1.", SHARED
)
derivation.slip(
    "db-sum-over-width",
    "db = sum(dy)",
    "the sum runs over the outputs, not over the tokens",
    "The last axis is the one at hand.",
    SHARED,
)
derivation.slip(
    "db-mean",
    "db = mean(dy, tokens)",
    "a mean stands in the place of the sum: 1/N too much",
    "The loss is often a mean over tokens, and dy holds that already.",
    "Is anything in x @ W + b divided by the number of tokens?",
)
derivation.slip(
    "db-sum-over-all",
    "db = sum(dy, all)",
    "everything is summed: one number is left",
    "np.sum without an axis gives one number.",
    SHARED,
)
