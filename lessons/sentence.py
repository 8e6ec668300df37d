"""The reader's sentence as words: reading it where a topic has no model, and saying what a word looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfx.errors import BadInput

LONGEST = 64


def read_words(text: str | None, default: str, at_least: int = 2, setting: str = "") -> tuple[str, ...]:
    """The words of `text`, lower-cased and without punctuation at their ends; of `default` when text is None.

    setting: which one the text comes from, --text unless told.
    Raises BadInput when there are fewer than `at_least` or more than 64 words.
    """
    pieces = (default if text is None else text).split()
    what = setting or "the text"
    example = (
        f"For example: --set {setting}='{default}'" if setting else "Give one sentence: --text 'the cat sat on the mat'"
    )
    if len(pieces) > LONGEST:
        raise BadInput(f"{what} has {len(pieces):,} words; this lesson shows at most {LONGEST}.", example)
    words = tuple(word for word in map(_clean, pieces) if word)
    if len(words) < at_least:
        raise BadInput(
            f"{what} has {len(words)} word{'s' * (len(words) != 1)}; this lesson needs at least {at_least}.", example
        )
    return words


def labels(words: tuple[str, ...], widest: int = 10) -> tuple[str, ...]:
    """The words cut to `widest` characters, so that they fit above a column."""
    return tuple(word if len(word) <= widest else word[: widest - 2] + ".." for word in words)


def looks_at(
    word: str, words: Sequence[str], shares: Sequence[float] | np.ndarray, most: int = 3, piece: str = ""
) -> str:
    """`"it" looks at: animal 0.93, street 0.01, because 0.01, 9 others 0.05`: what a row of weights says, in words.

    words: the keys that it may see; shares: (len(words),), which sum to 1: for a word of several pieces their sum.  At
    most `most` are named, the largest first, equal ones in the order of the sentence; none that rounds to 0.00, but
    always one.  What is written sums to 1.00: the others get what the named ones leave, and only where that would be wrong by a
    hundredth are the named ones rounded the other way.  A word that stands there more than once is numbered.  piece: of
    the word, where it is one piece that looks.
    """
    shares, who = np.asarray(shares, dtype=float), f'"{word}"' + f" (piece {piece})" * bool(piece)
    if len(words) > 1 and np.ptp(shares) < 1e-9:
        return f"{who} looks at: all {len(words)} words alike, 1/{len(words)} each"
    order = np.argsort(-shares, kind="stable")
    named = [int(i) for i in order[:most] if shares[i] >= 0.005] or [int(order[0])]
    others = len(words) - len(named)
    parts = [float(shares[i]) for i in named] + ([max(1 - float(shares[named].sum()), 0.0)] if others else [])
    said = [
        f"{_told_apart(i, words)} {hundredth / 100:.2f}" for i, hundredth in zip(named, hundredths(parts), strict=False)
    ]
    if others:
        said.append(f"{others} other{'s' * (others > 1)} {hundredths(parts)[-1] / 100:.2f}")
    return f"{who} looks at: {', '.join(said)}"


def hundredths(shares: Sequence[float]) -> list[int]:
    """Shares that sum to 1 -> whole hundredths that sum to 100, each less than one away from the truth.

    Rounded as usual but for the last, which gets what is left; where it would then be a whole one off, the largest
    remainders are rounded up instead.
    """
    exact = [100 * share for share in shares]
    usual = [round(x) for x in exact[:-1]]
    usual.append(100 - sum(usual))
    if abs(usual[-1] - exact[-1]) < 1 and usual[-1] >= 0:
        return usual
    down = [int(x + 1e-9) for x in exact]
    by_remainder = sorted(range(len(exact)), key=lambda i: down[i] - exact[i])
    for i in by_remainder[: 100 - sum(down)]:
        down[i] += 1
    return down


def _told_apart(index: int, words: Sequence[str]) -> str:
    """The word, with its number in the sentence where it stands more than once; a mark is quoted."""
    word, alike = words[index], [each.lower() for each in words]
    word = word if word[:1].isalnum() else f'"{word}"'
    return f"{word} (word {index + 1})" if alike.count(words[index].lower()) > 1 else word


def _clean(word: str) -> str:
    printable = "".join(character for character in word.lower() if character.isprintable())
    return printable.strip(".,;:!?\"'()[]{}")
