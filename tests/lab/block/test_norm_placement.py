"""Three places of the norm: laws of the stream, gradients by block, and what is said of them."""

import math

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.block import norm_placement
from tfx.lab.block.norm_placement_plots import in_words
from tfx.settings import check_settings

PLACE = "tfx.lab.block.norm_placement"


def where(place, **factors):
    """Rows of that place with these values times so much to the power of the depth."""

    def change(row):
        if row["place"] != place:
            return row
        return {**row, **{key: row[key] * factor ** row["depth"] for key, factor in factors.items()}}

    return change


BREAKS = Table(
    norm_placement.Settings(depths=(2, 16), draws=6, width=16, tokens=8),
    Broken("no norm at the end", {"pre-falls", "size-divides", "pre-first-stays"}, final_norm=False),
    Broken("shallow stacks", {"third-explodes", "post-query-vanishes"}, depths=(2, 4)),
    Broken("a post-LN that grows", {"post-size"}, row=where("post-LN", size=1.01)),
    Broken("a third form that adds more", {"third-size"}, row=where("third form", size=1.1)),
    Broken("a stream that stays small", {"pre-size", "size-divides"}, row=where("pre-LN", size=0.9)),
    Broken("a last gradient that stays, over a small stream", {"pre-falls"}, row=where("pre-LN", last=1.03)),
    Broken("a post-LN that falls too", {"post-stays"}, row=where("post-LN", last=0.9)),
    Broken("a first gradient that fades", {"pre-first-stays"}, row=where("pre-LN", first=0.9)),
    Broken("a third form like pre-LN", {"third-size", "third-explodes"}, planted={f"{PLACE}.PLACES": instead({
        "pre-LN": "pre", "post-LN": "post", "third form": "pre"})}),
    Broken("a query gradient that stays", {"post-query-vanishes"}, row=where("post-LN", query=2.0)),
)  # fmt: skip


def test_the_third_form_adds_the_size_of_its_outputs_and_nothing_else():
    """Two outputs of mean square 1 a block, which random signs make independent of what was there."""
    squares = [
        norm_placement.through_stack(norm_placement.Settings(), "third form", 3, np.random.default_rng(seed)).square
        for seed in range(60)
    ]
    assert np.mean(squares) == pytest.approx(7.0, abs=5 * np.std(squares) / math.sqrt(60))


def test_without_a_norm_at_the_end_the_last_gradient_of_pre_ln_knows_nothing_of_the_depth():
    settings = norm_placement.Settings(final_norm=False)
    shallow, deep = (
        norm_placement.through_stack(settings, "pre-LN", depth, np.random.default_rng(0)).feed_forward[-1]
        for depth in (1, 20)
    )
    assert 0.6 < deep / shallow < 1.6


def test_every_stack_of_a_row_is_another_one_and_every_place_gets_the_same():
    run = frame.Run(norm_placement.Settings(draws=2))
    first, second = (norm_placement.through_stack(run.settings, "pre-LN", 2, run.generator(draw)) for draw in (0, 1))
    assert first.square != second.square
    again = norm_placement.through_stack(run.settings, "pre-LN", 2, run.generator(0))
    assert first.square == again.square and first.query == again.query


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(norm_placement)
    pre, post, third = ([row for row in found.rows if row["place"] == place] for place in norm_placement.PLACES)
    ratio = third[-1]["first"] / third[-1]["last"]
    assert found.notes[0].text == (
        f"From 2 to 16 blocks the last block's gradient goes from {pre[0]['last']:.2g} to {pre[1]['last']:.2g} in "
        f"pre-LN, from {post[0]['last']:.2g} to {post[1]['last']:.2g} in post-LN. In the third form the first block "
        f"gets {in_words(ratio)} times the last one's."
    )
    assert found.question.answer == third[-1]["size"]
    assert found.plots[0].title == (
        f"16 blocks: the first block's gradient over the last's is {in_words(pre[1]['first'] / pre[1]['last'])} in "
        f"pre-LN, {in_words(post[1]['first'] / post[1]['last'])} in post-LN, {in_words(ratio)} in the third form"
    )
    assert found.plots[1].title == (
        f"With 16 blocks in place of 2 the last block's gradient is {pre[1]['last'] / pre[0]['last']:.0%} as large in "
        f"pre-LN, and {post[1]['last'] / post[0]['last']:.0%} in post-LN"
    )
    assert found.plots[2].title == (
        f"After 16 blocks the stream has size {pre[1]['size']:.2g} in pre-LN, {post[1]['size']:.2g} in post-LN, "
        f"{third[1]['size']:.2g} in the third form"
    )


def test_a_large_ratio_is_said_whole():
    assert [in_words(ratio) for ratio in (0.517, 5.12, 10.4, 206.3, 12345.0)] == ["0.52", "5.1", "10", "206", "12,345"]


def test_a_width_that_four_heads_cannot_share_is_refused():
    with pytest.raises(BadInput, match=r"^width must be a multiple of 4, but 30 is none\.$"):
        check_settings(norm_placement.Settings(width=30))
