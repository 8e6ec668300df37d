"""One row of softmax: its whole Jacobian, and the gradient through it."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.basics.softmax import SoftmaxCache, softmax_backward, softmax_jacobian

derivation = Derivation(
    "softmax-jacobian",
    "The Jacobian of softmax",
    about="One row of scores and its weights. The Jacobian is a table: how much weight i (its row) moves when score j (its column) does.",
    axes={"M": "keys"},
    given=[
        Symbol("s", "M", "the scores of one query"),
        Symbol("p", "M", "its weights", by="softmax(s)"),
        Symbol("dp", "M", "the gradient of the loss for p"),
    ],
    targets=[
        Target("J", "M M", "the Jacobian, J[i, j] = dp_i/ds_j"),
        Target("ds", "M", "the gradient of the loss for s"),
    ],
    hints=[
        "p_i = exp(s_i)/Z, and Z holds every score. Which entries of the table cannot be 0?",
        "diag(p) is a table with p on its diagonal, and outer(a, b) the table of all products a_i b_j.",
        "The gradient is the transposed table times dp. What is the transposed of a table that is its own mirror image?",
    ],
    learned="J = diag(p) - outer(p, p), a table of M x M numbers for M weights, and J @ dp is p*(dp - sum(dp*p)) without it.",
    step="the_matrix",
    shown=[
        Shown("J = diag(p) - outer(p, p)", "p_i where i is j, from exp; -p_i p_j everywhere, from the divisor"),
        Shown("ds = J.T @ dp", "every weight that a score moves carries its share of the gradient"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    p = given["p"]
    return {"J": softmax_jacobian(p), "ds": softmax_backward(given["dp"], SoftmaxCache(p, -1))}


derivation.equal("J = diag(p)*(eye(M) - outer(p, p)) + diag(p)*outer(p, p) - outer(p, p)")
derivation.equal("J = diag(softmax(s)) - outer(softmax(s), softmax(s))")
derivation.equal("J = (eye(M) - outer(p, p/p)) @ diag(p)")
derivation.equal("ds = p*(dp - p @ dp)")
derivation.equal("ds = J @ dp")
derivation.equal("ds = p*dp - sum(p*dp)*p")

derivation.slip(
    "divisor-forgotten",
    "J = diag(p)",
    "the table has its diagonal alone: the divisor is forgotten",
    "exp is its own derivative, and Z is treated as a constant.",
    "Does Z move when a score moves?",
)
derivation.slip(
    "diagonal-alone",
    "J = diag(p*(1 - p))",
    "the entries off the diagonal are missing",
    "p (1 - p) is the sigmoid's derivative, where there is one score only.",
    "All weights sum to 1. What do the others do when one grows?",
)
derivation.slip(
    "plus-for-minus",
    "J = diag(p) + outer(p, p)",
    "the table of products has the wrong sign",
    "The quotient rule's minus gets lost.",
    "All weights sum to 1. What has each column of the Jacobian to sum to?",
)
derivation.slip(
    "minus-everything-in-the-table",
    "J = outer(p, p) - diag(p)",
    "the whole table has the wrong sign",
    "The two terms are exchanged.",
    "Does a weight grow or shrink with its own score?",
)
derivation.slip(
    "diagonal-missing",
    "J = -outer(p, p)",
    "the diagonal's own term is missing",
    "Only the divisor is differentiated.",
    "Does a weight grow or shrink with its own score?",
)
derivation.slip(
    "inner-for-outer",
    "J = diag(p) - p @ p",
    "one number is subtracted everywhere, the inner product, instead of the table of products",
    "p p^T is typed as p @ p, which is a number for two vectors.",
    "How many different products p_i p_j are there?",
)
derivation.slip(
    "scores-in-the-table",
    "J = diag(s) - outer(s, s)",
    "the scores stand in the place of the weights",
    "The input of softmax is at hand, and its derivative is written with the output.",
    "Is exp's derivative written with what went in, or with what came out?",
)
derivation.slip(
    "row-of-weights-missing",
    "J = eye(M) - outer(p, p)",
    "the first table has 1 on its diagonal, not p",
    "delta_ij is copied without the p_i in front of it.",
    "What is p_i's derivative for its own score where p_i is nearly 0?",
)
derivation.slip(
    "gradient-without-cross-terms",
    "ds = p*(1 - p)*dp",
    "the cross terms are missing",
    "The diagonal of the Jacobian is used as if it were the whole.",
    "How many weights move when one score does?",
)
derivation.slip(
    "gradient-without-the-divisor",
    "ds = p*dp",
    "the divisor is forgotten",
    "exp is its own derivative, and Z is treated as a constant.",
    "Add 1 to all scores: the weights stay. Does your gradient sum to 0?",
)
derivation.slip(
    "gradient-without-weights-in-the-sum",
    "ds = p*(dp - sum(dp))",
    "the weights are missing inside the sum",
    "The p in front seems to be enough.",
    "Which p belongs to dp_i in the sum over i?",
)
derivation.slip(
    "gradient-without-the-factor",
    "ds = dp - sum(dp*p)",
    "the factor p in front is missing",
    "The bracket looks finished.",
    "What is the gradient for a score whose weight is 0?",
)
derivation.slip(
    "table-times-scores",
    "ds = J @ s",
    "the Jacobian is applied to the scores, not to the gradient",
    "The rule for a small change of the weights, J times the change of s, looks alike.",
    "What goes backward: a change of the scores, or the gradient for the weights?",
)
