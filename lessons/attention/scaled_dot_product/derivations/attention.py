"""Attention backward, from the outputs to queries, keys and values; its slips stand in attention_slips.py."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.attention.scaled_dot_product import attention_backward_steps, attention_forward

derivation = Derivation(
    "attention",
    "Backward through attention",
    about="Queries are compared with keys, softmax makes weights of the scores, and the weights mix the values. The gradient of the loss for the outputs is known.",
    axes={"N": "queries", "M": "keys", "D": "width", "E": "value width"},
    given=[
        Symbol("Q", "N D", "the queries, one a row"),
        Symbol("K", "M D", "the keys"),
        Symbol("V", "M E", "the values"),
        Symbol("S", "N M", "the scores", by="Q @ K.T / sqrt(D)"),
        Symbol("P", "N M", "the weights; each row sums to 1", by="softmax(S)"),
        Symbol("O", "N E", "the outputs", by="P @ V"),
        Symbol("dO", "N E", "the gradient of the loss for O"),
    ],
    targets=[
        Target("dV", "M E", "the gradient for the values"),
        Target("dP", "N M", "the gradient for the weights"),
        Target("dS", "N M", "the gradient for the scores"),
        Target("dQ", "N D", "the gradient for the queries"),
        Target("dK", "M D", "the gradient for the keys"),
    ],
    also={"A": "P", "W": "P", "dA": "dP", "d_k": "D", "dk": "D", "d": "D", "Y": "O", "dY": "dO"},
    hints=[
        "Go backward, one line at a time: O = P @ V, then P = softmax(S), then S = Q @ K.T / sqrt(D).",
        "For C = A @ B the gradients are dA = dC @ B.T and dB = A.T @ dC. Check the shapes.",
        "Softmax works row by row: P*(dP - one number for each row).",
        "1/sqrt(D) is a constant factor of S. In which of the five gradients does it stand?",
    ],
    learned="two gradients at each product, the rows' own number at softmax, and 1/sqrt(D) once in dQ and once in dK.",
    step="the_way_back",
    asked="interview/derive-attention",
    shown=[
        Shown("dV = P.T @ dO", "O = P @ V: each value is read by every query, so that the sum runs over the queries"),
        Shown("dP = dO @ V.T", "O = P @ V"),
        Shown("dS = P*(dP - sum(dP*P))", "P = softmax(S), row by row"),
        Shown("dQ = dS @ K / sqrt(D)", "S = Q @ K.T / sqrt(D)"),
        Shown("dK = dS.T @ Q / sqrt(D)", "the same product, from the other side"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    _, cache = attention_forward(given["Q"], given["K"], given["V"])
    grads = attention_backward_steps(given["dO"], cache)
    return {"dV": grads.dv, "dP": grads.dp, "dS": grads.ds, "dQ": grads.dq, "dK": grads.dk}


derivation.equal("dV = (dO.T @ P).T")
derivation.equal("dP = (V @ dO.T).T")
derivation.equal("dS = P*dP - P*sum(dO*O)")
derivation.equal("c = sum(dO*O)", "dS = P*(dO @ V.T - c)")
derivation.equal("dQ = (dS/sqrt(D)) @ K")
derivation.equal("dQ = D^-0.5 * dS @ K")
derivation.equal("dK = (Q.T @ dS).T / sqrt(D)")
derivation.equal("dK = softmax(S).T*0 @ Q + (dS^T @ Q) / D^(1/2)")
derivation.equal("dK = (P*(dO @ V.T - sum(P*(dO @ V.T)))).T @ Q / sqrt(D)")
