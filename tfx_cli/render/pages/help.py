"""What `tfx -h` shows."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = "tfx  Transformers, explained by measurement"
TAIL = """\
examples
  tfx                       where you are, and what is next
  tfx explain attention --text "the cat sat"
  tfx experiment scaling    why divide by sqrt(d_k)?

tfx --version, --install-completion, --show-completion [SHELL] (for TAB)
every command  -h, --help, --json, --plain, --color auto|always|never, --debug
exit codes  0 done   1 ran, and the answer is no   2 usage or bad input
            3 environment or our bug   130 Ctrl-C"""


def help_page(commands: Mapping[str, str]) -> str:
    """Every command with its line of help, examples, options and exit codes, above a prompt on 24 lines."""
    lines = [HEAD, "usage: tfx COMMAND [OPTIONS]", ""]
    lines += [f"  {name:<12} {about}" for name, about in commands.items()]
    return "\n".join([*lines, "", TAIL]) + "\n"
