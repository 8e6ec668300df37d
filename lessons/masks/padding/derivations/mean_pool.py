"""The mean over the tokens that are not padding, backward."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, zero_or_one
from tfx.ops.basics.mean_pool import mean_pool_backward, mean_pool_forward

derivation = Derivation(
    "mean-pool",
    "Backward through a mean over real tokens",
    about="A text is made one vector by the mean of its tokens. Padding does not count. The gradient of the loss for that vector is known.",
    axes={"N": "tokens", "D": "width"},
    given=[
        Symbol("x", "N D", "the tokens"),
        Symbol("keep", "N 1", "1 for a real token, 0 for padding", draw=zero_or_one),
        Symbol("n", "", "how many are real", by="sum(keep, all)"),
        Symbol("y", "D", "their mean", by="sum(keep*x, tokens)/n"),
        Symbol("dy", "D", "the gradient of the loss for y"),
    ],
    targets=[Target("dx", "N D", "the gradient for the tokens")],
    also={"mask": "keep", "m": "keep"},
    hints=[
        "Each real token has the same share of the mean. Which one?",
        "What does the loss feel of a change of padding?",
        "(N, 1) times (D) broadcasts to (N, D).",
    ],
    learned="dx = keep*dy/n: each real token gets the same gradient, and padding none.",
    step="alone_or_padded",
    shown=[Shown("dx = keep*dy/n", "y = sum of keep_i x_i / n")],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    keep = given["keep"][:, 0] > 0
    _, cache = mean_pool_forward(given["x"][None], stride=len(keep), keep=keep[None])
    return {"dx": mean_pool_backward(given["dy"][None, None], cache)[0]}


derivation.equal("dx = keep/sum(keep, tokens)*dy")
derivation.equal("dx = dy*keep/(keep.T @ keep)")
derivation.equal("dx = dy/n - (1 - keep)*dy/n")

PADDING = "Change a padding token: does y move?"

derivation.slip(
    "padding-counted",
    "dx = keep*dy/N",
    "it is divided by all tokens, padding too",
    "np.mean counts every row.",
    "By what is the sum divided in the forward?",
)
derivation.slip(
    "padding-gets-gradient",
    "dx = dy/n + 0*x",
    "padding gets a gradient too",
    "The mask is left out on the way back.",
    PADDING,
)
derivation.slip(
    "mask-and-count-missing",
    "dx = dy/N + 0*x",
    "the mask is left out, in the gradient and in the count",
    "The plain mean is differentiated.",
    PADDING,
)
derivation.slip(
    "count-missing",
    "dx = keep*dy",
    "1/n is missing: this is the gradient of the sum",
    "The divisor is forgotten.",
    "What is the share of one token in a mean of n?",
)
derivation.slip(
    "one-row",
    "dx = dy/n",
    "it is one vector: it has to be given to each token",
    "All real tokens have the same gradient, and one is written.",
    "What is the shape of x?",
)
derivation.slip(
    "times-inputs",
    "dx = keep*x*dy/n",
    "the tokens are multiplied in",
    "The product rule is used on a sum.",
    "Is y linear in x? What is the slope of something linear?",
)
derivation.slip(
    "padding-alone",
    "dx = (1 - keep)*dy/n",
    "the mask is upside down: only padding gets a gradient",
    "Masks with 1 for padding are met too.",
    PADDING,
)
derivation.slip(
    "multiplied-by-count",
    "dx = keep*dy*n",
    "it is multiplied by n, not divided",
    "Going backward is mistaken for undoing.",
    "What is the share of one token in a mean of n?",
)
