"""Greedy decoding and beams, against all texts of random trees."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.generate import Stopping, sample
from tfx.lab import frame
from tfx.lab.generation import greedy_vs_beam
from tfx.lab.generation.greedy_vs_beam import START, all_log_probabilities, draw_tree, drawn_words, reader_of_tree

PLACE = "tfx.lab.generation.greedy_vs_beam"

BREAKS = Table(
    greedy_vs_beam.Settings(models=24, widths=(1, 16)),
    Broken("models that leave no doubt", {"greedy-misses", "wider-finds-more", "shorter"}, spread=40.0),
    Broken("one word is a text", {"greedy-misses", "wider-finds-more", "shorter"}, length=1),
    Broken("an end that nothing is likelier to miss", {"shorter"}, end=0.001),
    Broken("a narrow beam for the one that keeps all", {"all-kept"}, planted={f"{PLACE}.Settings.exact": instead(1)}),
    Broken("another word each time", {"beam-of-one"}, planted={f"{PLACE}.greedy": instead(lambda *a: np.zeros(6))}),
    Broken(
        "another model made by hand",
        {"by-hand"},
        planted={f"{PLACE}.HAND_MADE": lambda tree: tree._replace(log_p=(tree.log_p[0][:, [1, 0, 2]], tree.log_p[1]))},
    ),
    Broken("a text that is not there", {"none-beyond"}, row=lambda row: {**row, "beyond": 0.1}),
    Broken("no better than greedy", {"wider-finds-more"}, row=lambda row: {**row, "ahead": 0.0}),
    Broken(
        "never divided by the length",
        {"divided"},
        planted={f"{PLACE}.words_of_beam": lambda o: lambda run, model, width, divisor: o(run, model, width, "sum")},
    ),
)


@pytest.mark.parametrize("seed", range(3))
def test_all_checks_hold(seed):
    found = frame.run(greedy_vs_beam, greedy_vs_beam.Settings(models=40), seed)
    assert all(check.holds for check in found.checks), found.checks


def test_all_texts_of_a_tree_have_probability_one_together_and_a_drawn_text_its_own():
    tree = draw_tree(np.random.default_rng(0), 3, 4, 1.0)
    everything = np.exp(all_log_probabilities(tree))
    assert everything.shape == (81,) and everything.sum() == pytest.approx(1)
    drawn = sample(reader_of_tree(tree), [[START]] * 4000, 4, seed=1).ids
    counts = np.bincount([int(text @ [27, 9, 3, 1]) for text in drawn], minlength=81)
    error = np.sqrt(everything * (1 - everything) / 4000)
    assert (np.abs(counts / 4000 - everything) < 5 * error).all()


def test_the_words_of_a_drawn_text_are_as_many_as_the_sum_says():
    tree = draw_tree(np.random.default_rng(0), 3, 5, 1.0, end=0.3)
    drawn = sample(reader_of_tree(tree), [[START]] * 3000, 5, seed=2, stopping=Stopping(3)).ids
    lengths = np.array([len(text) for text in drawn])
    assert abs(lengths.mean() - drawn_words(5, 0.3)) < 5 * lengths.std() / 3000**0.5
    assert drawn_words(5, 0.3) == pytest.approx(1 + 0.7 + 0.7**2 + 0.7**3 + 0.7**4)


def test_what_is_said_is_what_was_measured():
    """Each found share once more, by a search through all texts."""
    settings = greedy_vs_beam.Settings(models=24, widths=(1, 16))
    found = BREAKS.run(greedy_vs_beam)
    hits = 0
    for model in range(24):
        tree = draw_tree(frame.Run(settings).generator(model), 4, 6, 1.0)
        node, right = 0, 0.0
        for log_p in tree.log_p:
            token = int(log_p[node].argmax())
            right += log_p[node, token]
            node = 4 * node + token
        hits += right >= all_log_probabilities(tree).max() - 1e-9
    one, wide = found.rows
    assert found.question.answer == one["found"] == pytest.approx(100 * hits / 24)
    assert found.notes[0].text == (
        f"Greedy decoding finds the most probable text in {100 * hits / 24:.3g}% of the models, a beam of 16 in "
        f"{wide['found']:.3g}%. Where texts may end, that beam's text has {wide['words']:.1f} words on average, a "
        f"drawn one {drawn_words(6, 0.1):.1f}."
    )
