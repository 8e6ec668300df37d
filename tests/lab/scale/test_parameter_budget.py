"""Where parameters stand: built blocks against closed forms, and what breaks them."""

import pytest

from tests.lab.breaking import Broken, Table
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.scale import parameter_budget
from tfx.settings import check_settings

PLACE = "tfx.lab.scale.parameter_budget"


def where(kind, what="", **factors):
    """Rows of that kind, or of that name, with these values times so much."""

    def change(row):
        if row["kind"] != kind or what not in row["what"]:
            return row
        return {**row, **{key: row[key] * factor for key, factor in factors.items()}}

    return change


def with_offsets_left_out(of_parts):
    return lambda block: {**of_parts(block), "attention": 2 * of_parts(block)["attention"]}


BREAKS = Table(
    parameter_budget.Settings(width=128, ratios=(1.0, 8.0)),
    Broken("half of the inner width", {"two-thirds", "decoder-half"}, ratio=2.0),
    Broken("a width at which offsets count", {"two-thirds", "by-ratio", "decoder-half"}, width=8),
    Broken("a wide block that has less", {"by-ratio"}, row=where("encoder block", "d_ff = 8 d", feed_forward=0.9)),
    Broken("a gated block with whole d_ff", {"gated-same"}, row=where("gated block", parameters=4 / 3)),
    Broken("a vocabulary that counts twice", {"by-width"}, row=where("model", "128", feed_forward=0.5)),
    Broken("GPT-3 with a vocabulary as large", {"large-model"}, row=where("published", "GPT-3", feed_forward=0.5)),
    Broken(
        "GPT-2 without its vocabulary",
        {"small-model", "all-parts"},
        row=where("published", "GPT-2 small", feed_forward=1.4),
    ),
    Broken("attention counted twice", {"all-parts"}, {f"{PLACE}.of_parts": with_offsets_left_out}),
)


def test_a_block_is_counted_by_the_names_of_its_parameters():
    row = parameter_budget.block_row(16, "decoder block", 4.0)
    attention, feed_forward, norms = 2 * 4 * (16 * 16 + 16), 2 * 16 * 64 + 64 + 16, 3 * 32
    total = attention + feed_forward + norms
    assert row["parameters"] * 1e6 == pytest.approx(total)
    assert row["attention"] == attention / total and row["feed_forward"] == feed_forward / total


def test_a_width_that_the_heads_cannot_share_is_refused():
    with pytest.raises(BadInput, match=r"^width must be a multiple of 8, but 12 is none\.$"):
        check_settings(parameter_budget.Settings(width=12))
    with pytest.raises(BadInput, match=r"^widths must be a multiple of 8, but 100 is none\.$"):
        check_settings(parameter_budget.Settings(widths=(100, 128)))


def test_what_is_said_is_what_was_counted():
    found = BREAKS.run(parameter_budget)
    shares = {row["what"]: row["feed_forward"] for row in found.rows}
    block, decoder = shares["encoder block, d_ff = 4 d"], shares["decoder block, d_ff = 4 d"]
    assert found.notes[0].text == (
        f"{block:.1%} of an encoder block is feed-forward, {decoder:.1%} of a decoder block with cross-attention, "
        f"{shares['GPT-3']:.1%} of GPT-3, but {shares['GPT-2 small']:.1%} of GPT-2 small."
    )
    assert found.question.answer == block
    assert found.question.explanation == "Attention has 4 maps of d x d, the network 2 of d x 4 d."
    narrow, wide = shares["12 blocks of width 128"], shares["12 blocks of width 4096"]
    assert found.plots[1].title.endswith(f"the feed-forward share grows from {narrow:.0%} to {wide:.0%}")


def test_at_the_ends_of_the_ranges_it_still_counts():
    settings = parameter_budget.Settings(width=8, ratio=0.5, ratios=(16.0,), widths=(8, 32_768), layers=200)
    assert len(frame.run(parameter_budget, settings, 0).rows) > 10
