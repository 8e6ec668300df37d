"""A residual branch backward: the gradient goes both ways, and the ways are added."""

from __future__ import annotations

import numpy as np

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.basics.linear import linear_backward, linear_forward
from tfx.ops.feed_forward.sigmoid import tanh_backward, tanh_forward

derivation = Derivation(
    "residual",
    "Backward through a residual branch",
    about="Each token goes on as it is, and what a branch makes of it is added: here a map to a hidden layer, tanh, and a map back. The gradient of the loss for the sum is known.",
    axes={"N": "tokens", "D": "width", "H": "hidden width"},
    given=[
        Symbol("x", "N D", "the tokens"),
        Symbol("W", "D H", "the branch's first map"),
        Symbol("U", "H D", "its second map"),
        Symbol("h", "N H", "its hidden layer", by="tanh(x @ W)"),
        Symbol("y", "N D", "the sum", by="x + h @ U"),
        Symbol("dy", "N D", "the gradient of the loss for y"),
    ],
    targets=[
        Target("dh", "N H", "the gradient for the hidden layer"),
        Target("dU", "H D", "the gradient for the second map"),
        Target("dx", "N D", "the gradient for the tokens"),
    ],
    hints=[
        "The branch alone: h @ U, then tanh, then x @ W.",
        "x stands in two places of y = x + tanh(x @ W) @ U.",
        "Through the + the gradient goes both ways as it is.",
    ],
    learned="dx = dy + what comes back through the branch: a way of slope 1 past every block, whatever the branch does.",
    step="the_gradient",
    shown=[
        Shown("dh = dy @ U.T", "h @ U"),
        Shown("dU = h.T @ dy", "the same product, from the other side"),
        Shown("dx = dy + (dh*(1 - h^2)) @ W.T", "past the branch, and through it"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    a, first = linear_forward(given["x"], given["W"])
    h, bent = tanh_forward(a)
    _, second = linear_forward(h, given["U"])
    dh, du, _ = linear_backward(given["dy"], second)
    dx, _, _ = linear_backward(tanh_backward(dh, bent), first)
    return {"dh": dh, "dU": du, "dx": np.add(given["dy"], dx)}


derivation.equal("dh = (U @ dy.T).T")
derivation.equal("dU = (dy.T @ h).T")
derivation.equal("dU = h.T @ dy")
derivation.equal("da = (dy @ U.T)*(1 - h*h)", "dx = da @ W.T + dy")
derivation.equal("dx = dy @ eye(D) + (dh - dh*h^2) @ W.T")

SHAPES = "Which axis has to be summed over, and which two have to stay?"

derivation.slip(
    "dh-transpose-missing", "dh = dy @ U", "a transpose is missing at U", "The forward's product is copied.", SHAPES
)
derivation.slip(
    "dh-transposed",
    "dh = U @ dy.T",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "dh-with-slope",
    "dh = (dy @ U.T)*(1 - h^2)",
    "tanh is gone through already: this is the gradient for what tanh reads",
    "Two steps are taken at once.",
    "Is h what tanh reads, or what it gives?",
)
derivation.slip(
    "du-transpose-missing", "dU = h @ dy", "a transpose is missing at h", "The forward's product is copied.", SHAPES
)
derivation.slip(
    "du-transposed",
    "dU = dy.T @ h",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "du-inputs",
    "dU = x.T @ dy",
    "the tokens stand in the place of the hidden layer",
    "The branch's input is at hand.",
    "What does U multiply?",
)
derivation.slip(
    "residual-missing",
    "dx = (dh*(1 - h^2)) @ W.T",
    "the way past the branch is missing",
    "The branch is followed and the sum forgotten.",
    "In how many places of y does x stand?",
)
derivation.slip(
    "branch-missing",
    "dx = dy",
    "the way through the branch is missing",
    "The slope of x + ... is taken to be 1.",
    "In how many places of y does x stand?",
)
derivation.slip(
    "slope-missing",
    "dx = dy + dh @ W.T",
    "tanh is not gone through",
    "Both have one shape.",
    "What lies between x @ W and h?",
)
derivation.slip(
    "residual-twice",
    "dx = 2*dy + (dh*(1 - h^2)) @ W.T",
    "the way past the branch is counted twice",
    "It is added at the sum and once more at the branch.",
    "In how many places of y does x stand?",
)
derivation.slip(
    "ways-multiplied",
    "dx = dy*((dh*(1 - h^2)) @ W.T)",
    "the two ways are multiplied",
    "The chain rule multiplies along one way, and ways are added.",
    "What is the derivative of a sum?",
)
derivation.slip(
    "slope-not-squared",
    "dx = dy + (dh*(1 - h)) @ W.T",
    "h is not squared in the slope of tanh",
    "The square gets lost.",
    "What is the slope of tanh where it gives nearly -1?",
)
derivation.slip(
    "residual-with-sign",
    "dx = (dh*(1 - h^2)) @ W.T - dy",
    "the way past the branch has the wrong sign",
    "The terms are exchanged.",
    "What is the derivative of x for x?",
)
