"""Usage errors in plain words: what the parser of the command line refused, and the exact command instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tfx_cli.words import words_called

#: Options whose value is a sentence, which a shell cuts at its blanks unless it is quoted.
SENTENCES = ("--text", "--prompt")
EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)")


def explained(problem: Any, arguments: Sequence[str]) -> tuple[str, str]:
    """(message, hint) of an error of the parser, for the words that were typed after `tfx`."""
    context = getattr(problem, "ctx", None)
    command = context.command_path if context else "tfx"
    message = problem.format_message()
    extra = EXTRA.match(message)
    if extra is None:
        return in_plain_words(message), f"Help: {command} -h"
    return quotes_left_out(command, arguments) or too_many_words(command, extra[1], arguments)


def quotes_left_out(command: str, arguments: Sequence[str]) -> tuple[str, str] | None:
    """What to say when a sentence was typed without quotes; None when there is none."""
    for option in SENTENCES:
        if option not in arguments:
            continue
        start = arguments.index(option) + 1
        end = next((i for i in range(start, len(arguments)) if arguments[i].startswith("-")), len(arguments))
        if end - start > 1:
            sentence = '"' + " ".join(arguments[start:end]).replace('"', '\\"') + '"'
            words = [*arguments[1:start], sentence, *arguments[end:]]
            if command == "tfx explain" and arguments[1:2] == [option]:
                words.insert(0, "attention")
            return f"{option} takes one text, so a sentence needs quotes.", f"Try: {' '.join([command, *words])}"
    return None


def too_many_words(command: str, extra: str, arguments: Sequence[str]) -> tuple[str, str]:
    """What to say of words behind the last that is read; two words may be one name (`rms norm`)."""
    typed = [word for word in arguments[1:] if not word.startswith("-")]
    for word in words_called(" ".join(typed)):
        if word.command.startswith(command + " "):
            return f'"{" ".join(typed)}" is one name here: {word.name}.', f"Try: {word.command}"
    return f'"{command}" has no use for the last of these words: {extra}.', f"Help: {command} -h"


def in_plain_words(message: str) -> str:
    """A usage error on one line, without the parser's names for types."""
    message = re.sub(r"Choose from:(.+)", lambda found: f"Give one: {' '.join(found[1].split())}", message, flags=re.S)
    for theirs, ours in (("a valid int range", "a whole number"), ("a valid int", "a whole number")):
        message = message.replace(theirs, ours)
    return message
