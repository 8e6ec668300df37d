"""GELU backward: a product rule with the normal distribution in it."""

from __future__ import annotations

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target
from tfx.ops.feed_forward.activations import gelu_backward, gelu_forward

derivation = Derivation(
    "gelu",
    "Backward through GELU",
    about="GELU multiplies each number by the chance that a standard normal draw is below it. Phi is that chance, and phi the density, Phi's derivative. No axis is mixed with another.",
    axes={"N": "tokens", "D": "width"},
    given=[
        Symbol("x", "N D", "the inputs"),
        Symbol("y", "N D", "the outputs", by="x*Phi(x)"),
        Symbol("dy", "N D", "the gradient of the loss for y"),
    ],
    targets=[Target("dx", "N D", "the gradient for the inputs")],
    also={"dout": "dy"},
    hints=[
        "y = x*Phi(x) is a product of two factors that both depend on x.",
        "Phi(x) = (1 + erf(x/sqrt(2)))/2, and phi(x) = exp(-x^2/2)/sqrt(2*pi).",
        "The slope of y is what the one factor gives plus what the other gives; dy multiplies both.",
    ],
    learned="dx = dy*(Phi(x) + x*phi(x)): the slope in brackets is above 1 for some x, and a little below 0 for others.",
    step="way_back",
    shown=[Shown("dx = dy*(Phi(x) + x*phi(x))", "the product rule: 1*Phi(x) + x*Phi'(x), and Phi' is phi")],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    return {"dx": gelu_backward(given["dy"], gelu_forward(given["x"])[1])}


derivation.equal("dx = dy*((1 + erf(x/sqrt(2)))/2 + x*exp(-x^2/2)/sqrt(2*pi))")
derivation.equal("c = cdf(x)", "p = pdf(x)", "dx = dy*c + dy*x*p")
derivation.equal("dx = dy*(1 - Phi(-x) + x*phi(-x))")
derivation.equal("dx = dy*(0.5 + 0.5*erf(x*2^-0.5) + x*(2*pi)^-0.5*exp(-0.5*x*x))")

PRODUCT = "y = x*Phi(x) has two factors that depend on x. How many terms does the product rule give?"
DENSITY = "What is the derivative of erf(z), 2*exp(-z^2)/sqrt(pi), at z = x/sqrt(2), times that of z?"

derivation.slip(
    "second-term-missing",
    "dx = dy*Phi(x)",
    "the second term of the product rule is missing",
    "Phi(x) is treated as a gate that is constant.",
    PRODUCT,
)
derivation.slip(
    "first-term-missing",
    "dx = dy*x*phi(x)",
    "the first term of the product rule is missing",
    "Only the inner function is differentiated.",
    PRODUCT,
)
derivation.slip(
    "factor-x-missing",
    "dx = dy*(Phi(x) + phi(x))",
    "the factor x is missing in the second term",
    "The two derivatives are added, and not the products.",
    PRODUCT,
)
derivation.slip(
    "derivatives-multiplied",
    "dx = dy*phi(x)",
    "the derivatives of the two factors are multiplied",
    "(f g)' is taken for f' g'.",
    PRODUCT,
)
derivation.slip(
    "upstream-missing",
    "dx = Phi(x) + x*phi(x)",
    "dy is missing",
    "The slope is taken for the gradient.",
    "Does your formula know anything of the loss?",
)
derivation.slip(
    "sign",
    "dx = dy*(Phi(x) - x*phi(x))",
    "the second term has the wrong sign",
    "The exponent of phi has a minus.",
    "phi is Phi's derivative. Is it positive or negative?",
)
derivation.slip(
    "root-of-two-missing",
    "dx = dy*((1 + erf(x))/2 + x*phi(x))",
    "sqrt(2) is missing inside erf",
    "erf is taken for the normal distribution.",
    "The variance of the normal distribution of erf is 1/2. By what is x divided?",
)
derivation.slip(
    "density-without-its-constant",
    "dx = dy*(Phi(x) + x*exp(-x^2/2))",
    "the density's 1/sqrt(2 pi) is missing",
    "The exponential is the part that is remembered.",
    DENSITY,
)
derivation.slip(
    "density-without-the-half",
    "dx = dy*(Phi(x) + x*exp(-x^2)/sqrt(2*pi))",
    "the 1/2 in the exponent is missing",
    "erf has exp(-z^2).",
    DENSITY,
)
derivation.slip(
    "density-of-erf",
    "dx = dy*(Phi(x) + x*exp(-x^2/2)/sqrt(pi))",
    "the density's constant is that of erf: the inner derivative 1/sqrt(2) is missing",
    "The derivative of erf(z) is used, and that of z = x/sqrt(2) is forgotten.",
    DENSITY,
)
derivation.slip(
    "two-missing-at-erf",
    "dx = dy*(1 + erf(x/sqrt(2)) + x*phi(x))",
    "the 1/2 in front of 1 + erf is missing",
    "Phi runs from 0 to 1, and 1 + erf from 0 to 2.",
    "What is the slope of GELU for very large x?",
)
derivation.slip(
    "swish",
    "dx = dy*(sigmoid(x) + x*sigmoid(x)*(1 - sigmoid(x)))",
    "it is the backward of SiLU",
    "Both are x times a gate.",
    "Which gate does GELU have?",
)
derivation.slip(
    "sigmoid-form",
    "dx = dy*(sigmoid(1.702*x) + 1.702*x*sigmoid(1.702*x)*(1 - sigmoid(1.702*x)))",
    "it is the backward of the sigmoid form of GELU, which is another function",
    "x*sigmoid(1.702 x) is the approximation in the paper.",
    "Is the forward above exact?",
)
derivation.slip(
    "tanh-form",
    "dx = dy*((1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))/2 + x/2*(1 - tanh(sqrt(2/pi)*(x + 0.044715*x^3))^2)*sqrt(2/pi)*(1 + 3*0.044715*x^2))",
    "it is the backward of the tanh form of GELU, which is another function",
    "The tanh form is what GPT-2 has.",
    "Is the forward above exact?",
)
derivation.slip(
    "relu",
    "dx = dy*(1 + sign(x))/2",
    "it is the backward of ReLU",
    "The two look alike for large x.",
    "Does GELU have a kink?",
)
derivation.slip(
    "output-for-input",
    "dx = dy*(Phi(x) + y*phi(x))",
    "y stands in the place of x in the second term",
    "y is what is at hand.",
    "Which factor stays when Phi is differentiated?",
)
