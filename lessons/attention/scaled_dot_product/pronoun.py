"""The pronoun sentence through both models: the one that was trained to point, and the one that was not."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.attention.scaled_dot_product.run import HeadRun
from tfx.records import Code, Column, Matrix, Step, Table, Text
from tfx.shipped.load import held_out_scores, load
from tfx.shipped.pronoun_scores import score_on_unseen_pairs
from tfx.trace import attention_case

NAMES = ("pointing", "plain")


def two_models(run: HeadRun) -> Step:
    """Row "it" of every head of the last layer in both models, and how they do on pairs that training never saw."""
    text = " ".join(run.tokens)
    shipped = {name: load(name) for name in NAMES}
    heads = range(run.case.n_heads)
    cases = {name: [attention_case(text, shipped[name], -1, head) for head in heads] for name in NAMES}
    scores = {name: held_out_scores(name) for name in NAMES}
    it = cases["pointing"][0].row
    rows = tuple(
        {
            "model": name,
            "answer": cases[name][0].answers[0][0],
            "accuracy": scores[name].accuracy,
            "pointing": scores[name].pointing_rate,
            "heads": " ".join(f"{rate:.2f}" for rate in scores[name].by_head[-1]),
        }
        for name in NAMES
    )
    return Step(
        'Is the heat map the reason?  "it", in both models',
        (
            Matrix(
                'row "it" of the last layer, head by head',
                np.stack([case.weights[it] for name in NAMES for case in cases[name]]),
                ("head", "key"),
                tuple(f"{name} {head + 1}" for name in NAMES for head in heads),
                run.tokens,
            ),
            Table(
                f"{scores['plain'].n} held-out sentences, whose nouns never met in training",
                (
                    Column("model", "model"),
                    Column("answer", "answer here"),
                    Column("accuracy", "right", digits=3),
                    Column("pointing", "points", digits=3),
                    Column("heads", "points, head by head"),
                ),
                rows,
            ),
            Text(
                "Same shape, sentences and training, but the first was also told where to look: its weights are an answer "
                "(pointer networks, Vinyals et al. 2015). The second only had to be right. 'Points' is the share of "
                "sentences in which the largest weight, averaged over the heads, lies on the noun."
            ),
            Text(
                _verdict(
                    scores["plain"].accuracy, scores["plain"].pointing_rate, len(scores["plain"].right_without_pointing)
                )
            ),
            Text(_recorded(shipped["plain"].meta["spread"])),
            Code(score_on_unseen_pairs),
        ),
        ("tfx explain attention --set model=plain",),
    )


def _recorded(spread: list[dict[str, Any]]) -> str:
    rates = ", ".join(f"{one['pointing_rate']:.0%}" for one in spread)
    return f"How often it points is an accident of training: {len(spread)} seeds gave {rates}, as recorded when the weights were made."


def _verdict(accuracy: float, pointing: float, right_without: int) -> str:
    """What the plain model's two rates allow one to say."""
    if right_without == 0:
        return "Here the plain model happens to point as well whenever it is right; nothing had asked it to."
    return (
        f"The plain model is right in {accuracy:.0%} of the held-out sentences and looks hardest at the noun in "
        f"{pointing:.0%}; {right_without} times it was right while looking elsewhere. Weights show what is mixed in one "
        "head, not why an answer was given (Jain and Wallace 2019)."
    )
