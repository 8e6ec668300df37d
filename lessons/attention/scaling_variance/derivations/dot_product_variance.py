"""Why scores are divided by sqrt(D): the variance of a dot product."""

from __future__ import annotations

import itertools

import numpy as np

from lessons.practice.derive.derivation import Arrays, Derivation, Shown, Symbol, Target, positive
from tfx.backend import Array

derivation = Derivation(
    "dot-product-variance",
    "The variance of a dot product",
    about="A query and a key have D entries each. All are independent and have the mean 0; those of the query have one variance and those of the key another. A score is the sum of D products.",
    axes={"D": "width"},
    given=[
        Symbol("a", "", "the variance of each entry of the query", draw=positive),
        Symbol("b", "", "the variance of each entry of the key", draw=positive),
    ],
    targets=[
        Target("v1", "", "the variance of one product of two entries"),
        Target("var", "", "the variance of the score, the sum of D products"),
        Target("scaled", "", "the variance of the score divided by sqrt(D)"),
        Target("factor", "", "the positive number by which a score has to be multiplied to have the variance 1"),
    ],
    hints=[
        "For a mean of 0 the variance is the mean of the square, and the square of a product is the product of the squares.",
        "Variances of independent numbers add up.",
        "A number that is divided by c has a variance that is divided by c^2.",
    ],
    learned="the variance of a score is D*a*b: at variance 1 of the entries, dividing by sqrt(D) makes it 1 for every width.",
    step="the_division",
    asked="interview/derive-scaling",
    shown=[
        Shown("v1 = a*b", "E[q^2 k^2] = E[q^2] E[k^2], as they are independent"),
        Shown("var = D*v1", "D independent products"),
        Shown("scaled = var/D", "divided by sqrt(D): the variance is divided by D"),
        Shown("factor = 1/sqrt(var)", "then the variance is var/var"),
    ],
)


@derivation.truth
def truth(given: Arrays) -> Arrays:
    """Counted over all signs of entries that are +sqrt(a) or -sqrt(a), and +sqrt(b) or -sqrt(b), at widths 1 to 3; what a
    score's variance is at another width follows, as it grows by the same amount with each entry."""
    roots = np.sqrt(float(given["a"])), np.sqrt(float(given["b"]))
    one, two, three = (_counted(width, *roots) for width in (1, 2, 3))
    assert np.isclose(two - one, three - two)
    width = int(given["D"])
    var = one + (width - 1) * (two - one)
    return {"v1": one, "var": var, "scaled": var / width, "factor": var**-0.5}


def _counted(width: int, q: float, k: float) -> Array:
    """The variance of the dot product over all signs of 2 * width entries."""
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=2 * width)))
    return ((q * signs[:, :width]) * (k * signs[:, width:])).sum(axis=1).var()


derivation.equal("v1 = b*a")
derivation.equal("v1 = exp(log(a) + log(b))")
derivation.equal("var = D*a*b")
derivation.equal("var = a*b*(D - 1) + a*b")
derivation.equal("scaled = a*b")
derivation.equal("scaled = D*a*b/sqrt(D)^2")
derivation.equal("factor = (D*a*b)^-0.5")
derivation.equal("factor = 1/(sqrt(D)*sqrt(a)*sqrt(b))")

derivation.slip(
    "product-sum",
    "v1 = a + b",
    "the variances are added",
    "Variances add up for a sum, and this is a product.",
    "What is the mean of the square of q*k?",
)
derivation.slip(
    "product-roots",
    "v1 = sqrt(a*b)",
    "the deviations are multiplied: it is the deviation, not the variance",
    "Variance and deviation are mixed up.",
    "Is it q or q^2 whose mean is a?",
)
derivation.slip(
    "product-squares",
    "v1 = (a*b)^2",
    "the variances are squared",
    "The square of the product is taken of the variances.",
    "a is the mean of q^2 already.",
)
derivation.slip(
    "width-missing",
    "var = a*b",
    "the width is missing: this is one product's variance",
    "The sum is forgotten.",
    "How many products are added?",
)
derivation.slip(
    "width-squared",
    "var = D^2*a*b",
    "the width is squared: that is the variance of D times one product",
    "The products are taken to be the same number.",
    "Are the D products independent?",
)
derivation.slip(
    "root-of-the-width",
    "var = sqrt(D)*a*b",
    "it is the root of the width",
    "The deviation grows with sqrt(D).",
    "Is the variance or the deviation asked for?",
)
derivation.slip(
    "twice-the-width", "var = 2*D*a*b", "it is twice as large", "There are 2 D entries.", "How many products are added?"
)
derivation.slip(
    "variances-added",
    "var = D*(a + b)",
    "the variances are added, not multiplied",
    "Variances add up for a sum, and each term is a product.",
    "What is the variance of one product?",
)
derivation.slip(
    "deviation",
    "var = sqrt(D*a*b)",
    "it is the deviation",
    "Variance and deviation are mixed up.",
    "Is the variance or the deviation asked for?",
)
derivation.slip(
    "scaled-root",
    "scaled = sqrt(D)*a*b",
    "the variance is divided by sqrt(D), and has to be divided by its square",
    "The score and its variance are divided alike.",
    "What is the variance of x/c?",
)
derivation.slip(
    "scaled-unchanged",
    "scaled = D*a*b",
    "nothing is scaled",
    "The division is forgotten.",
    "What is the variance of x/c?",
)
derivation.slip(
    "scaled-one",
    "scaled = 1",
    "that is so only where the entries have the variance 1",
    "Unit variance is assumed.",
    "a and b are not 1 here.",
)
derivation.slip(
    "scaled-twice",
    "scaled = a*b/D",
    "it is divided by D once too often: that is the scale 1/D",
    "Scores are divided by D, not by its root.",
    "What is the variance of x/sqrt(D)?",
)
derivation.slip(
    "factor-width-alone",
    "factor = 1/sqrt(D)",
    "the variances of the entries are missing",
    "Unit variance is assumed.",
    "a and b are not 1 here.",
)
derivation.slip(
    "factor-not-rooted",
    "factor = 1/(D*a*b)",
    "the root is missing",
    "The variance is divided by itself, and the score is not its variance.",
    "By what is the variance multiplied, if the score is multiplied by c?",
)
derivation.slip(
    "factor-upside-down",
    "factor = sqrt(D*a*b)",
    "it is upside down",
    "What it is divided by is written, not what it is multiplied by.",
    "Is the score too large or too small?",
)
derivation.slip(
    "factor-scores",
    "factor = 1/sqrt(a*b)",
    "the width is missing",
    "One product is scaled.",
    "How many products are added?",
)
