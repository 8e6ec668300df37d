"""Known mistakes in tfx/ops/losses/cross_entropy.py."""

from __future__ import annotations

from typing import Any

from tfx.gradcheck.cases.ops.losses.cross_entropy import cross_entropy
from tfx.gradcheck.mistake import wrong_backward
from tfx.ops.losses.cross_entropy import CrossEntropyCache, cross_entropy_backward


@wrong_backward(cross_entropy)
def mean_not_divided(dloss: Any, cache: CrossEntropyCache) -> Any:
    """The mean is not divided by n.

    Why: p - q is known by heart for one token, and the loss is the mean over many.
    Hint: Compare the loss of one token with that of the same token written twice.
    """
    return cross_entropy_backward(dloss, cache) * cache.targets.n_counted


@wrong_backward(cross_entropy, smoothing=0.1)
def smoothing_forgotten(dloss: Any, cache: CrossEntropyCache) -> Any:
    """Smoothing is forgotten.

    Why: p - q is written with the hard target, as in the textbook without smoothing.
    Hint: What is q when labels are smoothed?
    """
    return cross_entropy_backward(dloss, cache._replace(q=cache.q._replace(hit=1.0, every=None)))


@wrong_backward(cross_entropy, smoothing=0.1)
def smoothing_skips_the_target(dloss: Any, cache: CrossEntropyCache) -> Any:
    """Smoothing spreads over V - 1 classes.

    s / (V - 1) on the other classes instead of s / V on all.

    Why: Some texts give the smoothing to the wrong classes only, and others to all classes.
    Hint: Do the smoothed targets sum to 1, and what share does the right class receive?
    """
    share: Any = cache.q.every
    n_classes = cache.exps.shape[-1]
    wrong = share * n_classes / (n_classes - 1)
    return cross_entropy_backward(
        dloss, cache._replace(q=cache.q._replace(hit=cache.q.hit + share - wrong, every=wrong))
    )


@wrong_backward(cross_entropy, kept=6)
def keep_ignored(dloss: Any, cache: CrossEntropyCache) -> Any:
    """keep is ignored.

    Why: Padding is left out where the losses are added up, and p - q is formed elsewhere, for all tokens.
    Hint: Should the logits of a padded place move?
    """
    return cross_entropy_backward(dloss, cache._replace(targets=cache.targets._replace(keep=None)))


@wrong_backward(cross_entropy, weighted=True)
def prediction_unweighted(dloss: Any, cache: CrossEntropyCache) -> Any:
    """Class weights are left out of the prediction.

    p - w q instead of p sum(w q) - w q.

    Why: The weight is put on the target only, since that is where it is multiplied in the loss.
    Hint: The log-probability of every class contains the same log-sum-exp; how often is it weighted?
    """
    return cross_entropy_backward(dloss, cache._replace(q=cache.q._replace(sum=1.0)))
