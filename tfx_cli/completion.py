"""`--show-completion [SHELL]` and `--install-completion [SHELL]`, and the answer to a shell that asks for candidates.

Typer has the scripts; this reads the name of the shell, and adds to the reader's own start-up files instead of writing
them anew.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path

from tfx.errors import BadInput
from tfx_cli.command_table import COMMANDS
from tfx_cli.render.files import cannot_write, write_whole
from tfx_cli.terminal.lines import show_line

SHOW, INSTALL = "--show-completion", "--install-completion"
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
#: cells that no description takes: Typer lets Rich wrap them, and a line is a candidate
WIDE = "100000"


def asked_for(arguments: Sequence[str]) -> tuple[str, str | None] | None:
    """(option, shell or None) when the line asks for a script before it names a command, else None."""
    for index, word in enumerate(arguments):
        if word in COMMANDS:
            return None
        option, equals, value = word.partition("=")
        if option in (SHOW, INSTALL):
            following = arguments[index + 1 : index + 2]
            return option, value if equals else following[0] if following and following[0][:1] != "-" else None
    return None


def answer(option: str, shell: str | None, program: str) -> int:
    """Shows or installs the script.  Raises BadInput for a shell that cannot complete here."""
    name = shell_of(shell)
    if option == SHOW:
        show_line(script(name, program))
        return 0
    place = install(name, program)
    show_line(f"{name} completion installed in {place}")
    show_line("It begins with the next shell that you start.")
    return 0


def shell_of(asked: str | None) -> str:
    """The shell by name; without one, that from which tfx was started."""
    known = ", ".join(SHELLS[:-1])
    name = asked.lower() if asked is not None else running_shell()
    if name in SHELLS:
        return name
    what = f'no completion is known for "{name}".' if name else "the shell in use is not known."
    raise BadInput(what, f"Known: {known}. For example: tfx {SHOW} bash")


def running_shell() -> str:
    """The parent's name where it can be found out, else that of SHELL."""
    try:
        return str(importlib.import_module("shellingham").detect_shell()[0])  # comes with Typer
    except (ImportError, OSError, RuntimeError):
        return Path(os.environ.get("SHELL", "")).name


def script(shell: str, program: str) -> str:
    from typer._completion_shared import get_completion_script

    return get_completion_script(prog_name=program, complete_var=variable(program), shell=shell)


def variable(program: str) -> str:
    """In which a shell says what it wants: `_TFX_COMPLETE`."""
    return f"_{program.replace('-', '_').upper()}_COMPLETE"


def install(shell: str, program: str) -> Path:
    """Writes the script where the shell looks, and a line into its start-up file if it needs one."""
    home = Path.home()
    if shell in ("powershell", "pwsh"):
        from typer._completion_shared import install_powershell

        return install_powershell(prog_name=program, complete_var=variable(program), shell=shell)
    place, start_up, line = {
        "bash": (home / ".bash_completions" / f"{program}.sh", home / ".bashrc", "source '{}'"),
        "zsh": (home / ".zfunc" / f"_{program}", home / ".zshrc", "fpath+=~/.zfunc; autoload -Uz compinit; compinit"),
        "fish": (home / ".config" / "fish" / "completions" / f"{program}.fish", None, ""),
    }[shell]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, (script(shell, program) + "\n").encode("utf-8"))
        if start_up is not None:
            add_line(start_up, line.format(place))
    except OSError as error:
        raise cannot_write(start_up or place, error) from None
    return place


def add_line(path: Path, line: str) -> None:
    """Appends a line that is not there yet; what stands there is not touched."""
    there = path.read_bytes() if path.exists() else b""
    if line.encode() in there.splitlines():
        return
    with path.open("ab") as file:
        file.write((b"" if there.endswith(b"\n") or not there else b"\n") + line.encode() + b"\n")


def is_request(program: str) -> bool:
    """Whether a shell asks for candidates, which then come one a line."""
    if not os.environ.get(variable(program)):
        return False
    os.environ["COLUMNS"] = WIDE
    return True


def unreadable_request(program: str) -> BadInput:
    return BadInput(
        f"{variable(program)} is set, but what stands beside it is no request of a shell.",
        f"Write the shell's script again: {program} {SHOW} bash",
    )
