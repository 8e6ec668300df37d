"""Every function that a lesson shows is short, or has a short form that is equal to it, or a reason."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from lessons.course import topics
from tests.lessons.shown import steps_shown
from tfx.ops.attention.scaled_dot_product import attention_scores
from tfx.ops.basics.softmax import softmax_backward, softmax_forward
from tfx.records import Code, qualified_name
from tfx.short_forms import difference, is_short, lines_of, reason_of, short_form, short_forms, sizes, why_whole
from tfx.short_forms.registry import LONGEST, WHOLE, ShortForm, Trial, difference_of, short_of
from tfx_cli.render.source_code import short_source_of

#: between a short form and the library, relative to the largest entry
ROUNDING = 1e-13

#: columns of the narrowest usual terminal, less the margin of source
ROOM = 80 - 4


@pytest.mark.parametrize("name", short_forms())
def test_a_short_form_is_equal_to_the_library_on_arrays_of_unequal_sizes(name):
    for seed in range(5):
        assert difference_of(short_forms()[name], seed) <= ROUNDING


def test_all_sizes_differ():
    lengths = [value for name, value in vars(sizes).items() if name.isupper()]
    assert len(set(lengths)) == len(lengths) >= 8


@pytest.mark.parametrize("name", short_forms())
def test_every_array_of_a_short_form_counts(name):
    """Were one left out, the form would be that of something else: moving it moves the result."""
    short = short_forms()[name]
    arguments, library = short.trial(np.random.default_rng(3))
    for index, argument in enumerate(arguments):
        if getattr(argument, "dtype", None) is None or argument.dtype.kind != "f":
            continue
        moved = (*arguments[:index], argument + np.linspace(0.1, 1, argument.size).reshape(argument.shape) ** 2)
        wrong = ShortForm(short.form, lambda rng, a=(*moved, *arguments[index + 1 :]): Trial(a, library))
        assert difference_of(wrong) > 1e-3, (name, index)


@pytest.mark.parametrize("name", short_forms())
def test_a_short_form_is_short_narrow_and_says_its_shapes(name):
    form = short_forms()[name].form
    source = short_source_of(form)
    assert lines_of(form) <= LONGEST == 8
    assert max(map(len, source.splitlines())) <= ROOM, source
    assert "->" in source.partition("\n")[2] or "(T, " in source, f"no shape in\n{source}"
    assert source.startswith(f"def {form.__name__}(") and '"""' not in source and ": Array" not in source


def test_a_wrong_form_is_caught():
    without_scale = ShortForm(lambda q, k: q @ k.T, short_forms()[qualified_name(attention_scores)].trial)
    assert difference_of(without_scale) > 0.5
    transposed = ShortForm(lambda q, k: (q @ k.T / 2).T, without_scale.trial)
    assert np.isnan(difference_of(transposed))
    without_inner = ShortForm(lambda dp, p: p * dp, short_forms()[qualified_name(softmax_backward)].trial)
    assert difference_of(without_inner) > 0.01
    not_a_number = ShortForm(lambda x: x * np.nan, short_forms()[qualified_name(softmax_forward)].trial)
    assert not difference_of(not_a_number) <= ROUNDING


def test_the_difference_is_that_of_the_worst_array_relative_to_its_largest_entry():
    two = ShortForm(lambda: (np.array([1.0, 4.0]), np.array([10.0])), lambda rng: Trial((), ([1.0, 2.0], [10.0])))
    assert difference_of(two) == 1.0
    assert difference(softmax_forward, seed=1) == difference_of(short_forms()[qualified_name(softmax_forward)], 1)


def test_nothing_has_two_short_forms():
    with pytest.raises(ValueError, match="softmax_forward has a short form"):
        short_of(softmax_forward, lambda rng: Trial((), None))(abs)


def test_lines_are_those_of_code():
    def three(x: int) -> int:
        """A docstring.

        Of several lines.
        """
        # a comment

        y = (
            x
        )  # fmt: skip
        return y + 1

    assert lines_of(three) == 5
    assert is_short(three) and short_form(three) is None and not is_short(softmax_forward)


@pytest.mark.parametrize("topic", topics(), ids=lambda topic: topic.name)
def test_every_code_of_every_step_is_short_or_has_a_short_form_or_a_reason(topic):
    long = [
        f"{step.name}: {qualified_name(record.target)} has {lines_of(record.target)} lines"
        for step in steps_shown(topic)
        for record in step.records
        if isinstance(record, Code)
        if not is_short(record.target) and short_form(record.target) is None and reason_of(record.target) is None
    ]
    assert not long, "give these a short form in tfx/short_forms, or a reason in WHOLE there:\n" + "\n".join(long)


@pytest.mark.parametrize("name", WHOLE)
def test_what_has_a_reason_is_there_and_is_long(name):
    module, _, function = name.rpartition(".")
    target = getattr(importlib.import_module(module), function)
    assert lines_of(target) > LONGEST and short_form(target) is None
    assert why_whole(target) == WHOLE[name]
