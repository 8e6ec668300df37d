"""The reader's sentence as words, for the topics that need no trained model and so no vocabulary."""

from __future__ import annotations

from tfx.errors import BadInput

LONGEST = 64
_EXAMPLE = "Give one sentence: --text 'the cat sat on the mat'"


def read_words(text: str | None, default: str, at_least: int = 2) -> tuple[str, ...]:
    """The words of `text`, lower-cased and without punctuation at their ends; of `default` when text is None.

    Raises BadInput when there are fewer than `at_least` or more than 64 words.
    """
    pieces = (default if text is None else text).split()
    if len(pieces) > LONGEST:
        raise BadInput(f"the text has {len(pieces):,} words; this lesson shows at most {LONGEST}.", _EXAMPLE)
    words = tuple(word for word in map(_clean, pieces) if word)
    if len(words) < at_least:
        raise BadInput(
            f"the text has {len(words)} word{'s' * (len(words) != 1)}; this lesson needs at least {at_least}.", _EXAMPLE
        )
    return words


def labels(words: tuple[str, ...], widest: int = 10) -> tuple[str, ...]:
    """The words cut to `widest` characters, so that they fit above a column."""
    return tuple(word if len(word) <= widest else word[: widest - 2] + ".." for word in words)


def _clean(word: str) -> str:
    printable = "".join(character for character in word.lower() if character.isprintable())
    return printable.strip(".,;:!?\"'()[]{}")
