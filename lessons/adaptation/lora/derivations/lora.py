"""LoRA backward: two small matrices beside a frozen large one."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, positive
from tfx.ops.low_rank.lora_linear import lora_linear_backward, lora_linear_forward

derivation = Derivation(
    "lora",
    "Backward through LoRA",
    about="A frozen map of the tokens, and beside it two small maps, one after the other, whose result is scaled and added. The gradient of the loss for the outputs is known.",
    axes={"N": "tokens", "D": "width", "E": "output width", "R": "rank"},
    given=[
        Symbol("x", "N D", "the tokens"),
        Symbol("W", "D E", "the frozen map"),
        Symbol("A", "D R", "the first small map"),
        Symbol("B", "R E", "the second small map"),
        Symbol("alpha", "", "the small maps are scaled by alpha/R", draw=positive),
        Symbol("y", "N E", "the outputs", by="x @ W + alpha/R * x @ A @ B"),
        Symbol("dy", "N E", "the gradient of the loss for y"),
    ],
    targets=[
        Target("dB", "R E", "the gradient for the second small map"),
        Target("dA", "D R", "the gradient for the first small map"),
        Target("dx", "N D", "the gradient for the tokens"),
    ],
    also={"r": "R", "dout": "dy"},
    hints=[
        "What does B read? Name it: z = x @ A. For C = z @ B the gradient for B is z.T @ dC.",
        "A gets its gradient through B: dz = dC @ B.T.",
        "The scale alpha/R stands between C and y. x is read by W and by A.",
    ],
    learned="dA has B.T in it and dB has A: with B = 0, as LoRA starts, only B learns in the first step.",
    step="rank_one",
    shown=[
        Shown("s = alpha/R", "the scale"),
        Shown("dB = s * (x @ A).T @ dy", "y = ... + s * z @ B with z = x @ A"),
        Shown("dA = s * x.T @ (dy @ B.T)", "z = x @ A, and the gradient for z is s * dy @ B.T"),
        Shown("dx = dy @ W.T + s * dy @ B.T @ A.T", "x is read by the frozen map and by A"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    scale = float(given["alpha"]) / given["A"].shape[-1]
    _, cache = lora_linear_forward(given["x"], given["A"], given["B"], given["W"], scale=scale)
    grads = lora_linear_backward(given["dy"], cache)
    return {"dA": grads.da, "dB": grads.db, "dx": grads.dx}


derivation.equal("dB = alpha/R * A.T @ x.T @ dy")
derivation.equal("dW = x.T @ dy", "dB = alpha/R * A.T @ dW", "dA = alpha/R * dW @ B.T")
derivation.equal("dA = x.T @ dy @ B.T * alpha / R")
derivation.equal("z = x @ A", "dB = (alpha*z.T @ dy)/R")
derivation.equal("dx = dy @ (W + alpha/R * A @ B).T")
derivation.equal("dx = dy @ W.T + (alpha/R) * (dy @ B.T) @ A.T")

SCALE = "alpha/R stands between x @ A @ B and y. By what is dy multiplied there?"
SHAPES = "Which axis has to be summed over, and which two have to stay?"
READ = "x is read by W and by A. Does the loss feel a change of x through both?"

derivation.slip(
    "db-scale-missing",
    "dB = (x @ A).T @ dy",
    "the scale is missing",
    "The small maps are differentiated as if they stood alone.",
    SCALE,
)
derivation.slip(
    "db-scale-twice",
    "dB = (alpha/R)^2 * (x @ A).T @ dy",
    "the scale stands twice",
    "It is taken once for dy and once for B.",
    SCALE,
)
derivation.slip(
    "db-rank-missing",
    "dB = alpha * (x @ A).T @ dy",
    "1/R is missing: the scale is alpha",
    "alpha is called the scale.",
    SCALE,
)
derivation.slip(
    "db-root-of-the-rank",
    "dB = alpha/sqrt(R) * (x @ A).T @ dy",
    "the scale is divided by sqrt(R): that is rank-stabilised LoRA",
    "Another paper scales so.",
    SCALE,
)
derivation.slip(
    "db-inputs-for-inner",
    "dB = alpha/R * x.T @ dy",
    "x stands in the place of x @ A: this is as large as W",
    "B seems to read the tokens.",
    "What does B read?",
)
derivation.slip(
    "db-transpose-missing",
    "dB = alpha/R * (x @ A) @ dy",
    "a transpose is missing",
    "The forward's product is copied.",
    SHAPES,
)
derivation.slip(
    "db-transposed",
    "dB = alpha/R * dy.T @ (x @ A)",
    "the product is the transpose of what is right",
    "In PyTorch's layout B is (E, R).",
    SHAPES,
)
derivation.slip("da-scale-missing", "dA = x.T @ dy @ B.T", "the scale is missing", "It is taken at dB alone.", SCALE)
derivation.slip(
    "da-scale-twice",
    "dA = (alpha/R)^2 * x.T @ dy @ B.T",
    "the scale stands twice",
    "It is taken once at B and once at A.",
    SCALE,
)
derivation.slip(
    "da-rank-missing",
    "dA = alpha * x.T @ dy @ B.T",
    "1/R is missing: the scale is alpha",
    "alpha is called the scale.",
    SCALE,
)
derivation.slip(
    "da-second-map-skipped",
    "dA = alpha/R * x.T @ dy",
    "B is not gone through: this is as large as W",
    "A seems to lead to y directly.",
    "What lies between x @ A and y?",
)
derivation.slip(
    "da-transpose-missing",
    "dA = alpha/R * x.T @ (dy @ B)",
    "a transpose is missing at B",
    "The forward's product is copied.",
    SHAPES,
)
derivation.slip(
    "da-transposed",
    "dA = alpha/R * B @ dy.T @ x",
    "the product is the transpose of what is right",
    "In PyTorch's layout A is (R, D).",
    SHAPES,
)
derivation.slip(
    "dx-small-maps-forgotten",
    "dx = dy @ W.T",
    "the way back through the small maps is missing",
    "They are taken for an addition on the side.",
    READ,
)
derivation.slip(
    "dx-frozen-map-forgotten",
    "dx = alpha/R * dy @ B.T @ A.T",
    "the way back through the frozen map is missing",
    "Frozen is taken for blocked.",
    "W gets no gradient of its own. Does x get one through it?",
)
derivation.slip(
    "dx-scale-missing",
    "dx = dy @ W.T + dy @ B.T @ A.T",
    "the scale is missing",
    "The small maps are differentiated as if they stood alone.",
    SCALE,
)
derivation.slip(
    "dx-scale-on-both",
    "dx = alpha/R * dy @ (W + A @ B).T",
    "the scale stands at the frozen map too",
    "The two maps are added before they are scaled.",
    "Is x @ W scaled in the forward?",
)
derivation.slip(
    "dx-order",
    "dx = dy @ W.T + alpha/R * dy @ A.T @ B.T",
    "the two small maps are in the forward's order",
    "(A B).T is written as A.T B.T.",
    "What is the transpose of a product?",
)
