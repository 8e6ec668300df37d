"""Greedy decoding looks one token ahead, beam search keeps several beginnings, and the best text may escape both.

    text        p(text)                  The likeliest first token need not begin the likeliest text: here A is
    A then x    0.6 * 1/3 = 0.20         likelier than B, and every text with A is less likely than the best with B.
    B then x    0.4 * 0.9 = 0.36

Measured on random trees, models that are so small that all texts can be counted (random_trees.py).  With an end token
the likeliest text is a short one, as each further token can only lower a probability: a wider beam finds it sooner.
Sources: Graves 2012, section 2.4; Stahlberg and Byrne 2019, "On NMT Search Errors and Model Errors: Cat Got Your
Tongue?"; the length divisor, Wu et al. 2016, section 7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.generate import Stopping, beam_search, greedy
from tfx.lab.frame import Measured, Run
from tfx.lab.generation.random_trees import START, Tree, all_log_probabilities, draw_tree, reader_of_tree
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How often does greedy decoding miss the most probable text, and how wide must a beam be?"
TITLE = "Greedy decoding and beams on random models of which every text can be counted"
CLAIM = (
    "Beam search finds more probable texts than greedy decoding does. It usually does, but no width short of all texts "
    "guarantees it, and more probable is not better."
)
BREAK_IT = ("--set spread=40", "--set length=1", "--set end=0.001")
HOST_ONLY = "A few log-probabilities at a time: nothing for a card."

#: Greedy decoding misses the best text in at least this share of the models.
MISSES = 0.1
#: The widest beam finds it in so many more of 100 models, and writes at most this share of the words of a drawn text.
AHEAD, SHORTER = 5.0, 0.9
#: Log-probabilities of one text, added in another order, differ by less.
ROUNDING = 1e-9
#: The two words of the docstring: after A three words share equally, after B one has 0.9.
HAND_MADE = Tree(
    3, (np.log([[0.6, 0.4, 1e-9]]), np.log([[1 / 3, 1 / 3, 1 / 3], [0.9, 0.05, 0.05], [1 / 3, 1 / 3, 1 / 3]]))
)


@dataclass(frozen=True)
class Settings:
    widths: tuple[int, ...] = setting((1, 2, 4, 8, 16), 1, 64, "texts that a beam keeps; 1 is always tried", at_least=2)
    models: int = setting(300, 4, 2000, "random models for each width")
    tokens: int = setting(4, 2, 6, "words of such a model")
    length: int = setting(6, 1, 6, "words of a text")
    spread: float = setting(1.0, 0.0, 100.0, "how far the scores of words scatter")
    end: float = setting(0.1, 0.001, 0.9, "chance of the end at each place, where texts may end")

    def quick(self) -> Settings:
        """A quarter of the models."""
        return replace(self, models=max(4, self.models // 4))

    def full(self) -> Settings:
        """Ten times as many models, and wider beams."""
        return replace(self, models=min(2000, 10 * self.models), widths=(*self.widths, 32, 64))

    def bytes_needed(self) -> float:
        """One model at a time, with all its texts."""
        return 8.0 * 8 * self.tokens**self.length

    @property
    def exact(self) -> int:
        """The width that drops nothing until the last word."""
        return int(self.tokens ** (self.length - 1))


COLUMNS = (
    Column("width", "beam width"),
    Column("found", "best text found", "%", digits=3),
    Column("found_se", "standard error", "%", digits=2, detail=True),
    Column("short_of", "short of the best", "nats", digits=3),
    Column("short_of_se", "standard error", "nats", digits=2, detail=True),
    Column("worse", "worse than greedy", "%", digits=2),
    Column("words", "words, with an end", digits=3),
    Column("words_se", "standard error", digits=2, detail=True),
    Column("words_mean", "words, divided by length", digits=3, detail=True),
    Column("models", "models", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Every width on the same models."""
    settings = run.settings
    widths = sorted({1, *settings.widths})
    for width in run.over(widths, "width {}"):
        yield measure_row(run, width)
    yield from exact_checks(run)


