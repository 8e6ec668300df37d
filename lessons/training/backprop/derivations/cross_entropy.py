"""Cross-entropy on logits: softmax and the logarithm together."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, labels
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

derivation = Derivation(
    "cross-entropy",
    "Backward through cross-entropy",
    about="Each token has a row of logits, one for each class, and the number of its right class. The loss is the mean over the tokens of minus the logarithm of the right class's chance.",
    axes={"N": "tokens", "V": "classes"},
    given=[
        Symbol("z", "N V", "the logits"),
        Symbol("t", "N", "the right class of each token, from 0", draw=labels),
        Symbol("Y", "N V", "1 at the right class, else 0", by="onehot(t, V)"),
        Symbol("P", "N V", "the chances; each row sums to 1", by="softmax(z)"),
        Symbol("L", "", "the loss", by="-sum(Y*log(P), all)/N"),
    ],
    targets=[
        Target("dP", "N V", "the gradient of the loss for the chances"),
        Target("dz", "N V", "the gradient of the loss for the logits"),
    ],
    also={"p": "P", "y": "Y", "targets": "t", "dp": "dP", "dlogits": "dz", "logits": "z"},
    hints=[
        "The derivative of log(P) is 1/P, and only the right class has it.",
        "Through softmax: P*(dP - sum(dP*P)). What is sum(dP*P) here?",
        "Each row of Y sums to 1. Much cancels, and a 1/N stays.",
    ],
    learned="dz = (P - Y)/N: what is predicted less what is right, shared among the tokens. Nothing is divided by P any more.",
    step="where_it_starts",
    asked="interview/derive-cross-entropy",
    shown=[
        Shown("dP = -Y/P/N", "L = -sum(Y*log(P))/N"),
        Shown("dz = P*(dP - sum(dP*P))", "softmax, row by row; sum(dP*P) is -1/N in each row"),
        Shown("dz = (P - Y)/N", "the same: P*(-Y/P/N + 1/N)"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    _, cache = cross_entropy_forward(given["z"], given["t"].astype(int))
    return {"dz": cross_entropy_backward(1.0, cache), "dP": -given["Y"] / given["P"] / len(given["t"])}


derivation.equal("dP = -Y/(N*P)")
derivation.equal("dP = -Y*exp(-z)*sum(exp(z))/N")
derivation.equal("dz = (softmax(z) - onehot(t))/N")
derivation.equal("dz = P/N - Y/N")
derivation.equal("dz = -(Y - P)/N")
derivation.equal("dz = exp(z - logsumexp(z))/N - Y/N")
derivation.equal("dz = P*(dP - sum(dP*P))")
derivation.equal("dz = Y*(P - 1)/N + (1 - Y)*P/N")

MEAN = "L is a mean over the tokens. Which constant is in each token's gradient?"
OTHERS = "A chance of a wrong class grows. Does the loss feel it through the right one?"

derivation.slip("dp-mean-missing", "dP = -Y/P", "1/N is missing", "The loss of one token is differentiated.", MEAN)
derivation.slip(
    "dp-sign",
    "dP = Y/P/N",
    "the sign is wrong",
    "The minus of the loss gets lost.",
    "The right class's chance grows: does the loss rise or fall?",
)
derivation.slip(
    "dp-every-class",
    "dP = -1/P/N",
    "every class is treated as the right one",
    "Y is left out.",
    "How does the loss depend on the chance of a wrong class, if the others are held?",
)
derivation.slip(
    "dp-not-divided",
    "dP = -Y/N",
    "1/P is missing",
    "The logarithm is not differentiated.",
    "What is the derivative of log?",
)
derivation.slip(
    "dp-logarithm",
    "dP = -Y*log(P)/N",
    "it is the loss, token by token, not its gradient",
    "The forward's line is copied.",
    "What is the derivative of log?",
)
derivation.slip(
    "dp-of-the-logits",
    "dP = (P - Y)/N",
    "it is the gradient for the logits",
    "That form is the one that is known by heart.",
    "Is P what softmax reads, or what it gives?",
)
derivation.slip(
    "mean-missing",
    "dz = P - Y",
    "1/N is missing: this is the gradient of the sum",
    "The loss of one token is differentiated.",
    MEAN,
)
derivation.slip(
    "sign",
    "dz = (Y - P)/N",
    "the sign is wrong",
    "The step that is taken is written, not the gradient.",
    "The right class's logit grows: does the loss rise or fall?",
)
derivation.slip(
    "mean-over-classes", "dz = (P - Y)/V", "it is divided by the number of classes", "The wrong axis is counted.", MEAN
)
derivation.slip(
    "mean-over-everything",
    "dz = (P - Y)/(N*V)",
    "it is divided by the number of all logits",
    "np.mean without an axis divides by it.",
    MEAN,
)
derivation.slip(
    "target-missing",
    "dz = P/N",
    "the target is missing",
    "Only the divisor of softmax is differentiated.",
    "What is the gradient if the right class has the chance 1?",
)
derivation.slip(
    "right-class-alone",
    "dz = Y*(P - 1)/N",
    "only the right class gets a gradient",
    "The loss names the right class alone.",
    OTHERS,
)
derivation.slip(
    "one-everywhere",
    "dz = (P - 1)/N",
    "1 is subtracted at every class",
    "p - 1 is remembered, and where it stands is not.",
    "Each row of P sums to 1. What has each row of dz to sum to?",
)
derivation.slip(
    "softmax-skipped",
    "dz = -Y/P/N",
    "it is the gradient for the chances: softmax is not gone through",
    "log is differentiated and that is taken for all.",
    OTHERS,
)
derivation.slip(
    "cross-terms-missing",
    "dz = -Y*(1 - P)*P/N",
    "the slope of the sigmoid stands in the place of softmax and logarithm",
    "P (1 - P) is multiplied in, and 1/P is forgotten.",
    "What is left of P (1 - P) after the division by P?",
)
derivation.slip(
    "logits-for-chances",
    "dz = (z - Y)/N",
    "the logits stand in the place of the chances",
    "P is not computed.",
    "What is compared with the target?",
)
derivation.slip(
    "softmax-twice",
    "dz = (softmax(P) - Y)/N",
    "softmax is applied twice",
    "Chances are handed to a loss that takes logits.",
    "Is P a logit?",
)
derivation.slip(
    "softmax-over-tokens",
    "dz = (softmax(z, tokens) - Y)/N",
    "softmax runs over the tokens",
    "The wrong axis is normalised.",
    "Which axis of P sums to 1?",
)
derivation.slip(
    "squared-loss",
    "dz = 2*(P - Y)/N",
    "it is twice as large, as if the loss were a square",
    "Squared error has P - Y too, with a 2.",
    "Is anything squared in L?",
)
