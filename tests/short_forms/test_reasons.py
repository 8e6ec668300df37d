"""A reason is found under the module of a function, and under a package that passes it on."""

from __future__ import annotations

from tfx.ops.basics.softmax import softmax_forward
from tfx.short_forms import reason_of, why_whole
from tfx.short_forms.registry import WHOLE
from tfx.trace import attention_case


def test_a_reason_is_found_where_it_stands():
    def check_gradients() -> None: ...

    assert reason_of(attention_case) == WHOLE["tfx.trace.attention_case"]
    check_gradients.__module__, check_gradients.__qualname__ = "tfx.gradcheck.check.moved", "check_gradients"
    assert reason_of(check_gradients) == WHOLE["tfx.gradcheck.check.check_gradients"]
    check_gradients.__qualname__ = "another"
    assert reason_of(check_gradients) is None


def test_without_a_reason_it_is_the_length():
    assert reason_of(softmax_forward) is None and why_whole(softmax_forward) == "it has 10 lines"
