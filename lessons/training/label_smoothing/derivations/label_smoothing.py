"""Label smoothing: the target is mixed with the equal distribution, and the loss has a floor."""

from __future__ import annotations

import numpy as np

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, fraction, labels
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

derivation = Derivation(
    "label-smoothing",
    "Cross-entropy with label smoothing",
    about="The right class is not asked for with certainty: a small share of the target is spread equally over all classes, the right one among them. The loss is the mean over the tokens of the cross-entropy with that target.",
    axes={"N": "tokens", "V": "classes"},
    given=[
        Symbol("z", "N V", "the logits"),
        Symbol("t", "N", "the right class of each token, from 0", draw=labels),
        Symbol("eps", "", "the share that is spread over all V classes", draw=fraction),
        Symbol("Y", "N V", "1 at the right class, else 0", by="onehot(t, V)"),
        Symbol("P", "N V", "the chances; each row sums to 1", by="softmax(z)"),
    ],
    targets=[
        Target("Q", "N V", "the smoothed target; each row sums to 1"),
        Target("dz", "N V", "the gradient of the loss -sum(Q*log(P), all)/N for the logits"),
        Target("Lmin", "", "the lowest loss that any logits can reach"),
    ],
    also={"q": "Q", "target": "Q", "targets": "Q", "s": "eps", "alpha": "eps", "p": "P", "y": "Y", "L_min": "Lmin"},
    hints=[
        "The right class keeps 1 - eps, and all V classes share eps.",
        "Nothing in the gradient of cross-entropy needs a target of zeros and a one: it has to sum to 1.",
        "The gradient is 0 where P is the target. What is the loss there?",
    ],
    learned="dz = (P - target)/N, 0 at a finite logit gap; and the loss cannot fall below the target's own entropy.",
    step="the_target",
    shown=[
        Shown("Q = (1 - eps)*Y + eps/V", "each row sums to 1 - eps + V*eps/V"),
        Shown("dz = (P - Q)/N", "cross-entropy with any target whose rows sum to 1"),
        Shown("Lmin = -sum(Q*log(Q), all)/N", "where P is Q, the gradient is 0: the mean entropy of the targets"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    v = given["z"].shape[-1]
    eps, targets = float(given["eps"]), given["t"].astype(int)
    _, cache = cross_entropy_forward(given["z"], targets, smoothing=eps)
    smoothed = (1 - eps) * np.eye(v)[targets] + eps / v
    lowest, _ = cross_entropy_forward(np.log(smoothed), targets, smoothing=eps)
    return {"Q": smoothed, "dz": cross_entropy_backward(1.0, cache), "Lmin": lowest}


derivation.equal("Q = Y - eps*(Y - 1/V)")
derivation.equal("Q = Y*(1 - eps + eps/V) + (1 - Y)*eps/V")
derivation.equal("dz = (softmax(z) - (1 - eps)*Y - eps/V)/N")
derivation.equal("dz = (1 - eps)*(P - Y)/N + eps*(P - 1/V)/N")
derivation.equal("dz = P/N - Q/N")
derivation.equal("Lmin = -(1 - eps + eps/V)*log(1 - eps + eps/V) - (V - 1)*eps/V*log(eps/V)")
derivation.equal("Lmin = -mean(sum(Q*log(Q)), all)")

SUM = "Each row of a target sums to 1. Does yours?"
MEAN = "The loss is a mean over the tokens. Which constant is in each token's gradient?"

derivation.slip(
    "target-not-smoothed",
    "Q = Y",
    "nothing is smoothed",
    "The target of plain cross-entropy is copied.",
    "What becomes of the share eps?",
)
derivation.slip(
    "target-over-the-others",
    "Q = (1 - eps)*Y + eps/(V - 1)*(1 - Y)",
    "the share is spread over the wrong classes alone",
    "Some papers do so.",
    "Over how many classes is eps spread here?",
)
derivation.slip(
    "target-too-much",
    "Q = (1 - eps)*Y + eps",
    "the share is not divided by the number of classes",
    "eps is added to each class.",
    SUM,
)
derivation.slip(
    "target-not-reduced", "Q = Y + eps/V", "the right class is not reduced", "The share is added on top.", SUM
)
derivation.slip(
    "target-nothing-for-the-others",
    "Q = (1 - eps)*Y",
    "the share goes nowhere",
    "The right class is reduced and that is all.",
    SUM,
)
derivation.slip(
    "target-shares-exchanged",
    "Q = eps*Y + (1 - eps)/V",
    "the two shares are exchanged",
    "eps is taken for what is kept.",
    "Which is left where eps is 0?",
)
derivation.slip(
    "target-divided-by-one-less",
    "Q = (1 - eps)*Y + eps/(V - 1)",
    "the share is divided by V - 1 and given to all V",
    "Two conventions are mixed.",
    SUM,
)
derivation.slip(
    "dz-not-smoothed",
    "dz = (P - Y)/N",
    "it is the gradient without smoothing",
    "P - Y is known by heart.",
    "What takes the place of Y?",
)
derivation.slip(
    "dz-mean-missing",
    "dz = P - Q",
    "1/N is missing: this is the gradient of the sum",
    "The loss of one token is differentiated.",
    MEAN,
)
derivation.slip(
    "dz-sign",
    "dz = (Q - P)/N",
    "the sign is wrong",
    "The step that is taken is written, not the gradient.",
    "The right class's logit grows from far below: does the loss rise or fall?",
)
derivation.slip(
    "dz-second-part-forgotten",
    "dz = (1 - eps)*(P - Y)/N",
    "the part of the equal distribution has no gradient",
    "It is taken for a constant.",
    "The loss has eps/V*log(P) at every class. Is that a constant?",
)
derivation.slip(
    "dz-over-the-others",
    "dz = (P - (1 - eps)*Y - eps/(V - 1)*(1 - Y))/N",
    "the share is spread over the wrong classes alone",
    "Some papers do so.",
    "Over how many classes is eps spread here?",
)
derivation.slip(
    "dz-chances-smoothed",
    "dz = ((1 - eps)*P + eps/V - Y)/N",
    "the chances are smoothed, not the target",
    "The mixing is put on the other side.",
    "Which side of the loss holds eps?",
)
derivation.slip(
    "dz-mean-over-classes",
    "dz = (P - Q)/V",
    "it is divided by the number of classes",
    "The wrong axis is counted.",
    MEAN,
)
derivation.slip(
    "dz-softmax-skipped",
    "dz = -Q/P/N",
    "it is the gradient for the chances: softmax is not gone through",
    "log is differentiated and that is taken for all.",
    "What makes P of z?",
)
derivation.slip(
    "lmin-zero",
    "Lmin = 0",
    "it is the floor without smoothing",
    "Plain cross-entropy can come as near to 0 as one likes.",
    "Where P is the target, what is the logarithm of its largest chance?",
)
derivation.slip(
    "lmin-right-class-alone",
    "Lmin = -sum(Y*Q*log(Q), all)/N",
    "only the right class is counted",
    "The loss of the right class is taken for all.",
    "How many classes have a share in the target?",
)
derivation.slip(
    "lmin-mean-missing", "Lmin = -sum(Q*log(Q), all)", "1/N is missing", "The sum is taken for the mean.", MEAN
)
derivation.slip(
    "lmin-sign",
    "Lmin = sum(Q*log(Q), all)/N",
    "the sign is wrong",
    "The minus of the entropy gets lost.",
    "Is the logarithm of a chance positive or negative?",
)
derivation.slip(
    "lmin-chances",
    "Lmin = -sum(Q*log(P), all)/N",
    "it is the loss at these logits, not the lowest one",
    "The forward's line is copied.",
    "For which P is the loss lowest?",
)
derivation.slip(
    "lmin-equal",
    "Lmin = log(V)",
    "it is the loss of equal chances",
    "That is where training begins.",
    "Is that the best that one can do?",
)
