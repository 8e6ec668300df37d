"""The letters of formulas: which of them the page of notation explains for a topic, and which are on no line."""

from __future__ import annotations

import re

from lessons.attention.notation.letters import BORROWED, ELSEWHERE, EVERYWHERE, SIZES, Sign
from lessons.course import Topic, find_topic

AXES = tuple(sign.letter for sign in SIZES)
NOTATION = "notation"

#: A name in a formula: letters, then indices.  `h_{t-1}` is h with an index.
NAME = re.compile(r"(?<![A-Za-z])[A-Za-z]+(?:_(?:[A-Za-z0-9]+|\{[^}]*\}))?")
#: words of two letters or one, and what is no letter at all
WORDS = set(re.findall(r"\w+", "i j t d py is of so to no or in as by it at up if be on ln LN ff pi"))
#: letters that are written as words
GREEK = set(re.findall(r"\w+", "gamma beta psi eps xhat tau theta alpha sigma mu"))
#: `a` before a word and a blank: no letter, an article
ARTICLE = re.compile(r"(?<![A-Za-z])a (?=[a-z]{3})")
INDEX = re.compile(r"[ijkthsbconTDHS0-9]+|target|\{t[+-]1\}")


def topics_of(sign: Sign) -> tuple[Topic, ...]:
    return tuple(find_topic(name) for name in (sign.topic, *sign.also))


def letters_for(topic: Topic) -> set[str]:
    """What means the same everywhere, and what this topic borrows; in the module of the page all that is borrowed."""
    at_home = topic.module == find_topic(NOTATION).module
    lines = [sign for sign in BORROWED if topic in topics_of(sign) or (at_home and sign in ELSEWHERE)]
    return {name for sign in (*EVERYWHERE, *lines) for name in NAME.findall(sign.letter)} | {"T", "S"}


def unknown(text: str, topic: Topic) -> list[str]:
    """Names in a formula that are neither on a line of the page, nor an index of what is, nor words."""
    page, found = letters_for(topic), []
    bases = page | {name.partition("_")[0] for name in page if len(name.partition("_")[0]) > 2}
    for name in NAME.findall(ARTICLE.sub("", text)):
        base, _, index = name.partition("_")
        on_page = {name, name.removeprefix("d")} & page
        indexed = {base, base.removeprefix("d")} & bases and (not index or INDEX.fullmatch(index))
        word = (not index and (len(name) > 2 or name in WORDS)) or min(len(base), len(index)) > 2
        word = word and base.removeprefix("d") not in GREEK
        if not (on_page or indexed or word):
            found.append(name)
    return found


def second_meanings(text: str, shapes: str) -> list[str]:
    """Where a letter of an axis is the result of something, or a shape is made of something else than axes."""
    axes = "|".join(sorted(AXES, key=len, reverse=True))
    found = re.findall(rf"(?:^|\s\s|\bso\s+)(?:{axes})(?:\^T|_\w+|\[[^]]*\])?\s*=(?!=)", text)
    for inside in re.findall(r"\(([^()]*,[^()]*|[A-Z][a-z]?)\)", shapes):
        for axis in re.split(r"[,*\s]+", inside):
            if axis and not re.fullmatch(rf"{axes}|d_a|F|N|n|\.\.\.|\d+|[a-z]{{4,}}", axis):
                found.append(f"({inside})")
    return found
