"""What a test-taker gets who does not know the subject: each strategy must score near chance over the bank.

A strategy ranks the options of an item by how much they appeal to it.  In a `choice` item it picks the first, by lot
among equals; in a `several` item it marks half, and every option judged rightly counts.  If appeal had nothing to do
with being right, the score would be that of picking by lot: its mean and variance follow from the numbers of options
(for `several` from the hypergeometric distribution).  The bound is two standard deviations above that mean.  A bank
whose appearances say nothing stays below it 97 times in 100, and a strategy below it gains a reader next to nothing.

Two more rules are about how many options of a `several` item are right.  To mark all, or none, must judge the options
no better than a coin for each, by the same bound.  And no share may be worth knowing: half of the options are right in
at most half of the items, and so are a quarter, a third, two thirds and three quarters.  (Rounded either way: were 1 to
4 of 5 options right equally often, half would be right in half of such items.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lessons.quiz import Item, Option
from tests.quiz.linter.finding import Finding
from tests.quiz.linter.words import ABSOLUTE, CAREFUL, REASON, telling_words

DEVIATIONS = 2.0
SHARES = {1 / 4: "a quarter", 1 / 3: "a third", 1 / 2: "half", 2 / 3: "two thirds", 3 / 4: "three quarters"}
FEWEST = 4  # items of a kind below which a bank says nothing


@dataclass(frozen=True)
class Strategy:
    """appeal: how much an option attracts who follows it.  cure: what an author does about it."""

    name: str
    appeal: Callable[[Item, Option], float]
    cure: str


@dataclass(frozen=True)
class Score:
    """What a strategy scores, what picking by lot scores on average, and how far that scatters."""

    points: float
    chance: float
    deviation: float
    best: int  # what knowing everything scores

    @property
    def bound(self) -> float:
        return self.chance + DEVIATIONS * self.deviation

    @property
    def pays(self) -> bool:
        return self.points > self.bound + 1e-9

    def __str__(self) -> str:
        share, chance, bound = (100 * part / self.best for part in (self.points, self.chance, self.bound))
        return f"{share:.0f}% right, where chance is {chance:.0f}% and the bound {bound:.0f}%"


def _like_the_stem(item: Item, option: Option) -> float:
    return len(telling_words(option.text) & telling_words(item.prompt))


def _like_the_others(item: Item, option: Option) -> float:
    mine = telling_words(option.text)
    return sum(len(mine & telling_words(other.text)) for other in item.options if other is not option)


STRATEGIES = (
    Strategy("the longest option", lambda _, option: len(option.text), "shorten the right options"),
    Strategy("the shortest option", lambda _, option: -len(option.text), "shorten wrong options"),
    Strategy(
        "the most careful option",
        lambda _, option: len(CAREFUL.findall(option.text)),
        'take "can", "usually" and the like out of right options, or give wrong ones as many',
    ),
    Strategy(
        "the option without absolute words",
        lambda _, option: -len(ABSOLUTE.findall(option.text)),
        'take "always", "only" and the like out of wrong options, or use them where they are true',
    ),
    Strategy(
        "the option that gives a reason",
        lambda _, option: bool(REASON.search(option.text)),
        "let right options say what and wrong ones why as often",
    ),
    Strategy(
        "the option without a reason",
        lambda _, option: not REASON.search(option.text),
        "take the reasons out of wrong options",
    ),
    Strategy("the option with most words of the stem", _like_the_stem, "say the right options in other words"),
    Strategy(
        "the option most like the others",
        _like_the_others,
        "do not make wrong options by changing a word of the right one only",
    ),
)


def of_choices(strategy: Strategy, items: Sequence[Item]) -> Score:
    """The score over `choice` items: one point for each right pick, shared among equals."""
    points = chance = variance = 0.0
    for item in items:
        appeal = [strategy.appeal(item, option) for option in item.options]
        first = [option for option, much in zip(item.options, appeal, strict=True) if much == max(appeal)]
        points += sum(option.correct for option in first) / len(first)
        chance += 1 / len(item.options)
        variance += 1 / (len(first) * len(item.options)) - 1 / len(item.options) ** 2
    return Score(points, chance, math.sqrt(variance), len(items))


def of_several(strategy: Strategy, items: Sequence[Item]) -> Score:
    """The score over `several` items: one point for each option that is rightly marked or rightly left."""
    points = chance = variance = 0.0
    for item in items:
        n, right = len(item.options), sum(option.correct for option in item.options)
        marked = n // 2
        hits = _right_among_marked(strategy, item, marked)
        mean = marked * right / n
        points += n - marked - right + 2 * hits
        chance += n - marked - right + 2 * mean
        variance += 4 * mean * (1 - right / n) * (n - marked) / (n - 1)
    return Score(points, chance, math.sqrt(variance), sum(len(item.options) for item in items))


def _right_among_marked(strategy: Strategy, item: Item, marked: int) -> float:
    """How many of the marked options are right; of equals at the border an equal share counts."""
    appeal = [strategy.appeal(item, option) for option in item.options]
    border = sorted(appeal, reverse=True)[marked - 1]
    pairs = list(zip(item.options, appeal, strict=True))
    above = [option for option, much in pairs if much > border]
    equal = [option for option, much in pairs if much == border]
    share = (marked - len(above)) / len(equal)
    return sum(option.correct for option in above) + share * sum(option.correct for option in equal)


def marking_all(items: Sequence[Item]) -> Score:
    """Every option of every `several` item marked, against a coin for each option."""
    options = [option for item in items for option in item.options]
    right = sum(option.correct for option in options)
    return Score(right, len(options) / 2, math.sqrt(len(options)) / 2, len(options))


def is_right_in(item: Item, share: float) -> bool:
    """Whether the number of right options is this share of all, rounded either way where it is no whole number."""
    return abs(sum(option.correct for option in item.options) - share * len(item.options)) <= 0.5 + 1e-9


def strategies_that_pay(items: Sequence[Item]) -> list[Finding]:
    """A finding for every strategy that scores above its bound, with the items where it was right."""
    choices = [item for item in items if item.kind == "choice"]
    several = [item for item in items if item.kind == "several"]
    found = []
    for strategy in STRATEGIES:
        for kind, chosen, score in (("choice", choices, of_choices), ("several", several, of_several)):
            if len(chosen) >= FEWEST and (result := score(strategy, chosen)).pays:
                wins = [item.id for item in chosen if score(strategy, [item]).points > score(strategy, [item]).chance]
                says = f"{strategy.name} of {kind} items gets {result}; {strategy.cure}, for instance of {_some(wins)}"
                found.append(Finding("strategy", says))
    return found + _numbers_of_right_options(several)


def _numbers_of_right_options(several: Sequence[Item]) -> list[Finding]:
    if len(several) < FEWEST:
        return []
    found = []
    for share, words in SHARES.items():
        items = [item.id for item in several if is_right_in(item, share)]
        if 2 * len(items) > len(several):
            says = f"{words} of the options are right in {len(items)} of {len(several)} several items, so that marking "
            says += f"{words} is a strategy; make another number right, one or all but one, in {_some(items)}"
            found.append(Finding("mark-a-share", says))
    marked = marking_all(several)
    few, many = marked.points < marked.chance, abs(marked.points - marked.chance)
    if many > DEVIATIONS * marked.deviation:
        says = f"of {marked.best} options of several items {marked.points:.0f} are right, so that marking "
        says += f"{'none' if few else 'all'} is a strategy; make more of them {'right' if few else 'wrong'}"
        found.append(Finding("mark-all", says))
    return found


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:8]) + (f" and {len(ids) - 8} more" if len(ids) > 8 else "")
