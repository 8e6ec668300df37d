"""Declared settings: one line says default, range, words and meaning; checking, help and the nearest value follow."""

from dataclasses import dataclass

import pytest

from tfx import settings as declared
from tfx.errors import BadInput
from tfx.settings import apply_settings, changed, check_settings, describe, setting


@dataclass(frozen=True)
class Settings:
    d_k: int = setting(64, 2, 65_536, "width of a query")
    widths: tuple[int, ...] = setting((1, 2), 1, 9, "widths to try", at_least=2)
    scale: float | None = setting(None, -10.0, 10.0, "in the place of 1/sqrt(d_k)")
    kind: str = setting("raw", words=("raw", "scaled"), about="which scores")
    loud: bool = setting(False, about="say more")

    def check(self) -> None:
        if self.d_k == 13:
            raise BadInput("d_k must not be 13.", "Try: --set d_k=14")

    def bytes_needed(self) -> float:
        return self.d_k * 1e6


@pytest.fixture(autouse=True)
def plenty(monkeypatch):
    monkeypatch.setattr(declared, "free_memory", lambda: 1e15)


@pytest.mark.parametrize(
    ("pair", "message", "hint"),
    [
        ("d_k=1", "d_k must be from 2 to 65,536, but is 1.", "Try: --set d_k=2"),
        ("d_k=1000000", "d_k must be from 2 to 65,536, but is 1,000,000.", "Try: --set d_k=65536"),
        ("widths=3,0", "widths must be from 1 to 9, but is 0.", "Try: --set widths=3,1"),
        ("widths=3,3", "widths needs at least 2 different values.", "Values are joined by commas: --set widths=1,2"),
        ("scale=nan", "scale must be from -10 to 10, but is nan.", "Try: --set scale=none"),
        ("scale=inf", "scale must be from -10 to 10, but is inf.", "Try: --set scale=10"),
        ("kind=row", 'kind must be one of raw, scaled, but is "row".', "Try: --set kind=raw"),
        ("loud=perhaps", '--set loud needs yes or no, but got "perhaps".', "See all: here"),
        ("d_k=1.5", '--set d_k needs a whole number, but got "1.5".', "See all: here"),
        ("d_k=13", "d_k must not be 13.", "Try: --set d_k=14"),
        ("widths=" + "1,2," * 51, "widths takes at most 100 values, but has 102.", "Leave some out."),
    ],
)
def test_what_is_not_allowed_is_named_with_the_nearest_value_that_is(pair, message, hint):
    with pytest.raises(BadInput) as caught:
        apply_settings(Settings(), [pair], "here")
    assert caught.value.message == message and caught.value.hint == hint


def test_the_ends_of_a_range_are_allowed():
    for pair in ("d_k=2", "d_k=65536", "scale=-10", "scale=none", "widths=1,9", "loud=yes"):
        apply_settings(Settings(), [pair], "here")


def test_help_says_default_range_and_meaning():
    assert describe(Settings()) == (
        ("d_k", "64", "a whole number from 2 to 65,536", "width of a query"),
        ("widths", "1,2", "numbers joined by commas from 1 to 9", "widths to try"),
        ("scale", "none", "a number from -10 to 10, or none", "in the place of 1/sqrt(d_k)"),
        ("kind", "raw", "raw or scaled", "which scores"),
        ("loud", "no", "yes or no", "say more"),
    )


def test_only_what_differs_from_its_default_is_carried_along():
    assert changed(Settings()) == {}
    assert changed(Settings(d_k=8, widths=(1, 3), loud=True)) == {"d_k": "8", "widths": "1,3", "loud": "yes"}


def test_what_is_typed_again_gives_the_same_settings():
    chosen = Settings(d_k=8, widths=(1, 3), scale=0.1 + 0.2, kind="scaled", loud=True)
    again = apply_settings(Settings(), [f"{k}={v}" for k, v in changed(chosen).items()], "here")
    assert again == chosen


def test_what_the_machine_cannot_hold_is_refused_with_the_estimate(monkeypatch):
    monkeypatch.setattr(declared, "free_memory", lambda: 2.0 * 2**30)
    check_settings(Settings(d_k=1000))
    with pytest.raises(BadInput, match=r"about 1\.9 GiB of memory, and 2\.0 GiB are free"):
        check_settings(Settings(d_k=2000))
    monkeypatch.setattr(declared, "free_memory", lambda: None)
    check_settings(Settings(d_k=2000))


REAL_FREE_MEMORY = declared.free_memory


def test_free_memory_is_a_plausible_number():
    free = REAL_FREE_MEMORY()
    assert free is None or 2**24 < free < 2**50
