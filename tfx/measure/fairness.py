"""Fairness between groups: three measures, and weights that make training data fair.

    demographic parity    P(yes | group) the same for all groups                           Dwork et al. 2012
    equal opportunity     P(yes | group, deserved) the same: equal true positive rates     Hardt et al. 2016
    equalised odds        that, and P(yes | group, not deserved) the same                  Hardt et al. 2016

Each is given as the largest difference between two groups, 0 = fair in this sense.  When groups differ in how often the
label is true, a perfect classifier has equalised odds but no demographic parity, and all three are 0 only where yes
does not depend on the label, as when everybody gets it.  Which one is wanted is a decision, not a computation.

Reweighing (Kamiran and Calders 2012, section 4.3) makes label and group independent in the weighted data:

    w(group, label) = P(group) P(label) / P(group, label)
"""

from __future__ import annotations

import numpy as np

from tfx.measure.verdicts import largest, smallest


def rates(yes: np.ndarray, group: np.ndarray) -> dict[int, float]:
    """yes: (N,) bool, group: (N,) integers -> share of yes in each group."""
    return {int(member): float(yes[group == member].mean()) for member in np.unique(group)}


def demographic_parity_difference(yes: np.ndarray, group: np.ndarray) -> float:
    """The largest difference of P(yes | group)."""
    return _spread(rates(yes, group))


def equal_opportunity_difference(yes: np.ndarray, group: np.ndarray, label: np.ndarray) -> float:
    """The largest difference of true positive rates.  label: (N,) bool."""
    return _spread(rates(yes[label], group[label]))


def equalised_odds_difference(yes: np.ndarray, group: np.ndarray, label: np.ndarray) -> float:
    """The larger of the differences of true and of false positive rates."""
    return largest((equal_opportunity_difference(yes, group, label), _spread(rates(yes[~label], group[~label]))))


def reweighing(group: np.ndarray, label: np.ndarray) -> np.ndarray:
    """group: (N,) integers, label: (N,) bool or integers -> (N,) weights with mean 1 where all combinations occur."""
    weights = np.empty(len(group))
    for member in np.unique(group):
        for answer in np.unique(label):
            here = (group == member) & (label == answer)
            if here.any():
                weights[here] = (group == member).mean() * (label == answer).mean() / here.mean()
    return weights


def _spread(shares: dict[int, float]) -> float:
    return largest(shares.values()) - smallest(shares.values())
