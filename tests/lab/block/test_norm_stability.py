"""Three places of the norm in training: the judging on losses that are known, and one run that is real."""

import math
from dataclasses import replace

import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.block import norm_stability
from tfx.settings import check_settings

PLACE = "tfx.lab.block.norm_stability.loss_at_the_end"
SETTINGS = norm_stability.Settings(seeds=3)


def losses(**changed):
    """A training that takes no time: pre_large=2.2 is the loss of pre-LN at the large rate."""
    known = {
        "pre_small": 1.5, "post_small": 1.6, "inner_small": 1.6,
        "pre_large": 1.2, "post_large": 2.1, "inner_large": 1.3,
        "post_warm": 1.5,
    } | changed  # fmt: skip

    def known_loss(settings, norm_place, rate, warmup, seed):
        condition = "warm" if warmup else "large" if rate == max(settings.rates) else "small"
        return known[f"{norm_place}_{condition}"] + seed % 7 / 100

    return {PLACE: instead(known_loss)}


BREAKS = Table(
    SETTINGS,
    Broken("a pre-LN that learns nothing", {"learns", "large-rate", "rate-widens"}, losses(pre_large=2.2)),
    Broken("a post-LN that is worse at any rate", {"rate-widens"}, losses(post_small=2.3)),
    Broken(
        "a post-LN that learns as well",
        {"large-rate", "rate-widens", "third-learns", "warm-up-mends"},
        losses(post_large=1.2),
    ),
    Broken("a post-LN that is worse at the small rate alone", {"large-rate"}, losses(post_small=1.0, pre_large=1.9)),
    Broken("a third form that learns nothing", {"third-learns"}, losses(inner_large=2.1)),
    Broken("a warm-up that mends nothing", {"warm-up-mends"}, losses(post_warm=2.1)),
    always=losses(),
)


def test_all_checks_hold_of_a_training_that_is_real():
    found = frame.run(norm_stability, norm_stability.Settings(), 7, quick=True)
    assert all(check.holds for check in found.checks), found.checks


def test_equal_seeds_give_equal_losses_and_another_place_another_loss():
    settings = replace(SETTINGS, steps=10, layers=1)
    same = [norm_stability.loss_at_the_end(settings, place, 0.01, 0.0, 3) for place in ("pre", "pre", "post")]
    assert same[0] == same[1] != same[2]


def test_a_warm_up_takes_smaller_steps():
    settings = replace(SETTINGS, steps=10, layers=1)
    cold, warm = (norm_stability.loss_at_the_end(settings, "pre", 0.01, warmup, 3) for warmup in (0.0, 1.0))
    assert cold < warm


def test_one_run_that_is_no_better_spoils_what_is_said_of_every_run():
    with BREAKS.planted({}):
        found = frame.run(norm_stability, SETTINGS, 0)
    row = next(row for row in found.rows if (row["place"], row["condition"]) == ("post-LN", "large"))
    row["losses"][1] = 1.0
    run = frame.Run(SETTINGS, rows=list(found.rows))
    failing = [check.id for check in norm_stability.checks(run) if not check.holds]
    assert failing == ["large-rate", "rate-widens", "third-learns", "warm-up-mends"]
    row["losses"][1] = math.nan
    failing = [check.id for check in norm_stability.checks(run) if not check.holds]
    assert failing == ["large-rate", "rate-widens", "third-learns", "warm-up-mends"]


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(norm_stability)
    of = {(row["place"], row["condition"]): row["loss"] for row in found.rows}
    pre, post = ([of[place, condition] for condition in ("small", "large")] for place in ("pre-LN", "post-LN"))
    assert found.notes[0].text == (
        f"At rate 0.01 post-LN ends at {post[1]:.2f} nats and pre-LN at {pre[1]:.2f}, at rate 0.001 they end at "
        f"{post[0]:.2f} and {pre[0]:.2f}. Warmed up, post-LN ends at {of['post-LN', 'warm-up']:.2f} at the larger."
    )
    assert found.question.answer == pytest.approx(post[1])
    assert found.plots[0].title == (
        f"At the large rate post-LN ends {post[1] - pre[1]:.2f} nats above pre-LN, at the small one "
        f"{post[0] - pre[0]:.2f}"
    )


def test_a_width_that_four_heads_cannot_share_is_refused():
    with pytest.raises(BadInput, match=r"^width must be a multiple of 4, but 30 is none\.$"):
        check_settings(norm_stability.Settings(width=30))
