"""SwiGLU backward: two maps of one input, multiplied entry by entry."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.feed_forward.gated import glu_backward, glu_forward

derivation = Derivation(
    "swiglu",
    "Backward through SwiGLU",
    about="Two maps of the same tokens: the one is bent by SiLU, a*sigmoid(a), and serves as a gate for the other. The gradient of the loss for the product is known.",
    axes={"N": "tokens", "D": "width", "H": "hidden width"},
    given=[
        Symbol("x", "N D", "the tokens"),
        Symbol("W", "D H", "the map of the gate"),
        Symbol("U", "D H", "the map of the values"),
        Symbol("a", "N H", "what the gate is made of", by="x @ W"),
        Symbol("b", "N H", "the values", by="x @ U"),
        Symbol("s", "N H", "the sigmoid of a", by="sigmoid(a)"),
        Symbol("h", "N H", "the hidden layer: gate times values", by="a*s*b"),
        Symbol("dh", "N H", "the gradient of the loss for h"),
    ],
    targets=[
        Target("db", "N H", "the gradient for the values"),
        Target("da", "N H", "the gradient for what the gate is made of"),
        Target("dW", "D H", "the gradient for the map of the gate"),
        Target("dU", "D H", "the gradient for the map of the values"),
        Target("dx", "N D", "the gradient for the tokens"),
    ],
    hints=[
        "h is a product of three factors: a, sigmoid(a) and b. Hold two of them still at a time.",
        "The sigmoid's derivative is s*(1 - s), and a stands twice in a*sigmoid(a).",
        "x is read by two maps: what is the gradient of something that is used twice?",
    ],
    learned="da = dh*b*s*(1 + a*(1 - s)), and dx is the sum of both ways back: da @ W.T + db @ U.T.",
    step="bends",
    shown=[
        Shown("db = dh*a*s", "h = (a*s)*b"),
        Shown("da = dh*b*(s + a*s*(1 - s))", "the product rule for a*sigmoid(a)"),
        Shown("dW = x.T @ da", "a = x @ W: each weight is used for every token"),
        Shown("dU = x.T @ db", "b = x @ U"),
        Shown("dx = da @ W.T + db @ U.T", "x was read twice"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    x, w, u = given["x"], given["W"], given["U"]
    da, db = glu_backward(given["dh"], glu_forward(x @ w, x @ u, "silu")[1])
    return {"da": da, "db": db, "dW": x.T @ da, "dU": x.T @ db, "dx": da @ w.T + db @ u.T}


derivation.equal("db = dh*h/b")
derivation.equal("db = dh*a/(1 + exp(-a))")
derivation.equal("da = dh*b*s*(1 + a*(1 - s))")
derivation.equal("gate = a*s", "da = dh*b*(gate + s*(1 - gate))")
derivation.equal("da = dh*b*(s + a*exp(-a)*s^2)")
derivation.equal("dW = (da.T @ x).T")
derivation.equal("dU = x.T @ (dh*a*s)")
derivation.equal("dx = (W @ da.T + U @ db.T).T")

TWICE = "a stands twice in a*sigmoid(a). How many terms does the product rule give?"
SHAPES = "Which axis has to be summed over, and which two have to stay?"
READ_TWICE = "x is read by two maps. Does the loss feel a change of x through both?"

derivation.slip(
    "db-activation-missing",
    "db = dh*a",
    "the sigmoid of the gate is missing",
    "A plain product is differentiated.",
    "By what is b multiplied in h?",
)
derivation.slip(
    "db-sigmoid-alone",
    "db = dh*s",
    "the gate is the sigmoid alone: that is GLU",
    "In GLU the gate is sigmoid(a), without the factor a.",
    "By what is b multiplied in h?",
)
derivation.slip(
    "db-values-for-gate",
    "db = dh*b",
    "the values stand in the place of the gate",
    "db seems to belong to b.",
    "h is linear in b. What is b multiplied by?",
)
derivation.slip(
    "da-second-term-missing",
    "da = dh*b*s",
    "the second term of the product rule is missing",
    "The sigmoid is treated as a constant.",
    TWICE,
)
derivation.slip(
    "da-first-term-missing",
    "da = dh*b*a*s*(1 - s)",
    "the first term of the product rule is missing",
    "Only the sigmoid is differentiated.",
    TWICE,
)
derivation.slip(
    "da-derivative-of-glu",
    "da = dh*b*s*(1 - s)",
    "it is the derivative of the sigmoid alone: that is GLU",
    "In GLU the gate is sigmoid(a), without the factor a.",
    TWICE,
)
derivation.slip(
    "da-values-missing",
    "da = dh*(s + a*s*(1 - s))",
    "the factor b is missing",
    "The gate's slope is taken for its gradient.",
    "What multiplies the gate in h?",
)
derivation.slip(
    "da-factor-a-missing",
    "da = dh*b*(s + s*(1 - s))",
    "the factor a is missing in the second term",
    "The two derivatives are added, and not the products.",
    TWICE,
)
derivation.slip(
    "da-factor-s-missing",
    "da = dh*b*(s + a*(1 - s))",
    "a factor s is missing in the second term",
    "s*(1 + a*(1 - s)) is multiplied out for one term only.",
    "What is the derivative of the sigmoid?",
)
derivation.slip(
    "da-sign",
    "da = dh*b*(s - a*s*(1 - s))",
    "the second term has the wrong sign",
    "The 1 - s seems to bring a minus.",
    "Does the sigmoid rise or fall?",
)
derivation.slip(
    "da-gate-for-values",
    "da = dh*a*(s + a*s*(1 - s))",
    "a stands in the place of b",
    "da seems to belong to a.",
    "What multiplies the gate in h?",
)
derivation.slip(
    "dw-transpose-missing",
    "dW = x @ da",
    "a transpose is missing at x",
    "a = x @ W is read as if the same product led back.",
    SHAPES,
)
derivation.slip(
    "dw-transposed",
    "dW = da.T @ x",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "dw-activation-skipped",
    "dW = x.T @ dh",
    "dh stands in the place of da: the product and SiLU are not gone through",
    "Both have one shape.",
    "Which lines of the forward lead from a to h?",
)
derivation.slip(
    "dw-of-the-values",
    "dW = x.T @ db",
    "it is the gradient of the other map",
    "The two branches are mixed up.",
    "Which map makes a?",
)
derivation.slip(
    "du-of-the-gate",
    "dU = x.T @ da",
    "it is the gradient of the other map",
    "The two branches are mixed up.",
    "Which map makes b?",
)
derivation.slip(
    "du-gate-skipped",
    "dU = x.T @ dh",
    "dh stands in the place of db: the gate is not gone through",
    "Both have one shape.",
    "Which line of the forward leads from b to h?",
)
derivation.slip(
    "du-transpose-missing",
    "dU = x @ db",
    "a transpose is missing at x",
    "b = x @ U is read as if the same product led back.",
    SHAPES,
)
derivation.slip(
    "dx-values-forgotten",
    "dx = da @ W.T",
    "the way back through the values is missing",
    "One branch is followed to its end.",
    READ_TWICE,
)
derivation.slip(
    "dx-gate-forgotten",
    "dx = db @ U.T",
    "the way back through the gate is missing",
    "One branch is followed to its end.",
    READ_TWICE,
)
derivation.slip(
    "dx-maps-exchanged",
    "dx = da @ U.T + db @ W.T",
    "the two maps are exchanged",
    "Both have one shape.",
    "Which map makes a?",
)
derivation.slip(
    "dx-transposes-missing",
    "dx = da @ W + db @ U",
    "the transposes are missing",
    "The forward's products are copied.",
    SHAPES,
)
derivation.slip(
    "dx-gradients-multiplied",
    "dx = (da @ W.T)*(db @ U.T)",
    "the two ways back are multiplied",
    "h is a product.",
    READ_TWICE,
)
