"""The entry point: `tfx`, `tfx-learn`, `python -m tfx_cli` and `python -m tfx`.

It answers `--version` before Typer is imported, refuses to run on another distribution's `tfx` package, and turns
every way of ending into the exit code of the command contract (see tfx_cli.errors).
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing it from typing would double the time of `tfx --version`
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

STRANGER = """tfx: another distribution owns the import name "tfx" here (TensorFlow Extended uses it too).
     Install tfx-learn in an environment of its own: python -m venv learn, then learn/bin/pip install its wheel
"""

NOWHERE = """tfx: standard output is closed, so there is nowhere to show the result; nothing was done.
     Send it to a file: tfx ... > FILE
"""

NO_DOCSTRINGS = """tfx: this Python leaves out docstrings (-OO or PYTHONOPTIMIZE=2), and tfx shows and reads them.
     Run it without: unset PYTHONOPTIMIZE
"""


def our_tfx() -> Any:
    """The `tfx` package when it is ours, else None: TensorFlow Extended installs a package of the same name."""
    try:
        import tfx
    except ImportError:
        return None
    return tfx if getattr(tfx, "__tfx_learn__", False) else None


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; nothing is raised and no traceback is shown without --debug."""
    from tfx_cli.terminal.streams import hold_remarks, occupy_closed_streams

    occupy_closed_streams()
    before = hold_remarks()
    try:
        return exit_code(list(sys.argv[1:] if argv is None else argv))
    finally:
        sys.stderr = before


def exit_code(arguments: list[str]) -> int:
    """The exit code of a command line; `--version` imports nothing."""
    problem: OSError | None = None
    tfx = our_tfx()
    if tfx is None:
        sys.stderr.write(STRANGER)
        return 3
    if sys.stdout is None:
        sys.stderr.write(NOWHERE)
        return 3
    if arguments[:1] in (["--version"], ["-V"]):
        try:
            sys.stdout.write(f"tfx {tfx.__version__}\n")
            sys.stdout.flush()
            return 0
        except OSError as error:
            problem = error
    if sys.flags.optimize > 1:
        sys.stderr.write(NO_DOCSTRINGS)
        return 3
    from tfx_cli.errors import exit_code_of
    from tfx_cli.terminal.interrupt import ended_as_by_ctrl_c

    def work() -> int:
        if problem is not None:
            raise problem
        with ended_as_by_ctrl_c():
            return run(arguments)

    debug = "--debug" in arguments or bool(os.environ.get("TFX_DEBUG"))
    return exit_code_of(work, debug, arguments)


def run(arguments: list[str]) -> int:
    """Parses and runs; raises whatever went wrong."""
    from tfx_cli.app import root_command
    from tfx_cli.terminal.console import choose_color, never_fail_on_a_character

    choose_color("auto")
    never_fail_on_a_character()
    program = "tfx-learn" if os.path.basename(sys.argv[0]) == "tfx-learn" else "tfx"
    if any("-completion" in word for word in arguments) or os.environ.get(
        f"_{program.upper().replace('-', '_')}_COMPLETE"
    ):
        from tfx_cli import completion

        wanted = completion.asked_for(arguments)
        if wanted:
            return completion.answer(*wanted, program)
        if completion.is_request(program):
            try:
                return int(root_command().main(arguments, prog_name=program, standalone_mode=False) or 0)
            except (LookupError, ValueError):
                raise completion.unreadable_request(program) from None
    code = root_command().main(arguments, prog_name=program, standalone_mode=False)
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
