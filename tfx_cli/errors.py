"""Turns every way of ending into an exit code and at most one sentence on stderr.

0 done; 1 ran, and the answer is no; 2 usage or bad input; 3 the environment or our bug; 130 Ctrl-C,
or asked to end (SIGTERM, SIGHUP);
141 when the reader of our output closed the pipe (128 + SIGPIPE, as for any Unix tool).
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Sequence

from tfx.errors import TfxError, UnknownName
from tfx_cli.terminal.lines import say

INTERRUPTED = 130
CLOSED_PIPE = 141
#: what takes less memory, where a command has sizes
SMALLER = {
    "explain": "Try smaller sizes: --set key=value",
    "experiment": "Try smaller sizes: --quick, or --set key=value",
    "bench": "Try smaller sizes: --quick, or --set key=value",
}


def exit_code_of(run: Callable[[], int], debug: bool = False, arguments: Sequence[str] = ()) -> int:
    """Runs and returns the exit code.  With debug an unexpected exception is raised as it is, traceback and all.

    arguments: what was typed after `tfx`, for the message about a word too many.
    """
    code = ending_of(run, debug, arguments)
    shown = ending_of(show_the_rest, debug)  # a full disk or a closed pipe must show here, not at interpreter exit
    return shown or code


def ending_of(run: Callable[[], int], debug: bool, arguments: Sequence[str] = ()) -> int:
    """Runs and returns the exit code of however it ends."""
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
        return explain_failure(error, arguments)


def show_the_rest() -> int:
    """Writes what is still on its way to stdout."""
    try:
        sys.stdout.flush()
    except OSError:
        forget_output()
        raise
    return 0


def explain_failure(error: Exception, arguments: Sequence[str] = ()) -> int:
    """One sentence, one next step, and the exit code."""
    if isinstance(error, UnknownName):
        from tfx_cli.usage import quotes_left_out
        from tfx_cli.words import other_places

        left_out = None if error.guess or not arguments else quotes_left_out(f"tfx {arguments[0]}", arguments)
        say(*left_out or other_places(error))
        return error.exit_code
    if isinstance(error, TfxError):
        say(error.message, error.hint)
        return error.exit_code
    if hasattr(error, "format_message"):  # Typer's usage errors; their class is private
        from tfx_cli.usage import explained

        say(*explained(error, arguments))
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
    if isinstance(error, UnicodeEncodeError):  # half a character, which no name of a file has
        say("a word on the command line holds half a character.", "Type it again.")
        return 2
    if isinstance(error, SyntaxError):  # a file of ours is imported and is no Python
        say(f"a file of tfx is damaged: {error.filename}, line {error.lineno}: {error.msg}.", "See all: tfx doctor")
        return 3
    if isinstance(error, MemoryError):
        say("there is not enough memory for this.", SMALLER.get("".join(arguments[:1]), "Close other programs first."))
        return 3
    what = " ".join(str(error).split())
    say(
        f"this should not happen: {type(error).__name__}: {what}", "Run it again with --debug and report what it shows."
    )
    return 3


def forget_output() -> None:
    """Points stdout at nothing, so that the interpreter's last flush cannot fail again."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout has no file behind it (a test, an embedding): nothing will be flushed
        return
