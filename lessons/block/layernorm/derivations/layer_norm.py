"""LayerNorm backward: three paths from an entry to the outputs of its row; its slips stand in layer_norm_slips.py."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, gain, positive
from tfx.ops.norms.layer_norm import layer_norm_backward, layer_norm_forward

derivation = Derivation(
    "layer-norm",
    "Backward through LayerNorm",
    about="Each token is centred and divided by its own deviation, then multiplied by a gain and moved by a shift. The gradient of the loss for the outputs is known.",
    axes={"N": "tokens", "D": "width"},
    given=[
        Symbol("x", "N D", "the inputs, a token a row"),
        Symbol("gamma", "D", "the gain", draw=gain),
        Symbol("beta", "D", "the shift"),
        Symbol("eps", "", "what is added to the variance; here a large one, so that it shows", draw=positive),
        Symbol("mu", "N 1", "the mean of each token", by="mean(x)"),
        Symbol("v", "N 1", "its variance", by="mean((x - mu)^2)"),
        Symbol("r", "N 1", "one over its deviation", by="1/sqrt(v + eps)"),
        Symbol("xhat", "N D", "the normalised inputs", by="(x - mu)*r"),
        Symbol("y", "N D", "the outputs", by="gamma*xhat + beta"),
        Symbol("dy", "N D", "the gradient of the loss for y"),
    ],
    targets=[
        Target("dbeta", "D", "the gradient for the shift"),
        Target("dgamma", "D", "the gradient for the gain"),
        Target("dxhat", "N D", "the gradient for the normalised inputs"),
        Target("dx", "N D", "the gradient for the inputs"),
    ],
    also={
        "m": "mu",
        "mean_x": "mu",
        "var": "v",
        "inv_std": "r",
        "dout": "dy",
        "gain": "gamma",
        "bias": "beta",
        "dgain": "dgamma",
        "dbias": "dbeta",
    },
    hints=[
        "beta and gamma are shared by all tokens: over which axis do their gradients sum?",
        "An entry reaches the outputs of its row along three paths: directly, through the mean, and through the variance.",
        "Directly r; through the mean -r/D; through the variance -xhat_i xhat_j r/D. Sum over the outputs of the row.",
        "With g = dy*gamma: each of the two other paths takes something away from g, one of them a mean of g.",
    ],
    learned="dx = r*(g - mean(g) - xhat*mean(g*xhat)) with g = dy*gamma: what goes through the mean and through the variance is taken away from g.",
    step="derivation",
    asked="interview/derive-layernorm",
    shown=[
        Shown("dbeta = sum(dy, tokens)", "y = ... + beta, for every token"),
        Shown("dgamma = sum(dy*xhat, tokens)", "y = gamma*xhat + ..., for every token"),
        Shown("dxhat = dy*gamma", "y = gamma*xhat + ..."),
        Shown(
            "dx = r*(dxhat - mean(dxhat) - xhat*mean(dxhat*xhat))", "directly, through the mean, through the variance"
        ),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    _, cache = layer_norm_forward(given["x"], given["gamma"], given["beta"], float(given["eps"]))
    dx, dgamma, dbeta = layer_norm_backward(given["dy"], cache)
    return {"dx": dx, "dgamma": dgamma, "dbeta": dbeta, "dxhat": given["dy"] * given["gamma"]}


derivation.equal("dbeta = dy.sum(axis=0)")
derivation.equal("dbeta = N*mean(dy, 0)")
derivation.equal("dgamma = (dy*(x - mu)*r).sum(0)")
derivation.equal("dgamma = sum(dy*(y - beta)/gamma, tokens)")
derivation.equal("g = dy*gamma", "dx = r/D*(D*g - sum(g) - xhat*sum(g*xhat))")
derivation.equal(
    "g = dy*gamma", "dv = sum(g*(x - mu))*(-1/2)*(v + eps)^(-3/2)", "dmu = -r*sum(g) - 2*dv*mean(x - mu)",
    "dx = g*r + dv*2*(x - mu)/D + dmu/D",
)  # fmt: skip
derivation.equal("g = dy*gamma", "dx = r*(g - mean(g)) - (x - mu)*r^3*mean(g*(x - mu))")
derivation.equal("c = dxhat - mean(dxhat)", "dx = r*(c - xhat*mean(c*xhat))")
derivation.equal("dx = (dxhat - mean(dxhat) - xhat*mean(dxhat*xhat))/sqrt(v + eps)")
