"""Finds systems by what people type: a name, an alias, words of one, or their beginnings; never across two words.

Capitals, blanks, hyphens and dots do not count, and British and American spellings are one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from tfx.errors import unknown_name
from tfx.systems.index import System, names_of, systems

#: said around a name, when nothing is called so: `llama model`, `the transformer`
FILLING = {"the", "a", "an", "of", "in", "and", "for", "what", "is", "model", "models", "method", "algorithm", "s"}


def find_systems(name: str) -> tuple[System, ...]:
    """The system of that name or alias; or all of the group of that name; or those with all these words in one of
    their names; or with words that begin so; or all of a group with these words in its name.

    Raises BadInput when there is none, with a name that is near in letters if there is one.
    """
    typed = name.lower().split()
    for words in (typed, [word for word in re.findall(r"\w+", name.lower()) if word not in FILLING]):
        found = (
            _called(" ".join(words))
            or _holding(words, lambda word, there: word in there)
            or _holding(words, _begins)
            or _holding(words, lambda word, there: word in there, lambda system: (system.group,))
        )
        if found:
            return found
    raise unknown_name("system", name, [there for system in systems() for there in names_of(system)], "tfx systems")


def _called(name: str) -> tuple[System, ...]:
    """The system of that name or alias, or else the group."""
    wanted = spelling(name)
    if not wanted:
        return ()
    exact = tuple(system for system in systems() if wanted in map(spelling, names_of(system)))
    return exact or tuple(system for system in systems() if spelling(system.group) == wanted)


def spelling(text: str) -> str:
    """Letters and digits, with one spelling for `normalise` and `normalize`, `modelling` and `modeling`."""
    letters = "".join(character for character in text.lower() if character.isalnum())
    return re.sub(r"ll(?=ing|ed|er)", "l", re.sub(r"([iy])s(?=[aei])", r"\1z", letters.replace("our", "or")))


def _holding(
    typed: Iterable[str],
    has: Callable[[str, frozenset[str]], bool],
    names: Callable[[System], Iterable[str]] = names_of,
) -> tuple[System, ...]:
    """Those with one name that has every typed word, hyphens left out or read as blanks."""
    joined = [_singular(spelling(word)) for word in typed]
    apart = [_singular(spelling(part)) for word in typed for part in re.split(r"[^\w]+", word)]
    wanted = [words for words in (list(filter(None, joined)), list(filter(None, apart))) if words]
    return tuple(
        system
        for system in systems()
        if any(all(has(word, _words(there)) for word in words) for there in names(system) for words in wanted)
    )


def _begins(word: str, there: frozenset[str]) -> bool:
    return len(word) > 2 and any(other.startswith(word) for other in there)


@cache
def _words(name: str) -> frozenset[str]:
    """The words of a name; one with a hyphen as a whole and in its parts."""
    whole = re.split(r"[\s/,()&+]+", name)
    parts = (part for word in whole for part in re.split(r"[^\w]+", word))
    return frozenset(_singular(spelling(word)) for word in (*whole, *parts) if spelling(word))


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
