"""Distillation: the student's gradient, and why the loss is multiplied by the temperature twice."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, positive
from tfx.ops.losses.distillation_loss import distillation_loss_backward, distillation_loss_forward

derivation = Derivation(
    "distillation",
    "The gradient of distillation",
    about="A student learns the chances of a teacher, both softened by one temperature. The loss is the mean over the tokens of the divergence of the student's chances from the teacher's, times the square of the temperature.",
    axes={"N": "tokens", "V": "classes"},
    given=[
        Symbol("z", "N V", "the student's logits"),
        Symbol("u", "N V", "the teacher's logits"),
        Symbol("tau", "", "the temperature", draw=positive),
        Symbol("Q", "N V", "the student's chances", by="softmax(z/tau)"),
        Symbol("P", "N V", "the teacher's chances", by="softmax(u/tau)"),
        Symbol("L", "", "the loss", by="tau^2*sum(P*log(P/Q), all)/N"),
    ],
    targets=[
        Target("dQ", "N V", "the gradient for the student's chances"),
        Target("dz", "N V", "the gradient for the student's logits"),
    ],
    also={"q": "Q", "p": "P", "dq": "dQ", "temp": "tau"},
    hints=[
        "Only log(Q) depends on the student.",
        "Cross-entropy with the target P gives Q - P for what softmax reads.",
        "How often is divided by tau between the loss and z, and how often multiplied?",
    ],
    learned="dz = tau*(Q - P)/N. For a large tau, Q - P shrinks like 1/tau, so that the square keeps the gradient's size.",
    step="the_loss",
    shown=[
        Shown("dQ = -tau^2*P/Q/N", "log(P/Q) = log(P) - log(Q)"),
        Shown("dz = tau^2*(Q - P)/N/tau", "softmax and logarithm together, then z/tau"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    tau = float(given["tau"])
    _, cache = distillation_loss_forward(given["z"], given["u"], tau)
    return {"dz": distillation_loss_backward(1.0, cache), "dQ": -(tau**2) * given["P"] / given["Q"] / len(given["z"])}


derivation.equal("dQ = -P*tau^2/(N*Q)")
derivation.equal("dz = tau*(Q - P)/N")
derivation.equal("dz = Q*(dQ - sum(dQ*Q))/tau")
derivation.equal("dz = tau/N*(softmax(z/tau) - softmax(u/tau))")
derivation.equal("dz = (Q*tau - P*tau)/N")

TAU = "tau^2 stands in front of the loss, and z is divided by tau once. What is left?"

derivation.slip(
    "dq-square-missing",
    "dQ = -P/Q/N",
    "tau^2 is missing",
    "The divergence alone is differentiated.",
    "What stands in front of the sum?",
)
derivation.slip(
    "dq-sign",
    "dQ = tau^2*P/Q/N",
    "the sign is wrong",
    "log(P/Q) is differentiated as log(Q).",
    "Q grows where P is large: does the divergence rise or fall?",
)
derivation.slip(
    "dq-upside-down",
    "dQ = -tau^2*Q/P/N",
    "the quotient is upside down",
    "The two distributions are exchanged.",
    "Of which of the two is the logarithm differentiated?",
)
derivation.slip(
    "dq-mean-missing",
    "dQ = -tau^2*P/Q",
    "1/N is missing",
    "The loss of one token is differentiated.",
    "The loss is a mean. Which constant is in each gradient?",
)
derivation.slip(
    "dq-weight-missing",
    "dQ = -tau^2/Q/N",
    "the teacher's chances are missing",
    "The logarithm is differentiated without what stands before it.",
    "By what is log(Q) multiplied?",
)
derivation.slip(
    "dz-one-temperature-missing",
    "dz = (Q - P)/N",
    "the factor tau is missing",
    "tau^2 and 1/tau are taken to cancel, or both are left out.",
    TAU,
)
derivation.slip(
    "dz-square-kept",
    "dz = tau^2*(Q - P)/N",
    "1/tau of z/tau is missing",
    "The gradient stops at what softmax reads.",
    TAU,
)
derivation.slip(
    "dz-square-missing", "dz = (Q - P)/N/tau", "tau^2 is missing", "The divergence alone is differentiated.", TAU
)
derivation.slip(
    "dz-both-divided",
    "dz = (Q - P)/N/tau^2",
    "1/tau stands twice, and tau^2 is missing",
    "One 1/tau is taken for each of the two distributions.",
    TAU,
)
derivation.slip(
    "dz-sign",
    "dz = tau*(P - Q)/N",
    "the sign is wrong",
    "The step that is taken is written, not the gradient.",
    "The student's logit is too large. Should its gradient be positive or negative?",
)
derivation.slip(
    "dz-mean-missing",
    "dz = tau*(Q - P)",
    "1/N is missing",
    "The loss of one token is differentiated.",
    "The loss is a mean. Which constant is in each gradient?",
)
derivation.slip(
    "dz-student-at-one",
    "dz = tau*(softmax(z) - P)/N",
    "the student's chances are those at the temperature 1",
    "softmax(z) is written by heart.",
    "What does the student's softmax read?",
)
derivation.slip(
    "dz-teacher-at-one",
    "dz = tau*(Q - softmax(u))/N",
    "the teacher's chances are those at the temperature 1",
    "softmax(u) is written by heart.",
    "What does the teacher's softmax read?",
)
derivation.slip(
    "dz-logits-compared",
    "dz = (z - u)/N",
    "the logits are compared, not the chances",
    "That is the limit of a high temperature, but for 1/V and the rows' means.",
    "Is tau large here?",
)
derivation.slip(
    "dz-softmax-skipped",
    "dz = -tau*P/Q/N",
    "softmax is not gone through",
    "log is differentiated and that is taken for all.",
    "What makes Q of z?",
)
