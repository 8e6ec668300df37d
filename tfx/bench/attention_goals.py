"""The speed that tiled attention was built to have, and whether the rows of the benchmark `attention` show it."""

from __future__ import annotations

import numpy as np

from tfx.bench.attention_ways import NAMES, PASSES, Rows, select
from tfx.records import Text

#: Goals of speed hold from this length on, in one thread: time of the tiled way over that of another, at most.
GOAL_LENGTH = 2048
GOALS = {"torch_naive": 1.0, "torch_fused": 1.5}
#: "About half": time of causal over full.
HALF = (0.4, 0.6)
PASS_NAMES = {"forward": "forward", "both": "forward + backward"}


def goal_notes(rows: Rows) -> list[Text]:
    """Each goal of speed, met or not, by the worst row that it speaks of."""
    found = []
    for other, goal in GOALS.items():
        for each in PASSES:
            ratios = [
                (row[f"tiled_over_{other}"], row)
                for row in rows
                if row["pass"] == each and row["length"] >= GOAL_LENGTH and row[f"tiled_over_{other}"] is not None
            ]
            said = f"Goal, {PASS_NAMES[each]}: tiled takes at most {goal:g} times as long as {NAMES[other]} from T = "
            if not ratios:
                continue
            worst, row = ratios[int(np.argmax([ratio for ratio, _ in ratios]))]  # the first NaN, where there is one
            verdict = "met" if worst <= goal else "not met"
            causal = ", causal" if row["causal"] else ""
            found.append(
                Text(f"{said}{GOAL_LENGTH} on: {verdict}, at worst {worst:.2f} (T = {row['length']}{causal}).")
            )
    for each in PASSES:
        last = select(rows, True, each)[-1]
        if last["length"] >= GOAL_LENGTH:
            low, high = HALF
            share = last["causal_over_full"]
            verdict = "met" if low <= share <= high else "not met"
            said = f"Goal, {PASS_NAMES[each]}: tiled and causal takes about half of the time of full"
            found.append(Text(f"{said}: {verdict}, {share:.2f} at T = {last['length']}."))
    return found
