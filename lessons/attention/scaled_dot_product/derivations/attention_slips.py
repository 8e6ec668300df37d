"""What people write in the place of attention's backward."""

from __future__ import annotations

from lessons.attention.scaled_dot_product.derivations.attention import derivation

SCALE = "S = Q @ K.T / sqrt(D): by what is the gradient for Q @ K.T multiplied?"
SHAPES = "Which axis has to be summed over, and which two have to stay?"

derivation.slip(
    "dv-transpose-missing",
    "dV = P @ dO",
    "a transpose is missing: the weights are used as in the forward",
    "O = P @ V is read as if the same product led back.",
    "A value gets gradient from every query that read it. Which axis is summed over?",
)
derivation.slip(
    "dv-transposed",
    "dV = dO.T @ P",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "dv-scores-for-weights",
    "dV = S.T @ dO",
    "the scores stand in the place of the weights",
    "S and P have the same shape.",
    "With what are the values mixed?",
)
derivation.slip(
    "dv-output-for-gradient",
    "dV = P.T @ O",
    "the outputs stand in the place of their gradient",
    "O and dO have the same shape.",
    "Does your formula know anything of the loss?",
)
derivation.slip(
    "dv-scaled",
    "dV = P.T @ dO / sqrt(D)",
    "1/sqrt(D) does not belong here",
    "The scale is remembered as part of everything in attention.",
    "Does the scale stand between the values and the outputs?",
)
derivation.slip(
    "dp-transpose-missing",
    "dP = dO @ V",
    "a transpose is missing at V",
    "O = P @ V is read as if the same product led back.",
    SHAPES,
)
derivation.slip(
    "dp-transposed",
    "dP = V @ dO.T",
    "the product is the transpose of what is right",
    "The two factors are in the wrong order.",
    SHAPES,
)
derivation.slip(
    "dp-scaled",
    "dP = dO @ V.T / sqrt(D)",
    "1/sqrt(D) does not belong here",
    "The scale is taken in too early.",
    "Does the scale stand between the weights and the outputs?",
)
derivation.slip(
    "dp-output-for-gradient",
    "dP = O @ V.T",
    "the outputs stand in the place of their gradient",
    "O and dO have the same shape.",
    "Does your formula know anything of the loss?",
)
derivation.slip(
    "ds-inner-sum-missing",
    "dS = dP*P",
    "the inner sum is missing",
    "The derivative of exp is remembered, and that of the divisor is not.",
    "Add 1 to all scores of a row: the loss stays. Does a row of your gradient sum to 0?",
)
derivation.slip(
    "ds-cross-terms-missing",
    "dS = dP*P*(1 - P)",
    "the cross terms are missing",
    "P (1 - P) is the sigmoid's derivative.",
    "Does a score move the other weights of its row?",
)
derivation.slip(
    "ds-sum-over-queries",
    "dS = P*(dP - sum(dP*P, queries))",
    "the sum runs over the wrong axis, the queries",
    "In a matrix both sums broadcast.",
    "Along which axis do the weights sum to 1?",
)
derivation.slip(
    "ds-sum-over-all",
    "dS = P*(dP - sum(dP*P, all))",
    "the sum runs over all numbers, not along each row",
    "np.sum without an axis gives one number, which broadcasts.",
    "Does a weight of one query depend on the scores of another?",
)
derivation.slip(
    "ds-weights-missing-in-the-sum",
    "dS = P*(dP - sum(dP))",
    "the weights are missing inside the sum",
    "The P in front seems to be enough.",
    "Which P belongs to dP_i in the sum over i?",
)
derivation.slip(
    "ds-sign-of-the-sum",
    "dS = P*(dP + sum(dP*P))",
    "the inner sum has the wrong sign",
    "The minus of the quotient rule gets lost.",
    "When one score grows, do the other weights grow or shrink?",
)
derivation.slip(
    "ds-factor-on-one-term",
    "dS = P*dP - sum(dP*P)",
    "the factor P stands at the first term alone",
    "The bracket is left out.",
    "What is the gradient for a score whose weight is 0?",
)
derivation.slip(
    "ds-mean-for-sum",
    "dS = P*(dP - mean(dP*P))",
    "the inner sum is a mean: 1/M too much",
    "LayerNorm's backward, which looks alike, has means.",
    "Is anything divided by the number of keys?",
)
derivation.slip(
    "ds-scaled",
    "dS = P*(dP - sum(dP*P)) / sqrt(D)",
    "1/sqrt(D) does not belong here: S is what softmax reads",
    "The scale is taken in one line too early, and then once more.",
    "Does the scale stand between the scores S and the weights?",
)
derivation.slip(
    "ds-softmax-skipped",
    "dS = dP",
    "softmax is not gone through",
    "Both have one shape.",
    "Which line of the forward leads from S to P?",
)
derivation.slip(
    "dq-scale-missing", "dQ = dS @ K", "the scale is missing", "It is dropped from the forward's line.", SCALE
)
derivation.slip(
    "dq-scale-twice",
    "dQ = dS @ K / D",
    "the scale stands twice",
    "It is taken once for dS and once for dQ.",
    SCALE,
)
derivation.slip(
    "dq-scale-upside-down",
    "dQ = dS @ K * sqrt(D)",
    "the scale is upside down: times sqrt(D)",
    "Going backward is mistaken for undoing.",
    SCALE,
)
derivation.slip(
    "dq-scale-of-the-keys",
    "dQ = dS @ K / sqrt(M)",
    "the scale is that of the number of keys, not of the width",
    "Both are sizes of K.",
    "How many products are summed in one score?",
)
derivation.slip(
    "dq-queries-for-keys",
    "dQ = dS @ Q / sqrt(D)",
    "the queries stand in the place of the keys",
    "dQ seems to belong to Q.",
    "S is linear in Q. What is Q multiplied by?",
)
derivation.slip(
    "dq-transposed-weights",
    "dQ = dS.T @ K / sqrt(D)",
    "dS is transposed here, which belongs to dK",
    "The two lines of dQ and dK are mixed up.",
    SHAPES,
)
derivation.slip(
    "dq-softmax-skipped",
    "dQ = dP @ K / sqrt(D)",
    "dP stands in the place of dS: softmax is not gone through",
    "Both have one shape.",
    "Which line of the forward leads from S to P?",
)
derivation.slip(
    "dk-transpose-missing",
    "dK = dS @ Q / sqrt(D)",
    "a transpose is missing at dS",
    "The line of dQ is copied.",
    "A key gets gradient from every query. Which axis is summed over?",
)
derivation.slip("dk-scale-missing", "dK = dS.T @ Q", "the scale is missing", "It is taken at dQ alone.", SCALE)
derivation.slip(
    "dk-scale-twice", "dK = dS.T @ Q / D", "the scale stands twice", "It is taken once for dS and once for dK.", SCALE
)
derivation.slip(
    "dk-scale-of-the-queries",
    "dK = dS.T @ Q / sqrt(N)",
    "the scale is that of the number of queries, not of the width",
    "Both are sizes of Q.",
    "How many products are summed in one score?",
)
derivation.slip(
    "dk-transposed",
    "dK = Q.T @ dS / sqrt(D)",
    "the product is the transpose of what is right",
    "The gradient of K.T is written, not that of K.",
    "S has K.T in it. What is still to do?",
)
derivation.slip(
    "dk-keys-for-queries",
    "dK = dS.T @ K / sqrt(D)",
    "the keys stand in the place of the queries",
    "dK seems to belong to K.",
    "S is linear in K. What is K multiplied by?",
)
derivation.slip(
    "dk-softmax-skipped",
    "dK = dP.T @ Q / sqrt(D)",
    "dP stands in the place of dS: softmax is not gone through",
    "Both have one shape.",
    "Which line of the forward leads from S to P?",
)
