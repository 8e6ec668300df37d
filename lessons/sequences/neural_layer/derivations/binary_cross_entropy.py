"""A sigmoid and the cross-entropy of two classes."""

from __future__ import annotations

import numpy as np

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, zero_or_one
from tfx.ops.feed_forward.sigmoid import sigmoid_backward, sigmoid_forward

derivation = Derivation(
    "binary-cross-entropy",
    "Backward through a sigmoid and cross-entropy",
    about="Each example has one logit, of which the sigmoid makes the chance of yes, and a label, 1 for yes and 0 for no. The loss is the mean over the examples of minus the logarithm of the chance of what is right.",
    axes={"N": "examples"},
    given=[
        Symbol("z", "N", "the logits"),
        Symbol("t", "N", "the labels, 0 or 1", draw=zero_or_one),
        Symbol("p", "N", "the chances of yes", by="sigmoid(z)"),
        Symbol("L", "", "the loss", by="-mean(t*log(p) + (1 - t)*log(1 - p), all)"),
    ],
    targets=[
        Target("dp", "N", "the gradient of the loss for the chances"),
        Target("dz", "N", "the gradient of the loss for the logits"),
    ],
    also={"y": "t", "s": "p"},
    hints=[
        "log(p) has the derivative 1/p, and log(1 - p) has -1/(1 - p).",
        "The sigmoid's derivative is p*(1 - p).",
        "Multiply them: what is divided away?",
    ],
    learned="dz = (p - t)/N: the divisions of the logarithms cancel the slope of the sigmoid, so that a confident mistake still learns.",
    shown=[
        Shown("dp = (-t/p + (1 - t)/(1 - p))/N", "the two logarithms, and a mean"),
        Shown("dz = dp*p*(1 - p)", "p = sigmoid(z)"),
        Shown("dz = (p - t)/N", "the same, multiplied out: -t*(1 - p) + (1 - t)*p = p - t"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    p, cache = sigmoid_forward(given["z"])
    dp = np.where(given["t"] == 1, -1 / p, 1 / (1 - p)) / len(p)
    return {"dp": dp, "dz": sigmoid_backward(dp, cache)}


derivation.equal("dp = (p - t)/(p*(1 - p))/N")
derivation.equal("dp = -(t/p - (1 - t)/(1 - p))*N^-1")
derivation.equal("dz = p/N - t/N")
derivation.equal("dz = (1/(1 + exp(-z)) - t)/N")
derivation.equal("dz = (-t*(1 - p) + (1 - t)*p)/N")

derivation.slip(
    "dp-second-part-missing",
    "dp = -t/p/N",
    "the part of the label 0 is missing",
    "Softmax's cross-entropy has one term.",
    "What does the loss of a no depend on?",
)
derivation.slip(
    "dp-inner-sign",
    "dp = (-t/p - (1 - t)/(1 - p))/N",
    "the second term has the wrong sign: the inner derivative of 1 - p is -1",
    "The chain rule stops at log.",
    "The label is 0, and p grows: does the loss rise or fall?",
)
derivation.slip(
    "dp-mean-missing",
    "dp = -t/p + (1 - t)/(1 - p)",
    "1/N is missing",
    "The loss of one example is differentiated.",
    "L is a mean. Which constant is in each gradient?",
)
derivation.slip(
    "dp-sign",
    "dp = (t/p - (1 - t)/(1 - p))/N",
    "the whole has the wrong sign",
    "The minus of the loss gets lost.",
    "The label is 1, and p grows: does the loss rise or fall?",
)
derivation.slip(
    "dp-of-the-logits",
    "dp = (p - t)/N",
    "it is the gradient for the logits",
    "That form is the one that is known by heart.",
    "Is p what the sigmoid reads, or what it gives?",
)
derivation.slip(
    "dz-mean-missing",
    "dz = p - t",
    "1/N is missing",
    "The loss of one example is differentiated.",
    "L is a mean. Which constant is in each gradient?",
)
derivation.slip(
    "dz-sign",
    "dz = (t - p)/N",
    "the whole has the wrong sign",
    "The step that is taken is written, not the gradient.",
    "The label is 1, and z grows: does the loss rise or fall?",
)
derivation.slip(
    "dz-squared-loss",
    "dz = (p - t)*p*(1 - p)/N",
    "the slope of the sigmoid stands once too often: this is the gradient of a squared loss, but for its 2",
    "The sigmoid's derivative is multiplied in after it was cancelled.",
    "What is divided by p (1 - p) in dp?",
)
derivation.slip(
    "dz-sigmoid-skipped",
    "dz = (-t/p + (1 - t)/(1 - p))/N",
    "the sigmoid is not gone through",
    "The logarithms are differentiated and that is taken for all.",
    "What makes p of z?",
)
derivation.slip(
    "dz-label-one-alone",
    "dz = -t*(1 - p)/N",
    "the part of the label 0 is missing",
    "Softmax's cross-entropy has one term.",
    "What is the gradient where the label is 0?",
)
derivation.slip(
    "dz-logits-for-chances",
    "dz = (z - t)/N",
    "the logits stand in the place of the chances",
    "p is not computed.",
    "What is compared with the label?",
)
