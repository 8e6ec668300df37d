"""Published models: the counts that are known from released weights, and what breaks each check."""

import pytest

from tests.lab.breaking import Broken, Table
from tfx.lab.scale import published_models
from tfx.lab.scale.published_sizes import PUBLISHED, as_number, count, digits_of, rounds_to
from tfx.models.gpt import GPT2_SMALL, gpt_parameter_count
from tfx.models.t5 import T5_SMALL, t5_parameter_count

PLACE = "tfx.lab.scale.published_models"


def without(part):
    """Counts in which a part is forgotten, of built models as well."""
    return lambda original: lambda sizes: original(sizes)._replace(**{part: 0})


BREAKS = Table(
    published_models.Settings(),
    Broken(
        "one layer more", {"library"}, planted={f"{PLACE}.built_otherwise": lambda original: lambda: original() + 1}
    ),
    Broken("norms forgotten", {"library", "rounding"}, planted={f"{PLACE}.count": without("rest")}),
    Broken("no embedding", {"rounding", "close"}, leave_out="embedding"),
    Broken("figures cut off", {"rounding"}, row=lambda row: {**row, "rounds": False}),
    Broken("twice as many", {"close"}, row=lambda row: {**row, "difference": 100.0}),
)

#: Parameters of released weights, as their files hold them.
RELEASED = {
    "BERT-base": 109_482_240,
    "BERT-large": 335_141_888,
    "GPT-2 small": gpt_parameter_count(**GPT2_SMALL),
    "GPT-2 XL": 1_557_611_200,
    "T5-small": t5_parameter_count(**T5_SMALL),
    "T5-base": 222_903_552,
    "T5-large": 737_668_096,
    "LLaMA-7B": 6_738_415_616,
    "LLaMA-13B": 13_015_864_320,
    "Mixtral 8x7B": 46_702_792_704,
}


@pytest.mark.parametrize("name", RELEASED)
def test_the_count_is_that_of_the_released_weights(name):
    (sizes,) = (model.sizes for model in PUBLISHED if model.name == name)
    assert count(sizes).total == RELEASED[name]


def test_a_token_meets_thirteen_billion_of_mixtral():
    (sizes,) = (model.sizes for model in PUBLISHED if model.name == "Mixtral 8x7B")
    assert round(count(sizes).active / 1e9) == 13


def test_figures_are_read_with_their_digits():
    assert as_number("1.5B") == 1.5e9 and digits_of("1.5B") == 1e8
    assert digits_of("340M") == 1e7 and digits_of("117M") == 1e6 and digits_of("13.0B") == 1e8
    assert rounds_to(335e6, "340M") and not rounds_to(124e6, "117M")
    assert published_models.in_words(63.08e6) == "63.1M" and published_models.in_words(1571.3e9) == "1571B"