def measure_row(run: Run[Settings], width: int) -> dict[str, Any]:
    """short_of: log p of the best text less log p of the found one."""
    settings = run.settings
    best, found, one, words, by_length = (np.empty(settings.models) for _ in range(5))
    for model in range(settings.models):
        run.saying(f"width {width}, model {model + 1}")(model, settings.models)
        tree = draw_tree(run.generator(model), settings.tokens, settings.length, settings.spread)
        best[model] = all_log_probabilities(tree).max()
        found[model], one[model] = log_p_of_beam(tree, width), log_p_of_beam(tree, 1)
        words[model] = words_of_beam(run, model, width, "sum")
        by_length[model] = words_of_beam(run, model, width, "mean")
    hit, worse = found >= best - ROUNDING, found < one - ROUNDING
    gap = np.where(np.abs(best - found) < ROUNDING, 0.0, best - found)
    ahead = 100.0 * hit - 100.0 * (one >= best - ROUNDING)
    made: dict[str, Any] = {"width": width, "models": settings.models, "worse": 100.0 * float(worse.mean())}
    for name, values in {
        "found": 100.0 * hit,
        "ahead": ahead,
        "short_of": gap,
        "words": words,
        "words_mean": by_length,
    }.items():
        made[name], made[f"{name}_se"] = mean_with_error(values)
    made["beyond"] = float((found - best).max())
    return made


def log_p_of_beam(tree: Tree, width: int) -> float:
    """Of the best text that a beam of this width finds."""
    return beam_search(reader_of_tree(tree), [START], len(tree.log_p), width)[0].log_probability


def words_of_beam(run: Run[Settings], model: int, width: int, divisor: str) -> int:
    """Of the best text, its end among them, in the model of that number with an end token."""
    settings = run.settings
    tree = draw_tree(run.generator(model, 1), settings.tokens, settings.length, settings.spread, settings.end)
    stop = Stopping(settings.tokens)
    found = beam_search(reader_of_tree(tree), [START], settings.length, width, stop, divisor, rule="bound")
    return len(found[0].ids)


def drawn_words(length: int, end: float) -> float:
    """Words of a text that is drawn from such a model, on average: 1 + (1 - e) + (1 - e)^2 + ... at every place."""
    return (1 - (1 - end) ** length) / end


