"""Left alone, does a router use all of its experts, and what does a loss that asks for an even load change?

    load       the share of a batch's tokens that an expert gets; even is 1 / E
    unused     experts that no token of the test chooses

Tokens come from eight clusters, each with a linear map of its own, and there are eight experts: an even load can be,
one cluster to each.  The router is trained with the experts (tfx/lab/scale/trained_router.py), with and without the
balancing loss, each time from the same start and with the same tokens; nothing but the loss differs.
Sources: Shazeer et al. 2017, "Outrageously Large Neural Networks", section 4; Fedus et al. 2022, "Switch Transformers",
section 2.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.scale.trained_router import CLUSTERS, train_router
from tfx.measure.estimates import mean_with_error
from tfx.measure.paired import Difference, paired_difference
from tfx.measure.verdicts import at_least, exactly
from tfx.ops.experts.expert_capacity import expert_capacity
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "Left alone, does a router use all of its experts?"
TITLE = f"Routers of {CLUSTERS} experts, trained with and without a loss that asks for an even load"
CLAIM = (
    "A router that sends each token to one expert leaves some experts unused when it is left alone; a loss that asks "
    "for an even load brings them back, if it is strong enough."
)
HOST_ONLY = "These layers are too small for a card: each step takes longer to start there than to compute here."
BREAK_IT = ("--set balance=0,1e-6",)

#: The load is that of the last steps; a batch alone is too few tokens.
LAST = 10
#: Places of an expert, in units of an even share, as in the paper on Switch Transformers.
FACTOR = 1.25
#: A difference counts from here on, in %.
SMALLEST = 0.1


@dataclass(frozen=True)
class Settings:
    balance: tuple[float, ...] = setting(
        (0.0, 0.1, 1.0, 10.0), 0.0, 100.0, "coefficients of the balancing loss", at_least=2
    )
    steps: int = setting(300, LAST, 5000, "training steps")
    tokens: int = setting(48, 8, 512, "tokens in a batch")
    seeds: int = setting(10, 2, 100, "layers for each row")

    def quick(self) -> Settings:
        """Fewer steps, fewer layers."""
        return replace(self, steps=min(self.steps, 100), seeds=min(self.seeds, 8))

    def full(self) -> Settings:
        return replace(self, steps=2000, seeds=20)

    def bytes_needed(self) -> float:
        """Small layers, a batch, and the loads of all steps."""
        return 1e6 + 8.0 * self.steps * CLUSTERS * self.seeds + 2000.0 * self.tokens


COLUMNS = (
    Column("balance", "balancing loss", digits=3),
    Column("k", "experts a token"),
    Column("unused", "unused", "%", digits=3),
    Column("busiest", "busiest", "%", digits=3),
    Column("over", "no place", "%", digits=3),
    Column("unused_se", "standard error of unused", "%", digits=2, detail=True),
    Column("information", "known of the cluster", "%", digits=3, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """One expert for a token with each coefficient, then two experts without the loss."""
    keys = [(balance, 1) for balance in sorted(set(run.settings.balance))]
    for balance, k in run.over([*keys, (min(run.settings.balance), 2)], "balance {0[0]:g}, top {0[1]}"):
        yield measure_row(run, balance, k)


def measure_row(run: Run[Settings], balance: float, k: int) -> dict[str, Any]:
    """Every row trains layers of the same seeds: the same start, the same tokens."""
    settings = run.settings
    found, loads = [], []
    for seed in range(settings.seeds):
        run.saying(f"balance {balance:g}, top {k}: layer {seed + 1} of {settings.seeds}")(seed, settings.seeds)
        load: list[tuple[int, ...]] = []
        found.append(train_router(run.generator(seed), balance, k, settings.steps, settings.tokens, load.append))
        loads.append(load)
    load_of = np.array(loads)  # (seeds, steps, experts)
    unused, error = mean_with_error(np.array([100 * one.dead for one in found]))
    busiest = [busiest_of(one[-LAST:]) for one in load_of]
    return {
        "balance": balance,
        "k": k,
        "unused": unused,
        "unused_se": error,
        "busiest": float(np.mean(busiest)),
        "over": 100 * over_capacity(load_of[:, -LAST:], settings.tokens, k),
        "information": 100 * float(np.mean([one.information for one in found])),
        "each_unused": [100 * one.dead for one in found],
        "each_busiest": busiest,
        "first": load_of[:, 0].tolist(),
        "sent": sorted({int(n) for n in load_of.sum(axis=2).reshape(-1)}),
        "by_step": [
            float(np.mean([busiest_of(one[max(0, step - LAST) : step]) for one in load_of]))
            for step in steps_shown(settings)
        ],
    }


def busiest_of(load: np.ndarray) -> float:
    """(steps, E) -> the largest share of all tokens of these steps that one expert got, in percent."""
    total = load.sum(axis=0)
    return 100 * float(total.max() / total.sum())


def over_capacity(load: np.ndarray, n_tokens: int, k: int) -> float:
    """(..., E) -> the share of (token, expert) pairs that would find no place."""
    places = expert_capacity(n_tokens, load.shape[-1], k, FACTOR)
    return float(np.maximum(load - places, 0).sum() / load.sum())


def steps_shown(settings: Settings) -> list[int]:
    """About fifteen of them, each the last of the steps whose load it stands for."""
    return sorted({round(step) for step in np.linspace(LAST, settings.steps, 15)})


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    alone, strongest, two = parts(run.rows)
    tokens = run.settings.tokens
    elsewhere = sum(row["first"] != alone["first"] for row in run.rows if row["k"] == 1)
    right = sum(row["sent"] != [row["k"] * tokens] for row in run.rows)
    return (
        exactly("same-start", "rows that route the first batch otherwise than the router that is left alone", 0,
                elsewhere),
        exactly("every-token", "rows in which a step routed more or fewer tokens than there are", 0, right),
        at_least("unused", "unused experts, left alone less with the strongest loss: 95% interval, from, in %",
                 SMALLEST, unused_less(alone, strongest).low),
        at_least("busiest", "share of the busiest, the same way: 95% interval, from, in %", SMALLEST,
                 paired_difference(alone["each_busiest"], strongest["each_busiest"]).low),
        at_least("two-choices", "unused experts, one choice less two, both left alone: 95% interval, from, in %",
                 SMALLEST, unused_less(alone, two).low),
    )  # fmt: skip


def parts(rows: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Left alone (or with the weakest loss), the strongest loss, and two experts a token."""
    one = [row for row in rows if row["k"] == 1]
    return one[0], one[-1], rows[-1]


