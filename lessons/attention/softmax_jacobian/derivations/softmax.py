"""The backward of softmax: every weight of a row pulls on every score of it."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward

derivation = Derivation(
    "softmax",
    "Backward through softmax",
    about="Each query has a row of scores, and softmax makes weights of them, row by row. The gradient of the loss for the weights is known.",
    axes={"N": "queries", "M": "keys"},
    given=[
        Symbol("S", "N M", "the scores"),
        Symbol("P", "N M", "the weights; each row sums to 1", by="softmax(S)"),
        Symbol("dP", "N M", "the gradient of the loss for P"),
    ],
    targets=[Target("dS", "N M", "the gradient of the loss for S")],
    hints=[
        "Move one score: how many weights of its row move?",
        "dP_i/dS_j is P_i (1 - P_j) where i is j, and -P_i P_j elsewhere. Multiply by dP_i and sum over i.",
        "One of the two sums is the same for every j: it is one number for each row.",
    ],
    learned="dS = P*(dP - sum(dP*P)): the sum is one number for each row, and the Jacobian is never built.",
    step="three_roads",
    asked="interview/derive-softmax",
    shown=[
        Shown("c = sum(dP*P)", "every weight of a row falls when another one grows: one number for each row"),
        Shown("dS = P*(dP - c)", "P_j (dP_j - sum over i of dP_i P_i)"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    return {"dS": softmax_backward(given["dP"], SoftmaxCache(given["P"], -1))}


derivation.equal("dS = P*(dP - sum(dP*P))")
derivation.equal("dS = P*dP - P*sum(P*dP)")
derivation.equal("dS = (dP - (P*dP).sum(axis=-1, keepdims=True))*P")
derivation.equal("g = P*dP", "dS = g - P*sum(g, keys)")
derivation.equal("dS = softmax(S)*(dP - M*mean(dP*P))")
derivation.equal("Z = sum(exp(S))", "dS = exp(S)/Z*dP - exp(S)*sum(exp(S)*dP)/Z^2")

derivation.slip(
    "cross-terms-missing",
    "dS = dP*P*(1 - P)",
    "the cross terms are missing",
    "P (1 - P) is the derivative of the sigmoid, and the diagonal of the Jacobian.",
    "Does a score move the other weights of its row?",
)
derivation.slip(
    "inner-sum-missing",
    "dS = dP*P",
    "the inner sum is missing",
    "The derivative of exp is remembered, and that of the divisor is not.",
    "Add 1 to all scores of a row: the loss stays. Does a row of your gradient sum to 0?",
)
derivation.slip(
    "sum-over-queries",
    "dS = P*(dP - sum(dP*P, queries))",
    "the sum runs over the wrong axis, the queries",
    "In a matrix both sums broadcast.",
    "Along which axis do the weights sum to 1?",
)
derivation.slip(
    "sum-over-all",
    "dS = P*(dP - sum(dP*P, all))",
    "the sum runs over all numbers, not along each row",
    "np.sum without an axis gives one number, which broadcasts.",
    "Does a weight of one row depend on the scores of another?",
)
derivation.slip(
    "mean-for-sum",
    "dS = P*(dP - mean(dP*P))",
    "the inner sum is a mean: 1/M too much",
    "LayerNorm's backward, which looks alike, has means.",
    "Write the chain rule for one score: is anything divided by the number of keys?",
)
derivation.slip(
    "sign-of-the-sum",
    "dS = P*(dP + sum(dP*P))",
    "the inner sum has the wrong sign",
    "The Jacobian is P_i (delta_ij - P_j), and its minus gets lost when the sum is written out.",
    "When one score grows, do the other weights grow or shrink?",
)
derivation.slip(
    "factor-missing",
    "dS = dP - sum(dP*P)",
    "the factor P in front is missing",
    "The bracket looks finished.",
    "What is the gradient for a score whose weight is 0?",
)
derivation.slip(
    "factor-on-one-term",
    "dS = P*dP - sum(dP*P)",
    "the factor P stands at the first term alone",
    "The bracket is left out, and P binds to dP alone.",
    "What is the gradient for a score whose weight is 0?",
)
derivation.slip(
    "weights-missing-in-the-sum",
    "dS = P*(dP - sum(dP))",
    "the weights are missing inside the sum",
    "The P_i of the chain rule seems to stand in front already.",
    "Which P belongs to dP_i in the sum over i?",
)
derivation.slip(
    "weights-twice-in-the-sum",
    "dS = P*(dP - sum(dP*P*P))",
    "the weights stand twice inside the sum",
    "dP*P is written first, and multiplied by P once more inside.",
    "How many P stand beside dP_i in the chain rule?",
)
derivation.slip(
    "minus-everything",
    "dS = P*(sum(dP*P) - dP)",
    "the whole has the wrong sign",
    "The two terms are written in the order in which they were derived.",
    "The loss falls when one weight grows, and feels no other. Should its score get a negative or a positive gradient?",
)
derivation.slip(
    "scores-for-weights",
    "dS = S*(dP - sum(dP*S))",
    "the scores stand in the place of the weights",
    "The input of softmax is at hand, and its backward needs the output.",
    "Is exp's derivative written with what went in, or with what came out?",
)
derivation.slip(
    "cross-entropy",
    "dS = P - dP",
    "it is the gradient of softmax together with cross-entropy",
    "P minus the target is the form that is met most.",
    "Is dP a target here, or a gradient?",
)
