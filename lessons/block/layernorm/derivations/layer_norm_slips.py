"""What people write in the place of LayerNorm's backward."""

from __future__ import annotations

from lessons.block.layernorm.derivations.layer_norm import derivation

PATHS = "Move one entry of a token: does its mean move? Does its variance?"
SHARED = "One shift and one gain serve all tokens. Over which axis is summed, and which one stays?"
UNCHANGED = "Add 1 to a whole token: y stays. What does each row of dx have to sum to?"

derivation.slip(
    "dbeta-sum-over-width",
    "dbeta = sum(dy)",
    "the sum runs over the width, not over the tokens",
    "Everything else in LayerNorm runs along the width.",
    SHARED,
)
derivation.slip(
    "dbeta-not-summed",
    "dbeta = dy",
    "the sum over the tokens is missing",
    "y = ... + beta has the derivative 1.",
    SHARED,
)
derivation.slip(
    "dbeta-mean-for-sum",
    "dbeta = mean(dy, tokens)",
    "a mean stands in the place of the sum: 1/N too much",
    "The loss is often a mean over tokens, and dy holds that already.",
    "Is anything in y = ... + beta divided by the number of tokens?",
)
derivation.slip(
    "dbeta-with-gain",
    "dbeta = sum(dy*gamma, tokens)",
    "the gain does not belong here",
    "dy*gamma is at hand for dx.",
    "Is the shift multiplied by the gain?",
)
derivation.slip(
    "dgamma-input-for-normalised",
    "dgamma = sum(dy*x, tokens)",
    "x stands in the place of xhat",
    "The gain is taken to multiply the input.",
    "What is multiplied by gamma?",
)
derivation.slip(
    "dgamma-centred-only",
    "dgamma = sum(dy*(x - mu), tokens)",
    "the factor r is missing: the input is centred and not scaled",
    "xhat is written out and its second half forgotten.",
    "What is multiplied by gamma?",
)
derivation.slip(
    "dgamma-output-for-normalised",
    "dgamma = sum(dy*y, tokens)",
    "y stands in the place of xhat",
    "The output is what is at hand.",
    "What is multiplied by gamma?",
)
derivation.slip(
    "dgamma-sum-over-width",
    "dgamma = sum(dy*xhat)",
    "the sum runs over the width, not over the tokens",
    "Everything else in LayerNorm runs along the width.",
    SHARED,
)
derivation.slip(
    "dgamma-not-summed",
    "dgamma = dy*xhat",
    "the sum over the tokens is missing",
    "The chain rule stops one step early.",
    SHARED,
)
derivation.slip(
    "dgamma-mean-for-sum",
    "dgamma = mean(dy*xhat, tokens)",
    "a mean stands in the place of the sum: 1/N too much",
    "The loss is often a mean over tokens, and dy holds that already.",
    "Is anything in gamma*xhat divided by the number of tokens?",
)
derivation.slip(
    "dgamma-is-dbeta",
    "dgamma = sum(dy, tokens)",
    "the factor xhat is missing",
    "The line of the shift is copied.",
    "y = gamma*xhat + beta: what is its derivative for gamma?",
)
derivation.slip(
    "dxhat-gain-missing",
    "dxhat = dy",
    "the gain is missing",
    "It is set to 1 at the start.",
    "What is xhat multiplied by?",
)
derivation.slip(
    "dxhat-divided-by-gain",
    "dxhat = dy/gamma",
    "it is divided by the gain",
    "Going backward is mistaken for undoing.",
    "Let gamma be tiny: does y feel a change of xhat much or little?",
)
derivation.slip(
    "variance-path-missing",
    "dx = r*(dxhat - mean(dxhat))",
    "the path through the variance is missing",
    "r is treated as a constant.",
    PATHS,
)
derivation.slip(
    "mean-path-missing",
    "dx = r*(dxhat - xhat*mean(dxhat*xhat))",
    "the path through the mean is missing",
    "That is the backward of RMSNorm.",
    UNCHANGED,
)
derivation.slip(
    "direct-path-alone",
    "dx = r*dxhat",
    "both paths through the statistics are missing",
    "Mean and variance are treated as constants.",
    PATHS,
)
derivation.slip(
    "gain-missing",
    "dx = r*(dy - mean(dy) - xhat*mean(dy*xhat))",
    "the gain is missing: dy stands in the place of dy*gamma",
    "Formulas without a gain are copied.",
    "What is the gradient for xhat?",
)
derivation.slip(
    "gain-outside",
    "dx = gamma*r*(dy - mean(dy) - xhat*mean(dy*xhat))",
    "the gain stands outside the means",
    "It is multiplied at the end, as in the forward.",
    "gamma differs from entry to entry. Can it be taken out of a mean over the entries?",
)
derivation.slip(
    "sums-for-means",
    "dx = r*(dxhat - sum(dxhat) - xhat*sum(dxhat*xhat))",
    "sums stand in the place of the means: 1/D is missing",
    "Mean and variance are themselves means, whose 1/D gets lost.",
    UNCHANGED,
)
derivation.slip(
    "one-mean-is-a-sum",
    "dx = r*(dxhat - mean(dxhat) - xhat*sum(dxhat*xhat))",
    "1/D is missing on the path through the variance",
    "The variance is written as a sum of squares.",
    "v = mean((x - mu)^2): what is its derivative for one entry?",
)
derivation.slip(
    "deviation-missing",
    "dx = dxhat - mean(dxhat) - xhat*mean(dxhat*xhat)",
    "the factor r in front is missing",
    "The bracket looks finished.",
    "Let eps be tiny, and double all inputs: y hardly changes. What becomes of the gradient?",
)
derivation.slip(
    "deviation-twice",
    "dx = r^2*(dxhat - mean(dxhat) - xhat*mean(dxhat*xhat))",
    "the factor r stands twice",
    "One r is taken for the scaling and one for its derivative.",
    "xhat holds an r already. How many are left?",
)
derivation.slip(
    "input-for-normalised",
    "dx = r*(dxhat - mean(dxhat) - x*mean(dxhat*x))",
    "x stands in the place of xhat",
    "The formula is remembered without the hat.",
    "The derivative of the variance for one entry is 2 (x_i - mu)/D. How does xhat come in?",
)
derivation.slip(
    "sign-of-the-variance-path",
    "dx = r*(dxhat - mean(dxhat) + xhat*mean(dxhat*xhat))",
    "the path through the variance has the wrong sign",
    "r = (v + eps)^(-1/2), and the minus of its derivative gets lost.",
    "When the variance grows, does xhat grow or shrink?",
)
derivation.slip(
    "sign-of-the-mean-path",
    "dx = r*(dxhat + mean(dxhat) - xhat*mean(dxhat*xhat))",
    "the path through the mean has the wrong sign",
    "xhat = (x - mu)*r, and its minus gets lost.",
    UNCHANGED,
)
derivation.slip(
    "means-over-tokens",
    "dx = r*(dxhat - mean(dxhat, tokens) - xhat*mean(dxhat*xhat, tokens))",
    "the means run over the tokens, as in BatchNorm",
    "BatchNorm's backward is the one that is printed most.",
    "Over which axis were mean and variance taken?",
)
derivation.slip(
    "divided-by-one-less",
    "dx = r*(dxhat - mean(dxhat) - xhat*sum(dxhat*xhat)/(D - 1))",
    "the path through the variance is divided by D - 1",
    "A sample's variance has D - 1, and this one has not.",
    "By what is v divided?",
)
derivation.slip(
    "eps-forgotten",
    "dx = (dxhat - mean(dxhat) - xhat*mean(dxhat*xhat))/sqrt(v)",
    "eps is forgotten in the factor in front",
    "It is left out on paper, where it is called tiny.",
    "What is r, with all that stands under its root?",
)
derivation.slip(
    "eps-forgotten-in-one-path",
    "dx = r*(dxhat - mean(dxhat) - (x - mu)/sqrt(v)*mean(dxhat*(x - mu)/sqrt(v)))",
    "eps is forgotten on the path through the variance",
    "(x - mu)/sqrt(v) is taken for xhat.",
    "What is xhat, with all that stands under its root?",
)
derivation.slip(
    "normalised-missing-in-the-mean",
    "dx = r*(dxhat - mean(dxhat) - xhat*mean(dxhat))",
    "xhat is missing inside the second mean",
    "The two means are taken to be the same.",
    "How does each output depend on the variance: which factor stands beside its gradient?",
)
