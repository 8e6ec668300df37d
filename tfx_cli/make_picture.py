"""`make picture`: draws a real screen of tfx as SVG, for the README.  A tool for whoever changes what is on it.

python -m tfx_cli.make_picture PATH.svg explain intuition --step 1      what that command shows at 80x24, in colour

The command runs in a terminal of its own, so what is drawn is what a reader sees.  POSIX only.
"""

from __future__ import annotations

import os
import sys
from io import StringIO
from pathlib import Path

COLUMNS, LINES = 80, 24
#: the colours of a terminal that nobody has configured
ENVIRONMENT = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": str(COLUMNS), "LINES": str(LINES)}


def main(arguments: list[str] | None = None) -> int:
    path, *command = sys.argv[1:] if arguments is None else arguments
    Path(path).write_text(picture_of(" ".join(["tfx", *command]), screen_of(command)), encoding="utf-8")
    return 0


def screen_of(command: list[str]) -> str:
    """What `tfx ...` writes to a terminal of 80x24, escape sequences included.  Raises OSError when it fails."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(ENVIRONMENT)
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [sys.executable, "-m", "tfx_cli", *command])
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        written += part
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(f"tfx {' '.join(command)} ended with exit code {code}: {written.decode('utf-8', 'replace')}")
    return written.decode("utf-8").replace("\r\n", "\n")


def picture_of(title: str, screen: str) -> str:
    """An SVG of the screen that names no font of another place."""
    import re

    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(screen.strip("\n")), soft_wrap=True)
    svg = console.export_svg(title=title, unique_id="tfx")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines() if line.strip())


if __name__ == "__main__":
    sys.exit(main())
