"""Errors that a reader can act on: what happened, why, and the exact next thing to type."""

from __future__ import annotations

from collections.abc import Iterable


class TfxError(Exception):
    """Shown as one sentence plus a next step; never as a traceback.

    `message` says what happened and why; `hint` is the next command or action.  `exit_code` follows the command
    contract: 1 the answer is no, 2 bad input, 3 environment or our bug.
    """

    exit_code = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(TfxError):
    """What the reader typed or gave cannot be used."""

    exit_code = 2


class EnvironmentProblem(TfxError):
    """The machine stands in the way: an unwritable folder, a missing extra, a full disk."""

    exit_code = 3


class UnknownName(BadInput):
    """No `kind` is called `name`.  guess: the nearest of the names there are, or empty."""

    def __init__(self, kind: str, name: str, guess: str, see_all: str) -> None:
        suggestion = f' Did you mean "{guess}"?' if guess else ""
        super().__init__(f'no {kind} is called "{name}".{suggestion}', f"See all: {see_all}")
        self.kind = kind
        self.name = name
        self.guess = guess


def unknown_name(kind: str, name: str, known: Iterable[str], see_all: str) -> UnknownName:
    """`no experiment is called "scalling". Did you mean "scaling"?` with the command that lists them all."""
    return UnknownName(kind, name, nearest(name, known), see_all)


def many(count: int, noun: str) -> str:
    """`1 word`, `2 words`, `10,000 words`."""
    return f"{count:,} {noun}" + "s" * (count != 1)


def nearest(name: str, known: Iterable[str]) -> str:
    """The name that was probably meant, or an empty string.

    Capitals, blanks and signs do not count; digits are never a slip (gpt2 is not GPT-J).  Short words must have the
    same letters but for one that is left out, doubled or exchanged with its neighbour (rlhf is not ReLU) and begin
    alike (xlstm is not LSTM); long ones may have a wrong letter.  The beginning of a name will do as well, and a name
    with an ending (sorted).
    """
    typed = plain(name)
    best, guess = 1 + _slips_allowed(typed), ""
    beginning = ""
    for candidate in known:
        written = plain(candidate)
        longer = len(written) >= 4 and typed.startswith(written) and len(typed) <= len(written) + 3
        same_digits = _digits(written) == _digits(typed)
        begins = (len(typed) >= 3 and written.startswith(typed)) or (longer and same_digits)
        if begins and (not beginning or len(candidate) < len(beginning)):
            beginning = candidate
        if abs(len(written) - len(typed)) >= best or not same_digits:
            continue
        if len(typed) < 6 and sorted(typed[:2]) != sorted(written[:2]) and typed[0] != written[:1]:
            continue
        slips = _slips(typed, written, wrong_letter=1 if len(typed) >= 6 else 2)
        if slips < best:
            best, guess = slips, candidate
    return guess or beginning


def plain(name: str) -> str:
    """Letters and digits alone, in lower case."""
    return "".join(character for character in name.lower() if character.isalnum())


def _slips_allowed(typed: str) -> int:
    return 0 if len(typed) < 3 else 1 if len(typed) < 8 else 2 if len(typed) < 12 else 3


def _digits(text: str) -> list[str]:
    return [character for character in text if character.isdigit()]


def _slips(a: str, b: str, wrong_letter: int) -> int:
    """Letters left out, added or exchanged with their neighbours, 1 each, and wrong ones (Damerau 1964)."""
    before: list[int] = []
    last, row = before, list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, last, row = last, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + wrong_letter * (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
    return row[-1]