def exact_checks(run: Run[Settings]) -> tuple[Check, ...]:
    """On a few models: the beam that drops nothing, the beam of one, and the model made by hand."""
    settings = run.settings
    few = [
        draw_tree(run.generator(model), settings.tokens, settings.length, settings.spread)
        for model in range(min(settings.models, 6))
    ]
    everything = [log_p_of_beam(tree, settings.exact) for tree in few]
    alone = sum(
        beam_search(reader_of_tree(tree), [START], settings.length, 1)[0].ids
        == tuple(greedy(reader_of_tree(tree), [START], settings.length))
        for tree in few
    )
    at_hand = [math.exp(log_p_of_beam(HAND_MADE, width)) for width in (1, 2)]
    return (
        agree(
            "all-kept",
            f"a beam of {settings.exact} drops nothing and finds the best text: {len(few)} models, log p",
            everything,
            [all_log_probabilities(tree).max() for tree in few],
            to=ROUNDING,
        ),
        exactly(
            "beam-of-one", f"a beam of 1 writes what greedy decoding writes: of {len(few)} models", len(few), alone
        ),
        agree("by-hand", "A 0.6 then 1/3, or B 0.4 then 0.9: width 1 and 2 find p", at_hand, [0.2, 0.36], to=1e-6),
    )


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    one, wide = run.rows[0], run.rows[-1]
    missed = 1 - one["found"] / 100 - 2 * one["found_se"] / 100
    drawn = drawn_words(run.settings.length, run.settings.end)
    beyond = largest(row["beyond"] for row in run.rows)
    return (
        at_least("greedy-misses", "greedy misses the best text: share of models, less two s.e.", MISSES, missed),
        at_least(
            "wider-finds-more",
            f"width {wide['width']} finds it more often: percent of the models, less three s.e.",
            AHEAD,
            wide["ahead"] - 3 * wide["ahead_se"],
        ),
        at_most("none-beyond", "no beam finds more than the best of all texts: log p above it", ROUNDING, beyond),
        at_most(
            "shorter",
            f"with an end token, width {wide['width']} writes fewer words than are drawn: share of {drawn:.3g}",
            SHORTER,
            (wide["words"] + 3 * wide["words_se"]) / drawn,
        ),
        at_least(
            "divided",
            f"... but log p divided by the number of words leads width {wide['width']} to texts that long: words",
            drawn,
            wide["words_mean"],
        ),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    settings = run.settings
    return (
        f"Models of {settings.tokens} words, texts of {settings.length}, scores at random. In how many of 100 models "
        "does greedy decoding find the most probable text?"
    )


def question(run: Run[Settings]) -> Question:
    one, wide = run.rows[0], run.rows[-1]
    explanation = f"Give or take {2 * one['found_se']:.1f}; a beam of {wide['width']} finds it in {wide['found']:.3g}."
    return Question(prompt(run), one["found"], 0.25, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The first width and the last."""
    return (0, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, one, wide = run.settings, run.rows[0], run.rows[-1]
    worst = max(run.rows, key=lambda row: row["worse"])
    behind = (
        f"Beams of {worst['width']} found a less probable text than greedy decoding in {worst['worse']:.2g}% of the "
        "models"
        if worst["worse"]
        else f"In none of these {settings.models} models did a beam do worse than greedy decoding; nothing forbids it"
    )
    return (
        Text(
            f"Greedy decoding finds the most probable text in {one['found']:.3g}% of the models, a beam of "
            f"{wide['width']} in {wide['found']:.3g}%. Where texts may end, that beam's text has {wide['words']:.1f} "
            f"words on average, a drawn one {drawn_words(settings.length, settings.end):.1f}."
        ),
        Text(
            f"{behind}: a beginning that greedy decoding keeps can be pushed out by others that lead nowhere. Only a "
            f"beam of {settings.exact} drops nothing here (Graves 2012, section 2.4)."
        ),
        Text(
            "More probable is not better. Each further word lowers a probability, so the likeliest text of all is "
            f"often the empty one: it costs one end, {settings.end:g}, and a long text costs many words. Stahlberg and "
            "Byrne 2019 found the same in trained translation models; narrow beams hide it."
        ),
        Text(
            f"Divided by its number of words (Wu et al. 2016, section 7, divide by a power of it), the score leads the "
            f"beam of {wide['width']} to {wide['words_mean']:.1f} words on average."
        ),
        Text(
            f"n = {settings.models} random models for every width, the same ones. Scores scatter by "
            f"{settings.spread:g}: the sharper a model is, the more often greedy decoding is right."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, settings = run.rows, run.settings
    widths, one, wide = [row["width"] for row in rows], rows[0], rows[-1]

    def points(label: str, key: str) -> Series:
        return Series(label, widths, [row[key] for row in rows], [row[f"{key}_se"] for row in rows])

    drawn = drawn_words(settings.length, settings.end)
    return (
        Plot(
            f"The best of {settings.tokens**settings.length:,} texts: found by greedy decoding in {one['found']:.3g}% "
            f"of the models, by a beam of {wide['width']} in {wide['found']:.3g}%",
            "texts that the beam keeps",
            "models in which the best text is found (%)",
            (points("beam search", "found"),),
            log_x=True,
        ),
        Plot(
            f"With an end token the beam of {wide['width']} writes {wide['words']:.1f} words, where a drawn text has "
            f"{drawn:.1f}",
            "texts that the beam keeps",
            "words of the text found",
            (
                points("by probability", "words"),
                points("divided by length", "words_mean"),
                Series("a drawn text", widths, [drawn] * len(widths), kind="line"),
            ),
            log_x=True,
        ),
    )
