"""Scaled dot-product attention on the reader's own sentence, forward and all the way back.

One head of a trained model is run once, forward and backward; every step shows a part of that one run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lessons.attention.scaled_dot_product import backward_steps, forward_steps
from lessons.attention.scaled_dot_product.pronoun import two_models
from lessons.attention.scaled_dot_product.run import run_head
from lessons.course import Request
from tfx.records import Step

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"


@dataclass(frozen=True)
class Settings:
    """What `--set` changes.

    model: auto, pointing, plain or language.  layer, head: counted from 0; none picks the last layer of a pronoun model
    and the most decided head of the language model.  word: the token whose row is followed by hand; auto takes "it" or
    the most decided row.  scale: multiplies Q K^T; none means 1/sqrt(d_k).  mask: auto (as trained), none or causal.
    answer: for a pronoun, another word to take as the right one: which way would training pull then?
    """

    model: str = "auto"
    layer: int | None = None
    head: int | None = None
    word: str = "auto"
    scale: float | None = None
    mask: str = "auto"
    answer: str = "auto"


def walkthrough(request: Request) -> Iterator[Step]:
    """Forward, then what the model makes of it, then all the way back."""
    run = run_head(request, DEFAULT_TEXT)
    yield from forward_steps.steps(run)
    if run.case.model_name != "language" and not run.untrained:
        yield two_models(run)
    yield from backward_steps.steps(run)


def values() -> dict[str, object]:
    """The numbers that lesson.md shows: both pronoun models on noun pairs that training never saw."""
    from tfx.shipped.load import held_out_scores, load

    rates = {name: held_out_scores(name) for name in ("pointing", "plain")}
    recorded = load("plain").meta["spread"]
    return {
        "n_seeds": len(recorded),
        "spread": ", ".join(f"{one['pointing_rate']:.0%}" for one in recorded),
        "lowest_accuracy": min(one["accuracy"] for one in recorded),
        "cases": rates["plain"].n,
        **{f"{name}_accuracy": rate.accuracy for name, rate in rates.items()},
        **{f"{name}_rate": rate.pointing_rate for name, rate in rates.items()},
    }
