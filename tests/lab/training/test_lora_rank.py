"""Low-rank updates: what is left is what the singular values leave, and each check notices what is taken from it."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.training import lora_rank
from tfx.measure.seeds import generator

PLACE = "tfx.lab.training.lora_rank"


def not_zero_at_first(add_lora):
    def add(*asked, **named):
        lora = add_lora(*asked, **named)
        for name, factor in lora.parameters().items():
            if name.endswith(".b"):
                factor.value[...] = 0.01
        return lora

    return add


def without_the_smaller_half(change_of):
    return lambda settings, values, rng: change_of(settings, np.where(values > np.median(values), values, 0), rng)


BREAKS = Table(
    lora_rank.Settings(ranks=(1, 2, 4), rows=10, columns=8, steps=300),
    Broken("both factors drawn at random", {"at-first"}, {f"{PLACE}.add_lora": not_zero_at_first}),
    Broken("a number more", {"count"}, row=lambda row: {**row, "numbers": row["numbers"] + 1}),
    Broken("five steps", {"reaches", "most"}, steps=5),
    Broken("a change of a lower rank", {"not-below"}, {f"{PLACE}.change_of": without_the_smaller_half}),
    Broken("singular values that do not fall", {"most"}, decay=1.0),
    Broken("taken out, not merged", {"merged"}, {"tfx.tuning.lora.Lora.merge": instead(lambda lora: lora.remove())}),
)


def test_a_change_has_the_singular_values_that_were_asked_for():
    settings = lora_rank.Settings(rows=7, columns=5, ranks=(1, 2))
    values = 0.5 ** np.arange(5)
    change = lora_rank.change_of(settings, values, generator(3))
    np.testing.assert_allclose(np.linalg.svd(change, compute_uv=False), values, rtol=1e-12)


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(lora_rank)
    values = 0.7 ** np.arange(8)
    law = np.sqrt((values[2:] ** 2).sum() / (values**2).sum())
    left = found.rows[1]["left"]
    assert left == pytest.approx(law, abs=0.01) and found.question.answer == left
    assert found.notes[0].text == (
        f"An update of rank 2 learns {1 - left:.0%} of the change with {2 * 18 / 80:.0%} of the numbers; no update of "
        f"that rank could learn more than {1 - law:.0%}. Before the first step the outputs are the same to the bit."
    )
    assert "rank 8 is 65,536 of 16,777,216 numbers, 0.39%" in found.notes[1].text
    assert found.plots[0].title == f"Rank 2 leaves {left:.0%} of the change, with {2 * 18 / 80:.0%} of the numbers"


def test_a_rank_that_no_such_matrix_has_is_refused():
    with pytest.raises(BadInput, match="a matrix of 4 x 3 has rank 3 at most, not 16"):
        frame.run(lora_rank, lora_rank.Settings(rows=4, columns=3), 0)
