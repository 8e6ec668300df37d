"""RMSNorm backward: one path less than LayerNorm."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, gain, positive
from tfx.ops.norms.rms_norm import rms_norm_backward, rms_norm_forward

derivation = Derivation(
    "rms-norm",
    "Backward through RMSNorm",
    about="Each token is divided by the root of the mean of its squares, then multiplied by a gain. No mean is subtracted. The gradient of the loss for the outputs is known.",
    axes={"N": "tokens", "D": "width"},
    given=[
        Symbol("x", "N D", "the inputs, a token a row"),
        Symbol("gamma", "D", "the gain", draw=gain),
        Symbol(
            "eps", "", "what is added to the mean of the squares; here a large one, so that it shows", draw=positive
        ),
        Symbol("r", "N 1", "one over the root mean square of each token", by="1/sqrt(mean(x^2) + eps)"),
        Symbol("y", "N D", "the outputs", by="gamma*x*r"),
        Symbol("dy", "N D", "the gradient of the loss for y"),
    ],
    targets=[
        Target("dgamma", "D", "the gradient for the gain"),
        Target("dx", "N D", "the gradient for the inputs"),
    ],
    also={"dout": "dy", "gain": "gamma", "dgain": "dgamma", "inv_rms": "r"},
    hints=[
        "The gain is shared by all tokens: over which axis does its gradient sum?",
        "An entry reaches the outputs of its row along two paths: directly, and through r.",
        "dr/dx_i = -r^3 x_i/D. Which outputs of the row have an r?",
    ],
    learned="with g = dy*gamma and n = x*r: dx = r*(g - n*mean(g*n)). LayerNorm's backward without the path through the mean.",
    step="derivation",
    shown=[
        Shown("dgamma = sum(dy*x*r, tokens)", "y = gamma*x*r, for every token"),
        Shown("g = dy*gamma", "the gradient for x*r"),
        Shown("dx = r*(g - x*r*mean(g*x*r))", "directly r; through r: -r^3 x_i/D times the sum of g x"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    _, cache = rms_norm_forward(given["x"], given["gamma"], float(given["eps"]))
    dx, dgamma = rms_norm_backward(given["dy"], cache)
    return {"dx": dx, "dgamma": dgamma}


derivation.equal("dgamma = sum(dy*y, tokens)/gamma")
derivation.equal("n = x*r", "dgamma = (dy*n).sum(axis=0)")
derivation.equal("n = x*r", "g = dy*gamma", "dx = r*(g - n*mean(g*n))")
derivation.equal("dx = r*dy*gamma - x*r^3*sum(dy*gamma*x)/D")
derivation.equal("dr = sum(dy*gamma*x)", "dx = dy*gamma*r + dr*(-1/2)*(mean(x*x) + eps)^-1.5*2*x/D")
derivation.equal("dx = r*(dy*gamma - x*r^2*mean(dy*y/r))")

PATHS = "Move one entry of a token: does r move?"

derivation.slip(
    "dgamma-input-for-normalised",
    "dgamma = sum(dy*x, tokens)",
    "the factor r is missing",
    "The gain is taken to multiply the input.",
    "What is multiplied by gamma?",
)
derivation.slip(
    "dgamma-sum-over-width",
    "dgamma = sum(dy*x*r)",
    "the sum runs over the width, not over the tokens",
    "Everything else in RMSNorm runs along the width.",
    "One gain serves all tokens. Over which axis is summed, and which one stays?",
)
derivation.slip(
    "dgamma-output",
    "dgamma = sum(dy*y, tokens)",
    "y stands in the place of x*r: the gain is in it",
    "The output is what is at hand.",
    "What is multiplied by gamma?",
)
derivation.slip(
    "dgamma-not-summed",
    "dgamma = dy*x*r",
    "the sum over the tokens is missing",
    "The chain rule stops one step early.",
    "One gain serves all tokens. Over which axis is summed?",
)
derivation.slip(
    "dgamma-mean-for-sum",
    "dgamma = mean(dy*x*r, tokens)",
    "a mean stands in the place of the sum: 1/N too much",
    "The loss is often a mean over tokens, and dy holds that already.",
    "Is anything divided by the number of tokens?",
)
derivation.slip(
    "direct-path-alone", "dx = r*dy*gamma", "the path through r is missing", "r is treated as a constant.", PATHS
)
derivation.slip(
    "layer-norm",
    "dx = r*(dy*gamma - mean(dy*gamma) - x*r*mean(dy*gamma*x*r))",
    "it is LayerNorm's backward: a mean is subtracted that no forward line has",
    "LayerNorm's formula is the one that is known.",
    "Is a mean subtracted from x in the forward?",
)
derivation.slip(
    "gain-missing",
    "dx = r*(dy - x*r*mean(dy*x*r))",
    "the gain is missing",
    "Formulas without a gain are copied.",
    "What is the gradient for x*r?",
)
derivation.slip(
    "gain-outside",
    "dx = gamma*r*(dy - x*r*mean(dy*x*r))",
    "the gain stands outside the mean",
    "It is multiplied at the end, as in the forward.",
    "gamma differs from entry to entry. Can it be taken out of a mean over the entries?",
)
derivation.slip(
    "gain-in-one-term",
    "dx = r*(dy*gamma - x*r*mean(dy*x*r))",
    "the gain is missing inside the mean",
    "It is put in where it is seen first.",
    "Which gradient is summed on the path through r?",
)
derivation.slip(
    "sum-for-mean",
    "dx = r*(dy*gamma - x*r*sum(dy*gamma*x*r))",
    "a sum stands in the place of the mean: 1/D is missing",
    "The mean of the squares has a 1/D, which gets lost.",
    "What is the derivative of mean(x^2) for one entry?",
)
derivation.slip(
    "sign-of-the-path",
    "dx = r*(dy*gamma + x*r*mean(dy*gamma*x*r))",
    "the path through r has the wrong sign",
    "r = (mean(x^2) + eps)^(-1/2), and the minus of its derivative gets lost.",
    "When an entry grows in size, does r grow or shrink?",
)
derivation.slip(
    "factor-missing",
    "dx = dy*gamma - x*r*mean(dy*gamma*x*r)",
    "the factor r in front is missing",
    "The bracket looks finished.",
    "Let eps be tiny, and double all inputs: y hardly changes. What becomes of the gradient?",
)
derivation.slip(
    "input-for-normalised",
    "dx = r*(dy*gamma - x*mean(dy*gamma*x))",
    "x stands in the place of x*r in the second term: r^2 is missing",
    "The formula is remembered for the normalised input.",
    "dr/dx_i has r^3 in it. How many are in yours?",
)
derivation.slip(
    "one-r-missing",
    "dx = r*(dy*gamma - x*r*mean(dy*gamma*x))",
    "one r is missing in the second term",
    "One of the two x is normalised and the other is not.",
    "dr/dx_i has r^3 in it. How many are in yours?",
)
derivation.slip(
    "eps-forgotten",
    "dx = (dy*gamma - x*mean(dy*gamma*x)/mean(x^2))/sqrt(mean(x^2))",
    "eps is forgotten",
    "It is left out on paper, where it is called tiny.",
    "What is r, with all that stands under its root?",
)
derivation.slip(
    "mean-over-tokens",
    "dx = r*(dy*gamma - x*r*mean(dy*gamma*x*r, tokens))",
    "the mean runs over the tokens",
    "BatchNorm's backward is the one that is printed most.",
    "Over which axis was the mean of the squares taken?",
)
