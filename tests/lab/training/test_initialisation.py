"""What is left of signals and gradients: the laws, and what breaks each check."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab import frame
from tfx.lab.training import initialisation
from tfx.lab.training.initialisation import digamma, log_left, share

PLACE = "tfx.lab.training.initialisation"


def where(activation, weights, **added):
    """Rows of that activation and start, with so much added to their logarithms."""

    def change(row):
        if row["activation"] != activation or row["weights"] != weights:
            return row
        return {**row, **{key: row[key] + more for key, more in added.items()}}

    return change


def with_law(activation, factor):
    """Another law for one activation: so many decades more."""
    return {
        f"{PLACE}.log_left": lambda law: (
            lambda act, gain, width, depth: (
                law(act, gain, width, depth) + factor if act == activation else law(act, gain, width, depth)
            )
        )
    }


def tanh_unbounded(activations):
    """The identity, forward and backward, where tanh stood."""
    return {**activations, "tanh": (lambda x: (x, None), lambda dy, cache: dy)}


BREAKS = Table(
    initialisation.Settings(width=48, draws=6),
    Broken("two layers", {"vanishes", "explodes", "xavier-relu", "tanh-gradient"}, depth=2),
    Broken("the law of no activation, more", {"linear-forward", "linear-backward"}, with_law("none", 1.0)),
    Broken("the law of ReLU, more", {"relu-forward", "relu-backward"}, with_law("relu", 2.0)),
    Broken("a signal off its law", {"linear-forward"}, row=where("none", "He", forward=0.5)),
    Broken("a gradient off its law", {"linear-backward"}, row=where("none", "He", backward=0.5)),
    Broken("a signal of ReLU off its law", {"relu-forward"}, row=where("relu", "He", forward=1.2)),
    Broken("a gradient of ReLU off its law", {"relu-backward"}, row=where("relu", "He", backward=1.2)),
    Broken("small weights that keep", {"vanishes"}, row=where("tanh", "half Xavier", forward=8.0)),
    Broken("large weights that keep", {"explodes", "relu-forward"}, row=where("relu", "twice Xavier", forward=-3.0)),
    Broken("Xavier's that vanish", {"xavier-keeps", "linear-forward"}, row=where("none", "Xavier", forward=-2.0)),
    Broken("tanh that fades as fast as ReLU", {"xavier-tanh"}, row=where("tanh", "Xavier", forward=-3.0)),
    Broken("ReLU that keeps Xavier's", {"xavier-relu", "relu-backward"}, row=where("relu", "Xavier", backward=4.0)),
    Broken("He's that vanish", {"he-relu", "relu-forward"}, row=where("relu", "He", forward=-2.0)),
    Broken("a tanh without bounds", {"tanh-bounded"}, {f"{PLACE}.ACTIVATIONS": tanh_unbounded}),
    Broken("a gradient that tanh holds", {"tanh-gradient"}, row=where("tanh", "twice Xavier", backward=-1.0)),
)


def test_the_logarithm_of_a_chi_square_is_what_digamma_says():
    assert digamma(1.0) == pytest.approx(-0.5772156649015329)
    assert digamma(0.5) == pytest.approx(-0.5772156649015329 - 2 * math.log(2))
    drawn = np.log(np.random.default_rng(0).chisquare(6, 200_000) / 6)
    assert drawn.mean() == pytest.approx(digamma(3.0) - math.log(3.0), abs=5 * drawn.std() / math.sqrt(200_000))


def test_the_law_of_relu_halves_the_square_but_for_what_unevenness_takes():
    halved = -0.5 * math.log10(2) * 10
    assert log_left("relu", 1.0, 10**9, 10) == pytest.approx(halved)
    assert log_left("relu", 1.0, 64, 10) < halved
    assert log_left("tanh", 1.0, 64, 10) is None


def test_equal_draws_give_equal_stacks_and_a_linear_one_scales_with_its_weights():
    settings = initialisation.Settings(depth=4, width=16)
    one, two = (
        initialisation.through_stack(settings, "none", weights, np.random.default_rng(0))
        for weights in ("Xavier", "twice Xavier")
    )
    np.testing.assert_allclose(two[0], one[0] * 2.0 ** np.arange(5))
    np.testing.assert_allclose(two[1], one[1] * 2.0 ** np.arange(4, -1, -1))


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(initialisation)
    left = {(row["activation"], row["weights"]): row["forward"] for row in found.rows}
    assert found.notes[0].text == (
        f"After 30 layers {share(left['relu', 'Xavier'])} of a signal is left with Xavier's weights and ReLU, "
        f"{share(left['relu', 'He'])} with He's. Without an activation Xavier's leave {share(left['none', 'Xavier'])}, "
        f"weights half as large {share(left['none', 'half Xavier'])}."
    )
    assert found.question.answer == left["relu", "Xavier"]
    assert found.plots[0].title == (
        f"ReLU: after 30 layers Xavier's weights leave {share(left['relu', 'Xavier'])} of a signal, He's "
        f"{share(left['relu', 'He'])}"
    )


def test_nothing_underflows_at_the_ends_of_the_ranges():
    settings = initialisation.Settings(depth=200, width=8, draws=4, gain=0.25)
    found = frame.run(initialisation, settings, 0)
    assert all(math.isfinite(row["forward"]) and math.isfinite(row["backward"]) for row in found.rows)
