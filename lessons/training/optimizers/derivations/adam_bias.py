"""Adam's bias correction: why the averages are divided by 1 - beta^t."""

from __future__ import annotations

import numpy as np

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, count, decay, positive
from tfx.optim.adam import Adam
from tfx.params import FlatParameters

derivation = Derivation(
    "adam-bias",
    "Adam's bias correction",
    about="Adam keeps a running average m of the gradients, which starts at 0: m becomes beta1*m + (1 - beta1)*g at each step. v is the same of their squares, with beta2. After t steps both are too small, and by how much is known. The step is the learning rate times the corrected m, divided by the root of the corrected v; eps is added to that root.",
    axes={"D": "parameters"},
    given=[
        Symbol("mu", "D", "the mean of the gradients, the same at every step"),
        Symbol("beta1", "", "the share of m that is kept at a step", draw=decay),
        Symbol("beta2", "", "the share of v that is kept at a step", draw=decay),
        Symbol("t", "", "how many steps were made", draw=count),
        Symbol("m", "D", "the average of the gradients after t steps"),
        Symbol("v", "D", "the average of their squares after t steps", draw=positive),
        Symbol("lr", "", "the learning rate", draw=positive),
        Symbol("eps", "", "what is added to the root; here a large one, so that it shows", draw=positive),
    ],
    targets=[
        Target("Em", "D", "the mean of m after t steps, if every gradient has the mean mu"),
        Target("m_hat", "D", "m corrected, so that its mean is mu"),
        Target("v_hat", "D", "v corrected in the same way"),
        Target("step", "D", "what is subtracted from the parameters"),
    ],
    also={"b1": "beta1", "b2": "beta2", "eta": "lr", "g": "mu", "update": "step", "E_m": "Em"},
    hints=[
        "Unroll it: m after t steps is (1 - beta1) times the sum of beta1^(t - i) g_i, for i from 1 to t.",
        "1 + b + b^2 + ... + b^(t - 1) is (1 - b^t)/(1 - b).",
        "The mean of m is mu times something. Divide by that something.",
    ],
    learned="E[m] = (1 - beta1^t)*mu, since m starts at 0: dividing by 1 - beta1^t makes its mean mu, from the first step on.",
    step="adam",
    shown=[
        Shown(
            "Em = (1 - beta1)*mu*(1 - beta1^t)/(1 - beta1)",
            "the weights (1 - beta1) beta1^(t - i) sum to 1 - beta1^t, not to 1",
        ),
        Shown("m_hat = m/(1 - beta1^t)", "divided by the sum of the weights"),
        Shown("v_hat = v/(1 - beta2^t)", "the same for the squares"),
        Shown("step = lr*m_hat/(sqrt(v_hat) + eps)", "eps is added to the root"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    """Of Adam itself: t steps with the gradient mu, and one step from m and v."""
    beta1, beta2, t = float(given["beta1"]), float(given["beta2"]), int(given["t"])
    steady = _adam(given)
    for _ in range(t):
        steady.parameters.grad[:] = given["mu"]
        steady.update_values(0.0)
    m, v, eps = given["m"], given["v"], float(given["eps"])
    last = _adam(given)  # one step short of t, with the averages that become m and v at a gradient of 0
    last.steps, last.mean, last.square = t - 1, m / beta1, v / beta2
    before = last.parameters.value.copy()
    last.update_values(float(given["lr"]))
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    step = before - last.parameters.value
    assert np.allclose(step, given["lr"] * m_hat / (np.sqrt(v_hat) + eps), rtol=1e-12, atol=0)
    return {"Em": steady.mean, "m_hat": m_hat, "v_hat": v_hat, "step": step}


def _adam(given: Arrays) -> Adam:
    size = given["m"].size
    nothing = FlatParameters(np.zeros(size), np.zeros(size), ("w",), (slice(0, size),), ((size,),))
    return Adam(nothing, float(given["beta1"]), float(given["beta2"]), float(given["eps"]))


derivation.equal("Em = mu*(1 - beta1^t)")
derivation.equal("Em = mu - beta1^t*mu")
derivation.equal("m_hat = m*mu/Em")
derivation.equal("c = 1 - exp(t*log(beta1))", "m_hat = m/c")
derivation.equal("v_hat = v*(1 - beta2^t)^-1")
derivation.equal("step = lr*sqrt(1 - beta2^t)/(1 - beta1^t)*m/(sqrt(v) + eps*sqrt(1 - beta2^t))")
derivation.equal("step = lr*m/(1 - beta1^t)/(sqrt(v/(1 - beta2^t)) + eps)")

UNROLL = "What is m after one step, and after two, if every gradient is mu?"
SHARE = "After one step m is (1 - beta1)*g. By what has it to be divided to be g?"

derivation.slip(
    "em-no-bias",
    "Em = mu",
    "the bias is missing: m is taken to have the mean of the gradients",
    "An average seems to have the mean of what is averaged.",
    UNROLL,
)
derivation.slip(
    "em-one-step",
    "Em = (1 - beta1)*mu",
    "only the last step is counted",
    "The recurrence is read as if m were 0 before.",
    UNROLL,
)
derivation.slip(
    "em-what-is-lost",
    "Em = beta1^t*mu",
    "it is what is missing, not what is there",
    "1 - (1 - beta1^t) is written.",
    "How large is m after very many steps?",
)
derivation.slip(
    "em-power-of-the-wrong-number",
    "Em = (1 - beta1)^t*mu",
    "the power is taken of 1 - beta1",
    "The bracket is set too early.",
    "How large is m after very many steps?",
)
derivation.slip(
    "em-all-steps-alike",
    "Em = t*(1 - beta1)*mu",
    "the decay is forgotten: every step counts the same",
    "The sum over i is taken over equal terms.",
    "How much of the first gradient is left after t steps?",
)
derivation.slip(
    "em-one-step-early",
    "Em = (1 - beta1^(t - 1))*mu",
    "the exponent is one too small",
    "The exponents run from 0 to t - 1.",
    UNROLL,
)
derivation.slip(
    "m-not-corrected", "m_hat = m", "nothing is corrected", "After many steps it makes no difference.", SHARE
)
derivation.slip(
    "m-power-missing",
    "m_hat = m/(1 - beta1)",
    "the power t is missing",
    "The correction of the first step is used for all.",
    "By what is m divided after very many steps?",
)
derivation.slip(
    "m-power-of-the-wrong-number",
    "m_hat = m/(1 - beta1)^t",
    "the power is taken of 1 - beta1",
    "The bracket is set too early.",
    "By what is m divided after very many steps?",
)
derivation.slip(
    "m-multiplied",
    "m_hat = m*(1 - beta1^t)",
    "it is multiplied, not divided",
    "The bias is put in once more, not taken out.",
    "Is m too small or too large?",
)
derivation.slip(
    "m-divided-by-what-is-lost", "m_hat = m/beta1^t", "it is divided by what is missing", "1 - is left out.", SHARE
)
derivation.slip(
    "m-other-beta",
    "m_hat = m/(1 - beta2^t)",
    "it is the beta of the squares",
    "The two lines are mixed up.",
    "Which beta is in the recurrence of m?",
)
derivation.slip(
    "m-one-step-early",
    "m_hat = m/(1 - beta1^(t - 1))",
    "the exponent is one too small: steps are counted from 0",
    "A loop counts from 0.",
    "What would this give after the first step?",
)
derivation.slip(
    "m-one-step-late",
    "m_hat = m/(1 - beta1^(t + 1))",
    "the exponent is one too large",
    "t is raised once more before it is used.",
    SHARE,
)
derivation.slip(
    "v-not-corrected",
    "v_hat = v",
    "nothing is corrected",
    "v is taken to be large enough.",
    "In the paper beta1 is 0.9 and beta2 0.999: which of the two averages is more in error at first?",
)
derivation.slip(
    "v-other-beta",
    "v_hat = v/(1 - beta1^t)",
    "it is the beta of the gradients",
    "The two lines are mixed up.",
    "Which beta is in the recurrence of v?",
)
derivation.slip(
    "v-power-missing",
    "v_hat = v/(1 - beta2)",
    "the power t is missing",
    "The correction of the first step is used for all.",
    "By what is v divided after very many steps?",
)
derivation.slip(
    "v-squared",
    "v_hat = v/(1 - beta2^t)^2",
    "the correction is squared",
    "v holds squares, and its weights do not.",
    "Unroll v: what do its weights sum to?",
)
derivation.slip(
    "v-root",
    "v_hat = sqrt(v/(1 - beta2^t))",
    "the root is taken here already",
    "It is taken at the step.",
    "Is v_hat an average of squares, or of gradients?",
)
derivation.slip(
    "v-multiplied",
    "v_hat = v*(1 - beta2^t)",
    "it is multiplied, not divided",
    "The bias is put in once more, not taken out.",
    "Is v too small or too large?",
)
derivation.slip(
    "step-eps-inside",
    "step = lr*m_hat/sqrt(v_hat + eps)",
    "eps stands under the root",
    "LayerNorm has it there.",
    "Where does the paper's last line add eps?",
)
derivation.slip(
    "step-root-missing",
    "step = lr*m_hat/(v_hat + eps)",
    "the root is missing",
    "v_hat is taken for the size of the gradient.",
    "Let eps be tiny, and multiply the loss by 10: what becomes of the step?",
)
derivation.slip(
    "step-eps-missing",
    "step = lr*m_hat/sqrt(v_hat)",
    "eps is missing",
    "It is tiny in practice.",
    "What if a parameter never had a gradient?",
)
derivation.slip(
    "step-not-corrected",
    "step = lr*m/(sqrt(v) + eps)",
    "both averages are used without their correction",
    "m and v are at hand.",
    "What were m_hat and v_hat found for?",
)
derivation.slip(
    "step-m-not-corrected",
    "step = lr*m/(sqrt(v_hat) + eps)",
    "m is used without its correction",
    "One of the two is forgotten.",
    "What was m_hat found for?",
)
derivation.slip(
    "step-v-not-corrected",
    "step = lr*m_hat/(sqrt(v) + eps)",
    "v is used without its correction",
    "One of the two is forgotten.",
    "What was v_hat found for?",
)
derivation.slip(
    "step-sign",
    "step = -lr*m_hat/(sqrt(v_hat) + eps)",
    "the whole has the wrong sign: this is added, and what is subtracted is asked for",
    "The parameters go against the gradient.",
    "What becomes of a parameter from which a negative number is subtracted?",
)
derivation.slip(
    "step-eps-hat",
    "step = lr*sqrt(1 - beta2^t)/(1 - beta1^t)*m/(sqrt(v) + eps)",
    "eps is added before the correction of v: it counts for more at first",
    "The paper's faster form has an eps of its own, which is another number.",
    "By what is sqrt(v) multiplied in the form that you mean? Is eps too?",
)
derivation.slip(
    "step-rate-missing",
    "step = m_hat/(sqrt(v_hat) + eps)",
    "the learning rate is missing",
    "The direction is taken for the step.",
    "What says how far to go?",
)
