"""A probe reads what is there; selectivity says how much of that the probe could have learned by itself."""

from __future__ import annotations

import numpy as np
import pytest

from tfx.measure.linear_probe import LinearProbe, Probed, control_labels, selectivity

N_TOKENS, N_LABELS = 60, 4


def drawn(rng, n, width, shows):
    """Tokens with labels that do not depend on their ids; `shows`: which of both the hidden states hold, as one-hot."""
    tokens, labels = rng.integers(N_TOKENS, size=n), rng.integers(N_LABELS, size=n)
    hidden = rng.standard_normal((n, width))
    hidden[:, :N_LABELS] += 6 * np.eye(N_LABELS)[labels] if "label" in shows else 0
    hidden[:, N_LABELS : N_LABELS + N_TOKENS] += 30 * np.eye(N_TOKENS)[tokens] if "token" in shows else 0
    return Probed(hidden, labels, tokens)


def two(shows, width=70):
    rng = np.random.default_rng(0)
    return drawn(rng, 4000, width, shows), drawn(rng, 2000, width, shows)


def test_a_probe_recovers_a_linear_rule_and_finds_nothing_in_noise():
    train, test = two({"label"})
    assert LinearProbe(train.hidden, train.labels).accuracy(test.hidden, test.labels) > 0.97
    train, test = two(set())
    assert LinearProbe(train.hidden, train.labels).accuracy(test.hidden, test.labels) < 0.35


def test_selectivity_is_the_difference_of_two_accuracies():
    train, test = two({"label", "token"})
    control = control_labels(np.concatenate([train.tokens, test.tokens]), N_LABELS, np.random.default_rng(5))
    asked = LinearProbe(train.hidden, train.labels).accuracy(test.hidden, test.labels)
    by_rote = LinearProbe(train.hidden, control[:4000]).accuracy(test.hidden, control[4000:])
    assert selectivity(train, test, np.random.default_rng(5)) == asked - by_rote


def test_a_probe_that_reads_labels_but_no_ids_is_selective():
    assert selectivity(*two({"label"}), np.random.default_rng(1)) > 0.6


def test_a_probe_that_can_tell_every_token_apart_learns_the_control_task_too():
    assert abs(selectivity(*two({"label", "token"}), np.random.default_rng(1))) < 0.05


def test_where_only_the_ids_show_the_control_task_is_the_easier_one():
    assert selectivity(*two({"token"}), np.random.default_rng(1)) < -0.6


def test_the_control_task_gives_every_occurrence_of_a_token_the_same_label():
    tokens = np.random.default_rng(0).integers(N_TOKENS, size=500)
    labels = control_labels(tokens, N_LABELS, np.random.default_rng(1))
    assert all(len(set(labels[tokens == token])) == 1 for token in np.unique(tokens))
    assert set(labels) == set(range(N_LABELS))


def test_labels_that_do_not_fit_are_refused():
    train, test = two({"label"})
    with pytest.raises(ValueError, match="3999 labels do not fit 4000 hidden states"):
        selectivity(train._replace(labels=train.labels[1:]), test, np.random.default_rng(0))
