"""Words that give an option away, and the words of a text that carry its meaning."""

from __future__ import annotations

import re

#: Writers qualify what they know to be true ...
CAREFUL = re.compile(
    r"\b(may|might|can|could|usually|often|about|nearly|almost|some|sometimes|mostly|likely|typically|tends?|"
    r"need not|in general|not necessarily|roughly|more or less)\b",
    re.IGNORECASE,
)
#: ... and exaggerate what they know to be false.
ABSOLUTE = re.compile(
    r"\b(always|never|only|all|every|none|nothing|must|cannot|exactly|whole|certainly|impossible|any|no)\b",
    re.IGNORECASE,
)
#: An option that argues: `No: every blocked weight is 0`, `Near zero, because ...`.
REASON = re.compile(r":\s|;|\b(because|since|so that|as it|as they)\b|, (so|as|which|and that)\b", re.IGNORECASE)
POLARITY = re.compile(r"^(yes|no|nothing|everything|neither|both)\b", re.IGNORECASE)

_DULL = frozenset(
    re.findall(
        r"\w+",
        "a an the of to and or in on at by with for from is are be it its this that these those as not which what one "
        "each than when where how does do has have many much there their they them into no yes after before",
    )
)


def telling_words(text: str) -> set[str]:
    """Words and symbols without articles and the like, in lower case and without a plural s."""
    words = re.findall(r"[a-z_]+|\d+", text.lower())
    return {word.rstrip("s") if len(word) > 3 else word for word in words if word not in _DULL}


def plain(text: str) -> str:
    """What is left of a text when case, punctuation and articles do not count."""
    return " ".join(word for word in re.findall(r"[\w^*+/=()-]+", text.lower()) if word not in ("a", "an", "the"))
