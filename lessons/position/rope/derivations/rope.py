"""RoPE backward: the transpose of a rotation turns by the opposite angle."""

from __future__ import annotations

import numpy as np

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.positions.rotary import rotary_backward, rotary_forward

derivation = Derivation(
    "rope",
    "Backward through RoPE",
    about="The features of a query are taken in pairs, and each pair is turned in its plane by an angle that grows with the position. The first numbers of all pairs are one array, the second numbers another.",
    axes={"N": "positions", "H": "pairs"},
    given=[
        Symbol("q1", "N H", "the first number of each pair"),
        Symbol("q2", "N H", "the second number"),
        Symbol("theta", "N H", "the angle by which each pair is turned"),
        Symbol("y1", "N H", "the first number after the turn", by="q1*cos(theta) - q2*sin(theta)"),
        Symbol("y2", "N H", "the second number", by="q1*sin(theta) + q2*cos(theta)"),
        Symbol("dy1", "N H", "the gradient of the loss for y1"),
        Symbol("dy2", "N H", "the gradient of the loss for y2"),
    ],
    targets=[
        Target("dq1", "N H", "the gradient for the first numbers"),
        Target("dq2", "N H", "the gradient for the second numbers"),
    ],
    also={"angle": "theta", "a": "theta"},
    hints=[
        "q1 stands in both y1 and y2: two terms.",
        "A rotation is a table of four numbers for each pair: cos, -sin, sin, cos. The gradient goes through the transposed table.",
        "The transposed table of a rotation is a rotation too. By which angle?",
    ],
    learned="the gradient is turned by the minus angle: the same function with sin replaced by -sin.",
    step="turn_them",
    shown=[
        Shown("dq1 = dy1*cos(theta) + dy2*sin(theta)", "q1 stands in y1 with cos, and in y2 with sin"),
        Shown("dq2 = dy2*cos(theta) - dy1*sin(theta)", "q2 stands in y1 with -sin, and in y2 with cos"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    q = np.concatenate((given["q1"], given["q2"]), axis=-1)
    _, cache = rotary_forward(q, np.cos(given["theta"]), np.sin(given["theta"]), "halves")
    dq1, dq2 = np.split(rotary_backward(np.concatenate((given["dy1"], given["dy2"]), axis=-1), cache), 2, axis=-1)
    return {"dq1": dq1, "dq2": dq2}


derivation.equal("dq1 = dy1*cos(-theta) - dy2*sin(-theta)")
derivation.equal("c = cos(theta)", "s = sin(theta)", "dq1 = c*dy1 + s*dy2", "dq2 = c*dy2 - s*dy1")
derivation.equal("dq2 = dy1*sin(-theta) + dy2*cos(-theta)")
derivation.equal("dq2 = (dy2 - dq1*sin(theta))/cos(theta)")
derivation.equal("dq1 = cos(theta)*(dy1 + dy2*sin(theta)/cos(theta))")

BOTH = "In which of y1 and y2 does it stand, and with which factor?"
TURN = "The transposed table of a turn by theta is that of which turn?"

derivation.slip(
    "dq1-turned-forward",
    "dq1 = dy1*cos(theta) - dy2*sin(theta)",
    "the gradient is turned by the plus angle: the forward once more",
    "The forward's line is copied.",
    TURN,
)
derivation.slip(
    "dq1-second-missing", "dq1 = dy1*cos(theta)", "the way through y2 is missing", "y1 seems to belong to q1.", BOTH
)
derivation.slip(
    "dq1-exchanged",
    "dq1 = dy1*sin(theta) + dy2*cos(theta)",
    "sin and cos are exchanged",
    "The line of y2 is copied.",
    BOTH,
)
derivation.slip(
    "dq1-not-turned", "dq1 = dy1", "nothing is turned", "A rotation keeps lengths, and seems to keep gradients.", TURN
)
derivation.slip(
    "dq1-derivative-of-the-angle",
    "dq1 = -dy1*sin(theta) + dy2*cos(theta)",
    "cos and sin are differentiated",
    "Their derivatives for theta are taken.",
    "What is moved here, the angle or the pair?",
)
derivation.slip(
    "dq2-turned-forward",
    "dq2 = dy1*sin(theta) + dy2*cos(theta)",
    "the gradient is turned by the plus angle: the forward once more",
    "The forward's line is copied.",
    TURN,
)
derivation.slip(
    "dq2-first-missing", "dq2 = dy2*cos(theta)", "the way through y1 is missing", "y2 seems to belong to q2.", BOTH
)
derivation.slip(
    "dq2-sign",
    "dq2 = dy1*sin(theta) - dy2*cos(theta)",
    "the whole has the wrong sign",
    "The two terms are exchanged.",
    BOTH,
)
derivation.slip(
    "dq2-exchanged",
    "dq2 = dy1*cos(theta) - dy2*sin(theta)",
    "sin and cos are exchanged",
    "The line of y1 is copied.",
    BOTH,
)
derivation.slip(
    "dq2-not-turned", "dq2 = dy2", "nothing is turned", "A rotation keeps lengths, and seems to keep gradients.", TURN
)
derivation.slip(
    "dq2-values-for-gradients",
    "dq2 = y2*cos(theta) - y1*sin(theta)",
    "the outputs stand in the place of their gradients",
    "Turning y back gives q.",
    "Does your formula know anything of the loss?",
)
