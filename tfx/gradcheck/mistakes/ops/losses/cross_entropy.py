"""Known mistakes in tfx/ops/losses/cross_entropy.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from tfx.gradcheck.cases.ops.losses.cross_entropy import cross_entropy
from tfx.gradcheck.mistake import Mistake
from tfx.ops.losses.cross_entropy import CrossEntropyCache, cross_entropy_backward


def cross_entropy_summed(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache) * cache.targets.n_counted


def cross_entropy_smoothing_forgotten(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(q=cache.q._replace(hit=1.0, every=None)))


def cross_entropy_smoothing_skips_target(dloss: Any, cache: CrossEntropyCache) -> Any:
    """s / (V - 1) on the other classes instead of s / V on all."""
    share: Any = cache.q.every
    n_classes = cache.exps.shape[-1]
    wrong = share * n_classes / (n_classes - 1)
    return cross_entropy_backward(
        dloss, cache._replace(q=cache.q._replace(hit=cache.q.hit + share - wrong, every=wrong))
    )


def cross_entropy_keep_ignored(dloss: Any, cache: CrossEntropyCache) -> Any:
    return cross_entropy_backward(dloss, cache._replace(targets=cache.targets._replace(keep=None)))


def cross_entropy_prediction_unweighted(dloss: Any, cache: CrossEntropyCache) -> Any:
    """p - w q instead of p sum(w q) - w q."""
    return cross_entropy_backward(dloss, cache._replace(q=cache.q._replace(sum=1.0)))


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        op="cross_entropy",
        name="mean-not-divided",
        says="the mean is not divided by n",
        why="p - q is known by heart for one token, and the loss is the mean over many.",
        hint="Compare the loss of one token with that of the same token written twice.",
        problem=cross_entropy,
        wrong_backward=cross_entropy_summed,
    ),
    Mistake(
        op="cross_entropy",
        name="smoothing-forgotten",
        says="smoothing is forgotten",
        why="p - q is written with the hard target, as in the textbook without smoothing.",
        hint="What is q when labels are smoothed?",
        problem=partial(cross_entropy, smoothing=0.1),
        wrong_backward=cross_entropy_smoothing_forgotten,
    ),
    Mistake(
        op="cross_entropy",
        name="smoothing-skips-the-target",
        says="smoothing spreads over V - 1 classes",
        why="Some texts give the smoothing to the wrong classes only, and others to all classes.",
        hint="Do the smoothed targets sum to 1, and what share does the right class receive?",
        problem=partial(cross_entropy, smoothing=0.1),
        wrong_backward=cross_entropy_smoothing_skips_target,
    ),
    Mistake(
        op="cross_entropy",
        name="keep-ignored",
        says="keep is ignored",
        why="Padding is left out of the loss, and the gradient is computed for all tokens as before.",
        hint="Should the logits of a padded place move?",
        problem=partial(cross_entropy, kept=6),
        wrong_backward=cross_entropy_keep_ignored,
    ),
    Mistake(
        op="cross_entropy",
        name="prediction-unweighted",
        says="class weights are left out of the prediction",
        why="The weight is put on the target only, since that is where it is multiplied in the loss.",
        hint="The log-probability of every class contains the same log-sum-exp; how often is it weighted?",
        problem=partial(cross_entropy, weighted=True),
        wrong_backward=cross_entropy_prediction_unweighted,
    ),
)
