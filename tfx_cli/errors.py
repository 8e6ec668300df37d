"""Turns every way of ending into an exit code and at most one sentence on stderr.

0 done; 1 ran, and the answer is no; 2 usage or bad input; 3 the environment or our bug; 130 Ctrl-C;
141 when the reader of our output closed the pipe (128 + SIGPIPE, as for any Unix tool).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from tfx.errors import TfxError

INTERRUPTED = 130
CLOSED_PIPE = 141


def exit_code_of(run: Callable[[], int], debug: bool = False) -> int:
    """Runs and returns the exit code.  With debug an unexpected exception is raised as it is, traceback and all."""
    try:
        return run()
    except SystemExit as error:  # Typer's completion and help
        if isinstance(error.__context__, BrokenPipeError):  # Typer ends with 1, which here means: the answer is no
            forget_output()
            return CLOSED_PIPE
        return error.code if isinstance(error.code, int) else 0 if error.code is None else 3
    except KeyboardInterrupt:
        say("stopped.", "")
        return INTERRUPTED
    except BrokenPipeError:
        forget_output()
        return CLOSED_PIPE
    except Exception as error:
        if debug:
            raise
        return explain_failure(error)


def explain_failure(error: Exception) -> int:
    """One sentence, one next step, and the exit code."""
    if isinstance(error, TfxError):
        say(error.message, error.hint)
        return error.exit_code
    if hasattr(error, "format_message"):  # Typer's usage errors; their class is private
        context = getattr(error, "ctx", None)
        say(in_plain_words(error.format_message()), f"Help: {context.command_path if context else 'tfx'} -h")
        return getattr(error, "exit_code", 2)
    if type(error).__name__ == "Abort":  # end of input at a prompt
        say("the input ended before the answer.", "Run it in a terminal, or give the answers with a flag: tfx -h")
        return 2
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        forget_output()
        say("the disk is full, so the output was not written completely.", "Free some space, then run it again.")
        return 3
    if isinstance(error, OSError):
        name = f" ({error.filename})" if error.filename else ""
        say(f"the system refused: {error.strerror or error}{name}.", "Check the path and its permissions.")
        return 3
    if isinstance(error, MemoryError):
        say("there is not enough memory for this.", "Try smaller sizes: --quick, or --set key=value")
        return 3
    what = " ".join(str(error).split())
    say(
        f"this should not happen: {type(error).__name__}: {what}", "Run it again with --debug and report what it shows."
    )
    return 3


def in_plain_words(message: str) -> str:
    """A usage error without the parser's names for types."""
    for theirs, ours in (("a valid int range", "a whole number"), ("a valid int", "a whole number")):
        message = message.replace(theirs, ours)
    return message


def say(message: str, hint: str) -> None:
    """`tfx: message`, and the hint aligned under it, on stderr."""
    sys.stderr.write(f"tfx: {message}\n" + (f"     {hint}\n" if hint else ""))


def forget_output() -> None:
    """Points stdout at nothing, so that the interpreter's last flush cannot fail again."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout has no file behind it (a test, an embedding): nothing will be flushed
        return