def unused_less(first: Mapping[str, Any], second: Mapping[str, Any]) -> Difference:
    return paired_difference(first["each_unused"], second["each_unused"])


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"{CLUSTERS} clusters of tokens, {CLUSTERS} experts, each token goes to one. Left alone, what share of all "
        "tokens does the busiest expert get, in %?"
    )


def question(run: Run[Settings]) -> Question:
    alone, strongest, _ = parts(run.rows)
    even = 100 / CLUSTERS
    words = f"An even load would be {even:g}%; the strongest balancing loss brings {strongest['busiest']:.0f}%."
    return Question(prompt(run), alone["busiest"], 0.2, words)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return tuple(range(min(len(run.rows), 9)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    alone, strongest, two = parts(run.rows)
    weak = run.rows[1]
    seeds = run.settings.seeds
    return (
        Text(
            f"Left alone, {alone['unused']:.0f}% of the experts get no token, and the busiest gets "
            f"{alone['busiest']:.0f}% of all tokens. With a balancing loss of {strongest['balance']:g} it is "
            f"{strongest['unused']:.0f}% and {strongest['busiest']:.0f}%."
        ),
        Text(
            f"Unused experts, left alone less with that loss: {unused_less(alone, strongest)}, in %, over the same "
            f"{seeds} starts. A loss of {weak['balance']:g} leaves {weak['unused']:.0f}%: what is strong enough "
            "depends on the size of the other loss (Fedus et al. 2022, section 2.2, take 0.01 beside a cross-entropy)."
        ),
        Text(
            f"Two experts for a token leave {two['unused']:.0f}% unused without any such loss; one choice less two: "
            f"{unused_less(alone, two)}. The router that is left alone does not mend its load: its busiest expert had "
            f"{alone['by_step'][0]:.0f}% of the tokens in the first {LAST} steps."
        ),
        Text(
            f"Why it matters: with room for {FACTOR:g} even shares, {alone['over']:.0f}% of the tokens find no place "
            f"when the router is left alone, {strongest['over']:.0f}% with the loss. Even is not better by itself: "
            "how much the expert tells of the cluster stands in the details."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    alone, strongest, two = parts(run.rows)
    steps = steps_shown(run.settings)
    shown = [(f"balancing loss {row['balance']:g}", row) for row in (alone, strongest)]
    shown.append(("two experts a token, without", two))
    return (
        Plot(
            f"The busiest expert ends at {alone['busiest']:.0f}% of the tokens when left alone, at "
            f"{strongest['busiest']:.0f}% with the loss",
            "training steps",
            f"tokens that the busiest expert gets [%], even: {100 / CLUSTERS:g}",
            tuple(Series(label, steps, row["by_step"]) for label, row in shown),
        ),
    )
