"""Softmax with a temperature: the gradient for the logits, and for the temperature itself."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, positive
from tfx.ops.basics.softmax import softmax_backward, softmax_forward

derivation = Derivation(
    "temperature",
    "Backward through a temperature",
    about="Logits are divided by a temperature before softmax makes chances of them. One number serves all rows. The gradient of the loss for the chances is known.",
    axes={"N": "rows", "V": "classes"},
    given=[
        Symbol("z", "N V", "the logits"),
        Symbol("tau", "", "the temperature", draw=positive),
        Symbol("P", "N V", "the chances; each row sums to 1", by="softmax(z/tau)"),
        Symbol("dP", "N V", "the gradient of the loss for P"),
    ],
    targets=[
        Target("dz", "N V", "the gradient for the logits"),
        Target("dtau", "", "the gradient for the temperature"),
    ],
    also={"temp": "tau", "temperature": "tau", "dT": "dtau", "dtemp": "dtau", "p": "P", "dp": "dP"},
    hints=[
        "Name what softmax reads: u = z/tau. Its gradient is that of softmax.",
        "du/dz is 1/tau, and du/dtau is -z/tau^2.",
        "One temperature serves all rows and classes: what is the gradient of something that is used many times?",
    ],
    learned="dz has 1/tau once, and dtau = -sum(dz*z)/tau over everything: where that sum is positive, a slightly higher temperature lowers the loss.",
    step="by_hand",
    shown=[
        Shown("du = P*(dP - sum(dP*P))", "softmax, row by row"),
        Shown("dz = du/tau", "u = z/tau"),
        Shown("dtau = -sum(du*z, all)/tau^2", "u = z/tau for every row and class"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    z, tau = given["z"], given["tau"]
    du = softmax_backward(given["dP"], softmax_forward(z / tau)[1])
    return {"dz": du / tau, "dtau": -(du * z).sum() / tau**2}


derivation.equal("dz = P*(dP - sum(dP*P))/tau")
derivation.equal("dz = (P*dP - P*sum(P*dP))*tau^-1")
derivation.equal("dtau = -sum(dz*z, all)/tau")
derivation.equal("dtau = -1/tau*sum(dz*z, axis=(0, 1))")
derivation.equal("u = z/tau", "dtau = -sum(P*(dP - sum(dP*P))*u, all)/tau")
derivation.equal("dtau = -N*V*mean(dz*z, all)/tau")

ONCE = "u = z/tau: what is du/dz?"
SLOPE = "u = z/tau: what is du/dtau?"

derivation.slip(
    "dz-temperature-missing",
    "dz = P*(dP - sum(dP*P))",
    "1/tau is missing",
    "The gradient stops at what softmax reads.",
    ONCE,
)
derivation.slip(
    "dz-temperature-twice",
    "dz = P*(dP - sum(dP*P))/tau^2",
    "1/tau stands twice",
    "It is taken once in P and once more for it.",
    ONCE,
)
derivation.slip(
    "dz-temperature-upside-down",
    "dz = P*(dP - sum(dP*P))*tau",
    "it is multiplied by tau, not divided",
    "Going backward is mistaken for undoing.",
    ONCE,
)
derivation.slip(
    "dz-temperature-in-one-term",
    "dz = P*(dP/tau - sum(dP*P))",
    "1/tau stands at one term alone",
    "The bracket is set too late.",
    ONCE,
)
derivation.slip(
    "dz-inner-sum-missing",
    "dz = P*dP/tau",
    "the inner sum of softmax is missing",
    "The divisor is forgotten.",
    "Add 1 to all logits of a row: the loss stays. Does a row of your gradient sum to 0?",
)
derivation.slip(
    "dz-cross-terms-missing",
    "dz = P*(1 - P)*dP/tau",
    "the cross terms are missing",
    "P (1 - P) is the sigmoid's derivative.",
    "Does a logit move the other chances of its row?",
)
derivation.slip(
    "dz-without-softmax",
    "dz = dP/tau",
    "softmax is not gone through",
    "Both have one shape.",
    "Which line of the forward makes P?",
)
derivation.slip(
    "dz-chances-at-temperature-one",
    "dz = softmax(z)*(dP - sum(dP*softmax(z)))/tau",
    "the chances are those at the temperature 1",
    "softmax(z) is written out by heart.",
    "What does softmax read?",
)
derivation.slip(
    "dtau-sign", "dtau = sum(dz*z, all)/tau", "the sign is wrong", "1/tau is differentiated without its minus.", SLOPE
)
derivation.slip(
    "dtau-power",
    "dtau = -sum(dz*z, all)",
    "one 1/tau is missing",
    "The derivative of 1/tau is taken to be -1/tau.",
    SLOPE,
)
derivation.slip(
    "dtau-power-too-many",
    "dtau = -sum(dz*z, all)/tau^2",
    "1/tau stands once too often",
    "dz has one already.",
    "How many 1/tau are in dz?",
)
derivation.slip(
    "dtau-mean",
    "dtau = -mean(dz*z, all)/tau",
    "a mean stands in the place of the sum",
    "One number seems to be an average.",
    "One temperature is used for every row and class. Do their gradients add up?",
)
derivation.slip(
    "dtau-rows-not-summed",
    "dtau = -sum(dz*z)/tau",
    "the sum over the rows is missing",
    "Softmax works row by row.",
    "How many temperatures are there?",
)
derivation.slip(
    "dtau-without-softmax",
    "dtau = -sum(dP*z, all)/tau^2",
    "softmax is not gone through",
    "dP is used where the gradient for z/tau belongs.",
    "What is -z/tau^2 the slope of?",
)
derivation.slip(
    "dtau-chances-for-logits",
    "dtau = -sum(dz*P, all)/tau",
    "the chances stand in the place of the logits",
    "P is the nearest array.",
    "What is divided by tau?",
)
derivation.slip(
    "dtau-plain-slope",
    "dtau = -sum(z, all)/tau^2",
    "the gradient is missing: this is the slope of z/tau alone",
    "The chain rule stops after its first factor.",
    "Does your formula know anything of the loss?",
)
